//! A group of the classic protocol: members, states, generations (`ClassicGroup`). What it does over time is in
//! `rebalance`; what it answers is in one file per API.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::member::Member;
use crate::{
    broker::Reply,
    hash::hash_map_slot,
    wire::{
        error::ErrorCode,
        group_records::{GroupMetadataKey, GroupMetadataValue},
        join_group::{JoinGroupRequestProtocol, JoinGroupResponseMember},
        list_groups::ListedGroup,
        primitive::Reader,
    },
};

/// The protocol type of consumers: only theirs is understood by brokers.
pub const CONSUMER: &str = "consumer";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No members; perhaps offsets.
    Empty,
    /// A rebalance began: members are to join.
    PreparingRebalance,
    /// Everybody joined: the leader is to hand in the assignment.
    CompletingRebalance,
    Stable,
    /// Gone from here.
    Dead,
}

impl State {
    /// As Kafka's tools print it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

#[derive(Clone, Debug)]
pub struct ClassicGroup {
    pub id: String,
    pub(super) state: State,
    pub(super) previous_state: State,
    /// When it came into its state; -1: its record does not say.
    pub(super) state_since_ms: i64,
    pub(super) generation: i32,
    /// `None`: a simple group, which only keeps offsets.
    pub(super) protocol_type: Option<String>,
    pub(super) protocol: Option<String>,
    pub(super) leader: Option<String>,
    pub(super) members: BTreeMap<String, Member>,
    /// Instance id to member id.
    pub(super) static_members: BTreeMap<String, String>,
    /// They were given an id and are to join with it (KIP-394).
    pub(super) pending_join: BTreeSet<String>,
    /// They joined and have not asked for their assignment yet.
    pub(super) pending_sync: BTreeSet<String>,
    /// Somebody new came while a new group waits for more.
    pub(super) new_member_added: bool,
    /// Topics that its consumers subscribe to; `None`: it cannot be told.
    pub(super) subscribed_topics: Option<BTreeSet<String>>,
}

impl ClassicGroup {
    pub fn new(id: &str, now_ms: i64) -> Self {
        Self {
            id: id.to_owned(),
            state: State::Empty,
            previous_state: State::Dead,
            state_since_ms: now_ms,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_join: BTreeSet::new(),
            pending_sync: BTreeSet::new(),
            new_member_added: false,
            subscribed_topics: None,
        }
    }

    pub fn state(&self) -> State {
        self.state
    }

    pub fn generation(&self) -> i32 {
        self.generation
    }

    pub fn leader(&self) -> Option<&str> {
        self.leader.as_deref()
    }

    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    pub fn protocol_type(&self) -> Option<&str> {
        self.protocol_type.as_deref()
    }

    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    pub(super) fn is_in(&self, state: State) -> bool {
        self.state == state
    }

    pub(super) fn is_leader(&self, member: &str) -> bool {
        self.leader.as_deref() == Some(member)
    }

    pub(super) fn transition(&mut self, to: State, wall_ms: i64) {
        let allowed = match to {
            State::Empty => self.is_in(State::PreparingRebalance),
            State::PreparingRebalance => {
                matches!(self.state, State::Stable | State::CompletingRebalance | State::Empty)
            }
            State::CompletingRebalance => self.is_in(State::PreparingRebalance),
            State::Stable => self.is_in(State::CompletingRebalance),
            State::Dead => true,
        };
        assert!(allowed, "group {} cannot go from {:?} to {to:?}", self.id, self.state);
        self.previous_state = self.state;
        self.state = to;
        self.state_since_ms = wall_ms;
    }

