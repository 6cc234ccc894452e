// KafkaJS. See ../README.md.
import { createRequire } from "node:module";
import zstd from "@kafkajs/zstd";
import kafkajs from "kafkajs";
import LZ4 from "kafkajs-lz4";
import Snappy from "kafkajs-snappy";
import { serve, text } from "./serve.mjs";

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs;
CompressionCodecs[CompressionTypes.Snappy] = Snappy;
CompressionCodecs[CompressionTypes.LZ4] = new LZ4().codec;
CompressionCodecs[CompressionTypes.ZSTD] = zstd();
const CODECS = { gzip: "GZIP", snappy: "Snappy", lz4: "LZ4", zstd: "ZSTD" };

const { version } = createRequire(import.meta.url)("kafkajs/package.json");
const kafka = new Kafka({ brokers: process.argv[2].split(","), logLevel: logLevel.NOTHING });

// Connects a client, and disconnects it however its use ends.
async function using(client, use) {
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.disconnect();
  }
}

const header = (all, [name, value]) => ({ ...all, [name]: name in all ? [all[name], value].flat() : value });

function flattened(headers) {
  const pairs = Object.entries(headers ?? {});
  return pairs.flatMap(([name, values]) => [values].flat().map((value) => [name, text(value)]));
}

// Reads so many records, from the earliest or from a time on, in a group.
async function take(groupId, topic, count, since) {
  const consumer = kafka.consumer({ groupId });
  return using(consumer, async () => {
    const records = [];
    const starts = since === undefined ? [] : await using(kafka.admin(), (admin) => admin.fetchTopicOffsetsByTimestamp(topic, since));
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise((done, failed) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => failed(payload.error));
      const eachMessage = async ({ message: { key, value, headers } }) => {
        records.push({ key: text(key), value: text(value), headers: flattened(headers) });
        if (records.length === count) done();
      };
      consumer.run({ eachMessage }).catch(failed);
      for (const { partition, offset } of starts) consumer.seek({ topic, partition, offset });
    });
    // Stopping commits what was read.
    await consumer.stop();
    return { records };
  });
}

serve("kafkajs", version, {
  create: ({ topic, partitions }) =>
    using(kafka.admin(), async (admin) => {
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] });
      return { partitions: (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length };
    }),
  write: ({ topic, records, idempotence, codec, acks }) =>
    using(kafka.producer({ idempotent: idempotence ?? undefined }), async (producer) => {
      const messages = records.map(({ key, value, headers, timestamp }) => ({
        key: key ?? null,
        value: value ?? null,
        headers: (headers ?? []).reduce(header, {}),
        timestamp: timestamp === undefined ? undefined : String(timestamp),
      }));
      const compression = CompressionTypes[CODECS[codec]];
      await producer.send({ topic, messages, compression, acks: acks === "all" ? -1 : acks && Number(acks) });
    }),
  read: ({ topic, count, since }) => take(`read-${topic}-${since ?? ""}`, topic, count, since),
  group: ({ topic, group, count }) => take(group, topic, count),
  configs: ({ topic }) =>
    using(kafka.admin(), async (admin) => {
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }];
      const described = await admin.describeConfigs({ resources, includeSynonyms: false });
      const entries = described.resources[0].configEntries.map((entry) => [entry.configName, entry.configValue]);
      return { configs: Object.fromEntries(entries) };
    }),
  groups: () => using(kafka.admin(), async (admin) => ({ groups: (await admin.listGroups()).groups.map((g) => g.groupId) })),
  delete: ({ topic }) => using(kafka.admin(), (admin) => admin.deleteTopics({ topics: [topic] })),
});
