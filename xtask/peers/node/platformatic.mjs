// @platformatic/kafka. See ../README.md.
import { readFileSync } from "node:fs";
import zlib from "node:zlib";
import { Admin, Consumer, Producer } from "@platformatic/kafka";
import { Lacks, serve, text } from "./serve.mjs";

const manifest = new URL("node_modules/@platformatic/kafka/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(manifest));
const base = { clientId: "platformatic", bootstrapBrokers: process.argv[2].split(",") };

// Closes a client however its use ends.
async function using(client, use) {
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

const data = (value) => (value === null || value === undefined ? undefined : Buffer.from(value));
const TOPIC = 2;

// Reads so many records in a group, from the earliest or from a time on, and commits them.
function take(groupId, topic, count, since) {
  return using(new Consumer({ ...base, groupId }), async (consumer) => {
    let where = { mode: "committed", fallbackMode: "earliest" };
    if (since !== undefined) {
      const found = await consumer.listOffsetsWithTimestamps({ topics: [topic], timestamp: BigInt(since) });
      const ends = await consumer.listOffsets({ topics: [topic] });
      const offsets = [...found.get(topic)].map(([partition, { offset }]) => ({
        topic,
        partition,
        offset: offset < 0n ? ends.get(topic)[partition] : offset,
      }));
      where = { mode: "manual", offsets };
    }
    const stream = await consumer.consume({ topics: [topic], autocommit: false, ...where });
    const records = [];
    for await (const message of stream) {
      const headers = [...message.headers].map(([name, value]) => [text(name), text(value)]);
      records.push({ key: text(message.key), value: text(message.value), headers });
      await message.commit();
      if (records.length === count) break;
    }
    await stream.close();
    return { records };
  });
}

serve("@platformatic/kafka", version, {
  create: ({ topic, partitions }) =>
    using(new Admin(base), async (admin) => {
      const [created] = await admin.createTopics({ topics: [topic], partitions, replicas: -1 });
      return { partitions: created.partitions };
    }),
  write: ({ topic, records, idempotence, codec, acks }) => {
    if (codec === "zstd" && !zlib.zstdCompressSync) throw new Lacks("uses Node's own zstd, which Node 20 has not");
    return using(new Producer({ ...base, autocreateTopics: true }), async (producer) => {
      const messages = records.map(({ key, value, headers, timestamp }) => ({
        topic,
        key: data(key),
        value: data(value),
        headers: new Map((headers ?? []).map(([name, value]) => [data(name), data(value)])),
        timestamp: timestamp === undefined ? undefined : BigInt(timestamp),
      }));
      const options = { idempotent: idempotence, compression: codec, acks: acks === "all" ? -1 : acks && Number(acks) };
      for (const [name, value] of Object.entries(options)) if (value === undefined || value === null) delete options[name];
      await producer.send({ messages, ...options });
    });
  },
  read: ({ topic, count, since }) => take(`read-${topic}-${since ?? ""}`, topic, count, since),
  group: ({ topic, group, count }) => take(group, topic, count),
  configs: ({ topic }) =>
    using(new Admin(base), async (admin) => {
      const resources = [{ resourceType: TOPIC, resourceName: topic, configurationKeys: null }];
      const [described] = await admin.describeConfigs({ resources });
      return { configs: Object.fromEntries(described.configs.map(({ name, value }) => [name, value])) };
    }),
  groups: () => using(new Admin(base), async (admin) => ({ groups: [...(await admin.listGroups()).keys()] })),
  delete: ({ topic }) => using(new Admin(base), (admin) => admin.deleteTopics({ topics: [topic] }).then(() => ({}))),
});
