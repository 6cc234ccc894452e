//! The partitions of a broker: leaders that append and count who has what, followers that copy, and requests that wait
//! for either. Nothing here knows connections of clients; the broker hands in what was asked and takes out answers.

pub mod leader;
pub mod settings;

pub mod partition;

pub mod validate;

pub mod purgatory;
pub mod session;

pub mod manager;

pub mod delete_records;
mod durability;
pub mod fetch;
mod fetcher;
mod isr;
pub mod produce;
mod walk;

use crate::{
    id::{NodeId, Uuid},
    metadata::image::MetadataImage,
};

/// Names a partition by its topic's id, so that a topic created anew under an old name is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKey {
    pub topic_id: Uuid,
    pub partition: i32,
}

/// The listener of brokers, by which clients and other brokers reach them.
pub const LISTENER: &str = "PLAINTEXT";

/// Id, host, port and rack of those leaders, each once: what answers carry beside a leader hint (KIP-951).
pub fn node_endpoints(
    image: &MetadataImage,
    mut leaders: Vec<NodeId>,
) -> impl Iterator<Item = (i32, String, i32, Option<String>)> + '_ {
    leaders.sort_unstable();
    leaders.dedup();
    leaders.into_iter().filter_map(|id| {
        let broker = image.broker(id)?;
        let endpoint = broker.endpoint(LISTENER)?;
        Some((id.0, endpoint.host.clone(), i32::from(endpoint.port), broker.rack.clone()))
    })
}
