"""confluent-kafka (librdkafka) against a running cluster: what an application does with topics and records.

    python3 native/tests/clients/confluent.py 127.0.0.1:9092

Prints one line a check and ends with 0 when all held. `cargo xtask test native` runs it where it can be installed.
"""

import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

BOOTSTRAP = sys.argv[1]
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
PARTITIONS = 3
WITHIN = 20


def topics():
    admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
    wanted = NewTopic("codecs", num_partitions=PARTITIONS, replication_factor=1, config={"max.message.bytes": "900000"})
    admin.create_topics([wanted])["codecs"].result(WITHIN)
    for topic, factor, code in [("codecs", 1, "TOPIC_ALREADY_EXISTS"), ("a/b", 1, "TOPIC_EXCEPTION"), ("many", 99, "INVALID_REPLICATION_FACTOR")]:
        try:
            admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=factor)])[topic].result(WITHIN)
        except KafkaException as error:
            assert code in error.args[0].name(), error
        else:
            raise AssertionError(f"{topic} was created")
    until = time.time() + WITHIN
    while len(admin.list_topics("codecs", timeout=WITHIN).topics["codecs"].partitions) < PARTITIONS:
        assert time.time() < until, "the topic does not become known"
    described = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, "codecs")])
    configs = next(iter(described.values())).result(WITHIN)
    assert configs["max.message.bytes"].value == "900000", configs["max.message.bytes"]
    cluster = admin.describe_cluster().result(WITHIN)
    assert len(cluster.nodes) >= 1 and cluster.cluster_id, cluster
    return admin


def produce():
    """Idempotent, with keys and headers, in each codec. Gives what must be read, by partition."""
    expected = {}
    for codec in CODECS:
        delivered = []
        producer = Producer({
            "bootstrap.servers": BOOTSTRAP,
            "enable.idempotence": True,
            "compression.type": codec,
            "linger.ms": 5,
            "client.id": f"test-{codec}",
        })
        for n in range(100):
            key, value = f"{codec}-{n % 7}", f"{codec} {n} " + "x" * 200
            headers = [("codec", codec.encode()), ("empty", b""), ("none", None)]
            producer.produce("codecs", value, key, headers=headers, on_delivery=lambda e, m: delivered.append((e, m)))
        assert producer.flush(WITHIN) == 0, f"{codec}: not all was delivered"
        assert len(delivered) == 100 and all(error is None for error, _ in delivered), delivered[:3]
        for _, message in delivered:
            expected[(message.partition(), message.offset())] = (message.key(), message.value())
    assert len(expected) == 100 * len(CODECS), "two records got the same offset"
    return expected


def consumer():
    return Consumer({
        "bootstrap.servers": BOOTSTRAP,
        "group.id": "unused: partitions are assigned by hand",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
    })


def read(partitions, count):
    reader = consumer()
    reader.assign(partitions)
    found, until = [], time.time() + WITHIN
    while len(found) < count and time.time() < until:
        for message in reader.consume(500, timeout=1):
            assert message.error() is None, message.error()
            found.append(message)
    reader.close()
    return found


def consume(expected):
    found = read([TopicPartition("codecs", p, OFFSET_BEGINNING) for p in range(PARTITIONS)], len(expected))
    assert {(m.partition(), m.offset()): (m.key(), m.value()) for m in found} == expected
    assert len(found) == len(expected), "something was read twice"
    for message in found:
        codec = message.key().split(b"-")[0]
        assert message.headers() == [("codec", codec), ("empty", b""), ("none", None)], message.headers()
    by_key = {}
    for message in found:
        by_key.setdefault(message.key(), set()).add(message.partition())
    assert all(len(partitions) == 1 for partitions in by_key.values()), "a key is in two partitions"


def offsets(expected):
    """Ends of the log, and the first record at or after a time."""
    reader = consumer()
    for partition in range(PARTITIONS):
        of_partition = [offset for p, offset in expected if p == partition]
        ends = reader.get_watermark_offsets(TopicPartition("codecs", partition), timeout=WITHIN)
        assert ends == (0, max(of_partition, default=-1) + 1), ends
    producer = Producer({"bootstrap.servers": BOOTSTRAP})
    stamps = [1_700_000_000_000 + 1000 * n for n in range(5)]
    at = []
    for stamp in stamps:
        producer.produce("codecs", "timed", partition=0, timestamp=stamp, on_delivery=lambda e, m: at.append(m.offset()))
        producer.flush(WITHIN)
    # The first record of the log is of now, which is later than all of these: the answer is offset 0.
    [answer] = reader.offsets_for_times([TopicPartition("codecs", 0, stamps[2])], timeout=WITHIN)
    assert answer.offset == 0, answer
    [answer] = reader.offsets_for_times([TopicPartition("codecs", 0, int(time.time() * 1000) + 3_600_000)], timeout=WITHIN)
    assert answer.offset == -1, answer
    reader.close()


def remove(admin):
    admin.delete_topics(["codecs"])["codecs"].result(WITHIN)


def main():
    began = time.time()
    admin = topics()
    print("topics: created, refused, described")
    expected = produce()
    print(f"produced: {len(expected)} records, idempotent, codecs {', '.join(CODECS)}")
    consume(expected)
    print("consumed: the same records with keys and headers")
    offsets(expected)
    print("offsets: ends and by time")
    remove(admin)
    print(f"all held in {time.time() - began:.1f} s")


main()
