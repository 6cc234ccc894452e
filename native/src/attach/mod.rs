//! `attach`: any Kafka cluster on the page, Apache's too. It sees what every client may ask for, by asking once a second
//! while somebody watches. It changes nothing but what the watcher produces or creates.

mod broker;
mod groups;
mod news;
mod observer;

use std::{sync::Arc, time::Duration};

use lab_core::{
    live::Cannot,
    view::{Action, ClusterView},
};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::{MissedTickBehavior, interval},
};
use tracing::warn;

use crate::{
    admin,
    clock::Clock,
    failure::{Failure, Outcome, While},
    supervisor::{Handle, Message},
};
use news::News;
use observer::Observer;

/// The cluster is asked this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A cluster that somebody else runs, and whoever wants to see it.
pub struct Attached {
    bootstrap: String,
    observer: Observer,
    inbox: mpsc::UnboundedReceiver<Message>,
    view: watch::Sender<Arc<ClusterView>>,
    events: broadcast::Sender<Arc<Vec<lab_core::trace::Event>>>,
}

impl Attached {
    /// Asks the cluster once, so that one which cannot be reached is an error now.
    pub fn new(bootstrap: &str) -> Outcome<(Self, Handle)> {
        let mut observer = Observer::new(bootstrap, Clock::start());
        let first = observer.look()?;
        let (messages, inbox) = mpsc::unbounded_channel();
        let (view, seen) = watch::channel(Arc::new(first));
        let (events, _) = broadcast::channel(64);
        let handle = Handle {
            messages,
            view: seen,
            events: events.clone(),
            cluster_id: observer.cluster_id().to_owned(),
            bootstrap: bootstrap.to_owned(),
            cannot: cannot().into(),
            ready: watch::channel(true).1,
        };
        Ok((Self { bootstrap: bootstrap.into(), observer, inbox, view, events }, handle))
    }

    /// Looks and answers until the last handle is gone.
    pub async fn run(self) -> Outcome {
        let Self { bootstrap, observer, mut inbox, view, events } = self;
        let (watchers, watched) = watch::channel(0);
        let looking = tokio::spawn(look_on(observer, watched, view, events));
        while let Some(message) = inbox.recv().await {
            match message {
                Message::Watchers(more) => watchers.send_modify(|watchers| *watchers += more),
                Message::Act(action, reply) => {
                    let bootstrap = bootstrap.clone();
                    tokio::task::spawn_blocking(move || {
                        let _ = reply.send(perform(&bootstrap, action).map_err(|failure| failure.to_string()));
                    });
                }
                // Its answer is "no longer kept": nobody kept the bytes of other people's messages.
                Message::Frame(_, reply) => drop(reply.send(None)),
                _ => {}
            }
        }
        drop(watchers);
        looking.await.doing(|| "looking at the cluster has failed".into())
    }
}

/// Looks while there is somebody to show it to.
async fn look_on(
    mut observer: Observer,
    mut watched: watch::Receiver<i32>,
    view: watch::Sender<Arc<ClusterView>>,
    events: broadcast::Sender<Arc<Vec<lab_core::trace::Event>>>,
) {
    let mut every = interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut news = News::default();
    let mut trouble = String::new();
    while watched.wait_for(|watchers| *watchers > 0).await.is_ok() {
        every.tick().await;
        // Asking waits for answers, and must not keep the page's own server from answering.
        let asked = tokio::task::spawn_blocking(move || {
            let seen = observer.look();
            (observer, seen)
        });
        let Ok((back, seen)) = asked.await else { return };
        observer = back;
        match seen {
            Ok(seen) => {
                trouble.clear();
                let told = news.of(&view.borrow(), &seen);
                view.send_replace(Arc::new(seen));
                if !told.is_empty() {
                    let _ = events.send(Arc::new(told));
                }
            }
            Err(failure) if failure.cause() != trouble => {
                failure.cause().clone_into(&mut trouble);
                warn!("{failure}");
                view.send_modify(|view| Arc::make_mut(view).at = observer.now());
                view.send_modify(|view| observer::nobody_answers(Arc::make_mut(view)));
            }
            Err(_) => {}
        }
    }
}

/// What a watcher may do to somebody else's cluster: what any client may.
fn perform(bootstrap: &str, action: Action) -> Outcome {
    match action {
        Action::CreateTopic { .. } | Action::Produce { .. } => admin::perform(bootstrap, action),
        _ => Err(Failure::new(FAULTS)),
    }
}

const FAULTS: &str = "this cluster is run by somebody else: kafka-lab attach only looks, so stop, kill and start its \
    processes where they run";

/// What the page offers elsewhere and not here.
fn cannot() -> Vec<Cannot> {
    let cannot = |what: &str, why: &str| Cannot { what: what.into(), why: why.into() };
    vec![
        cannot("rewind", "a real cluster runs in real time and cannot go back"),
        cannot("fork", "a real cluster cannot be copied while it runs"),
        cannot("faults", FAULTS),
        cannot("load", "load comes from a Kafka client, such as kafka-producer-perf-test"),
        cannot("lesson", "a lesson starts clients and stops brokers: take it in the simulator or on `kafka-lab up`"),
        cannot("flight", "messages between other people's processes cannot be seen: what is drawn was asked for"),
    ]
}
