//! The programs a node can run, and how each is started from a scenario.

use super::{Scenario, hash::child_seed, scenario};
use crate::{
    broker::Broker,
    client::{Admin, AdminConfig, Consumer, Delivery, FetchedRecord, Producer},
    config::NodeConfig,
    controller::Controller,
    id::{Endpoint, NodeId, Uuid},
    node,
    seam::{Ctx, Input, Machine, Time},
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

#[derive(Clone)]
pub(super) enum Process {
    Controller(Box<Controller>),
    Broker(Box<Broker>),
    Producer(Box<Producer>),
    Consumer(Box<Consumer>),
    Admin(Box<Admin>),
    #[cfg(test)]
    Toy(Box<super::toy::Toy>),
}

impl Process {
    /// Starts what `role` runs. `incarnation` counts the starts of this node and gives each its own seed.
    pub(super) fn start(
        scenario: &Scenario,
        seed: u64,
        id: NodeId,
        role: Role,
        incarnation: u32,
        ctx: &mut Ctx<'_>,
    ) -> Result<Self, String> {
        let server = || server_config(scenario, seed, id, role, incarnation);
        if role.is_server() && incarnation == 1 {
            node::format(ctx.disk, &server()).map_err(|error| error.to_string())?;
        }
        let seed = child_seed(seed, (u64::from(incarnation) << 32) | id.0 as u64);
        Ok(match role {
            Role::Controller => {
                Self::Controller(Box::new(Controller::start(server(), ctx).map_err(|error| error.to_string())?))
            }
            Role::Broker => Self::Broker(Box::new(Broker::start(server(), ctx).map_err(|error| error.to_string())?)),
            Role::Producer(i) => {
                let config = crate::client::ProducerConfig { seed, ..scenario.producers[i].clone() };
                Self::Producer(Box::new(Producer::start(config, ctx)))
            }
            Role::Consumer(i) => {
                let config = crate::client::ConsumerConfig { seed, ..scenario.consumers[i].clone() };
                Self::Consumer(Box::new(Consumer::start(config, ctx)))
            }
            Role::Admin => {
                let config = AdminConfig { seed, bootstrap: scenario.bootstrap(), ..AdminConfig::default() };
                Self::Admin(Box::new(Admin::start(config, ctx)))
            }
            #[cfg(test)]
            Role::Toy => Self::Toy(Box::new(super::toy::Toy::start(id, ctx))),
        })
    }

    pub(super) fn machine(&mut self) -> &mut dyn Machine {
        match self {
            Self::Controller(m) => &mut **m,
            Self::Broker(m) => &mut **m,
            Self::Producer(m) => &mut **m,
            Self::Consumer(m) => &mut **m,
            Self::Admin(m) => &mut **m,
            #[cfg(test)]
            Self::Toy(m) => &mut **m,
        }
    }

    pub(super) fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        self.machine().handle(ctx, input);
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match self {
            Self::Controller(m) => m.deadline(),
            Self::Broker(m) => m.deadline(),
            Self::Producer(m) => m.deadline(),
            Self::Consumer(m) => m.deadline(),
            Self::Admin(m) => m.deadline(),
            #[cfg(test)]
            Self::Toy(m) => m.deadline(),
        }
    }

    pub(super) fn take_deliveries(&mut self) -> Vec<Delivery> {
        match self {
            Self::Producer(m) => m.take_deliveries(),
            _ => Vec::new(),
        }
    }

    pub(super) fn take_records(&mut self) -> Vec<FetchedRecord> {
        match self {
            Self::Consumer(m) => m.take_records(),
            _ => Vec::new(),
        }
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
