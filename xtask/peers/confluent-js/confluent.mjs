// Confluent's JavaScript client (librdkafka), by its API like KafkaJS's. See ../README.md.
import { createRequire } from "node:module";
import { Lacks, serve, text } from "../node/serve.mjs";

const library = createRequire(import.meta.url)("@confluentinc/kafka-javascript");
const { Kafka, logLevel } = library.KafkaJS;
const { version } = createRequire(import.meta.url)("@confluentinc/kafka-javascript/package.json");
const kafka = new Kafka({ kafkaJS: { brokers: process.argv[2].split(","), logLevel: logLevel.NOTHING } });

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

// Reads so many records in a group, from the earliest or from a time on.
function take(groupId, topic, count, since) {
  return using(kafka.consumer({ kafkaJS: { groupId, fromBeginning: true } }), async (consumer) => {
    const records = [];
    const starts = since === undefined ? [] : await using(kafka.admin(), (admin) => admin.fetchTopicOffsetsByTimestamp(topic, since));
    await consumer.subscribe({ topics: [topic] });
    await new Promise((done, failed) => {
      const eachMessage = async ({ message: { key, value, headers } }) => {
        records.push({ key: text(key), value: text(value), headers: flattened(headers) });
        if (records.length === count) done();
      };
      consumer.run({ eachMessage }).catch(failed);
      for (const { partition, offset } of starts) consumer.seek({ topic, partition, offset });
    });
    // Disconnecting commits what was read.
    return { records };
  });
}

serve("@confluentinc/kafka-javascript", `${version} (librdkafka ${library.librdkafkaVersion})`, {
  create: ({ topic, partitions }) =>
    using(kafka.admin(), async (admin) => {
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] });
      return { partitions: (await admin.fetchTopicMetadata({ topics: [topic] }))[0].partitions.length };
    }),
  write: ({ topic, records, idempotence, codec, acks }) => {
    const config = { "enable.idempotence": idempotence, "compression.type": codec, acks: acks === "all" ? -1 : acks && Number(acks) };
    for (const [name, value] of Object.entries(config)) if (value === undefined || value === null) delete config[name];
    return using(kafka.producer(config), async (producer) => {
      const messages = records.map(({ key, value, headers, timestamp }) => ({
        key: key ?? null,
        value: value ?? null,
        headers: (headers ?? []).reduce(header, {}),
        timestamp: timestamp === undefined ? undefined : String(timestamp),
      }));
      await producer.send({ topic, messages });
    });
  },
  read: ({ topic, count, since }) => take(`read-${topic}-${since ?? ""}`, topic, count, since),
  group: ({ topic, group, count }) => take(group, topic, count),
  configs: () => {
    throw new Lacks("its administrator describes no configurations");
  },
  groups: () => using(kafka.admin(), async (admin) => ({ groups: (await admin.listGroups()).groups.map((g) => g.groupId) })),
  delete: ({ topic }) => using(kafka.admin(), (admin) => admin.deleteTopics({ topics: [topic] })),
});
