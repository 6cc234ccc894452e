// One member of a group, by KafkaJS. See ../README.md.
import kafkajs from "kafkajs";

const { AssignerProtocol, Kafka, logLevel } = kafkajs;
const [bootstrap, topic, group] = process.argv.slice(2);

// Members in order of their ids, partitions dealt out one by one, under the name that other libraries use.
const roundRobin = ({ cluster }) => ({
  name: "roundrobin",
  version: 1,
  async assign({ members, topics }) {
    const order = members.map((member) => member.memberId).sort();
    const plan = new Map(order.map((id) => [id, {}]));
    let next = 0;
    for (const name of topics) {
      const partitions = cluster.findTopicPartitionMetadata(name).map((p) => p.partitionId).sort((a, b) => a - b);
      for (const partition of partitions) {
        const given = plan.get(order[next++ % order.length]);
        (given[name] ??= []).push(partition);
      }
    }
    return order.map((memberId) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment: plan.get(memberId) }),
    }));
  },
  protocol({ topics }) {
    return { name: "roundrobin", metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics }) };
  },
});

const kafka = new Kafka({ brokers: bootstrap.split(","), clientId: "kafkajs", logLevel: logLevel.NOTHING });
const consumer = kafka.consumer({
  groupId: group,
  partitionAssigners: [roundRobin],
  sessionTimeout: 6000,
  heartbeatInterval: 500,
  rebalanceTimeout: 20000,
});
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  console.log("assigned", (payload.memberAssignment[topic] ?? []).sort((a, b) => a - b).join(","));
});
consumer.on(consumer.events.REBALANCING, () => console.log("assigned "));
process.on("SIGTERM", async () => {
  await consumer.disconnect();
  console.log("left");
  process.exit(0);
});
await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachMessage: async ({ partition, message }) => {
    console.log("record", partition, message.offset, message.value.toString());
    await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(message.offset) + 1n) }]);
  },
});
