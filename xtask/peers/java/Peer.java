// Kafka's own Java client. See ../README.md.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

public class Peer {
    static final ObjectMapper JSON = new ObjectMapper();
    static String bootstrap;

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        say(JSON.createObjectNode().put("library", "Java").put("version", AppInfoParser.getVersion()));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                say(answer(JSON.readTree(line)));
            } catch (ExecutionException wrapped) {
                say(JSON.createObjectNode().put("error", String.valueOf(wrapped.getCause())));
            } catch (Exception error) {
                say(JSON.createObjectNode().put("error", String.valueOf(error)));
            }
        }
    }

    static ObjectNode answer(JsonNode command) throws Exception {
        String topic = command.path("topic").asText();
        return switch (command.get("do").asText()) {
            case "create" -> create(topic, command.get("partitions").asInt());
            case "write" -> write(topic, command);
            case "read" -> read(topic, command.get("count").asInt(), command.get("since"));
            case "group" -> group(topic, command.get("group").asText(), command.get("count").asInt());
            case "configs" -> configs(topic);
            case "groups" -> groups();
            case "delete" -> delete(topic);
            default -> JSON.createObjectNode().put("lacks", "the program does not know this command");
        };
    }

    static Properties config() {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        return config;
    }

    static ObjectNode create(String topic, int partitions) throws Exception {
        try (Admin admin = Admin.create(config())) {
            admin.createTopics(List.of(new NewTopic(topic, Optional.of(partitions), Optional.empty()))).all().get();
            int found = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
            return JSON.createObjectNode().put("partitions", found);
        }
    }

    static ObjectNode write(String topic, JsonNode command) throws Exception {
        Properties config = config();
        Map.of("idempotence", "enable.idempotence", "codec", "compression.type", "acks", "acks").forEach((ours, theirs) -> {
            if (command.hasNonNull(ours)) {
                config.put(theirs, command.get(ours).asText());
            }
        });
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            List<Future<?>> sent = new ArrayList<>();
            for (JsonNode one : command.get("records")) {
                Long timestamp = one.hasNonNull("timestamp") ? one.get("timestamp").asLong() : null;
                var record = new ProducerRecord<>(topic, null, timestamp, text(one, "key"), text(one, "value"));
                for (JsonNode header : one.path("headers")) {
                    byte[] value = header.get(1).isNull() ? null : header.get(1).asText().getBytes("UTF-8");
                    record.headers().add(header.get(0).asText(), value);
                }
                sent.add(producer.send(record));
            }
            for (Future<?> one : sent) {
                one.get();
            }
            return JSON.createObjectNode();
        }
    }

    static String text(JsonNode node, String name) {
        return node.hasNonNull(name) ? node.get(name).asText() : null;
    }

    static KafkaConsumer<String, String> consumer(Properties config) {
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    static ObjectNode read(String topic, int count, JsonNode since) throws Exception {
        try (KafkaConsumer<String, String> consumer = consumer(config())) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(partition -> new TopicPartition(topic, partition.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            if (since != null && !since.isNull()) {
                Map<TopicPartition, Long> times = new HashMap<>();
                partitions.forEach(partition -> times.put(partition, since.asLong()));
                consumer.offsetsForTimes(times).forEach((TopicPartition partition, OffsetAndTimestamp found) -> {
                    if (found == null) {
                        consumer.seekToEnd(List.of(partition));
                    } else {
                        consumer.seek(partition, found.offset());
                    }
                });
            }
            return take(consumer, count);
        }
    }

    static ObjectNode group(String topic, String group, int count) throws Exception {
        Properties config = config();
        config.put("group.id", group);
        config.put("auto.offset.reset", "earliest");
        try (KafkaConsumer<String, String> consumer = consumer(config)) {
            consumer.subscribe(List.of(topic));
            ObjectNode taken = take(consumer, count);
            consumer.commitSync();
            return taken;
        }
    }

    static ObjectNode take(KafkaConsumer<String, String> consumer, int count) throws Exception {
        ObjectNode answer = JSON.createObjectNode();
        ArrayNode records = answer.putArray("records");
        while (records.size() < count) {
            for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
                ObjectNode one = records.addObject().put("key", record.key()).put("value", record.value());
                ArrayNode headers = one.putArray("headers");
                for (var header : record.headers()) {
                    headers.addArray().add(header.key())
                        .add(header.value() == null ? null : new String(header.value(), "UTF-8"));
                }
            }
        }
        return answer;
    }

    static ObjectNode configs(String topic) throws Exception {
        try (Admin admin = Admin.create(config())) {
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            ObjectNode answer = JSON.createObjectNode();
            ObjectNode configs = answer.putObject("configs");
            admin.describeConfigs(List.of(resource)).all().get().get(resource).entries()
                .forEach(entry -> configs.put(entry.name(), entry.value()));
            return answer;
        }
    }

    static ObjectNode groups() throws Exception {
        try (Admin admin = Admin.create(config())) {
            ObjectNode answer = JSON.createObjectNode();
            ArrayNode groups = answer.putArray("groups");
            admin.listGroups().all().get().forEach(group -> groups.add(group.groupId()));
            return answer;
        }
    }

    static ObjectNode delete(String topic) throws Exception {
        try (Admin admin = Admin.create(config())) {
            admin.deleteTopics(List.of(topic)).all().get();
            return JSON.createObjectNode();
        }
    }

    static void say(ObjectNode line) throws Exception {
        System.out.println(JSON.writeValueAsString(line));
        System.out.flush();
    }
}
