//! `server.properties` in Kafka's own words, read into a [`ServerConfig`] by the table of Kafka's keys.

use std::{collections::BTreeMap, path::PathBuf};

use lab_core::{
    config::{
        NodeConfig, Voter, fields,
        table::{self, Scope},
        value,
    },
    id::{Endpoint, NodeId},
    metadata::{configs::Layers, dynamic_config},
};
use thiserror::Error;

/// All that a process needs to start a node.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerConfig {
    pub node: NodeConfig,
    pub broker: bool,
    pub controller: bool,
    /// Where clients and other brokers connect to.
    pub broker_listeners: Vec<Endpoint>,
    /// Where the quorum's members and its observers connect to.
    pub controller_listeners: Vec<Endpoint>,
    /// The address that is registered for the controller's listener.
    pub controller_endpoint: Option<Endpoint>,
    pub data_dir: PathBuf,
    /// Sentences about what was read and has no effect, or was not understood.
    pub warnings: Vec<String>,
}

/// A value that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{key}={value} is not allowed: {allowed}")]
pub struct BadValue {
    pub key: String,
    pub value: String,
    /// What would be allowed, as a sentence.
    pub allowed: String,
}

fn bad(key: &str, value: &str, allowed: impl Into<String>) -> BadValue {
    BadValue { key: key.into(), value: value.into(), allowed: allowed.into() }
}

/// The pairs of a Java property file, the last of equal keys winning: `key=value`, `key:value` or `key value`, comments
/// with `#` or `!`, a backslash at the end of a line continues it.
pub fn parse(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut logical = line.trim_start().to_owned();
        if logical.is_empty() || logical.starts_with(['#', '!']) {
            continue;
        }
        while logical.ends_with('\\') && !logical.ends_with("\\\\") {
            logical.pop();
            logical.push_str(lines.next().unwrap_or_default().trim_start());
        }
        let split = logical.find(['=', ':', ' ', '\t']).unwrap_or(logical.len());
        let (key, rest) = logical.split_at(split);
        let value = rest.trim_start().strip_prefix(['=', ':']).unwrap_or(rest.trim_start()).trim();
        // Kafka's own tools escape colons and the like when they write such a file.
        let value = value.replace("\\:", ":").replace("\\=", "=").replace("\\\\", "\\");
        pairs.retain(|(known, _)| known != key);
        pairs.push((key.to_owned(), value));
    }
    pairs
}

/// Reads a whole configuration. Unknown keys are warnings, as in Kafka; bad values are errors.
pub fn read(pairs: &[(String, String)]) -> Result<ServerConfig, BadValue> {
    let mut reader = Reader { pairs, node: NodeConfig::default(), warnings: Vec::new() };
    reader.apply()?;
    reader.finish()
}

/// Checks one `KEY=VALUE` of the command line; `Ok` holds a warning if there is one.
pub fn check(key: &str, value: &str) -> Result<Option<String>, BadValue> {
    let pairs = [(key.to_owned(), value.to_owned())];
    let mut reader = Reader { pairs: &pairs, node: NodeConfig::default(), warnings: Vec::new() };
    reader.apply()?;
    Ok(reader.warnings.pop())
}

/// Finer key, and the coarser ones with their unit in milliseconds.
const COARSE: [(&str, &[(&str, i64)]); 2] = [
    ("log.retention.ms", &[("log.retention.minutes", 60_000), ("log.retention.hours", 3_600_000)]),
    ("log.roll.ms", &[("log.roll.hours", 3_600_000)]),
];

/// The sentence about a key that Kafka does not have.
fn unknown(key: &str) -> String {
    if table::listener_key(key).and_then(|behind| table::key(Scope::Broker, behind)).is_some() {
        return format!("{key} is a key of Kafka that the lab does not act on yet: it has no effect");
    }
    let known = table::keys(Scope::Broker).iter().filter(|known| !known.internal).map(|known| known.name);
    let nearest = known.map(|known| (strsim::damerau_levenshtein(known, key), known)).min();
    match nearest.filter(|(distance, known)| *distance * 3 <= known.len()) {
        Some((_, nearest)) => format!("unknown key {key} has no effect: did you mean {nearest}?"),
        None => format!("unknown key {key} has no effect"),
    }
}

