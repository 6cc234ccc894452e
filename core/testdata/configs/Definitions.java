// Writes ../../src/config/keys.txt: every configuration key that the jars of Apache Kafka define for topics, brokers, groups
// and client metrics. `cargo xtask schemas` compares, `cargo xtask schemas --renew` writes it anew. By hand:
// java -cp 'LIBS/*' Definitions.java > ../../src/config/keys.txt
import java.lang.reflect.Field;
import java.util.*;
import java.util.stream.*;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.server.config.*;
import org.apache.kafka.server.metrics.ClientMetricsConfigs;
import org.apache.kafka.storage.internals.log.LogConfig;

public class Definitions {
    public static void main(String[] args) throws Exception {
        System.out.println("# Written by core/testdata/configs/Definitions.java from the jars of Apache Kafka 4.3.1.");
        System.out.println("# resource | name | type | default | allowed values | when it may change | synonyms, the strongest first");
        print("topic", LogConfig.configDefCopy());
        print("broker", AbstractKafkaConfig.CONFIG_DEF);
        print("quota", QuotaConfig.brokerQuotaConfigs());
        print("group", GroupConfig.CONFIG_DEF);
        print("client-metrics", ClientMetricsConfigs.configDef());
    }

    static void print(String resource, ConfigDef definition) throws Exception {
        for (ConfigDef.ConfigKey key : new TreeMap<>(definition.configKeys()).values()) {
            String value = key.hasDefault() ? ConfigDef.convertToString(key.defaultValue, key.type) : "(required)";
            List<String> update = new ArrayList<>();
            if (key.internalConfig) update.add("internal");
            if (resource.equals("broker")) update.add(update(key.name));
            List<String> fields = List.of(resource, key.name, key.type.toString(), value == null ? "(null)" : value,
                allowed(key.validator), String.join(" ", update), synonyms(resource, key.name));
            System.out.println(fields.stream().map(f -> f.isEmpty() ? "" : " " + f).collect(Collectors.joining(" |")).trim());
        }
    }

    // DynamicBrokerConfig: which keys a running broker may be given, one by one or all at once.
    static String update(String name) {
        if (!DynamicBrokerConfig.ALL_DYNAMIC_CONFIGS.contains(name)) return "read-only";
        if (DynamicBrokerConfig.DYNAMIC_SECURITY_CONFIGS.contains(name)) return "per-listener";
        Properties one = new Properties();
        one.setProperty(name, "");
        return DynamicBrokerConfig.perBrokerConfigs(one).isEmpty() ? "cluster-wide" : "per-broker";
    }

    static String synonyms(String resource, String name) {
        switch (resource) {
            case "topic": {
                List<ConfigSynonym> all = ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS.getOrDefault(name, List.of());
                return all.stream().map(s -> s.name() + times(s)).collect(Collectors.joining(", "));
            }
            case "group":
                return GroupConfig.brokerSynonym(name).orElse("");
            case "broker": {
                List<String> all = DynamicBrokerConfig.brokerConfigSynonyms(name, true);
                return all.size() > 1 ? String.join(", ", all) : "";
            }
            default:
                return "";
        }
    }

    // The factor by which a synonym's unit is larger.
    static String times(ConfigSynonym synonym) {
        String one = synonym.converter().apply("1");
        return one.equals("1") ? "" : "*" + one;
    }

    static Object field(Object of, String name) throws Exception {
        Field field = of.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field.get(of);
    }

    static String allowed(ConfigDef.Validator validator) throws Exception {
        if (validator == null) return "";
        switch (validator.getClass().getSimpleName()) {
            case "Range": {
                Object min = field(validator, "min"), max = field(validator, "max");
                return (min == null ? "" : min) + ".." + (max == null ? "" : max);
            }
            case "ValidString":
                return "one of " + words(field(validator, "validStrings"));
            case "CaseInsensitiveValidString":
                return "one in any case of " + words(field(validator, "validStrings"));
            case "ValidList": {
                String words = words(field(field(validator, "validString"), "validStrings"));
                boolean empty = (boolean) field(validator, "isEmptyAllowed");
                return (empty ? "list" : "non-empty list") + (words.isEmpty() ? "" : " of " + words);
            }
            case "NonEmptyString":
                return "non-empty";
            case "NonNullValidator":
                return "";
            case "LambdaValidator":
                return "level " + validator;
            default: {
                String name = validator.getClass().getName();
                return "as " + name.substring(name.lastIndexOf('.') + 1);
            }
        }
    }

    static String words(Object collection) {
        return ((Collection<?>) collection).stream().map(Object::toString).collect(Collectors.joining(","));
    }
}
