//! Names of things: nodes, connections, events, topics. Newtypes, so that one is never taken for another.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::client::ConsumerCommand;

/// `node.id` of a broker or controller; simulated clients use ids from 1001.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub i32);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A connection, unique within a machine's lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnId(pub u64);

impl ConnId {
    /// Set in connections that the machine itself opened.
    pub const OUTBOUND: u64 = 1 << 63;

    pub const fn is_outbound(self) -> bool {
        self.0 & Self::OUTBOUND != 0
    }
}

/// Pairs a request for durability or long work with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Token(pub u64);

/// An event: node in the high bits, a counter in the low 40.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(pub u64);

impl EventId {
    pub const fn new(node: NodeId, sequence: u64) -> Self {
        Self(((node.0 as u64) << 40) | (sequence & ((1 << 40) - 1)))
    }

    pub const fn node(self) -> NodeId {
        NodeId((self.0 >> 40) as i32)
    }
}

/// Host and port. In the simulator the host names the node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// One partition of a topic, printed `orders-0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicPartition {
    pub topic: String,
    pub partition: i32,
}

impl TopicPartition {
    pub fn new(topic: impl Into<String>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// What a person or script asks of a simulated client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Producer: send one record. A missing `partition` is chosen by the partitioner.
    Produce { topic: String, partition: Option<i32>, key: Option<String>, value: String },
    /// Producer: from now on send `records_per_second` records of `size_bytes` to `topic`, keyed `k0..k<keys>` (0: no key).
    Load { topic: String, records_per_second: u32, size_bytes: u32, keys: u32 },
    /// Producer: send what is buffered now.
    Flush,
    /// Admin: create a topic; tried again until the cluster answers for good.
    CreateTopic { topic: String, partitions: i32, replication_factor: i16, configs: Vec<(String, String)> },
    /// Consumer: what its application does.
    Consumer(ConsumerCommand),
}

/// A Kafka UUID: 16 bytes, printed as unpadded URL-safe base64 like `org.apache.kafka.common.Uuid`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    pub const ZERO: Self = Self([0; 16]);
    /// Topic id of `__cluster_metadata` (KIP-595).
    pub const METADATA_TOPIC: Self = Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// A random (version 4) id. As Kafka's, never one whose text begins with a dash, which tools would take for a flag.
    pub fn random(rng: &mut fastrand::Rng) -> Self {
        loop {
            let mut bytes = [0; 16];
            rng.fill(&mut bytes);
            bytes[6] = (bytes[6] & 0x0f) | 0x40;
            bytes[8] = (bytes[8] & 0x3f) | 0x80;
            let id = Self(bytes);
            if !id.to_string().starts_with('-') {
                return id;
            }
        }
    }

    /// Reads the 22 characters that `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bits: u128 = 0;
        if text.len() != 22 {
            return None;
        }
        for (i, c) in text.bytes().enumerate() {
            let value = ALPHABET.iter().position(|&a| a == c)? as u128;
            // 22 characters carry 132 bits; the last four are padding.
            bits = if i == 21 { (bits << 2) | (value >> 4) } else { (bits << 6) | value };
        }
        Some(Self(bits.to_be_bytes()))
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        for i in 0..21 {
            let index = (bits >> (122 - 6 * i)) & 63;
            write!(f, "{}", ALPHABET[index as usize] as char)?;
        }
        write!(f, "{}", ALPHABET[((bits & 3) << 4) as usize] as char)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Uuid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a Kafka UUID is 22 characters of URL-safe base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_text_round_trips_and_matches_kafka() {
        // Read from Kafka 4.3.1: Uuid.METADATA_TOPIC_ID.toString().
        assert_eq!(Uuid::METADATA_TOPIC.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..100 {
            let id = Uuid::random(&mut rng);
            assert_eq!(Uuid::parse(&id.to_string()), Some(id));
        }
    }
}
