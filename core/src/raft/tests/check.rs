//! What must be true of a quorum whatever happens to it: checked from outside, after every input of every node.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::world::Node;
use crate::{
    id::{ConnId, NodeId},
    seam::Time,
    wire::{
        api::ApiKey,
        frame::{self, RequestHead},
        vote::VoteRequest,
    },
};

/// Version of a request, and for a vote (not a pre-vote): epoch and candidate.
struct Asked(i16, Option<(i32, NodeId)>);

fn vote_of(head: &RequestHead, body: &Bytes) -> Option<(i32, NodeId)> {
    let request: VoteRequest = frame::decode_body(head.api_version, body).unwrap();
    let partition = &request.topics[0].partitions[0];
    (!partition.pre_vote).then_some((partition.replica_epoch, NodeId(partition.replica_id)))
}

#[derive(Default)]
pub(super) struct Checker {
    voters: BTreeSet<NodeId>,
    /// Over all history.
    leaders: BTreeMap<i32, NodeId>,
    votes: BTreeMap<(NodeId, i32), NodeId>,
    epochs: BTreeMap<NodeId, i32>,
    /// Offset of a batch's first record to its last offset, epoch and records, as anybody was told it is committed.
    committed: BTreeMap<i64, (i64, i32, Vec<Bytes>)>,
    delivered: BTreeMap<NodeId, i64>,
    high_watermarks: BTreeMap<NodeId, i64>,
    highest: i64,
    /// What each voter's disk is known to hold.
    durable: BTreeMap<NodeId, i64>,
    open: BTreeMap<(NodeId, ConnId), BTreeMap<i32, Asked>>,
    steps: u64,
}

impl Checker {
    pub(super) fn new(voters: BTreeSet<NodeId>) -> Self {
        Self { voters, ..Self::default() }
    }

    fn majority(&self) -> usize {
        self.voters.len() / 2 + 1
    }

    pub(super) fn crashed(&mut self, id: NodeId) {
        self.high_watermarks.remove(&id);
        self.delivered.remove(&id);
    }

    /// Its disk was taken away, and with it all that it had promised.
    pub(super) fn wiped(&mut self, id: NodeId) {
        self.epochs.remove(&id);
        self.durable.remove(&id);
    }

    pub(super) fn asked(&mut self, id: NodeId, conn: ConnId, head: &RequestHead, body: &Bytes) {
        let vote = (head.api_key == ApiKey::Vote).then(|| vote_of(head, body)).flatten();
        let fresh = self.open.entry((id, conn)).or_default().insert(head.correlation_id, Asked(head.api_version, vote));
        assert!(fresh.is_none(), "correlation id {} came twice to {id}", head.correlation_id);
    }

    /// Every answer has a request that was not answered yet, and no vote is given twice.
    pub(super) fn sent(&mut self, id: NodeId, conn: ConnId, bytes: &Bytes) {
        if conn.is_outbound() {
            let (head, body) = frame::parse_request(bytes).expect("nodes send whole requests");
            if head.api_key == ApiKey::Vote
                && let Some((epoch, candidate)) = vote_of(&head, &body)
            {
                self.voted(id, epoch, candidate);
            }
            return;
        }
        let correlation_id = frame::peek_correlation_id(bytes).unwrap();
        let asked = self.open.get_mut(&(id, conn)).and_then(|open| open.remove(&correlation_id));
        let asked = asked.unwrap_or_else(|| panic!("{id} answered {correlation_id} twice, or what nobody asked"));
        if let Asked(version, Some((epoch, candidate))) = asked {
            let (_, response) = frame::parse_response::<VoteRequest>(version, bytes).unwrap();
            if response.topics.iter().any(|topic| topic.partitions[0].vote_granted) {
                self.voted(id, epoch, candidate);
            }
        }
    }

    pub(super) fn forget(&mut self, id: NodeId, conn: ConnId) {
        self.open.remove(&(id, conn));
    }

    /// Requests that wait for an answer.
    pub(super) fn unanswered(&self) -> usize {
        self.open.values().map(BTreeMap::len).sum()
    }

    /// One vote an epoch, candidates' own included, over all lives of the voter.
    fn voted(&mut self, voter: NodeId, epoch: i32, candidate: NodeId) {
        let vote = *self.votes.entry((voter, epoch)).or_insert(candidate);
        assert_eq!(vote, candidate, "{voter} voted twice in epoch {epoch}");
    }

