"""kafka-python. See ../README.md."""
import sys
from functools import cache

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from serve import encoded, headers, record, serve

BOOTSTRAP = sys.argv[1].split(",")


@cache
def admin():
    return KafkaAdminClient(bootstrap_servers=BOOTSTRAP)


def create(topic, partitions):
    client = admin()
    client.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=-1)])
    client.wait_for_topics([topic])
    return {"partitions": len(client.describe_topics([topic])[0]["partitions"])}


def write(topic, records, idempotence=None, codec=None, acks=None):
    config = {"enable_idempotence": idempotence, "compression_type": codec}
    config = {key: value for key, value in config.items() if value is not None}
    if acks is not None:
        config["acks"] = acks if acks == "all" else int(acks)
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, **config)
    sent = [
        producer.send(
            topic,
            key=encoded(one.get("key")),
            value=encoded(one.get("value")),
            headers=headers(one.get("headers")),
            timestamp_ms=one.get("timestamp"),
        )
        for one in records
    ]
    producer.flush()
    for future in sent:
        future.get()
    producer.close()


def take(consumer, count):
    taken = [record(m.key, m.value, m.headers) for _, m in zip(range(count), consumer)]
    return {"records": taken}


def read(topic, count, since=None):
    consumer = KafkaConsumer(bootstrap_servers=BOOTSTRAP)
    partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic))]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    if since is not None:
        for partition, found in consumer.offsets_for_times({p: since for p in partitions}).items():
            if found is None:
                consumer.seek_to_end(partition)
            else:
                consumer.seek(partition, found.offset)
    taken = take(consumer, count)
    consumer.close()
    return taken


def group(topic, group, count):
    consumer = KafkaConsumer(topic, bootstrap_servers=BOOTSTRAP, group_id=group, auto_offset_reset="earliest")
    taken = take(consumer, count)
    consumer.commit()
    consumer.close()
    return taken


def configs(topic):
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    described = admin().describe_configs([resource], config_filter="all")["topic"][topic]
    return {"configs": {name: entry["value"] for name, entry in described.items()}}


def groups():
    return {"groups": [found["group_id"] for found in admin().list_groups()]}


def delete(topic):
    admin().delete_topics([topic])


serve("kafka-python", kafka.__version__, dict(create=create, write=write, read=read, group=group, configs=configs, groups=groups, delete=delete))
