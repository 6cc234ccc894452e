//! The clients of a lesson on a real cluster: producers and consumers of its scenario, core's own over real sockets, on
//! a thread of their own. What they do is told to the supervisor as nodes tell it, since goals speak of
//! acknowledgements and deliveries.

use std::{collections::BTreeMap, thread, time::Duration};

use bytes::Bytes;
use lab_core::{
    client::{ConsumerConfig, Record},
    id::NodeId,
    sim::{Scenario, Traffic},
    trace::Event,
    view::{Action, ConsumerView, ProcessState, ProducerView},
};
use tokio::{
    select,
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    admin,
    clients::{RunningConsumer, RunningProducer, block_on},
    clock::Clock,
    failure::Outcome,
    node::random_u64,
};

/// How often traffic is made and events are told.
const TICK: Duration = Duration::from_millis(50);

/// What the clients did since the last time, and how they are.
#[derive(Debug, Default)]
pub struct Told {
    pub events: Vec<Event>,
    pub producers: Vec<ProducerView>,
    pub consumers: Vec<ConsumerView>,
}

/// Something for the clients to do, and who waits for the answer.
pub type Order = (Action, oneshot::Sender<Result<(), String>>);

/// Makes the topics of a scenario that are not there yet. It blocks.
pub fn create_topics(bootstrap: &str, scenario: &Scenario) -> Outcome {
    for topic in &scenario.topics {
        let action = Action::CreateTopic {
            topic: topic.name.clone(),
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            configs: topic.configs.clone(),
        };
        match admin::perform(bootstrap, action) {
            Err(failure) if failure.cause().contains("TOPIC_ALREADY_EXISTS") => {}
            result => result?,
        }
    }
    Ok(())
}

/// Starts the clients. They go on until the returned end is dropped.
pub fn start(
    scenario: Scenario,
    bootstrap: String,
    clock: Clock,
    tell: impl Fn(Told) + Send + 'static,
) -> mpsc::UnboundedSender<Order> {
    let (orders, inbox) = mpsc::unbounded_channel();
    let body = move || {
        let ended = block_on(async {
            let mut class = Class::open(scenario, bootstrap, clock)?;
            class.run(inbox, tell).await;
            Ok(())
        });
        if let Err(failure) = ended {
            tracing::warn!("the clients of the lesson ended: {failure}");
        }
    };
    thread::Builder::new().name("lesson".into()).spawn(body).expect("a process can have one more thread");
    orders
}

struct Class {
    scenario: Scenario,
    bootstrap: String,
    clock: Clock,
    producers: BTreeMap<NodeId, RunningProducer>,
    consumers: BTreeMap<NodeId, RunningConsumer>,
    /// When each traffic produces next, and how often it did.
    traffic: Vec<(Instant, usize)>,
    random: fastrand::Rng,
}

impl Class {
    fn open(scenario: Scenario, bootstrap: String, clock: Clock) -> Outcome<Self> {
        let mut producers = BTreeMap::new();
        for config in &scenario.producers {
            producers.insert(config.id, RunningProducer::traced(&bootstrap, config.clone(), clock)?);
        }
        let traffic = scenario.traffic.iter().map(|_| (Instant::now(), 0)).collect();
        let random = fastrand::Rng::with_seed(random_u64());
        let mut class = Self { scenario, bootstrap, clock, producers, consumers: BTreeMap::new(), traffic, random };
        let spare = class.scenario.spare.clone();
        for config in class.scenario.consumers.clone().into_iter().filter(|config| !spare.contains(&config.id)) {
            class.add(config)?;
        }
        Ok(class)
    }

    fn add(&mut self, config: ConsumerConfig) -> Outcome {
        self.consumers.insert(config.id, RunningConsumer::traced(&self.bootstrap, config, self.clock)?);
        Ok(())
    }

    async fn run(&mut self, mut inbox: mpsc::UnboundedReceiver<Order>, tell: impl Fn(Told)) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            select! {
                order = inbox.recv() => match order {
                    Some((action, reply)) => {
                        let _ = reply.send(self.act(action).await);
                    }
                    None => return,
                },
                _ = tick.tick() => self.make_traffic().await,
            }
            tell(self.told());
        }
    }

    async fn act(&mut self, action: Action) -> Result<(), String> {
        let known = |id: NodeId| self.scenario.consumers.iter().find(|config| config.id == id).cloned();
        match action {
            Action::Produce { producer, topic, partition, key, value } => {
                let producer = producer.or(self.producers.keys().next().copied());
                let producer = producer.and_then(|id| self.producers.get(&id)).ok_or("there is no such producer")?;
                let record = Record {
                    topic,
                    partition,
                    key: key.map(Bytes::from),
                    value: Some(value.into()),
                    ..Record::default()
                };
                producer.send(record).await.map(|_| ()).map_err(|failure| failure.to_string())
            }
            Action::AddConsumer { consumer } => {
                let idle = |config: &&ConsumerConfig| !self.consumers.contains_key(&config.id);
                let config = match consumer {
                    Some(id) => known(id).filter(|config| idle(&config)),
                    None => self.scenario.consumers.iter().find(idle).cloned(),
                };
                let config = config.ok_or("there is no consumer to be added")?;
                self.add(config).map_err(|failure| failure.to_string())
            }
            Action::RemoveConsumer { consumer } => {
                let consumer = self.consumers.remove(&consumer).ok_or("there is no such consumer")?;
                consumer.close().await;
                Ok(())
            }
            // A client that crashes tells nobody.
            Action::Kill { node } => {
                self.consumers.remove(&node).map(|_| ()).ok_or_else(|| "there is no such consumer".into())
            }
            Action::Start { node } => {
                let config = known(node).ok_or("there is no such consumer")?;
                self.add(config).map_err(|failure| failure.to_string())
            }
            _ => Err("no client of a lesson can do this".into()),
        }
    }

    /// Records as the scenario's traffic makes them: by each producer in turn.
    async fn make_traffic(&mut self) {
        for (i, traffic) in self.scenario.traffic.iter().enumerate() {
            let (due, count) = &mut self.traffic[i];
            if *due > Instant::now() || traffic.producers.is_empty() {
                continue;
            }
            *due = Instant::now() + Duration::from_millis(traffic.every_ms);
            *count += 1;
            if let Some(producer) = self.producers.get(&traffic.producers[*count % traffic.producers.len()]) {
                // What cannot be sent is said in the producer's view.
                let _ = producer.send(record(traffic, *count, &mut self.random)).await;
            }
        }
    }

    fn told(&mut self) -> Told {
        let mut told = Told::default();
        for producer in self.producers.values() {
            producer.deliveries();
            told.events.extend(producer.take_events());
            told.producers.push(producer.view());
        }
        for consumer in self.consumers.values() {
            consumer.take_records();
            told.events.extend(consumer.take_events());
        }
        for config in &self.scenario.consumers {
            told.consumers.push(match self.consumers.get(&config.id) {
                Some(consumer) => consumer.view(),
                None => ConsumerView {
                    id: config.id,
                    name: config.name.clone(),
                    process: ProcessState::Down,
                    group_id: config.group_id.clone(),
                    ..ConsumerView::default()
                },
            });
        }
        told.events.sort_by_key(|event| event.at);
        told
    }
}

fn record(traffic: &Traffic, count: usize, random: &mut fastrand::Rng) -> Record {
    let key = (!traffic.keys.is_empty()).then(|| traffic.keys[random.usize(..traffic.keys.len())].clone());
    Record {
        topic: traffic.topic.clone(),
        key: key.map(Bytes::from),
        value: Some(format!("{count}").into()),
        ..Record::default()
    }
}