    /// State machine safety: the same records at the same offsets, for everybody.
    pub(super) fn committed(&mut self, id: NodeId, base: i64, last: i64, epoch: i32, records: &[Bytes]) {
        let next = self.delivered.insert(id, last + 1);
        assert_eq!(next.unwrap_or(0), base, "{id} skipped or repeated records");
        let known = self.committed.entry(base).or_insert_with(|| (last, epoch, records.to_vec()));
        assert_eq!((known.0, known.1, &known.2[..]), (last, epoch, records), "{id} has other records at {base}");
    }

    /// state(snapshot) is the state of all records before its end.
    pub(super) fn loaded(&mut self, id: NodeId, end_offset: i64, records: &[Bytes]) {
        let before = self.committed.range(..end_offset);
        let expected: Vec<&Bytes> = before.flat_map(|(_, (_, _, records))| records).collect();
        assert_eq!(records.iter().collect::<Vec<_>>(), expected, "{id} loaded a wrong snapshot at {end_offset}");
        self.delivered.insert(id, end_offset);
    }

    /// Epoch of the last committed batch before `offset`.
    pub(super) fn epoch_before(&self, offset: i64) -> i32 {
        self.committed.range(..offset).next_back().map_or(0, |(_, (_, epoch, _))| *epoch)
    }

    pub(super) fn highest(&self) -> i64 {
        self.highest
    }

    pub(super) fn check(&mut self, nodes: &BTreeMap<NodeId, Node>, now: Time) {
        for (&id, node) in nodes {
            let Some(raft) = &node.raft else { continue };
            assert_eq!(raft.failure(), None, "{id} gave up at {now:?}");
            let view = raft.view();
            if raft.is_leader() {
                let leader = *self.leaders.entry(view.epoch).or_insert(id);
                assert_eq!(leader, id, "two leaders in epoch {}", view.epoch);
                assert!(node.is_voter, "an observer leads");
            }
            if raft.store.is_durable() {
                let epoch = self.epochs.entry(id).or_insert(0);
                assert!(view.epoch >= *epoch, "{id} went back from epoch {epoch} to {}", view.epoch);
                *epoch = view.epoch;
            }
            let known = self.high_watermarks.entry(id).or_insert(-1);
            assert!(view.high_watermark >= *known, "{id}'s high watermark went back");
            assert!(view.high_watermark <= view.log_end_offset, "{id}'s high watermark is beyond its log");
            *known = view.high_watermark;
            self.highest = self.highest.max(view.high_watermark);
            if node.is_voter {
                let durable = self.durable.entry(id).or_insert(0);
                *durable = (*durable).min(view.log_end_offset).max(raft.durable_end_offset());
            }
        }
        let backed = self.durable.values().filter(|end| **end >= self.highest).count();
        assert!(
            self.highest <= 0 || backed >= self.majority(),
            "high watermark {} is not on the disks of a majority: {:?} at {now:?}",
            self.highest,
            self.durable
        );
        self.steps += 1;
        if self.steps.is_multiple_of(64) {
            self.check_logs(nodes);
        }
    }

    /// Log matching: the same offset and epoch on two logs mean the same batches up to there. And leaders of later
    /// epochs have everything that was ever committed.
    pub(super) fn check_logs(&self, nodes: &BTreeMap<NodeId, Node>) {
        let mut seen: BTreeMap<(i64, i32), (NodeId, Vec<u8>)> = BTreeMap::new();
        for (&id, node) in nodes {
            let Some(raft) = &node.raft else { continue };
            let batches = raft.read_batches(&node.disk, raft.log_start_offset(), usize::MAX);
            let newest = self.leaders.last_key_value();
            let mut previous: Option<(i64, i32)> = None;
            for batch in batches {
                let key = (batch.header.base_offset, batch.header.partition_leader_epoch);
                let mut body = batch.bytes.to_vec();
                if let Some((offset, epoch)) = previous {
                    body.extend_from_slice(&offset.to_be_bytes());
                    body.extend_from_slice(&epoch.to_be_bytes());
                    let (other, known) = seen.entry(key).or_insert_with(|| (id, body.clone()));
                    assert!(*known == body, "{id} and {other} differ at offset {} epoch {}", key.0, key.1);
                }
                if newest == Some((&raft.epoch(), &id))
                    && let Some((last, epoch, _)) = self.committed.get(&key.0)
                {
                    let own = (batch.header.last_offset(), key.1);
                    assert_eq!(own, (*last, *epoch), "leader {id} lacks what is committed at {}", key.0);
                }
                previous = Some(key);
            }
            if raft.is_leader() && newest == Some((&raft.epoch(), &id)) {
                assert!(raft.log_end_offset() >= self.highest, "leader {id} lacks committed records");
            }
        }
    }
}
