// One member of a group, by Kafka's own Java client. See ../README.md.

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.TreeSet;
import java.util.stream.Collectors;

import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;

public class Member {
    static final TreeSet<Integer> OWNED = new TreeSet<>();

    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        config.put("bootstrap.servers", args[0]);
        config.put("group.id", args[2]);
        config.put("key.deserializer", StringDeserializer.class.getName());
        config.put("value.deserializer", StringDeserializer.class.getName());
        config.put("partition.assignment.strategy", RoundRobinAssignor.class.getName());
        config.put("auto.offset.reset", "earliest");
        config.put("enable.auto.commit", "false");
        config.put("session.timeout.ms", "6000");
        config.put("heartbeat.interval.ms", "500");
        KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config);
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            consumer.wakeup();
            try {
                main.join();
            } catch (InterruptedException ignored) {
                // The process ends either way.
            }
        }));
        consumer.subscribe(List.of(args[1]), new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> gone) {
                gone.forEach(partition -> OWNED.remove(partition.partition()));
                tell();
            }

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> gained) {
                gained.forEach(partition -> OWNED.add(partition.partition()));
                tell();
            }
        });
        try {
            while (true) {
                var records = consumer.poll(Duration.ofMillis(200));
                records.forEach(r -> say("record " + r.partition() + " " + r.offset() + " " + r.value()));
                if (!records.isEmpty()) {
                    consumer.commitSync();
                }
            }
        } catch (WakeupException stop) {
            consumer.close();
            say("left");
        }
    }

    static void tell() {
        say("assigned " + OWNED.stream().map(String::valueOf).collect(Collectors.joining(",")));
    }

    static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
