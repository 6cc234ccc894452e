//! Where new replicas go: striped over racks and brokers, from a random start (Kafka: `StripedReplicaPlacer`).
//!
//! Racks take turns, and within a rack its brokers do. Each partition begins one rack and one broker further on, so that
//! leaders spread evenly. The first replica is never a fenced broker; others may be when the unfenced ones run out.

use std::collections::BTreeMap;

use super::api::{ApiError, State, error};
use crate::{id::NodeId, random, wire::error::ErrorCode};

/// So many partitions of one topic Kafka may find a place for, and fail only then. For more it runs out of memory.
pub(super) const MOST_PLACED: usize = 100_000_000;

/// One list of replicas per partition.
pub(super) fn place(
    partitions: usize,
    replication_factor: usize,
    state: &mut State<'_>,
) -> Result<Vec<Vec<NodeId>>, ApiError> {
    let mut racks = Racks::new(state);
    let refuse = |why: String| {
        let what = format!("Unable to replicate the partition {replication_factor} time(s): {why}");
        error(ErrorCode::InvalidReplicationFactor, what)
    };
    if racks.unfenced == 0 {
        return refuse("All brokers are currently fenced.".into());
    }
    if replication_factor > racks.total {
        return refuse(format!(
            "The target replication factor of {replication_factor} cannot be reached because only {} broker(s) are \
             registered or some brokers have all their log directories cordoned.",
            racks.total
        ));
    }
    Ok((0..partitions).map(|_| racks.next(replication_factor, state.rng)).collect())
}

struct Racks {
    /// Brokers without a rack share one.
    racks: Vec<Rack>,
    total: usize,
    unfenced: usize,
    epoch: usize,
    offset: usize,
}

#[derive(Default)]
struct Rack {
    unfenced: Ring,
    fenced: Ring,
}

/// Brokers in a circle that begins one further with every epoch.
#[derive(Default)]
struct Ring {
    brokers: Vec<NodeId>,
    index: usize,
    offset: usize,
    epoch: usize,
}

impl Ring {
    fn next(&mut self, epoch: usize) -> Option<NodeId> {
        let len = self.brokers.len();
        if len == 0 {
            return None;
        }
        if self.epoch != epoch {
            self.epoch = epoch;
            self.index = 0;
            self.offset = (self.offset + 1) % len;
        }
        let broker = (self.index < len).then(|| self.brokers[(self.index + self.offset) % len]);
        self.index += 1;
        broker
    }
}

impl Racks {
    fn new(state: &mut State<'_>) -> Self {
        let mut by_name: BTreeMap<Option<String>, Rack> = BTreeMap::new();
        let (mut total, mut unfenced) = (0, 0);
        // In order of ids, so rings are sorted.
        for broker in state.image.brokers().filter(|b| !b.in_controlled_shutdown) {
            let rack = by_name.entry(broker.rack.clone()).or_default();
            let ring = if broker.fenced { &mut rack.fenced } else { &mut rack.unfenced };
            ring.brokers.push(broker.id);
            total += 1;
            unfenced += usize::from(!broker.fenced);
        }
        let mut racks: Vec<Rack> = by_name.into_values().collect();
        for ring in racks.iter_mut().flat_map(|r| [&mut r.fenced, &mut r.unfenced]) {
            if !ring.brokers.is_empty() {
                ring.offset = random::index(state.rng, ring.brokers.len());
            }
        }
        let offset = if racks.is_empty() { 0 } else { random::index(state.rng, racks.len()) };
        Self { racks, total, unfenced, epoch: 0, offset }
    }

    /// Needs at least one unfenced broker, and as many brokers as replicas.
    fn next(&mut self, replication_factor: usize, rng: &mut fastrand::Rng) -> Vec<NodeId> {
        // Every broker has begun a partition once: shuffle, or the same assignments would come again.
        if self.epoch == self.unfenced && self.unfenced > 1 {
            random::shuffle(rng, &mut self.racks);
            for ring in self.racks.iter_mut().flat_map(|r| [&mut r.fenced, &mut r.unfenced]) {
                random::shuffle(rng, &mut ring.brokers);
            }
            self.epoch = 0;
        }
        let (epoch, count) = (self.epoch, self.racks.len());
        self.offset %= count;
        let mut replicas = Vec::with_capacity(replication_factor);
        // The leader: the first rack from here on that has an unfenced broker.
        let mut leader_rack = self.offset;
        loop {
            if let Some(broker) = self.racks[leader_rack].unfenced.next(epoch) {
                replicas.push(broker);
                break;
            }
            leader_rack = (leader_rack + 1) % count;
        }
        // The leader's rack has had its first turn.
        let mut skip = Some(leader_rack);
        let mut rack = self.offset;
        while replicas.len() < replication_factor {
            if skip == Some(rack) {
                skip = None;
            } else {
                let Rack { unfenced, fenced } = &mut self.racks[rack];
                replicas.extend(unfenced.next(epoch).or_else(|| fenced.next(epoch)));
            }
            rack = (rack + 1) % count;
        }
        self.epoch += 1;
        self.offset += 1;
        replicas
    }
}
