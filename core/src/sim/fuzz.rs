//! Random faults, then healing, then the demand that everything converges. Faults are drawn swarm-style: each seed turns
//! whole kinds of faults off, so that rare combinations get their turn (as TigerBeetle's VOPR does). A violation comes
//! with the promise, the seed and a link that replays it.

use super::{Scenario, Session, World};
use crate::{
    client::ConsumerCommand,
    id::NodeId,
    seam::Time,
    view::{Action, ClusterView, ProcessState},
};

/// Faults begin when the cluster is up and end here.
const FAULTS_FROM: Time = Time::from_ms(6000);
const FAULTS_TO: Time = Time::from_ms(90_000);
/// After the healing everything must be well within this time: a broker session, a few elections, a lag check, and the
/// back-offs of clients that slept through it.
const CONVERGENCE_MS: u64 = 90_000;

/// How long a cluster that has come to rest is watched.
const QUIET_MS: u64 = 25_000;

/// What a seed led to.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub seed: u64,
    pub faults: usize,
    pub sim_ms: u64,
    pub frames: u64,
    /// Batches acknowledged with acks=all.
    pub acknowledged: usize,
    /// Committed records that unclean elections lost, as Kafka would.
    pub records_lost: u64,
    pub hash: u64,
    /// Broken promises; empty when all is well.
    pub violations: Vec<String>,
    /// Replays the run: `/#s=LINK`.
    pub link: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Kill,
    Stop,
    Pause,
    Cut,
    CutOneWay,
    Slow,
    Reset,
    PowerLoss,
    DiskFull,
}

const FAULTS: [Fault; 9] = [
    Fault::Kill,
    Fault::Stop,
    Fault::Pause,
    Fault::Cut,
    Fault::CutOneWay,
    Fault::Slow,
    Fault::Reset,
    Fault::PowerLoss,
    Fault::DiskFull,
];

/// Runs one seed in a named scenario. The error is about the name.
pub fn run(seed: u64, scenario: &str) -> Result<Outcome, String> {
    let mut fuzz = Fuzz::new(seed, scenario, Time::MAX)?;
    fuzz.world.set_tracing(false);
    let converged = fuzz.all();
    let mut world = fuzz.world;
    if converged.is_ok() {
        // Clients give a request up after 30 s and more. What waits for this long in a cluster at rest was forgotten.
        world.run_for(QUIET_MS);
        world.check_at_rest(QUIET_MS - 15_000);
        world.check_converged();
    }
    let mut violations = world.violations().to_vec();
    violations.extend(converged.err());
    let (actions, cursor) = (world.actions().to_vec(), world.now());
    let session = Session { actions, cursor, ..Session::new(&world.scenario().name, seed) };
    Ok(Outcome {
        seed,
        faults: fuzz.faults,
        sim_ms: world.now().as_ms(),
        frames: world.frames_delivered(),
        acknowledged: world.acknowledged(),
        records_lost: world.records_lost(),
        hash: world.hash(),
        violations,
        link: session.to_link(),
    })
}

/// The world of a seed as it is at `until`, with its events: to see what led to a violation, or to a panic.
pub fn world_at(seed: u64, scenario: &str, until: Time) -> Result<World, String> {
    let mut fuzz = Fuzz::new(seed, scenario, until)?;
    // What it finds is found again by `run`.
    let _ = fuzz.all();
    Ok(fuzz.world)
}

struct Fuzz {
    /// Time stands still here.
    until: Time,
    rng: fastrand::Rng,
    world: World,
    faults: usize,
    /// Nodes whose disk was filled: what failed on them stays failed until they are started anew.
    filled: Vec<NodeId>,
}

impl Fuzz {
    fn new(seed: u64, scenario: &str, until: Time) -> Result<Self, String> {
        // Traffic that cannot be stopped would never let the logs come to rest.
        let world = World::new(Scenario::parse(scenario)?.quiet(), seed);
        Ok(Self { until, rng: fastrand::Rng::with_seed(seed ^ 0xFA_17), world, faults: 0, filled: Vec::new() })
    }

    /// The error says what did not come right.
    fn all(&mut self) -> Result<(), String> {
        let stopped = || "stopped before the end".to_string();
        self.hurt().ok_or_else(stopped)?;
        self.heal();
        self.converge()
    }

    /// `None`: time stands still.
    fn pass(&mut self, to: Time) -> Option<()> {
        self.world.run_until(to.min(self.until));
        (self.world.now() < self.until).then_some(())
    }

    fn act(&mut self, action: Action) -> bool {
        self.world.act(&action).is_ok()
    }

    fn servers(&self) -> Vec<NodeId> {
        let scenario = self.world.scenario();
        scenario.controllers.iter().chain(&scenario.brokers).copied().collect()
    }

    fn producers(&self) -> Vec<NodeId> {
        self.world.scenario().producers.iter().map(|p| p.id).collect()
    }

