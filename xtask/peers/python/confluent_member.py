"""One member of a group, by confluent-kafka (librdkafka). See ../README.md."""
import signal
import sys

from confluent_kafka import Consumer

bootstrap, topic, group = sys.argv[1:4]
running = True


def stop(*_):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)
owned = set()


def tell():
    print("assigned", ",".join(str(p) for p in sorted(owned)), flush=True)


def on_assign(consumer, partitions):
    owned.update(p.partition for p in partitions)
    tell()


def on_revoke(consumer, partitions):
    owned.difference_update(p.partition for p in partitions)
    tell()


consumer = Consumer({
    "bootstrap.servers": bootstrap,
    "group.id": group,
    "partition.assignment.strategy": "roundrobin",
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
    "session.timeout.ms": 6000,
    "heartbeat.interval.ms": 500,
})
consumer.subscribe([topic], on_assign=on_assign, on_revoke=on_revoke)
while running:
    message = consumer.poll(0.2)
    if message is None:
        continue
    if message.error():
        print("error", message.error(), file=sys.stderr, flush=True)
        continue
    print("record", message.partition(), message.offset(), message.value().decode(), flush=True)
    consumer.commit(message=message, asynchronous=False)
consumer.close()
print("left", flush=True)
