"""confluent-kafka (librdkafka). See ../README.md."""
import sys
import time
from functools import cache

import confluent_kafka
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from serve import encoded, headers, record, serve

BOOTSTRAP = {"bootstrap.servers": sys.argv[1]}


# One for all: an answer is lost when its administrator is dropped.
@cache
def admin():
    return AdminClient(BOOTSTRAP)


def create(topic, partitions):
    for future in admin().create_topics([NewTopic(topic, partitions)]).values():
        future.result()
    # Another broker hears of it a moment later.
    while not (partitions := admin().list_topics(topic).topics[topic].partitions):
        time.sleep(0.1)
    return {"partitions": len(partitions)}


def write(topic, records, idempotence=None, codec=None, acks=None):
    config = {"enable.idempotence": idempotence, "compression.type": codec, "acks": acks}
    producer = Producer(BOOTSTRAP | {key: value for key, value in config.items() if value is not None})
    errors = []
    for one in records:
        producer.produce(
            topic,
            key=encoded(one.get("key")),
            value=encoded(one.get("value")),
            headers=headers(one.get("headers")),
            timestamp=one.get("timestamp", 0),
            on_delivery=lambda error, _: error and errors.append(error),
        )
    producer.flush()
    if errors:
        raise KafkaException(errors[0])


def take(consumer, count):
    taken = []
    while len(taken) < count:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        taken.append(record(message.key(), message.value(), message.headers()))
    return {"records": taken}


def read(topic, count, since=None):
    consumer = Consumer(BOOTSTRAP | {"group.id": "unused", "enable.auto.commit": False})
    partitions = [TopicPartition(topic, p) for p in consumer.list_topics(topic).topics[topic].partitions]
    for partition in partitions:
        partition.offset = OFFSET_BEGINNING if since is None else since
    consumer.assign(partitions if since is None else consumer.offsets_for_times(partitions))
    taken = take(consumer, count)
    consumer.close()
    return taken


def group(topic, group, count):
    consumer = Consumer(BOOTSTRAP | {"group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    taken = take(consumer, count)
    consumer.commit(asynchronous=False)
    consumer.close()
    return taken


def configs(topic):
    for future in admin().describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values():
        return {"configs": {name: entry.value for name, entry in future.result().items()}}


def groups():
    return {"groups": [found.group_id for found in admin().list_consumer_groups().result().valid]}


def delete(topic):
    for future in admin().delete_topics([topic]).values():
        future.result()


version = f"{confluent_kafka.__version__} (librdkafka {confluent_kafka.libversion()[0]})"
serve("confluent-kafka", version, dict(create=create, write=write, read=read, group=group, configs=configs, groups=groups, delete=delete))
