//! The timers of groups: each has a name, and setting it again moves it (`CoordinatorTimer`).

use std::collections::{BTreeMap, BTreeSet};

use crate::{id::EventId, seam::Time};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerKey {
    pub partition: i32,
    pub group: String,
    pub what: What,
}

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Members were given their time to join.
    Join,
    /// A new group was given time for more members; how long it waits still and may wait after that.
    InitialJoin { delay_ms: u64, remaining_ms: u64 },
    /// Members of this generation were given their time to fetch their assignment.
    Sync { generation: i32 },
    /// Nothing was heard of the member for its session timeout.
    Session { member: String },
}

/// `Join` and `InitialJoin` are one timer, and so are all of `Sync`, as by Kafka's keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Join,
    Sync,
    Session(String),
}

type Id = (i32, String, Name);

#[derive(Clone, Debug, Default)]
pub struct Timers {
    by_name: BTreeMap<Id, (Time, What, Option<EventId>)>,
    due: BTreeSet<(Time, Id)>,
}

impl Timers {
    /// `cause`: the event by which it was set; what happens when it is due goes back to that.
    pub fn set(&mut self, key: TimerKey, at: Time, cause: Option<EventId>) {
        let id = id(&key);
        if let Some((before, ..)) = self.by_name.insert(id.clone(), (at, key.what, cause)) {
            self.due.remove(&(before, id.clone()));
        }
        self.due.insert((at, id));
    }

    /// Forgets the timer of that name, if it is set.
    pub fn cancel(&mut self, key: &TimerKey) {
        let id = id(key);
        if let Some((at, ..)) = self.by_name.remove(&id) {
            self.due.remove(&(at, id));
        }
    }

    /// Forgets all timers of a partition's groups, or of one of them.
    pub fn cancel_all(&mut self, partition: i32, group: Option<&str>) {
        let mine = |(p, g, _): &Id| *p == partition && group.is_none_or(|group| g == group);
        self.by_name.retain(|id, _| !mine(id));
        self.due.retain(|(_, id)| !mine(id));
    }

    pub fn deadline(&self) -> Option<Time> {
        self.due.first().map(|&(at, _)| at)
    }

    /// Takes out one that is due.
    pub fn pop(&mut self, now: Time) -> Option<(TimerKey, Option<EventId>)> {
        let (at, _) = self.due.first()?;
        if *at > now {
            return None;
        }
        let (_, id) = self.due.pop_first()?;
        let (_, what, cause) = self.by_name.remove(&id)?;
        let (partition, group, _) = id;
        Some((TimerKey { partition, group, what }, cause))
    }

    /// When the session of that member ends.
    pub fn session_ends(&self, partition: i32, group: &str, member: &str) -> Option<Time> {
        let id = (partition, group.to_owned(), Name::Session(member.to_owned()));
        self.by_name.get(&id).map(|&(at, ..)| at)
    }
}

fn id(key: &TimerKey) -> Id {
    let name = match &key.what {
        What::Join | What::InitialJoin { .. } => Name::Join,
        What::Sync { .. } => Name::Sync,
        What::Session { member } => Name::Session(member.clone()),
    };
    (key.partition, key.group.clone(), name)
}