    pub(super) fn add(&mut self, member: Member, protocol_type: &str) {
        if let Some(instance_id) = &member.instance_id {
            let before = self.static_members.insert(instance_id.clone(), member.id.clone());
            assert!(before.is_none(), "static member {instance_id} is in group {} already", self.id);
        }
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type.to_owned());
        }
        self.leader.get_or_insert_with(|| member.id.clone());
        self.pending_join.remove(&member.id);
        self.members.insert(member.id.clone(), member);
    }

    /// Takes out a member, pending or not.
    pub(super) fn remove(&mut self, member_id: &str) -> Option<Member> {
        let removed = self.members.remove(member_id);
        if let Some(instance_id) = removed.as_ref().and_then(|m| m.instance_id.as_ref()) {
            self.static_members.remove(instance_id);
        }
        if self.is_leader(member_id) {
            self.leader = self.members.keys().next().cloned();
        }
        self.pending_join.remove(member_id);
        self.pending_sync.remove(member_id);
        removed
    }

    /// A leader that did not join in time is followed by one that did. `false`: nobody did (`maybeElectNewJoinedLeader`).
    pub(super) fn elect_joined_leader(&mut self) -> bool {
        let Some(leader) = &self.leader else { return false };
        if self.members.get(leader).is_some_and(Member::is_awaiting_join) {
            return true;
        }
        match self.members.values().find(|m| m.is_awaiting_join()) {
            Some(joined) => {
                self.leader = Some(joined.id.clone());
                true
            }
            None => false,
        }
    }

    /// Whether the member may act, in the order in which Kafka looks (`ClassicGroup.validateMember`).
    pub(super) fn validate_member(&self, member_id: &str, instance_id: Option<&str>) -> Result<(), ErrorCode> {
        if let Some(instance_id) = instance_id {
            match self.static_members.get(instance_id) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(known) if known != member_id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }

    pub(super) fn all_joined(&self) -> bool {
        self.pending_join.is_empty() && self.members.values().all(Member::is_awaiting_join)
    }

    /// The longest of its members'.
    pub(super) fn rebalance_timeout_ms(&self) -> u64 {
        self.members.values().map(|m| m.rebalance_timeout_ms).max().map_or(0, |ms| u64::try_from(ms).unwrap_or(0))
    }

    /// How often the members name each protocol. One named as often as there are members is one that all support
    /// (`incrementSupportedProtocols`), so one that a member names twice is not.
    fn supported_protocols(&self) -> BTreeMap<&str, usize> {
        let mut times = BTreeMap::new();
        let names = self.members.values().flat_map(|m| &m.protocols).map(|(name, _)| name.as_str());
        names.for_each(|name| *times.entry(name).or_default() += 1);
        times
    }

    /// Protocols that every member supports. Where there are none for having been named twice, Kafka fails and never answers;
    /// here they count once.
    fn candidates(&self) -> Vec<&str> {
        let supported = self.supported_protocols();
        let all: Vec<&str> =
            supported.iter().filter(|(_, times)| **times == self.members.len()).map(|(name, _)| *name).collect();
        if all.is_empty() { supported.into_keys().filter(|name| self.is_named_by_all(name)).collect() } else { all }
    }

    fn is_named_by_all(&self, protocol: &str) -> bool {
        self.members.values().all(|m| m.protocols.iter().any(|(name, _)| name == protocol))
    }

    /// Whether a member with these may be in the group (`supportsProtocols`).
    pub(super) fn supports(&self, protocol_type: &str, protocols: &[JoinGroupRequestProtocol]) -> bool {
        if self.is_in(State::Empty) {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        let supported = self.supported_protocols();
        let by_all = |p: &JoinGroupRequestProtocol| supported.get(p.name.as_str()) == Some(&self.members.len());
        self.protocol_type.as_deref() == Some(protocol_type) && protocols.iter().any(by_all)
    }

    /// Each member votes for the first of its own that everybody supports; most votes win (`selectProtocol`).
    pub(super) fn select_protocol(&self) -> Option<String> {
        let candidates = self.candidates();
        let mut votes: BTreeMap<&str, i32> = BTreeMap::new();
        self.members.values().filter_map(|m| m.vote(&candidates)).for_each(|p| *votes.entry(p).or_default() += 1);
        // Of several with as many votes Kafka takes the first in the order of a Java map.
        votes.into_iter().min_by_key(|&(p, n)| (-n, hash_map_slot(p))).map(|(p, _)| p.to_owned())
    }

    pub(super) fn uses_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// What it cannot tell it takes for a subscription, so that no offset in use is thrown away.
    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed_topics {
            Some(topics) => topics.contains(topic),
            None => self.uses_consumer_protocol(),
        }
    }

    /// Reads the subscriptions, which are the only part of what members send that brokers understand
    /// (`computeSubscribedTopics`).
    pub(super) fn compute_subscribed_topics(&self) -> Result<Option<BTreeSet<String>>, Unreadable> {
        if !self.uses_consumer_protocol() {
            return Ok(None);
        }
        if self.members.is_empty() {
            return Ok(Some(BTreeSet::new()));
        }
        let Some(protocol) = self.protocol.as_deref() else { return Ok(None) };
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            match subscription_topics(&member.metadata(protocol))? {
                Some(more) => topics.extend(more),
                None => return Ok(None),
            }
        }
        Ok(Some(topics))
    }

    /// For the leader, who shares out.
    pub(super) fn join_members(&self) -> Vec<JoinGroupResponseMember> {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let member = |m: &Member| JoinGroupResponseMember {
            member_id: m.id.clone(),
            group_instance_id: m.instance_id.clone(),
            metadata: m.metadata(protocol),
        };
        self.members.values().map(member).collect()
    }

    pub(super) fn awaiting_join(&self) -> usize {
        self.members.values().filter(|m| m.is_awaiting_join()).count()
    }

    pub(super) fn take_join(&mut self, member_id: &str) -> Option<Reply> {
        let member = self.members.get_mut(member_id)?;
        member.joined_in_vain = false;
        member.awaiting_join.take()
    }

    pub(super) fn take_sync(&mut self, member_id: &str) -> Option<Reply> {
        self.members.get_mut(member_id)?.awaiting_sync.take()
    }

    pub(super) fn assignments(&self) -> BTreeMap<String, Bytes> {
        self.members.values().map(|m| (m.id.clone(), m.assignment.clone())).collect()
    }

    pub fn listed(&self) -> ListedGroup {
        ListedGroup {
            group_id: self.id.clone(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            group_state: self.state.name().to_owned(),
            group_type: "classic".to_owned(),
        }
    }

    /// As it is in the log, with these assignments (`newGroupMetadataRecord`).
    pub(super) fn to_record(&self, assignments: &BTreeMap<String, Bytes>) -> (GroupMetadataKey, GroupMetadataValue) {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let assignment = |m: &Member| assignments.get(&m.id).cloned().unwrap_or_default();
        let value = GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            current_state_timestamp: self.state_since_ms,
            members: self.members.values().map(|m| m.to_record(protocol, assignment(m))).collect(),
        };
        (GroupMetadataKey { group: self.id.clone() }, value)
    }

    pub(super) fn from_record(id: &str, value: &GroupMetadataValue) -> Self {
        let mut group = Self::new(id, value.current_state_timestamp);
        group.state = if value.members.is_empty() { State::Empty } else { State::Stable };
        group.previous_state = group.state;
        group.generation = value.generation;
        group.protocol_type = Some(value.protocol_type.clone()).filter(|t| !t.is_empty());
        group.protocol = value.protocol.clone();
        group.leader = value.leader.clone();
        let protocol = value.protocol.as_deref().unwrap_or_default();
        for record in &value.members {
            let member = Member::from_record(record, protocol);
            if let Some(instance_id) = &member.instance_id {
                group.static_members.insert(instance_id.clone(), member.id.clone());
            }
            group.members.insert(member.id.clone(), member);
        }
        group.subscribed_topics = group.compute_subscribed_topics().unwrap_or_default();
        group
    }
}

