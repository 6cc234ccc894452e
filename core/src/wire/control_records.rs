//! Values of the control records of the metadata log (KIP-595, KIP-630, KIP-853).

use lab_derive::Message;

use super::schema::Schema;
use crate::id::Uuid;

/// Name of a control record's type, and the fields of its value where those are known here.
pub fn by_type(code: i16) -> Option<(&'static str, Option<&'static Schema>)> {
    Some(match code {
        0 => ("Abort", None),
        1 => ("Commit", None),
        2 => ("LeaderChange", Some(LeaderChangeMessage::SCHEMA)),
        3 => ("SnapshotHeader", Some(SnapshotHeaderRecord::SCHEMA)),
        4 => ("SnapshotFooter", Some(SnapshotFooterRecord::SCHEMA)),
        5 => ("KRaftVersion", Some(KRaftVersionRecord::SCHEMA)),
        6 => ("KRaftVoters", Some(VotersRecord::SCHEMA)),
        _ => return None,
    })
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0-1", flexible = "0+")]
pub struct LeaderChangeMessage {
    #[wire(versions = "0+")]
    pub version: i16,
    #[wire(versions = "0+")]
    pub leader_id: i32,
    #[wire(versions = "0+")]
    pub voters: Vec<Voter>,
    #[wire(versions = "0+")]
    pub granting_voters: Vec<Voter>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct Voter {
    #[wire(versions = "0+")]
    pub voter_id: i32,
    #[wire(versions = "1+")]
    pub voter_directory_id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct SnapshotHeaderRecord {
    #[wire(versions = "0+")]
    pub version: i16,
    #[wire(versions = "0+")]
    pub last_contained_log_timestamp: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct SnapshotFooterRecord {
    #[wire(versions = "0+")]
    pub version: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct KRaftVersionRecord {
    #[wire(versions = "0+")]
    pub version: i16,
    #[wire(versions = "0+")]
    pub k_raft_version: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(versions = "0", flexible = "0+")]
pub struct VotersRecord {
    #[wire(versions = "0+")]
    pub version: i16,
    #[wire(versions = "0+")]
    pub voters: Vec<VotersRecordVoter>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct VotersRecordVoter {
    #[wire(versions = "0+")]
    pub voter_id: i32,
    #[wire(versions = "0+")]
    pub voter_directory_id: Uuid,
    #[wire(versions = "0+")]
    pub endpoints: Vec<Endpoint>,
    #[wire(versions = "0+")]
    pub k_raft_version_feature: KRaftVersionFeature,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct Endpoint {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub host: String,
    #[wire(versions = "0+")]
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct KRaftVersionFeature {
    #[wire(versions = "0+")]
    pub min_supported_version: i16,
    #[wire(versions = "0+")]
    pub max_supported_version: i16,
}
