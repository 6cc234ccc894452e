//! What consumers tell each other inside JoinGroup and SyncGroup: subscriptions to the leader, assignments back
//! (`ConsumerProtocol`). Each stands behind its version as a 16-bit number.

use bytes::Bytes;
use lab_derive::Message;

use super::{
    message::Message,
    primitive::{DecodeError, Reader, Writer},
};

#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-3", flexible = "none")]
pub struct ConsumerProtocolSubscription {
    #[wire(versions = "0+")]
    pub topics: Vec<String>,
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub user_data: Option<Bytes>,
    #[wire(versions = "1+", ignorable)]
    pub owned_partitions: Vec<TopicPartitions>,
    #[wire(versions = "2+", default = "-1", ignorable)]
    pub generation_id: i32,
    #[wire(versions = "3+", nullable = "3+", default = "null", ignorable)]
    pub rack_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-3", flexible = "none")]
pub struct ConsumerProtocolAssignment {
    #[wire(versions = "0+")]
    pub assigned_partitions: Vec<TopicPartitions>,
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub user_data: Option<Bytes>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicPartitions {
    #[wire(versions = "0+")]
    pub topic: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<i32>,
}

/// With its version in front, the newest.
pub fn encode(message: &impl Message) -> Bytes {
    fn newest<M: Message>(_: &M) -> i16 {
        *M::versions().end()
    }
    let version = newest(message);
    let mut writer = Writer::new();
    writer.i16(version);
    message.encode(version, &mut writer).expect("the newest version carries every field");
    writer.into_bytes()
}

/// A newer version than we know is read as far as we know it: fields are only ever added at the end.
pub fn decode<M: Message>(bytes: &Bytes) -> Result<M, DecodeError> {
    let mut reader = Reader::new(bytes);
    let version = reader.i16()?;
    M::decode(version.min(*M::versions().end()), &mut reader)
}
