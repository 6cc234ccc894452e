"""aiokafka. See ../README.md."""
import asyncio
import sys

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from serve import encoded, headers, record, serve

BOOTSTRAP = sys.argv[1].split(",")


class Running:
    """Starts a client of the library, and stops it however its use ends."""

    def __init__(self, client):
        self.client = client

    async def __aenter__(self):
        try:
            await self.client.start()
        except BaseException:
            await self.stop()
            raise
        return self.client

    async def __aexit__(self, *_):
        await self.stop()

    async def stop(self):
        await (self.client.close() if isinstance(self.client, AIOKafkaAdminClient) else self.client.stop())


def admin():
    return Running(AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP))


async def create(topic, partitions):
    async with admin() as client:
        answer = await client.create_topics([NewTopic(topic, partitions, 1)])
        for refused in [e for e in answer.topic_errors if e[1]]:
            raise RuntimeError(f"error {refused[1]}: {refused[2]}")
        # Another broker hears of it a moment later.
        for _ in range(20):
            if partitions := len((await client.describe_topics([topic]))[0]["partitions"]):
                break
            await asyncio.sleep(0.1)
        return {"partitions": partitions}


async def write(topic, records, idempotence=None, codec=None, acks=None):
    config = {"enable_idempotence": idempotence, "compression_type": codec}
    config = {key: value for key, value in config.items() if value is not None}
    if acks is not None:
        config["acks"] = acks if acks == "all" else int(acks)
    async with Running(AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, **config)) as producer:
        sent = [
            await producer.send(
                topic,
                key=encoded(one.get("key")),
                value=encoded(one.get("value")),
                headers=headers(one.get("headers")),
                timestamp_ms=one.get("timestamp"),
            )
            for one in records
        ]
        await producer.flush()
        for future in sent:
            await future


async def take(consumer, count):
    taken = []
    while len(taken) < count:
        message = await consumer.getone()
        taken.append(record(message.key, message.value, message.headers))
    return {"records": taken}


async def read(topic, count, since=None):
    async with Running(AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP)) as consumer:
        await consumer._client.set_topics([topic])
        partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        if since is not None:
            for partition, found in (await consumer.offsets_for_times({p: since for p in partitions})).items():
                if found is None:
                    await consumer.seek_to_end(partition)
                else:
                    consumer.seek(partition, found.offset)
        return await take(consumer, count)


async def group(topic, group, count):
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=BOOTSTRAP, group_id=group, auto_offset_reset="earliest")
    async with Running(consumer):
        taken = await take(consumer, count)
        await consumer.commit()
        return taken


async def configs(topic):
    async with admin() as client:
        answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        for answer in answers:
            for error, message, _, _, entries in answer.resources:
                if error:
                    raise RuntimeError(f"error {error}: {message}")
                return {"configs": {entry[0]: entry[1] for entry in entries}}


async def groups():
    async with admin() as client:
        return {"groups": [found[0] for found in await client.list_consumer_groups()]}


async def delete(topic):
    async with admin() as client:
        for name, error in (await client.delete_topics([topic])).topic_error_codes:
            if error:
                raise RuntimeError(f"error {error}")


def at_once(command):
    return lambda **arguments: asyncio.run(command(**arguments))


commands = dict(create=create, write=write, read=read, group=group, configs=configs, groups=groups, delete=delete)
serve("aiokafka", aiokafka.__version__, {name: at_once(command) for name, command in commands.items()})
