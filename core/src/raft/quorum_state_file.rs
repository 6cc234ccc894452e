//! The file `quorum-state`: the epoch, its leader and this node's vote, as Kafka's `FileQuorumStateStore` writes them.
//!
//! A vote is a promise that must survive a power loss, so nothing leaves this node while the newest content is on its
//! way to the disk. [`Store`] keeps count: every write has a number, and the newest durable number says what may go.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    disk::{Disk, DiskError, DiskResult, SyncTarget},
    id::{NodeId, Token, Uuid},
    seam::{Outbox, Time},
};

/// A replica's identity in the quorum (KIP-853): its id and the directory its log lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplicaKey {
    pub id: NodeId,
    /// Zero: unknown, as told by older requests.
    pub directory_id: Uuid,
}

/// Kafka's `ElectionState`: all of an epoch that must never be forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ElectionState {
    pub(super) epoch: i32,
    pub(super) leader: Option<NodeId>,
    pub(super) voted: Option<ReplicaKey>,
}

/// The JSON of Kafka's `QuorumStateData`. Version 0 is what a quorum writes whose voters stand in the configuration
/// (`kraft.version` 0): it names them, and no directory. Version 1 is read too.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct QuorumStateData {
    #[serde(default)]
    cluster_id: String,
    leader_id: i32,
    leader_epoch: i32,
    voted_id: i32,
    #[serde(default, skip_serializing)]
    voted_directory_id: Uuid,
    /// Unused in Kafka too.
    #[serde(default)]
    applied_offset: i64,
    #[serde(default)]
    current_voters: Vec<CurrentVoter>,
    #[serde(rename = "data_version")]
    data_version: i16,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CurrentVoter {
    voter_id: i32,
}

impl ElectionState {
    fn to_json(self, voters: &[NodeId]) -> String {
        let data = QuorumStateData {
            cluster_id: String::new(),
            leader_id: self.leader.map_or(-1, |id| id.0),
            leader_epoch: self.epoch,
            voted_id: self.voted.map_or(-1, |voted| voted.id.0),
            voted_directory_id: Uuid::ZERO,
            applied_offset: 0,
            current_voters: voters.iter().map(|id| CurrentVoter { voter_id: id.0 }).collect(),
            data_version: 0,
        };
        serde_json::to_string(&data).expect("plain data is always JSON")
    }

    fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let data: QuorumStateData = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if !(0..=1).contains(&data.data_version) {
            return Err(format!("data_version {} is neither 0 nor 1", data.data_version));
        }
        if data.leader_epoch < 0 {
            return Err(format!("leaderEpoch {} is negative", data.leader_epoch));
        }
        let id = |id: i32| (id >= 0).then_some(NodeId(id));
        Ok(Self {
            epoch: data.leader_epoch,
            leader: id(data.leader_id),
            voted: id(data.voted_id).map(|id| ReplicaKey { id, directory_id: data.voted_directory_id }),
        })
    }
}

/// Writes the file and knows which content is durable.
#[derive(Clone, Debug)]
pub(super) struct Store {
    path: String,
    voters: Vec<NodeId>,
    /// Number of the newest content.
    written: u64,
    /// Number of the newest content that is on the platter. Invariant: `durable <= written`.
    durable: u64,
    in_flight: BTreeMap<Token, u64>,
    /// The disk refused; tried again then. Until it takes the file, nothing leaves this node.
    retry_at: Option<Time>,
}

impl Store {
    /// Reads the file in `dir`. What is read may not be durable (a crash between write and sync), so the caller writes
    /// it again before it acts on it. A missing file is an empty state.
    pub(super) fn open(disk: &dyn Disk, dir: &str, voters: Vec<NodeId>) -> Result<(Self, ElectionState), String> {
        let path = format!("{dir}/quorum-state");
        let state = match disk.read(&path) {
            Ok(bytes) => ElectionState::from_json(&bytes).map_err(|why| format!("{path}: {why}"))?,
            Err(DiskError::NotFound(_)) => ElectionState::default(),
            Err(error) => return Err(format!("{path}: {error}")),
        };
        Ok((Self { path, voters, written: 0, durable: 0, in_flight: BTreeMap::new(), retry_at: None }, state))
    }

    /// Replaces the content and asks for durability.
    pub(super) fn write(&mut self, disk: &mut dyn Disk, out: &mut Outbox, state: ElectionState, now: Time) {
        self.written += 1;
        self.attempt(disk, out, state, now);
    }

    /// Tries a refused write again when its time has come.
    pub(super) fn retry(&mut self, disk: &mut dyn Disk, out: &mut Outbox, state: ElectionState, now: Time) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.attempt(disk, out, state, now);
        }
    }

    fn attempt(&mut self, disk: &mut dyn Disk, out: &mut Outbox, state: ElectionState, now: Time) {
        let result: DiskResult<()> = disk.replace(&self.path, state.to_json(&self.voters).as_bytes(), true);
        match result {
            Ok(()) => {
                self.retry_at = None;
                self.in_flight.insert(out.sync(SyncTarget::Path(self.path.clone())), self.written);
            }
            Err(_) => self.retry_at = Some(now.plus_ms(RETRY_MS)),
        }
    }

    pub(super) fn owns(&self, token: Token) -> bool {
        self.in_flight.contains_key(&token)
    }

    /// The answer for `token`. A failed sync of a replaced file is safe to repeat: the whole file is written anew.
    pub(super) fn synced(&mut self, token: Token, result: &DiskResult<()>, now: Time) {
        let Some(number) = self.in_flight.remove(&token) else { return };
        match result {
            Ok(()) => self.durable = self.durable.max(number),
            Err(_) => self.retry_at = Some(now.plus_ms(RETRY_MS)),
        }
    }

    pub(super) fn is_durable(&self) -> bool {
        self.durable == self.written
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.retry_at
    }
}

/// How long a refusing disk is left alone.
const RETRY_MS: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_kafkas_json() {
        let voted = Some(ReplicaKey { id: NodeId(2), directory_id: Uuid::ZERO });
        let state = ElectionState { epoch: 1, leader: Some(NodeId(2)), voted };
        // As node 1 of three wrote it, Apache Kafka 4.3.1 with controller.quorum.voters.
        let text = r#"{"clusterId":"","leaderId":2,"leaderEpoch":1,"votedId":2,"appliedOffset":0,"currentVoters":[{"voterId":1},{"voterId":2},{"voterId":3}],"data_version":0}"#;
        assert_eq!(state.to_json(&[NodeId(1), NodeId(2), NodeId(3)]), text);
        assert_eq!(ElectionState::from_json(text.as_bytes()), Ok(state));
        // Version 1 has the directory of the vote, and no voters.
        let new = br#"{"leaderId":-1,"leaderEpoch":5,"votedId":102,"votedDirectoryId":"BwcHBwcHBwcHBwcHBwcHBw","data_version":1}"#;
        let voted = Some(ReplicaKey { id: NodeId(102), directory_id: Uuid([7; 16]) });
        assert_eq!(ElectionState::from_json(new), Ok(ElectionState { epoch: 5, leader: None, voted }));
        assert!(ElectionState::from_json(b"{}").is_err());
    }
}