struct Reader<'a> {
    pairs: &'a [(String, String)],
    node: NodeConfig,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    fn list(&self, key: &str) -> Vec<&str> {
        let text = self.get(key).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    /// Sets the fields that stand for one key each.
    fn apply(&mut self) -> Result<(), BadValue> {
        for (key, value) in self.pairs {
            self.node.properties.insert(key.clone(), value.clone());
            let Some(known) = table::key(Scope::Broker, key) else {
                self.warnings.push(unknown(key));
                continue;
            };
            let read = known.parse(value).map_err(|_| bad(key, value, known.allowed()))?;
            if let Some(field) = fields::field(key) {
                field.set(&mut self.node, &read);
            } else if !known.is_acted_on() {
                self.warnings
                    .push(format!("{key} is a key of Kafka that the lab does not act on yet: it has no effect"));
            }
        }
        // The coarser keys count only where the finer ones are not set (Kafka: `AbstractKafkaConfig.logRetentionTimeMillis`).
        for (fine, coarse) in COARSE {
            if self.get(fine).is_some() {
                continue;
            }
            let set =
                coarse.iter().find_map(|(key, unit_ms)| Some((value::integer(value::trim(self.get(key)?))?, unit_ms)));
            if let Some((number, unit_ms)) = set {
                let ms = if number < 0 { -1 } else { number * unit_ms };
                fields::field(fine).expect("a key with a field").set(&mut self.node, &ms.to_string());
            }
        }
        Ok(())
    }

    /// What Kafka demands of the keys together.
    fn check_together(&self) -> Result<(), BadValue> {
        let nothing = BTreeMap::new();
        let layers = Layers { broker: &nothing, cluster: &nothing, node: &self.node };
        dynamic_config::check_together(&layers).map_err(|why| {
            let why = why.strip_prefix("requirement failed: ").unwrap_or(&why);
            // The first key of the sentence is the one to look at.
            let key = why.split([' ', '=']).next().unwrap_or_default();
            bad(key, self.get(key).unwrap_or("(not set)"), why)
        })
    }

    fn finish(mut self) -> Result<ServerConfig, BadValue> {
        let roles_text = self.get("process.roles").unwrap_or_default().to_owned();
        let roles = self.list("process.roles");
        let allowed_roles = "broker, controller, or broker,controller";
        if roles.is_empty() || roles.iter().any(|role| !["broker", "controller"].contains(role)) {
            return Err(bad("process.roles", &roles_text, allowed_roles));
        }
        let (broker, controller) = (roles.contains(&"broker"), roles.contains(&"controller"));
        let id_text = self.get("node.id").or_else(|| self.get("broker.id")).unwrap_or_default();
        let id = id_text.parse::<i32>().ok().filter(|id| *id >= 0);
        if let (Some(id), Some(other)) = (self.get("node.id"), self.get("broker.id"))
            && id.trim() != other.trim()
        {
            return Err(bad("broker.id", other, format!("the same as node.id={id}, or leave it out")));
        }
        self.check_together()?;
        self.node.node_id = NodeId(id.ok_or_else(|| bad("node.id", id_text, "a whole number of at least 0"))?);
        self.node.voters = self.voters()?;

        let (mut broker_listeners, mut controller_listeners) = (Vec::new(), Vec::new());
        let controller_names: Vec<String> =
            self.list("controller.listener.names").into_iter().map(Into::into).collect();
        let listeners_text = self.get("listeners").unwrap_or("PLAINTEXT://:9092").to_owned();
        for text in listeners_text.split(',').map(str::trim) {
            let (name, endpoint) = self.listener("listeners", text)?;
            if controller_names.contains(&name) {
                controller_listeners.push(endpoint);
            } else {
                broker_listeners.push((name, endpoint));
            }
        }
        if controller && controller_listeners.is_empty() {
            let allowed = "a controller needs a listener that is named in controller.listener.names, \
                           as in listeners=CONTROLLER://:9093 and controller.listener.names=CONTROLLER";
            return Err(bad("listeners", &listeners_text, allowed));
        }
        if !controller && !controller_listeners.is_empty() {
            let allowed = "a broker that is no controller must not have a controller's listener";
            return Err(bad("listeners", &listeners_text, allowed));
        }
        if broker && broker_listeners.is_empty() {
            let allowed = "a broker needs a listener of its own, as in listeners=PLAINTEXT://:9092";
            return Err(bad("listeners", &listeners_text, allowed));
        }
        if !broker && !broker_listeners.is_empty() {
            let allowed = "a controller that is no broker has only listeners named in controller.listener.names";
            return Err(bad("listeners", &listeners_text, allowed));
        }

        let advertised_text = self.get("advertised.listeners").unwrap_or_default().to_owned();
        let mut advertised = Vec::new();
        for text in self.list("advertised.listeners") {
            advertised.push(self.listener("advertised.listeners", text)?);
        }
        let named =
            |name: &str| advertised.iter().find(|(known, _)| known == name).map(|(_, endpoint)| endpoint.clone());
        if let Some((name, bound)) = broker_listeners.first() {
            let endpoint = named(name)
                .or_else(|| advertised.iter().find(|(n, _)| !controller_names.contains(n)).map(|(_, e)| e.clone()));
            self.node.advertised = reachable(endpoint.as_ref().unwrap_or(bound));
            if ["0.0.0.0", "::"].contains(&self.node.advertised.host.as_str()) {
                let allowed =
                    "clients cannot connect to every address at once; name the one to use in advertised.listeners";
                return Err(bad("advertised.listeners", &advertised_text, allowed));
            }
            if broker_listeners.len() > 1 {
                let name = name.clone();
                self.warnings.push(format!("only the first listener, {name}, is advertised to clients and brokers"));
            }
        }
        let controller_endpoint = controller_listeners.first().map(|bound| {
            let voter = self.node.voters.iter().find(|voter| voter.id == self.node.node_id);
            voter.map_or_else(|| reachable(bound), |voter| voter.endpoint.clone())
        });
        if controller && !self.node.voters.iter().any(|voter| voter.id == self.node.node_id) {
            let voters = self.get("controller.quorum.voters").unwrap_or_default();
            let allowed = format!("a controller must be one of the voters, and node.id={} is not", self.node.node_id);
            return Err(bad("controller.quorum.voters", voters, allowed));
        }

        let dirs = if self.get("log.dirs").is_some() { self.list("log.dirs") } else { self.list("log.dir") };
        let data_dir = match dirs.as_slice() {
            [] => PathBuf::from("/tmp/kafka-logs"),
            [one] => PathBuf::from(one),
            several => {
                return Err(bad(
                    "log.dirs",
                    &several.join(","),
                    "one folder. Several are not built yet: name the first, or start a node for each",
                ));
            }
        };
        let broker_listeners = broker_listeners.into_iter().map(|(_, endpoint)| endpoint).collect();
        let Self { mut node, warnings, .. } = self;
        node.log_dir = std::path::absolute(&data_dir).unwrap_or_else(|_| data_dir.clone()).display().to_string();
        Ok(ServerConfig {
            node,
            broker,
            controller,
            broker_listeners,
            controller_listeners,
            controller_endpoint,
            data_dir,
            warnings,
        })
    }

    fn voters(&self) -> Result<Vec<Voter>, BadValue> {
        let text = self.get("controller.quorum.voters").unwrap_or_default();
        let mut voters: Vec<Voter> = Vec::new();
        for voter in self.list("controller.quorum.voters") {
            let parsed =
                voter.split_once('@').and_then(|(id, address)| Some((id.parse::<i32>().ok()?, address_of(address)?)));
            let Some((id, endpoint)) = parsed.filter(|(id, _)| *id >= 0) else {
                return Err(bad("controller.quorum.voters", text, "a list of ID@HOST:PORT"));
            };
            if voters.iter().any(|known| known.id.0 == id) {
                return Err(bad(
                    "controller.quorum.voters",
                    text,
                    format!("each id once, and {id} stands there twice"),
                ));
            }
            voters.push(Voter { id: NodeId(id), endpoint });
        }
        if voters.is_empty() {
            let servers = self.get("controller.quorum.bootstrap.servers");
            let next = "list the voters in controller.quorum.voters=ID@HOST:PORT,...";
            return Err(match servers {
                Some(servers) => {
                    let allowed = format!(
                        "voters that change at run time are not built yet. Leave this key in place, and {next}"
                    );
                    bad("controller.quorum.bootstrap.servers", servers, allowed)
                }
                None => bad("controller.quorum.voters", "", next),
            });
        }
        Ok(voters)
    }

    /// `NAME://HOST:PORT`, of a security protocol that is built.
    fn listener(&self, key: &str, text: &str) -> Result<(String, Endpoint), BadValue> {
        let parsed = text.split_once("://").and_then(|(name, address)| Some((name, address_of(address)?)));
        let Some((name, endpoint)) = parsed else {
            return Err(bad(key, text, "NAME://HOST:PORT, as in PLAINTEXT://127.0.0.1:9092"));
        };
        let name = name.to_ascii_uppercase();
        let map = self.list("listener.security.protocol.map");
        let mapped = map.iter().find_map(|entry| entry.split_once(':').filter(|(known, _)| *known == name));
        let protocol = mapped.map_or(name.as_str(), |(_, protocol)| protocol);
        if ["SSL", "SASL_PLAINTEXT", "SASL_SSL"].contains(&protocol) {
            return Err(bad(key, text, "PLAINTEXT only: encryption and authentication are not built yet"));
        }
        Ok((name, endpoint))
    }
}

