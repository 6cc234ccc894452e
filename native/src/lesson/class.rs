//! The clients of a lesson on a real cluster: producers and consumers of its scenario, core's own over real sockets, on
//! a thread of their own. What they do is told to the supervisor as nodes tell it, since goals speak of
//! acknowledgements and deliveries.

use std::{collections::BTreeMap, thread, time::Duration};

use bytes::Bytes;
use lab_core::{
    client::Record,
    id::NodeId,
    seam::Time,
    sim::{Scenario, Traffic},
    trace::{Event, EventKind},
    view::{Action, ConsumerView, ProducerView},
};
use tokio::{
    select,
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval},
};

use super::member::Member;
use crate::{
    clients::{RunningProducer, block_on},
    clock::Clock,
    failure::{Failure, Outcome},
    node::random_u64,
};

/// How often traffic is made and events are told.
const TICK: Duration = Duration::from_millis(50);

/// What the clients did since the last time, and how they are.
#[derive(Debug, Default)]
pub struct Told {
    pub events: Vec<Event>,
    /// What was done to them: started, killed, asked to end, ended.
    pub happened: Vec<(Time, NodeId, EventKind)>,
    pub producers: Vec<ProducerView>,
    pub consumers: Vec<ConsumerView>,
}

/// Something for the clients to do, and who waits for the answer.
pub type Order = (Action, oneshot::Sender<Result<(), String>>);

/// Starts the clients. They go on until the returned end is dropped; then members leave their groups.
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
    producers: BTreeMap<NodeId, RunningProducer>,
    consumers: BTreeMap<NodeId, Member>,
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
        let mut consumers = BTreeMap::new();
        for config in &scenario.consumers {
            let mut member = Member::new(config.clone(), clock);
            if !scenario.spare.contains(&config.id) {
                member.begin(&bootstrap).map_err(Failure::new)?;
            }
            consumers.insert(config.id, member);
        }
        let traffic = scenario.traffic.iter().map(|_| (Instant::now(), 0)).collect();
        let random = fastrand::Rng::with_seed(random_u64());
        Ok(Self { scenario, bootstrap, producers, consumers, traffic, random })
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
                    None => break,
                },
                _ = tick.tick() => self.make_traffic().await,
            }
            tell(self.told());
        }
        // Whoever comes next shall not wait for the sessions of these.
        for member in self.consumers.values_mut().filter(|member| member.runs()) {
            let _ = member.stop();
        }
        while self.consumers.values().any(Member::runs) {
            tick.tick().await;
            self.told();
        }
    }

    async fn act(&mut self, action: Action) -> Result<(), String> {
        let bootstrap = &self.bootstrap;
        let consumers = &mut self.consumers;
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
            Action::AddConsumer { consumer: None } => {
                let spare = consumers.values_mut().find(|member| !member.runs());
                spare.ok_or("every consumer of this lesson runs already")?.start(bootstrap)
            }
            Action::AddConsumer { consumer: Some(node) } | Action::Start { node } => {
                member(consumers, node)?.start(bootstrap)
            }
            Action::RemoveConsumer { consumer: node } | Action::Stop { node } => member(consumers, node)?.stop(),
            Action::Kill { node } => member(consumers, node)?.kill(),
            Action::TellConsumer { consumer, command } => member(consumers, consumer)?.tell(command),
            Action::Pause { .. } | Action::Resume { .. } => {
                Err("the clients of a lesson run in one process, and one of them cannot be paused: kill it instead"
                    .into())
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
        for member in self.consumers.values_mut() {
            member.attend(&mut told);
        }
        told.events.sort_by_key(|event| event.at);
        told
    }
}

fn member(members: &mut BTreeMap<NodeId, Member>, id: NodeId) -> Result<&mut Member, String> {
    members.get_mut(&id).ok_or_else(|| format!("{id} is not a consumer"))
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
