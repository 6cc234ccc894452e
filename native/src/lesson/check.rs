//! `lesson check --native`: a lesson's right scripts done to a real cluster, and its goals evaluated over the live view.
//!
//! Questions are not asked: they need a copy of the world, and there is one of a real cluster. What scripts answer is
//! taken as answered.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use lab_core::{seam::Time, sim::Scenario, trace::Event};
use lab_lessons::{Lesson, Line, Progress, Script, read_line};
use tokio::{
    join,
    runtime::Builder,
    sync::{broadcast::error::RecvError, mpsc, oneshot},
    time::sleep,
};

use crate::{
    failure::{Failure, Outcome, While},
    supervisor::{
        Handle, Supervisor,
        layout::{Layout, Wish},
    },
};

/// How often goals are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Events of several processes are put in order of time; so long is waited for the latest of them.
const LATE_MS: u64 = 800;
/// The cluster, its topics and its clients are there within this.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// What a script waits for comes within this, and so do its goals after its end.
const UNTIL: Duration = Duration::from_secs(60);

/// What came of a lesson.
#[derive(Debug, serde::Serialize)]
pub struct Report {
    pub lesson: String,
    pub scripts: usize,
    pub goals: usize,
    pub seconds: u64,
    /// Each names the script and what was missed. Empty: the goals are reached on a real cluster.
    pub troubles: Vec<String>,
}

