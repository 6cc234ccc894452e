//! How everybody else reaches the supervising task: messages, and the handle that sends them.

use std::{sync::Arc, time::Duration};

use lab_core::{
    id::{EventId, NodeId},
    live::Cannot,
    sim::Scenario,
    trace::Event,
    view::{Action, ClusterView},
};
use tokio::{
    sync::{broadcast, mpsc, oneshot, watch},
    time::Instant,
};

use super::{PUBLISH, status::Status};
use crate::{
    http::metrics::NodeFigures,
    lesson::{class, prepare},
    node::channel::{KeptFrame, News},
};

/// The topics of a lesson are made within this.
const TOPICS_WITHIN: Duration = Duration::from_secs(30);

/// Everything that reaches the supervising task.
#[derive(Debug)]
pub(crate) enum Message {
    News(NodeId, u64, News),
    Ended(NodeId, u64, String),
    Act(Action, oneshot::Sender<Result<(), String>>),
    Status(oneshot::Sender<Status>),
    Figures(oneshot::Sender<Vec<NodeFigures>>),
    /// One more or one fewer watches the page.
    Watchers(i32),
    Frame(EventId, oneshot::Sender<Option<KeptFrame>>),
    /// Clients of this scenario, in place of those of another; or of none.
    Lesson(Option<Box<Scenario>>),
    /// News of those clients.
    Told(u64, class::Told),
}

/// A way to the supervising task.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) messages: mpsc::UnboundedSender<Message>,
    pub view: watch::Receiver<Arc<ClusterView>>,
    pub events: broadcast::Sender<Arc<Vec<Event>>>,
    pub cluster_id: String,
    pub bootstrap: String,
    /// What the page offers in the simulator and not here.
    pub cannot: Arc<[Cannot]>,
    /// Every broker has been registered and unfenced.
    pub(crate) ready: watch::Receiver<bool>,
}

impl Handle {
    /// Does what a person asks; the error is a sentence for them.
    pub async fn act(&self, action: Action) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        let gone = || "the cluster is being stopped".to_owned();
        self.messages.send(Message::Act(action, reply)).map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// The bytes of a frame whose `Sent` event was seen lately, if its node still has them.
    pub async fn frame(&self, frame: EventId) -> Option<KeptFrame> {
        let (reply, answer) = oneshot::channel();
        self.messages.send(Message::Frame(frame, reply)).ok()?;
        answer.await.ok().flatten()
    }

    /// Ends the clients of an earlier lesson, makes the topics of this one's scenario and starts its clients, whose groups
    /// have committed nothing then.
    pub async fn lesson(&self, scenario: Scenario) -> Result<(), String> {
        let (bootstrap, topics) = (self.bootstrap.clone(), scenario.clone());
        let gone = || "the cluster is being stopped".to_owned();
        // Brokers that have just come up answer for topics late, and not always in time.
        self.ready.clone().wait_for(|ready| *ready).await.map_err(|_| gone())?;
        self.messages.send(Message::Lesson(None)).map_err(|_| gone())?;
        let began = Instant::now();
        let make = move || loop {
            match prepare::create_topics(&bootstrap, &topics) {
                // A cluster that comes up cannot make topics yet.
                Err(_) if began.elapsed() < TOPICS_WITHIN => std::thread::park_timeout(PUBLISH),
                result => return result.and_then(|()| prepare::forget_groups(&bootstrap, &topics)),
            }
        };
        let made = tokio::task::spawn_blocking(make).await;
        made.map_err(|error| error.to_string())?.map_err(|failure| failure.to_string())?;
        self.messages.send(Message::Lesson(Some(Box::new(scenario)))).map_err(|_| gone())
    }

    pub async fn status(&self) -> Option<Status> {
        let (reply, answer) = oneshot::channel();
        self.messages.send(Message::Status(reply)).ok()?;
        answer.await.ok()
    }

    /// What `/metrics` shows.
    pub async fn figures(&self) -> Vec<NodeFigures> {
        let (reply, answer) = oneshot::channel();
        let _ = self.messages.send(Message::Figures(reply));
        answer.await.unwrap_or_default()
    }

    /// Views are refreshed, and nodes send events, while the guard lives.
    pub fn watch(&self) -> Watching {
        let _ = self.messages.send(Message::Watchers(1));
        Watching(self.messages.clone())
    }
}

/// Somebody watches.
#[derive(Debug)]
pub struct Watching(mpsc::UnboundedSender<Message>);

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.send(Message::Watchers(-1));
    }
}

/// What a cluster of this machine's own processes cannot do.
pub(super) fn cannot() -> Vec<Cannot> {
    let cannot = |what: &str, why: &str| Cannot { what: what.into(), why: why.into() };
    vec![
        cannot("rewind", "a real cluster runs in real time and cannot go back"),
        cannot("fork", "a real cluster cannot be copied while it runs"),
        cannot("power_loss", "it would have to cut the power of this machine"),
        cannot("load", "load comes from a Kafka client, such as kafka-producer-perf-test"),
        cannot(
            "flight",
            "messages between processes take microseconds: each is shown for longer than it was under way",
        ),
    ]
}
