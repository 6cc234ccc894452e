// Members of one consumer group in one process, by librdkafka with its defaults: members BOOTSTRAP TOPIC GROUP COUNT
// PARTITIONS. Prints `settled` whenever every member has partitions and every partition a member; each line on standard
// input adds a member; ends without leaving when the input ends.

#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MOST 1000

static rd_kafka_t *members[MOST];
static int owned[MOST];
static int count = 0;

static void rebalanced(rd_kafka_t *member, rd_kafka_resp_err_t event, rd_kafka_topic_partition_list_t *partitions,
                       void *opaque) {
    int has = event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    rd_kafka_assign(member, has ? partitions : NULL);
    *(int *)opaque = has ? partitions->cnt : 0;
}

static void join(const char *bootstrap, const char *topic, const char *group) {
    char error[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *pairs[][2] = {{"bootstrap.servers", bootstrap}, {"group.id", group}};
    for (int i = 0; i < 2; i++) {
        if (rd_kafka_conf_set(conf, pairs[i][0], pairs[i][1], error, sizeof error) != RD_KAFKA_CONF_OK) {
            fprintf(stderr, "%s\n", error);
            exit(1);
        }
    }
    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    rd_kafka_conf_set_opaque(conf, &owned[count]);
    rd_kafka_t *member = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (!member) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
    rd_kafka_poll_set_consumer(member);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(member, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    members[count++] = member;
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: members BOOTSTRAP TOPIC GROUP COUNT PARTITIONS\n");
        return 2;
    }
    int partitions = atoi(argv[5]), settled = 0;
    for (int i = 0; i < atoi(argv[4]) && i < MOST; i++) join(argv[1], argv[2], argv[3]);
    struct pollfd input = {.fd = 0, .events = POLLIN};
    for (;;) {
        int sum = 0, idle = 0;
        for (int i = 0; i < count; i++) {
            rd_kafka_message_t *message = rd_kafka_consumer_poll(members[i], 0);
            if (message) rd_kafka_message_destroy(message);
            sum += owned[i];
            idle += owned[i] == 0;
        }
        int now = sum == partitions && idle == 0;
        if (now && !settled) {
            printf("settled\n");
            fflush(stdout);
        }
        settled = now;
        if (poll(&input, 1, 5) > 0) {
            char line[16];
            if (read(0, line, sizeof line) <= 0) _exit(0);
            if (count < MOST) join(argv[1], argv[2], argv[3]);
            settled = 0;
        }
    }
}
