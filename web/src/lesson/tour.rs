//! The steps of the tour. Each is done when the events say so, in whatever order things were tried.

use lab_core::{
    id::NodeId,
    trace::{Event, EventKind},
    view::Action,
};

use crate::{
    lab::{Lab, Snapshot},
    model,
    ui::{Choose, Tab, UiDispatcher},
};

pub struct TourStep {
    pub title: &'static str,
    /// `{partition}` is one that broker 1 should lead.
    pub text: &'static str,
    /// The same where real processes run.
    pub live: &'static str,
    /// What the button says that does it for you.
    pub button: &'static str,
}

pub const STEPS: [TourStep; 6] = [
    TourStep {
        title: "Break a Kafka cluster",
        text: "A whole Kafka cluster runs here, in your browser. Three brokers keep three copies of every record. Start it, then break it: nothing is faked, and everything can be rewound.",
        live: "These are real processes, watched as they run. Three brokers keep three copies of every record. Break something: every process can be started again.",
        button: "Start the cluster",
    },
    TourStep {
        title: "Kill broker 1",
        text: "It leads {partition}: it wears the crown. Killed, it hands nothing over, and nobody knows yet. Above its card its session with the controllers runs out.",
        live: "This sends SIGKILL to the real process. It hands nothing over, and nobody knows yet: its session with the controllers has to run out.",
        button: "Kill it for me",
    },
    TourStep {
        title: "Watch the election",
        text: "When the session is over, the active controller fences the broker. The first replica, in order of preference, that is alive and in sync gets the crown.",
        live: "When the session is over, the active controller fences the broker. The first replica, in order of preference, that is alive and in sync gets the crown.",
        button: "Play on",
    },
    TourStep {
        title: "Ask why",
        text: "The inspector tells the chain of causes, each with the class or proposal of Kafka that holds the rule. Choose a clause and the cluster goes back to that instant. Wire shows the bytes.",
        live: "The inspector tells the chain of causes, each with the class or proposal of Kafka that holds the rule.",
        button: "Why does it lead?",
    },
    TourStep {
        title: "Rewind",
        text: "Go back to before the kill: the old leader is there again. Now do something else, stop it cleanly for instance. A second branch of history begins, the first one stays, and Compare shows what differs.",
        live: "A real cluster cannot be rewound. Start the broker again and watch it catch up and rejoin the ISR.",
        button: "Back to before the kill",
    },
    TourStep {
        title: "Produce a record of your own",
        text: "The same key always goes to the same partition. The leader appends, both followers fetch, the high watermark moves, and only then comes the answer, because acks is all. Choose any message to see its bytes.",
        live: "Type a key under Producers and press Produce, or use any Kafka client on the address above. The same key always goes to the same partition.",
        button: "Send one with key \"you\"",
    },
];

impl TourStep {
    /// The words, with the partition whose preferred leader broker 1 is: on every branch, and also once it is dead.
    pub fn words(&self, snapshot: &Snapshot) -> String {
        if snapshot.live.is_some() {
            return self.live.into();
        }
        let headlines = model::headlines(&snapshot.view);
        let first = headlines.iter().find(|h| h.partition.replicas.first() == Some(&NodeId(1)));
        let name = first.map_or_else(|| "a partition".into(), |h| model::name_of(&h.partition).to_string());
        self.text.replace("{partition}", &name)
    }
}

/// Whether a step has been done, by the events of this branch.
pub fn done(step: usize, lab: &Lab, snapshot: &Snapshot) -> bool {
    let any = |wanted: &dyn Fn(&Event) -> bool| lab.story(|story| story.all().iter().any(wanted));
    match step {
        0 => snapshot.playing || snapshot.live.is_some() || snapshot.jumps > 0 || snapshot.branches.len() > 1,
        1 => any(&killed) || snapshot.branches.len() > 1,
        2 => any(&|e| matches!(e.kind, EventKind::BrokerFenced { .. })) || snapshot.branches.len() > 1,
        3 => true,
        4 => snapshot.now < snapshot.head || snapshot.branches.len() > 1,
        _ => any(&|e| matches!(&e.kind, EventKind::RecordBuffered { key: Some(key), .. } if key == "you")),
    }
}

fn killed(event: &Event) -> bool {
    matches!(event.kind, EventKind::Killed) && event.node.0 < 100
}

/// Does the step for who would rather watch.
pub fn perform(step: usize, lab: &Lab, choose: &UiDispatcher, live: bool) {
    match step {
        0 | 2 if !live => lab.play(true),
        1 => {
            lab.wish(&Action::Kill { node: NodeId(1) });
            if !live {
                lab.play(true);
            }
        }
        3 => choose.dispatch(Choose::Tab(Tab::Why)),
        4 if !live => {
            let kill = lab.story(|story| story.all().iter().rev().find(|e| killed(e)).map(|e| e.at));
            match kill {
                Some(at) => {
                    lab.play(false);
                    lab.seek(lab_core::seam::Time(at.0.saturating_sub(1000)));
                }
                None => lab.say("Nothing has been killed on this branch yet: there is nothing to go back to."),
            }
        }
        5 => {
            lab.wish(&Action::Produce {
                producer: None,
                topic: "orders".into(),
                partition: None,
                key: Some("you".into()),
                value: "hello".into(),
            });
            if !live {
                lab.play(true);
            }
        }
        _ => {}
    }
}
