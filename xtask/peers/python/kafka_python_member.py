"""One member of a group, by kafka-python. See ../README.md."""
import signal
import sys

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

bootstrap, topic, group = sys.argv[1:4]
running = True


def stop(*_):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)


class Tell(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        print("assigned", "", flush=True)

    def on_partitions_assigned(self, assigned):
        print("assigned", ",".join(str(p.partition) for p in sorted(assigned)), flush=True)


consumer = KafkaConsumer(
    bootstrap_servers=bootstrap.split(","),
    group_id=group,
    partition_assignment_strategy=[RoundRobinPartitionAssignor],
    auto_offset_reset="earliest",
    enable_auto_commit=False,
    session_timeout_ms=6000,
    heartbeat_interval_ms=500,
)
consumer.subscribe([topic], listener=Tell())
while running:
    polled = consumer.poll(timeout_ms=200)
    for batch in polled.values():
        for record in batch:
            print("record", record.partition, record.offset, record.value.decode(), flush=True)
    if polled:
        consumer.commit()
consumer.close(autocommit=False)
print("left", flush=True)