/// `HOST:PORT`, `[IPV6]:PORT` or `:PORT`.
pub fn address_of(text: &str) -> Option<Endpoint> {
    let (host, port) = text.trim().rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some(Endpoint { host: host.to_owned(), port: port.parse().ok()? })
}

/// An address that others can use: a listener on all addresses is reached by the name of this machine.
fn reachable(endpoint: &Endpoint) -> Endpoint {
    let host = match endpoint.host.as_str() {
        "" => rustix::system::uname().nodename().to_string_lossy().into_owned(),
        host => host.to_owned(),
    };
    Endpoint { host, port: endpoint.port }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "process.roles=broker\nnode.id = 1\ncontroller.quorum.voters=101@localhost:9192\n\
        listeners=PLAINTEXT://127.0.0.1:9092\nlog.dirs=/tmp/x\n";

    fn config(extra: &str) -> Result<ServerConfig, BadValue> {
        read(&parse(&format!("{GOOD}{extra}")))
    }

    #[test]
    fn a_property_file_is_read_as_java_does() {
        let text = "# a comment\n! another\n\na=1\n  b : two words \nc\\=d\nlong=x,\\\n   y\na=3\nurl=http\\://h\n";
        let pairs = parse(text);
        let get = |key: &str| pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        assert_eq!(get("a"), Some("3"));
        assert_eq!(get("b"), Some("two words"));
        assert_eq!(get("long"), Some("x,y"));
        assert_eq!(get("url"), Some("http://h"));
    }

    #[test]
    fn keys_set_their_fields() {
        let config =
            config("num.partitions=6\nauto.create.topics.enable=FALSE\nlog.retention.hours=2\nbroker.rack=r1").unwrap();
        assert_eq!((config.node.num_partitions, config.node.auto_create_topics_enable), (6, false));
        assert_eq!(config.node.log_retention_ms, 7_200_000);
        assert_eq!(config.node.rack.as_deref(), Some("r1"));
        assert_eq!(config.node.advertised.to_string(), "127.0.0.1:9092");
        assert_eq!(config.warnings, Vec::<String>::new());
        assert!(config.broker && !config.controller);
    }

    #[test]
    fn an_unknown_key_is_a_warning_that_names_the_nearest() {
        let config = config("num.partition=6\nwhatever.is.this.about=1\nssl.keystore.location=/x").unwrap();
        assert_eq!(config.warnings[0], "unknown key num.partition has no effect: did you mean num.partitions?");
        assert_eq!(config.warnings[1], "unknown key whatever.is.this.about has no effect");
        assert!(config.warnings[2].contains("does not act on"));
    }

    #[test]
    fn a_bad_value_names_key_value_and_what_is_allowed() {
        for (extra, message) in [
            ("num.partitions=zero", "num.partitions=zero is not allowed: a whole number from 1 to 2147483647"),
            ("num.partitions=0", "num.partitions=0 is not allowed: a whole number from 1 to 2147483647"),
            ("log.cleanup.policy=shred", "log.cleanup.policy=shred is not allowed: a list of compact, delete"),
            (
                "log.retention.ms=0",
                "log.retention.ms=0 is not allowed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1",
            ),
            ("broker.id=7", "broker.id=7 is not allowed: the same as node.id=1, or leave it out"),
            ("auto.create.topics.enable=1", "auto.create.topics.enable=1 is not allowed: true or false"),
            ("process.roles=zookeeper", "process.roles=zookeeper is not allowed: a list of broker, controller"),
            ("node.id=-3", "node.id=-3 is not allowed: a whole number from 0 to 2147483647"),
            ("controller.quorum.voters=1", "controller.quorum.voters=1 is not allowed: a list of ID@HOST:PORT"),
            (
                "log.dirs=/a,/b",
                "log.dirs=/a,/b is not allowed: one folder. Several are not built yet: name the first, or start a node for each",
            ),
            (
                "listeners=SSL://:1",
                "listeners=SSL://:1 is not allowed: PLAINTEXT only: encryption and authentication are not built yet",
            ),
        ] {
            assert_eq!(config(extra).unwrap_err().to_string(), message);
        }
    }
}
