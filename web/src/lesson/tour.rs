//! The steps of the tour. Each is done when the events say so, in whatever order things were tried.

use lab_core::trace::{Event, EventKind};

use crate::lab::{Lab, Snapshot};

pub struct TourStep {
    pub title: &'static str,
    pub text: &'static str,
    /// The same where real processes run.
    pub live: &'static str,
}

pub const STEPS: [TourStep; 6] = [
    TourStep {
        title: "Watch it breathe",
        text: "Three controllers keep the metadata, three brokers keep the records of topic orders. Press Play (Space). Producers send, followers fetch from leaders, and a record turns solid on a replica once that replica knows it is committed.",
        live: "These are real processes, watched as they run. Followers fetch from leaders, and a record turns solid on a replica once that replica knows it is committed.",
    },
    TourStep {
        title: "Produce a record of your own",
        text: "Type a key under Producers and press Produce (R). The same key always goes to the same partition. Follow the chip: the leader appends, both followers fetch, the high watermark moves, and only then comes the answer, because acks is all.",
        live: "Type a key under Producers and press Produce, or use any Kafka client on the address above. The same key always goes to the same partition.",
    },
    TourStep {
        title: "Kill broker 1",
        text: "The lightning on its card, or K while it has the focus. Nothing is handed over. Its partitions have no leader now, and nobody knows it yet: the line to the controllers counts down its session.",
        live: "The lightning on its card sends SIGKILL to the real process. Its partitions have no leader now, and nobody knows it yet.",
    },
    TourStep {
        title: "Wait for the election",
        text: "Press Play, or jump to the next moment of interest (Shift →). When the session is over the active controller fences the broker and gives its partitions to the first replica, in order of preference, that is in sync and alive.",
        live: "When the session is over the active controller fences the broker and gives its partitions to the first replica, in order of preference, that is in sync and alive.",
    },
    TourStep {
        title: "Ask why",
        text: "Press W. The inspector tells the chain of causes, each with the class or proposal of Kafka that holds the rule. Choose a clause and the cluster goes back to that instant. Wire shows the bytes that were sent.",
        live: "Press W. The inspector tells the chain of causes, each with the class or proposal of Kafka that holds the rule.",
    },
    TourStep {
        title: "Rewind, and try something else",
        text: "Drag the time line back to before the kill: the old leader is there again. Now do something else, stop it cleanly for instance. A new branch of history begins and the first one stays.",
        live: "A real cluster cannot be rewound. Start the broker again and watch it catch up and rejoin the ISR.",
    },
];

/// Whether a step has been done, by the events of this branch.
pub fn done(step: usize, lab: &Lab, snapshot: &Snapshot) -> bool {
    let any = |wanted: &dyn Fn(&Event) -> bool| lab.story(|story| story.all().iter().any(wanted));
    match step {
        0 => snapshot.playing || snapshot.live.is_some() || snapshot.jumps > 0,
        1 => any(&|e| matches!(&e.kind, EventKind::BatchAcked { .. })) && snapshot.jumps > 0,
        2 => any(&|e| matches!(e.kind, EventKind::Killed) && e.node.0 < 100),
        3 => any(&|e| matches!(e.kind, EventKind::BrokerFenced { .. })),
        4 => true,
        _ => snapshot.now < snapshot.head || snapshot.branches.len() > 1,
    }
}
