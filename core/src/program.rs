//! The programs there are: what each is started from, and what runs once it is.

use serde::{Deserialize, Serialize};

use crate::{
    broker::Broker,
    client::{Admin, AdminConfig, Consumer, ConsumerConfig, Delivery, FetchedRecord, Producer, ProducerConfig},
    config::NodeConfig,
    controller::Controller,
    id::NodeId,
    node::StartError,
    seam::{Ctx, Input, Machine, Time},
};

/// Which machine, and its configuration: with a disk and a list of inputs, all that decides what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    Controller(Box<NodeConfig>),
    Broker(Box<NodeConfig>),
    Producer(Box<ProducerConfig>),
    Consumer(Box<ConsumerConfig>),
    Admin(Box<AdminConfig>),
    #[cfg(test)]
    Toy(NodeId),
}

impl Program {
    /// "broker", "controller", ...
    pub fn name(&self) -> &'static str {
        match self {
            Self::Controller(_) => "controller",
            Self::Broker(_) => "broker",
            Self::Producer(_) => "producer",
            Self::Consumer(_) => "consumer",
            Self::Admin(_) => "admin",
            #[cfg(test)]
            Self::Toy(_) => "toy",
        }
    }

    /// Who runs it.
    pub fn node(&self) -> NodeId {
        match self {
            Self::Controller(config) | Self::Broker(config) => config.node_id,
            Self::Producer(config) => config.id,
            Self::Consumer(config) => config.id,
            Self::Admin(config) => config.id,
            #[cfg(test)]
            Self::Toy(id) => *id,
        }
    }

    /// Starts it. Servers want a formatted disk.
    pub fn start(self, ctx: &mut Ctx<'_>) -> Result<Process, StartError> {
        Ok(match self {
            Self::Controller(config) => Process::Controller(Box::new(Controller::start(*config, ctx)?)),
            Self::Broker(config) => Process::Broker(Box::new(Broker::start(*config, ctx)?)),
            Self::Producer(config) => Process::Producer(Box::new(Producer::start(*config, ctx))),
            Self::Consumer(config) => Process::Consumer(Box::new(Consumer::start(*config, ctx))),
            Self::Admin(config) => Process::Admin(Box::new(Admin::start(*config, ctx))),
            #[cfg(test)]
            Self::Toy(id) => Process::Toy(Box::new(crate::sim::toy::Toy::start(id, ctx))),
        })
    }
}

/// A program that runs.
#[derive(Clone)]
pub enum Process {
    Controller(Box<Controller>),
    Broker(Box<Broker>),
    Producer(Box<Producer>),
    Consumer(Box<Consumer>),
    Admin(Box<Admin>),
    #[cfg(test)]
    Toy(Box<crate::sim::toy::Toy>),
}

impl Process {
    fn machine(&self) -> &dyn Machine {
        match self {
            Self::Controller(m) => &**m,
            Self::Broker(m) => &**m,
            Self::Producer(m) => &**m,
            Self::Consumer(m) => &**m,
            Self::Admin(m) => &**m,
            #[cfg(test)]
            Self::Toy(m) => &**m,
        }
    }

    fn machine_mut(&mut self) -> &mut dyn Machine {
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

    /// What became of a producer's batches since the last call; of others nothing.
    pub fn take_deliveries(&mut self) -> Vec<Delivery> {
        match self {
            Self::Producer(m) => m.take_deliveries(),
            _ => Vec::new(),
        }
    }

    /// What a consumer read since the last call; of others nothing.
    pub fn take_records(&mut self) -> Vec<FetchedRecord> {
        match self {
            Self::Consumer(m) => m.take_records(),
            _ => Vec::new(),
        }
    }
}

impl Machine for Process {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        self.machine_mut().handle(ctx, input);
    }

    fn deadline(&self) -> Option<Time> {
        self.machine().deadline()
    }
}
