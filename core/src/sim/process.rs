//! What each simulated node runs, and how that is configured from a scenario.

use super::{Scenario, scenario};
use crate::{
    client::{AdminConfig, ConsumerConfig, ProducerConfig},
    config::NodeConfig,
    hash::child_seed,
    id::{Endpoint, NodeId, Uuid},
    program::Program,
};

/// The admin that creates a scenario's topics. It is no part of what people see.
pub(super) const ADMIN: NodeId = NodeId(1000);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Controller,
    Broker,
    /// Index in the scenario.
    Producer(usize),
    Consumer(usize),
    Admin,
    #[cfg(test)]
    Toy,
}

impl Role {
    pub(super) fn is_server(self) -> bool {
        matches!(self, Self::Controller | Self::Broker)
    }
}

/// What `role` runs. `incarnation` counts the starts of this node and gives each its own seed.
pub(super) fn program(scenario: &Scenario, seed: u64, id: NodeId, role: Role, incarnation: u32) -> Program {
    let server = || Box::new(server_config(scenario, seed, id, role, incarnation));
    let seed = child_seed(seed, (u64::from(incarnation) << 32) | id.0 as u64);
    match role {
        Role::Controller => Program::Controller(server()),
        Role::Broker => Program::Broker(server()),
        Role::Producer(i) => Program::Producer(Box::new(ProducerConfig { seed, ..scenario.producers[i].clone() })),
        Role::Consumer(i) => Program::Consumer(Box::new(ConsumerConfig { seed, ..scenario.consumers[i].clone() })),
        Role::Admin => {
            let bootstrap = scenario.bootstrap();
            Program::Admin(Box::new(AdminConfig { id, seed, bootstrap, ..AdminConfig::default() }))
        }
        #[cfg(test)]
        Role::Toy => Program::Toy(id),
    }
}

/// The configuration of a server. What identifies the node and its disk follows from the world's seed and stays; what
/// identifies the process is new with each start.
pub(super) fn server_config(scenario: &Scenario, seed: u64, id: NodeId, role: Role, incarnation: u32) -> NodeConfig {
    let node_seed = child_seed(seed, id.0 as u64);
    let process_seed = child_seed(node_seed, u64::from(incarnation));
    NodeConfig {
        node_id: id,
        directory_id: Uuid::random(&mut fastrand::Rng::with_seed(node_seed)),
        incarnation_id: Uuid::random(&mut fastrand::Rng::with_seed(process_seed)),
        seed: child_seed(process_seed, 1),
        advertised: endpoint(id, role),
        ..scenario.node_config.clone()
    }
}

/// Where a server listens.
pub(super) fn endpoint(id: NodeId, role: Role) -> Endpoint {
    match role {
        Role::Controller => scenario::controller_endpoint(id),
        _ => scenario::broker_endpoint(id),
    }
}