/// A subscription that makes no sense. Kafka trips over it while it begins a generation, and leaves the group there: the
/// generation is counted, and the rebalance goes on until somebody joins or leaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unreadable;

/// Topics of an embedded `ConsumerProtocolSubscription` (`ConsumerProtocol.deserializeConsumerProtocolSubscription`).
/// `None`: it ends too early, which Kafka expects of clients. What it claims to hold and cannot, it does not.
fn subscription_topics(metadata: &Bytes) -> Result<Option<Vec<String>>, Unreadable> {
    let mut reader = Reader::new(metadata);
    // The version is not looked at: every one begins as version 0 did.
    let (Ok(_), Ok(count)) = (reader.i16(), reader.i32()) else { return Ok(None) };
    let count = usize::try_from(count).ok().filter(|&count| count <= reader.remaining()).ok_or(Unreadable)?;
    let mut topics = Vec::new();
    for _ in 0..count {
        let Ok(len) = reader.i16() else { return Ok(None) };
        let len = usize::try_from(len).map_err(|_| Unreadable)?;
        let name = reader.take(len).map_err(|_| Unreadable)?;
        topics.push(String::from_utf8_lossy(name).into_owned());
    }
    let Ok(user_data) = reader.i32() else { return Ok(None) };
    match usize::try_from(user_data) {
        Ok(len) if len > reader.remaining() => Err(Unreadable),
        _ => Ok(Some(topics)),
    }
}