    fn load(&mut self, producer: NodeId, records_per_second: u32) {
        let (size_bytes, keys) = (self.rng.u32(10..300), self.rng.u32(0..20));
        let topic = "orders".into();
        self.act(Action::Load { producer: Some(producer), topic, records_per_second, size_bytes, keys });
    }

    /// At least three faults, from a random choice of kinds, while every producer produces.
    fn hurt(&mut self) -> Option<()> {
        self.pass(FAULTS_FROM)?;
        for producer in self.producers() {
            let rate = self.rng.u32(1..25);
            self.load(producer, rate);
        }
        let mut kinds: Vec<Fault> = FAULTS.into_iter().filter(|_| self.rng.bool()).collect();
        if kinds.is_empty() {
            kinds = vec![Fault::Kill, Fault::Pause];
        }
        let wanted = self.rng.u64(3..12) as usize;
        let pause_ms = (FAULTS_TO.as_ms() - FAULTS_FROM.as_ms()) / wanted as u64;
        // When the undoing of a fault is due.
        let mut undo: Vec<(Time, Action)> = Vec::new();
        while self.faults < 3 || self.world.now() < FAULTS_TO {
            let next = self.world.now().plus_ms(self.rng.u64(0..pause_ms * 2) + 1);
            undo.sort_by_key(|(at, _)| *at);
            while undo.first().is_some_and(|(at, _)| *at <= next) {
                let (at, action) = undo.remove(0);
                self.pass(at)?;
                self.act(action);
            }
            self.pass(next)?;
            // Members of a group come, go, die and sleep too.
            if !self.world.scenario().spare.is_empty() && self.rng.u8(..3) == 0 {
                undo.extend(self.member().map(|action| (self.world.now().plus_ms(60_000), action)));
                continue;
            }
            let kind = kinds[crate::random::index(&mut self.rng, kinds.len())];
            if let Some(action) = self.one(kind) {
                let lasts_ms = if self.rng.u8(..4) == 0 { 120_000 } else { self.rng.u64(200..25_000) };
                undo.push((self.world.now().plus_ms(lasts_ms), action));
            }
        }
        Some(())
    }

    /// Does one fault and returns what undoes it.
    fn one(&mut self, kind: Fault) -> Option<Action> {
        let servers = self.servers();
        let node = servers[crate::random::index(&mut self.rng, servers.len())];
        let (a, b) = self.two_ends();
        let (action, undo) = match kind {
            Fault::Kill => (Action::Kill { node }, Action::Start { node }),
            Fault::Stop => (Action::Stop { node }, Action::Start { node }),
            Fault::Pause => (Action::Pause { node }, Action::Resume { node }),
            Fault::Cut => (Action::Cut { a, b, one_way: false }, Action::Heal),
            Fault::CutOneWay => (Action::Cut { a, b, one_way: true }, Action::Heal),
            Fault::Slow => (Action::Slow { a, b, ms: self.rng.u64(10..3000) }, Action::Slow { a, b, ms: 0 }),
            Fault::Reset => (Action::Reset { a, b }, Action::Heal),
            Fault::PowerLoss => (Action::PowerLoss { node }, Action::Start { node }),
            Fault::DiskFull => {
                self.filled.push(node);
                (Action::DiskFull { node, full: true }, Action::DiskFull { node, full: false })
            }
        };
        if !self.act(action) {
            return None;
        }
        self.faults += 1;
        Some(undo)
    }

    /// Does something to a member of a group, and returns what undoes it.
    fn member(&mut self) -> Option<Action> {
        let members: Vec<NodeId> = self.world.scenario().consumers.iter().map(|c| c.id).collect();
        let consumer = members[crate::random::index(&mut self.rng, members.len())];
        let takes = |ms| Action::TellConsumer { consumer, command: ConsumerCommand::Processing { ms } };
        let (action, undo) = match self.rng.u8(..5) {
            0 => (Action::Kill { node: consumer }, None),
            1 => (Action::RemoveConsumer { consumer }, None),
            2 => (Action::Pause { node: consumer }, Some(Action::Resume { node: consumer })),
            3 => (takes(self.rng.u64(50..4000)), Some(takes(0))),
            _ => (Action::AddConsumer { consumer: None }, None),
        };
        if !self.act(action) {
            return None;
        }
        self.faults += 1;
        undo
    }

    fn two_ends(&mut self) -> (NodeId, NodeId) {
        let scenario = self.world.scenario();
        let clients = scenario.producers.iter().map(|p| p.id).chain(scenario.consumers.iter().map(|c| c.id));
        let mut all: Vec<NodeId> = self.servers().into_iter().chain(clients).collect();
        let a = all.swap_remove(crate::random::index(&mut self.rng, all.len()));
        (a, all[crate::random::index(&mut self.rng, all.len())])
    }

