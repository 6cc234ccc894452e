// A producer of fixed records for the benchmark: librdkafka, idempotence off, acks=all, as fast as it goes.
//
//   produce BOOTSTRAP TOPIC COUNT SIZE_BYTES [RATE_PER_SECOND]
//
// Prints one JSON object: records, seconds, failed, p50_us, p99_us. A latency is from produce() to its delivery report;
// with a rate, the producer waits between records, so that latency is not the length of its own queue.
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static long acked, failed, sampled;
static uint32_t *samples;

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
  (void)rk;
  (void)opaque;
  if (message->err) failed++;
  else acked++;
  if (message->_private) samples[sampled++] = (uint32_t)(now_us() - (uint64_t)(uintptr_t)message->_private);
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value) {
  char error[256];
  if (rd_kafka_conf_set(conf, key, value, error, sizeof error) != RD_KAFKA_CONF_OK) {
    fprintf(stderr, "%s\n", error);
    exit(2);
  }
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
  if (argc < 5) return fprintf(stderr, "produce BOOTSTRAP TOPIC COUNT SIZE_BYTES [RATE_PER_SECOND]\n"), 2;
  long count = atol(argv[3]), size = atol(argv[4]), rate = argc > 5 ? atol(argv[5]) : 0;
  long every = count > 100000 ? count / 100000 : 1;
  samples = malloc(sizeof *samples * (count / every + 2));
  char *payload = malloc(size), error[256];
  memset(payload, 'x', size);

  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", argv[1]);
  set(conf, "acks", "all");
  set(conf, "linger.ms", rate ? "0" : "5");
  set(conf, "batch.size", "1000000");
  set(conf, "queue.buffering.max.messages", "1000000");
  rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (!rk) return fprintf(stderr, "%s\n", error), 1;
  rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, argv[2], NULL);

  uint64_t begun = now_us();
  for (long i = 0; i < count; i++) {
    if (rate) {
      uint64_t due = begun + (uint64_t)i * 1000000 / rate;
      while (now_us() < due) rd_kafka_poll(rk, now_us() + 1000 < due ? 1 : 0);
    }
    void *stamp = i % every == 0 ? (void *)(uintptr_t)now_us() : NULL;
    while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, payload, size, NULL, 0, stamp) == -1) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        failed++;
        break;
      }
      rd_kafka_poll(rk, 10);
    }
    if (i % 1000 == 0) rd_kafka_poll(rk, 0);
  }
  rd_kafka_flush(rk, 120000);
  double seconds = (now_us() - begun) / 1e6;
  qsort(samples, sampled, sizeof *samples, by_size);
  printf("{\"records\":%ld,\"failed\":%ld,\"seconds\":%.3f,\"p50_us\":%u,\"p99_us\":%u}\n", acked, failed, seconds,
         sampled ? samples[sampled / 2] : 0, sampled ? samples[sampled * 99 / 100] : 0);
  return failed || acked != count;
}
