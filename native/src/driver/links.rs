//! Faults on the links between nodes, applied inside the driver by the identity of the other end.
//!
//! TCP is the transport, so a cut stalls bytes and a slow link delays them: nothing is dropped, doubled or reordered.

use std::{collections::BTreeMap, time::Duration};

use lab_core::id::{Endpoint, NodeId};
use serde::{Deserialize, Serialize};

/// The faults one node applies, and how it knows who is behind an address it connects to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTable {
    pub faults: Vec<LinkFault>,
    pub endpoints: Vec<(Endpoint, NodeId)>,
}

/// A fault of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkFault {
    pub from: NodeId,
    pub to: NodeId,
    pub cut: bool,
    pub delay_ms: u64,
}

/// What a connection does to its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkState {
    pub cut_in: bool,
    pub cut_out: bool,
    /// Each frame that is sent waits this long.
    pub delay: Duration,
}

/// A [`LinkTable`] as one node sees it.
#[derive(Clone, Debug, Default)]
pub struct Links {
    states: BTreeMap<NodeId, LinkState>,
    endpoints: BTreeMap<Endpoint, NodeId>,
}

impl Links {
    pub fn new(me: NodeId, table: &LinkTable) -> Self {
        let mut states: BTreeMap<NodeId, LinkState> = BTreeMap::new();
        for fault in &table.faults {
            if fault.from == me {
                let state = states.entry(fault.to).or_default();
                state.cut_out |= fault.cut;
                state.delay = state.delay.max(Duration::from_millis(fault.delay_ms));
            } else if fault.to == me {
                states.entry(fault.from).or_default().cut_in |= fault.cut;
            }
        }
        Self { states, endpoints: table.endpoints.iter().cloned().collect() }
    }

    pub fn peer_at(&self, endpoint: &Endpoint) -> Option<NodeId> {
        self.endpoints.get(endpoint).copied()
    }

    pub fn state(&self, peer: Option<NodeId>) -> LinkState {
        peer.and_then(|peer| self.states.get(&peer)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_sees_its_half_of_a_one_way_cut() {
        let (a, b) = (NodeId(1), NodeId(101));
        let fault = LinkFault { from: a, to: b, cut: true, delay_ms: 0 };
        let table = LinkTable { faults: vec![fault], endpoints: Vec::new() };
        let at_a = Links::new(a, &table).state(Some(b));
        let at_b = Links::new(b, &table).state(Some(a));
        assert!(at_a.cut_out && !at_a.cut_in);
        assert!(at_b.cut_in && !at_b.cut_out);
        assert_eq!(Links::new(NodeId(2), &table).state(Some(a)), LinkState::default());
        assert_eq!(Links::new(a, &table).state(None), LinkState::default());
    }
}