    /// Undoes every fault, as an operator would: also starts anew what had a full disk.
    fn heal(&mut self) {
        self.act(Action::Heal);
        for node in std::mem::take(&mut self.filled) {
            self.act(Action::DiskFull { node, full: false });
            self.act(Action::Kill { node });
        }
        for node in self.world.view().nodes {
            match node.process {
                ProcessState::Paused => self.act(Action::Resume { node: node.id }),
                ProcessState::Down => self.act(Action::Start { node: node.id }),
                ProcessState::Alive | ProcessState::Stopping => true,
            };
        }
        for consumer in self.world.view().consumers.iter().filter(|c| c.process == ProcessState::Paused) {
            self.act(Action::Resume { node: consumer.id });
        }
        for consumer in self.world.view().consumers.iter().filter(|c| c.group_id.is_some()) {
            let command = ConsumerCommand::Processing { ms: 0 };
            self.act(Action::TellConsumer { consumer: consumer.id, command });
        }
        // Somebody has to read.
        if !self.world.scenario().spare.is_empty() {
            self.act(Action::AddConsumer { consumer: None });
        }
        for producer in self.producers() {
            self.load(producer, 0);
        }
    }

    /// Waits until all is well. The error says what is not.
    fn converge(&mut self) -> Result<(), String> {
        let limit = self.world.now().plus_ms(CONVERGENCE_MS);
        loop {
            self.pass(self.world.now().plus_ms(250)).ok_or("stopped before the end")?;
            let view = self.world.view();
            // A node that was still stopping when everything healed is down only now.
            for node in view.nodes.iter().filter(|n| n.process == ProcessState::Down) {
                self.act(Action::Start { node: node.id });
            }
            match wrong(&view) {
                None => return Ok(()),
                Some(what) if self.world.now() >= limit => {
                    let ms = CONVERGENCE_MS / 1000;
                    return Err(format!("everything converges after healing: {ms} s later {what}"));
                }
                Some(_) => {}
            }
        }
    }
}

/// What is not yet as it should be in a cluster that is left in peace.
fn wrong(view: &ClusterView) -> Option<String> {
    let headline = view.headline();
    if headline.is_empty() {
        return Some("no controller is active, or there is no partition".into());
    }
    for h in &headline {
        let p = &h.partition;
        let name = format!("{}-{}", p.topic, p.partition);
        if p.leader < 0 {
            return Some(format!("{name} has no leader"));
        }
        if p.isr.len() != p.replicas.len() {
            return Some(format!("{name} has ISR {:?} of {:?}", p.isr, p.replicas));
        }
        let replica = |id: NodeId| {
            let broker = view.node(id)?.broker.as_ref()?;
            broker.replicas.iter().find(|r| r.topic == p.topic && r.partition == p.partition)
        };
        for &id in &p.replicas {
            let Some(r) = replica(id) else { return Some(format!("{name} is not on {id}")) };
            if r.is_leader != (id.0 == p.leader) || r.leader_epoch != p.leader_epoch {
                return Some(format!("{id} has not heard of epoch {} of {name}", p.leader_epoch));
            }
            if r.log_end_offset != h.log_end_offset || r.high_watermark != h.log_end_offset {
                let (hw, end) = (r.high_watermark, r.log_end_offset);
                let there = h.log_end_offset;
                return Some(format!(
                    "{name} ends at {end} with high watermark {hw} on {id}, at {there} on the leader"
                ));
            }
        }
    }
    for producer in &view.producers {
        if producer.waiting > 0 {
            return Some(format!("{} still waits for {} records", producer.name, producer.waiting));
        }
    }
    if let Some(what) = ungrouped(view) {
        return Some(what);
    }
    for consumer in view.consumers.iter().filter(|c| c.process == ProcessState::Alive) {
        let behind = consumer.positions.iter().find(|p| {
            headline.iter().any(|h| {
                (h.partition.topic.as_str(), h.partition.partition) == (p.topic.as_str(), p.partition)
                    && p.position != h.log_end_offset
            })
        });
        if let Some(p) = behind {
            return Some(format!("{} is at {} of {}-{}", consumer.name, p.position, p.topic, p.partition));
        }
    }
    None
}

/// What is not yet as it should be in a group that is left in peace: each partition is read by one member.
fn ungrouped(view: &ClusterView) -> Option<String> {
    let members = || view.consumers.iter().filter(|c| c.group_id.is_some() && c.process == ProcessState::Alive);
    members().next()?;
    if let Some(group) = view.groups().iter().find(|g| g.state != "Stable") {
        return Some(format!("group {} is {}", group.id, group.state));
    }
    for h in view.headline().iter().filter(|h| h.partition.topic == "orders") {
        let p = &h.partition;
        let reads = |p: &crate::view::PartitionView| {
            members().filter(|c| c.positions.iter().any(|q| q.topic == p.topic && q.partition == p.partition)).count()
        };
        if reads(p) != 1 {
            return Some(format!("{} members read {}-{}", reads(p), p.topic, p.partition));
        }
    }
    None
}
