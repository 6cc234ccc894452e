//! Records of `__consumer_offsets`: what a group coordinator remembers. A key begins with its type as a 16-bit number, a
//! value with its version (Kafka: `GroupCoordinatorRecordSerde`). Types 3 and up belong to newer kinds of group.

use bytes::Bytes;
use lab_derive::Message;

use super::schema::Schema;
use crate::id::Uuid;

/// Keys and values, in pairs.
pub const SCHEMAS: &[&Schema] =
    &[OffsetCommitKey::SCHEMA, OffsetCommitValue::SCHEMA, GroupMetadataKey::SCHEMA, GroupMetadataValue::SCHEMA];

/// Until Kafka 0.9 type 0 was written for the same; both are read.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 1, versions = "0", flexible = "none")]
pub struct OffsetCommitKey {
    #[wire(versions = "0")]
    pub group: String,
    #[wire(versions = "0")]
    pub topic: String,
    #[wire(versions = "0")]
    pub partition: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 1, versions = "0-4", flexible = "4+")]
pub struct OffsetCommitValue {
    #[wire(versions = "0+")]
    pub offset: i64,
    #[wire(versions = "3+", default = "-1", ignorable)]
    pub leader_epoch: i32,
    #[wire(versions = "0+")]
    pub metadata: String,
    #[wire(versions = "0+")]
    pub commit_timestamp: i64,
    #[wire(versions = "1", default = "-1", ignorable)]
    pub expire_timestamp: i64,
    #[wire(versions = "4+", tag = 0, ignorable)]
    pub topic_id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 2, versions = "0", flexible = "none")]
pub struct GroupMetadataKey {
    #[wire(versions = "0")]
    pub group: String,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 2, versions = "0-4", flexible = "4+")]
pub struct GroupMetadataValue {
    #[wire(versions = "0+")]
    pub protocol_type: String,
    #[wire(versions = "0+")]
    pub generation: i32,
    #[wire(versions = "0+", nullable = "0+")]
    pub protocol: Option<String>,
    #[wire(versions = "0+", nullable = "0+")]
    pub leader: Option<String>,
    #[wire(versions = "2+", default = "-1", ignorable)]
    pub current_state_timestamp: i64,
    #[wire(versions = "0+")]
    pub members: Vec<MemberMetadata>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MemberMetadata {
    #[wire(versions = "0+")]
    pub member_id: String,
    #[wire(versions = "3+", nullable = "3+", default = "null", ignorable)]
    pub group_instance_id: Option<String>,
    #[wire(versions = "0+")]
    pub client_id: String,
    #[wire(versions = "0+")]
    pub client_host: String,
    #[wire(versions = "1+", default = "-1", ignorable)]
    pub rebalance_timeout: i32,
    #[wire(versions = "0+")]
    pub session_timeout: i32,
    #[wire(versions = "0+")]
    pub subscription: Bytes,
    #[wire(versions = "0+")]
    pub assignment: Bytes,
}
