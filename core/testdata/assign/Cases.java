// Writes kafka.txt: random members and what the assignors of Apache Kafka 4.3.1's Java client give them.
// java -cp 'LIBS/*' Cases.java > kafka.txt
import java.nio.ByteBuffer;
import java.util.*;
import java.util.stream.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.protocol.types.*;

public class Cases {
    static final Schema TOPIC = new Schema(new Field("topic", Type.STRING), new Field("partitions", new ArrayOf(Type.INT32)));
    static final Schema STICKY = new Schema(new Field("previous_assignment", new ArrayOf(TOPIC)), new Field("generation", Type.INT32));

    static ByteBuffer userData(List<TopicPartition> owned, int generation) {
        Map<String, List<Integer>> byTopic = new LinkedHashMap<>();
        owned.forEach(p -> byTopic.computeIfAbsent(p.topic(), t -> new ArrayList<>()).add(p.partition()));
        Struct data = new Struct(STICKY);
        data.set("previous_assignment", byTopic.entrySet().stream().map(e -> {
            Struct topic = new Struct(TOPIC);
            topic.set("topic", e.getKey());
            topic.set("partitions", e.getValue().toArray());
            return topic;
        }).toArray());
        data.set("generation", generation);
        ByteBuffer buffer = ByteBuffer.allocate(STICKY.sizeOf(data));
        STICKY.write(buffer, data);
        buffer.flip();
        return buffer;
    }

    static String text(Collection<TopicPartition> partitions, String between) {
        return partitions.stream().map(TopicPartition::toString).sorted().collect(Collectors.joining(between));
    }

    public static void main(String[] args) {
        System.out.println("# Written by Cases.java with the Java client of Apache Kafka 4.3.1.");
        Random random = new Random(1);
        for (int i = 0; i < 400; i++) {
            AbstractAssignor assignor = AbstractAssignor.values()[i % 4];
            boolean sticky = assignor == AbstractAssignor.STICKY || assignor == AbstractAssignor.COOPERATIVE;
            int topics = 1 + random.nextInt(3), consumers = 1 + random.nextInt(i % 10 == 9 ? 20 : 5);
            Map<String, Integer> counts = new TreeMap<>();
            for (int t = 0; t < topics; t++) counts.put("t" + t, 1 + random.nextInt(7));
            List<TopicPartition> all = new ArrayList<>();
            counts.forEach((t, n) -> IntStream.range(0, n).forEach(p -> all.add(new TopicPartition(t, p))));
            List<PartitionInfo> infos = all.stream().map(p -> new PartitionInfo(p.topic(), p.partition(), null, new Node[0], new Node[0])).toList();
            Cluster cluster = new Cluster("c", List.of(), infos, Set.of(), Set.of());
            Map<String, Subscription> members = new HashMap<>();
            StringBuilder input = new StringBuilder(assignor.assignor.name() + "\ntopics");
            counts.forEach((t, n) -> input.append(" " + t + "=" + n));
            Collections.shuffle(all, random);
            int next = 0;
            List<String> order = new ArrayList<>();
            for (int c = 0; c < consumers; c++) order.add(new String[] {"consumer-", "c", "x-7-"}[random.nextInt(3)] + c + "-" + Integer.toHexString(random.nextInt(1 << 16)));
            for (String id : order) {
                List<String> wanted = new ArrayList<>(counts.keySet());
                if ((!sticky || i % 16 > 11) && topics > 1 && random.nextInt(3) == 0) wanted.remove(random.nextInt(wanted.size()));
                List<TopicPartition> owned = new ArrayList<>();
                int generation = -1;
                if (sticky && random.nextInt(4) != 0) {
                    generation = random.nextInt(8) == 0 ? 4 : 5;
                    int take = random.nextInt(1 + 2 * all.size() / consumers);
                    while (take-- > 0 && next < all.size()) owned.add(all.get(next++));
                    // Sometimes two claim the same.
                    if (random.nextInt(10) == 0 && next > 0) {
                        TopicPartition twice = all.get(random.nextInt(next));
                        if (!owned.contains(twice)) owned.add(twice);
                    }
                    owned.sort(Comparator.comparing(TopicPartition::topic).thenComparing(TopicPartition::partition));
                }
                String instance = random.nextInt(4) == 0 ? "i" + random.nextInt(100) : null;
                boolean eager = assignor == AbstractAssignor.STICKY;
                Subscription subscription = new Subscription(wanted,
                    eager && !owned.isEmpty() ? userData(owned, generation) : null,
                    eager ? List.of() : owned, eager ? -1 : generation, Optional.empty());
                if (instance != null) subscription.setGroupInstanceId(Optional.of(instance));
                members.put(id, subscription);
                input.append("\nmember " + id + " topics=" + String.join(",", wanted) + " owned=" + text(owned, ",")
                    + (generation >= 0 && !(eager && owned.isEmpty()) ? " generation=" + generation : "") + (instance == null ? "" : " instance=" + instance));
            }
            Map<String, Assignment> assigned = assignor.make().assign(cluster, new GroupSubscription(members)).groupAssignment();
            System.out.println("\n" + input + "\n----");
            new TreeMap<>(assigned).forEach((id, a) -> System.out.println((id + " " + text(a.partitions(), " ")).trim()));
        }
    }

    enum AbstractAssignor {
        RANGE(new RangeAssignor()), ROUND_ROBIN(new RoundRobinAssignor()), STICKY(new StickyAssignor()), COOPERATIVE(new CooperativeStickyAssignor());
        final ConsumerPartitionAssignor assignor;
        AbstractAssignor(ConsumerPartitionAssignor assignor) { this.assignor = assignor; }
        ConsumerPartitionAssignor make() {
            return switch (this) {
                case RANGE -> new RangeAssignor();
                case ROUND_ROBIN -> new RoundRobinAssignor();
                case STICKY -> new StickyAssignor();
                case COOPERATIVE -> new CooperativeStickyAssignor();
            };
        }
    }
}