/// Takes the lesson once for each of its right scripts, at the same time and each on a cluster of its own.
pub fn check(lesson: &Lesson) -> Outcome<Report> {
    let began = Instant::now();
    let scripts: Vec<&Script> = lesson.scripts.iter().filter(|script| script.fails.is_none()).collect();
    let scenario = Scenario::parse(&lesson.scenario).map_err(Failure::new)?;
    let first = free_ports(&scenario, scripts.len() as u16)?;
    // They mostly wait, for sessions and for rebalances, so they do it at the same time.
    let ends: Vec<Outcome<Result<(), String>>> = thread::scope(|scope| {
        let ports = (0..).map(|i| first + i * STRETCH);
        let scenario = &scenario;
        let take = |(&script, port)| scope.spawn(move || on_a_cluster(lesson, scenario, script, port));
        let taken: Vec<_> = scripts.iter().zip(ports).map(take).collect();
        taken.into_iter().map(|taken| taken.join().expect("taking a lesson is total")).collect()
    });
    let mut troubles = Vec::new();
    for (script, end) in scripts.iter().zip(ends) {
        if let Err(why) = end? {
            troubles.push(format!("script {:?}: {why}", script.name));
        }
    }
    let (scripts, goals) = (scripts.len(), lesson.goals.len());
    Ok(Report { lesson: lesson.name.clone(), scripts, goals, seconds: began.elapsed().as_secs(), troubles })
}

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Outcome<Self> {
        let unique = format!("kafka-lab-lesson-{name}-{}-{:x}", std::process::id(), crate::node::random_u64());
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir(&path).doing(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// From the first port of one cluster to that of the next.
const STRETCH: u16 = 200;

/// A port such that all are free that so many clusters use.
fn free_ports(scenario: &Scenario, clusters: u16) -> Outcome<u16> {
    let (brokers, controllers) = (scenario.brokers.len() as u16, scenario.controllers.len() as u16);
    let offsets = (0..brokers).chain((0..controllers).map(|i| 100 + i));
    let offsets: Vec<u16> = offsets.flat_map(|offset| (0..clusters).map(move |i| i * STRETCH + offset)).collect();
    let free = |port: u16| offsets.iter().all(|offset| TcpListener::bind(("127.0.0.1", port + offset)).is_ok());
    // Below the ports that outgoing connections get.
    let mut tried = (0..200).map(|_| 21_000 + (crate::node::random_u64() % 10_000) as u16);
    tried.find(|&port| free(port)).ok_or_else(|| Failure::new("no free ports were found on 127.0.0.1"))
}

/// Starts a cluster as the lesson's scenario has it and does what the script says. The inner error is the lesson's.
fn on_a_cluster(lesson: &Lesson, scenario: &Scenario, script: &Script, port: u16) -> Outcome<Result<(), String>> {
    let folder = Folder::new(&lesson.name)?;
    let layout = layout(&folder.0, scenario, port)?;
    let runtime = Builder::new_current_thread().enable_all().build().doing(|| "cannot start an event loop".into())?;
    let result = runtime.block_on(async {
        let (supervisor, handle) = Supervisor::new(layout);
        let (tell_ready, ready) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let pupil = async {
            // Without the word the supervisor has failed, and says why itself.
            let result = match ready.await {
                Ok(()) => Pupil::take(lesson, scenario, script, handle).await,
                Err(_) => Ok(()),
            };
            drop(end);
            result
        };
        let stop = async {
            let _ = ended.await;
        };
        let (cluster, result) = join!(supervisor.run(stop, || _ = tell_ready.send(())), pupil);
        cluster.map(|()| result)
    });
    runtime.shutdown_background();
    result
}

fn layout(dir: &Path, scenario: &Scenario, port: u16) -> Outcome<Layout> {
    let (brokers, controllers) = (scenario.brokers.len() as u16, scenario.controllers.len() as u16);
    let config = scenario.presets.iter().map(|preset| (preset.key.clone(), preset.value.clone())).collect();
    let layout = Layout::open(dir, &Wish { brokers, controllers, combined: false, port, config })?;
    layout.format_nodes()?;
    Ok(layout)
}

/// Somebody who takes the lesson as the script says.
struct Pupil<'a> {
    lesson: &'a Lesson,
    handle: Handle,
    progress: Progress,
    events: mpsc::UnboundedReceiver<Vec<Event>>,
    /// Not old enough yet to be put in order.
    late: Vec<Event>,
}

impl<'a> Pupil<'a> {
    async fn take(lesson: &'a Lesson, scenario: &Scenario, script: &Script, handle: Handle) -> Result<(), String> {
        let _watching = handle.watch();
        let events = collect(&handle);
        handle.lesson(scenario.clone()).await?;
        let began = Instant::now();
        let progress = loop {
            let view = handle.view.borrow().clone();
            let progress = Progress::begin(lesson, &view);
            let whole = scenario.topics.iter().all(|topic| {
                let of = view.headline().into_iter().filter(|h| h.partition.topic == topic.name);
                let whole = of.filter(|h| h.partition.isr.len() == topic.replication_factor as usize);
                whole.count() == topic.partitions as usize
            });
            let flows = scenario.traffic.is_empty() || view.producers.iter().all(|producer| producer.acked > 0);
            if progress.knows(lesson) && whole && flows {
                break progress;
            }
            if began.elapsed() > READY_WITHIN {
                return Err("the topics and clients of the lesson did not come up".into());
            }
            sleep(LOOK).await;
        };
        let mut pupil = Self { lesson, handle, progress, events, late: Vec::new() };
        // What came before the lesson is no part of it.
        let start = pupil.handle.view.borrow().at;
        pupil.late.retain(|event| event.at >= start);
        for text in &script.lines {
            pupil.perform(text).await.map_err(|why| format!("{text}: {why}"))?;
        }
        let reached = pupil.until(|pupil| pupil.unmet().is_empty()).await;
        if reached { Ok(()) } else { Err(format!("a right script misses {}", pupil.unmet().join(", "))) }
    }

    fn unmet(&self) -> Vec<String> {
        let goals = self.progress.goals(self.lesson).into_iter();
        goals.filter(|goal| !goal.met).map(|goal| goal.name).collect()
    }

    async fn perform(&mut self, text: &str) -> Result<(), String> {
        self.look();
        let variables = self.progress.variables(self.lesson);
        let names: Vec<&str> = variables.0.keys().map(String::as_str).collect();
        let filled = if text.starts_with("until ") { text.to_owned() } else { variables.fill(text) };
        match read_line(&filled, &names)? {
            Line::Act(action) => self.handle.act(action).await?,
            // What cannot be done now need not be.
            Line::Try(action) => drop(self.handle.act(action).await),
            Line::Wait(ms) => {
                let end = Instant::now() + Duration::from_millis(ms);
                while Instant::now() < end {
                    sleep(LOOK).await;
                    self.look();
                }
            }
            Line::Until(condition) => {
                let holds =
                    |pupil: &Self| pupil.progress.variables(pupil.lesson).holds(&condition, &pupil.progress.evidence);
                if !self.until(holds).await {
                    return Err(format!("not within {} s", UNTIL.as_secs()));
                }
            }
            Line::Step(count) => self.progress.evidence.learner.stepped += count,
            Line::Mark(name) => self.progress.evidence.mark(&name),
            Line::Answer { quiz, right } => self.progress.answered(&quiz, "", right),
        }
        Ok(())
    }

    async fn until(&mut self, ready: impl Fn(&Self) -> bool) -> bool {
        let began = Instant::now();
        loop {
            self.look();
            if ready(self) {
                return true;
            }
            if began.elapsed() > UNTIL {
                return false;
            }
            sleep(LOOK).await;
        }
    }

    /// Takes in what happened, up to a moment ago.
    fn look(&mut self) {
        while let Ok(events) = self.events.try_recv() {
            self.late.extend(events);
        }
        self.late.sort_by_key(|event| event.at);
        let view = self.handle.view.borrow().clone();
        let known = Time(view.at.0.saturating_sub(LATE_MS * 1000));
        let count = self.late.partition_point(|event| event.at <= known);
        let events: Vec<Event> = self.late.drain(..count).collect();
        self.progress.observe(self.lesson, &view, &events);
    }
}

/// All events from now on: the supervisor keeps them only for a moment.
fn collect(handle: &Handle) -> mpsc::UnboundedReceiver<Vec<Event>> {
    let mut events = handle.events.subscribe();
    let (keep, kept) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            match events.recv().await {
                Ok(events) => {
                    if keep.send((*events).clone()).is_err() {
                        return;
                    }
                }
                Err(RecvError::Lagged(lost)) => tracing::warn!("{lost} batches of events were lost"),
                Err(RecvError::Closed) => return,
            }
        }
    });
    kept
}
