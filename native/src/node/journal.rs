//! What a node writes into its log of what its machines do: the rare events, as the sentences that the page shows. Some
//! are counted too.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use lab_core::{id::NodeId, trace::EventKind};
use tracing::{info, warn};

/// The same line is written again only after this: a full disk refuses every append.
const SILENCE: Duration = Duration::from_secs(10);
/// Lines remembered for that.
const REMEMBERED: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Journal {
    said: BTreeMap<String, Instant>,
    pub(super) isr_shrinks: u64,
    pub(super) isr_expands: u64,
    pub(super) elections: u64,
}

impl Journal {
    pub(super) fn write(&mut self, node: NodeId, kind: &EventKind) {
        match kind {
            EventKind::IsrShrinkAsked { .. } => self.isr_shrinks += 1,
            EventKind::IsrExpandAsked { .. } => self.isr_expands += 1,
            EventKind::QuorumLeaderElected { .. } => self.elections += 1,
            _ => {}
        }
        let line = kind.text(node);
        let now = Instant::now();
        if self.said.get(&line).is_some_and(|at| now - *at < SILENCE) {
            return;
        }
        self.said.retain(|_, at| now - *at < SILENCE);
        if self.said.len() < REMEMBERED {
            self.said.insert(line.clone(), now);
        }
        if is_trouble(kind) { warn!("{line}") } else { info!("{line}") }
    }
}

/// What somebody should look at.
fn is_trouble(kind: &EventKind) -> bool {
    match kind {
        EventKind::AppendRefused { .. } | EventKind::TurnedAway { .. } | EventKind::BrokerFenced { .. } => true,
        EventKind::Truncated { .. } | EventKind::MetadataTruncated { .. } | EventKind::IsrShrinkAsked { .. } => true,
        EventKind::Recovered { cut_bytes, .. } => *cut_bytes > 0,
        EventKind::ConfigChanged { without_effect, .. } => without_effect.is_some(),
        _ => false,
    }
}
