//! Time travel: keyframes of the world and replay between them. Acting in the past forks, and both branches stay.

use std::rc::Rc;

use bytes::Bytes;

use super::{Session, World};
use crate::{
    id::EventId,
    seam::Time,
    trace::{Event, FrameFacts},
    view::Action,
};

/// Between keyframes, as long as memory allows.
const KEYFRAME_MS: u64 = 5000;
/// Keyframes of one branch. Beyond that the one whose neighbours are closest is given up: replay takes longer there.
const MAX_KEYFRAMES: usize = 64;

/// One line of history. Branch 0 is the first; another began where somebody acted in the past.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// The branch it left, and when.
    pub parent: Option<(usize, Time)>,
    pub actions: Vec<(Time, Action)>,
    /// How far it has been played.
    pub head: Time,
}

/// A world that can be rewound.
#[derive(Clone)]
pub struct Timeline {
    world: World,
    /// As [`super::Scenario::parse`] reads it.
    scenario: String,
    branches: Vec<Branch>,
    /// For each branch its keyframes, in order of time. The first is the beginning.
    keyframes: Vec<Vec<Rc<World>>>,
    current: usize,
}

impl Timeline {
    /// Opens a session and plays it to its cursor; a session without cursor, to where its scenario has something to show.
    pub fn new(session: &Session) -> Result<Self, String> {
        let scenario = super::Scenario::parse(&session.scenario)?;
        let cursor = if session.cursor == Time::ZERO { scenario.opens_at } else { session.cursor };
        let mut timeline = Self::of(World::new(scenario, session.seed), session.actions.clone());
        timeline.seek(cursor);
        Ok(timeline)
    }

    /// A timeline that begins with `world` and knows what will be done in it.
    pub(super) fn of(world: World, actions: Vec<(Time, Action)>) -> Self {
        let head = actions.last().map_or(world.now(), |(at, _)| *at);
        let scenario = world.scenario().name.clone();
        let keyframes = vec![vec![Rc::new(world.clone())]];
        Self { world, scenario, branches: vec![Branch { parent: None, actions, head }], keyframes, current: 0 }
    }

    /// The world at the cursor.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The cursor.
    pub fn now(&self) -> Time {
        self.world.now()
    }

    /// How far the current branch has been played: the right end of the slider.
    pub fn head(&self) -> Time {
        self.branches[self.current].head
    }

    /// Moves the cursor anywhere, also beyond the head. Exact: the same time always shows the same state.
    pub fn seek(&mut self, to: Time) {
        if to < self.now() {
            let frames = &self.keyframes[self.current];
            let after = frames.partition_point(|w| w.now() <= to);
            self.world = (*frames[after.saturating_sub(1)]).clone();
        }
        self.run(to, &mut usize::MAX.clone(), None);
    }

    /// Plays on towards `to` but handles at most `max_steps` steps, for a frame's budget. True when `to` was reached.
    pub fn play(&mut self, to: Time, max_steps: usize) -> bool {
        let mut budget = max_steps;
        self.run(to, &mut budget, None);
        self.now() >= to && self.world.next_at().is_none_or(|at| at > to)
    }

    /// Does `action` at the cursor. In the past of the branch this forks: a new branch becomes current.
    pub fn act(&mut self, action: &Action) -> Result<(), String> {
        let done = self.world.actions().len();
        self.world.act(action)?;
        let now = self.now();
        let branch = &mut self.branches[self.current];
        if now >= branch.head && branch.actions.len() == done {
            branch.actions.push((now, action.clone()));
            return Ok(());
        }
        self.branch_off(done);
        self.branches[self.current].actions.push((now, action.clone()));
        Ok(())
    }

    /// Begins a branch at the cursor, whatever comes next; the branch it leaves keeps its future.
    pub fn fork(&mut self) {
        self.branch_off(self.world.actions().len());
    }

    /// A new current branch that shares the first `done` actions with the one it leaves.
    fn branch_off(&mut self, done: usize) {
        let (now, current) = (self.now(), self.current);
        let actions = self.branches[current].actions[..done].to_vec();
        self.branches.push(Branch { parent: Some((current, now)), actions, head: now });
        let before = self.keyframes[current].iter().filter(|w| w.now() <= now && w.actions().len() <= done);
        let before = before.cloned().collect();
        self.keyframes.push(before);
        self.current = self.branches.len() - 1;
    }

    /// Moves to the next event for which `wanted` holds (see [`super::visible`], [`super::interesting`]), playing on
    /// for at most `limit_ms` of simulated time. `None`: there was none, and the cursor is where it was.
    pub fn next_event(&mut self, wanted: fn(&Event) -> bool, limit_ms: u64) -> Option<Event> {
        let (before, head) = (self.world.clone(), self.head());
        let found = self.run(self.now().plus_ms(limit_ms), &mut usize::MAX.clone(), Some(wanted));
        if found.is_none() {
            self.world = before;
            self.branches[self.current].head = head;
        }
        found
    }

    /// Moves back to the newest event before the cursor for which `wanted` holds.
    pub fn previous_event(&mut self, wanted: fn(&Event) -> bool) -> Option<Event> {
        let now = self.now();
        let find = |world: &World| world.events().iter().rev().find(|e| e.at < now && wanted(e)).cloned();
        // A world remembers only its newest events; older ones are in the memory of older keyframes.
        let found = find(&self.world).or_else(|| self.keyframes[self.current].iter().rev().find_map(|w| find(w)))?;
        self.seek(found.at);
        Some(found)
    }

    /// Facts and bytes of a frame, rebuilt by replay when they have been forgotten.
    pub fn frame(&self, event: EventId) -> Option<(FrameFacts, Bytes)> {
        if let Some(found) = self.world.frame(event) {
            return Some(found);
        }
        let frames = &self.keyframes[self.current];
        if let Some(found) = frames.iter().rev().find_map(|w| w.frame(event)) {
            return Some(found);
        }
        // Keyframes were given up here: look at the stretches between them.
        let ends = frames.iter().skip(1).map(|w| w.now()).chain([self.head()]);
        let stretches: Vec<_> = frames.iter().zip(ends).collect();
        stretches.into_iter().rev().find_map(|(start, end)| {
            let mut replay = Self { world: (**start).clone(), ..self.clone() };
            replay.run(end, &mut usize::MAX.clone(), None);
            replay.world.frame(event)
        })
    }

    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    pub fn current_branch(&self) -> usize {
        self.current
    }

    /// Makes another branch current, the cursor at `at` (at most its head).
    pub fn switch(&mut self, branch: usize, at: Time) -> Result<(), String> {
        let head = self.branches.get(branch).ok_or_else(|| format!("there is no branch {branch}"))?.head;
        self.current = branch;
        self.world = (*self.keyframes[branch][0]).clone();
        let at = at.min(head);
        let nearest = self.keyframes[branch].iter().rev().find(|w| w.now() <= at);
        self.world = nearest.map_or_else(|| self.world.clone(), |w| (**w).clone());
        self.seek(at);
        Ok(())
    }

    /// The world of a branch at an instant, played on by itself where that is beyond its head. Nothing moves here.
    pub fn world_of(&self, branch: usize, at: Time) -> Result<World, String> {
        let mut other = self.clone();
        other.switch(branch, at)?;
        other.seek(at);
        Ok(other.world)
    }

    /// When two branches parted: until then their history is one. A branch never parts from itself.
    pub fn parted(&self, a: usize, b: usize) -> Time {
        // From a branch back to the first: each that it descends from, and until when that one's history is its own.
        let line = |mut branch: usize| {
            let mut line = vec![(branch, Time::MAX)];
            let mut until = Time::MAX;
            while let Some((parent, left)) = self.branches[branch].parent {
                (branch, until) = (parent, until.min(left));
                line.push((branch, until));
            }
            line
        };
        let (a, b) = (line(a), line(b));
        let common = |(branch, until): &(usize, Time)| {
            b.iter().find(|(other, _)| other == branch).map(|(_, other)| *until.min(other))
        };
        a.iter().find_map(common).unwrap_or(Time::ZERO)
    }

    /// The current branch as a session, the cursor where it is.
    pub fn session(&self) -> Session {
        let actions = self.branches[self.current].actions.clone();
        Session { scenario: self.scenario.clone(), seed: self.world.seed(), actions, cursor: self.now() }
    }

    /// Moves forward to `to`, doing the branch's actions on the way and taking keyframes. Stops early when the budget of
    /// steps is used up, or at the first instant after the present with an event that is `wanted`.
    fn run(&mut self, to: Time, budget: &mut usize, wanted: Option<fn(&Event) -> bool>) -> Option<Event> {
        loop {
            self.keep_keyframe();
            let seen = self.world.events().len();
            let action = self.branches[self.current].actions.get(self.world.actions().len()).cloned();
            if let Some((at, action)) = &action
                && *at <= self.now()
            {
                if self.world.act(action).is_err() {
                    // A hand-made link may ask for what cannot be done. It is not done, and not asked for again.
                    let next = self.world.actions().len();
                    self.branches[self.current].actions.remove(next);
                }
            } else if self.now() >= to && self.world.next_at().is_none_or(|at| at > to) {
                break;
            } else {
                let bound = to.min(action.map_or(Time::MAX, |(at, _)| at)).min(self.next_keyframe_at()).max(self.now());
                match self.world.next_at().filter(|at| *at <= bound) {
                    Some(_) if *budget == 0 => break,
                    Some(_) => {
                        *budget -= 1;
                        self.world.step();
                    }
                    None => self.world.run_until(bound),
                }
            }
            let found = wanted.and_then(|w| self.world.events().since(seen).find(|e| w(e)).cloned());
            if found.is_some() {
                // All of that instant belongs to it, actions too, as if one had sought there.
                self.run(self.now(), &mut usize::MAX.clone(), None);
                self.world.run_until(self.now());
                return found;
            }
        }
        let now = self.now();
        let head = &mut self.branches[self.current].head;
        *head = (*head).max(now);
        None
    }

    fn next_keyframe_at(&self) -> Time {
        Time::from_ms((self.now().as_ms() / KEYFRAME_MS + 1) * KEYFRAME_MS)
    }

    /// Keeps the world as it is, if it stands at the time for a keyframe and there is none yet.
    fn keep_keyframe(&mut self) {
        let now = self.now();
        let frames = &mut self.keyframes[self.current];
        let due = now.0.is_multiple_of(Time::from_ms(KEYFRAME_MS).0) && self.world.next_at().is_none_or(|at| at > now);
        if !due || frames.iter().any(|w| w.now() == now) {
            return;
        }
        let at = frames.partition_point(|w| w.now() < now);
        frames.insert(at, Rc::new(self.world.clone()));
        if frames.len() > MAX_KEYFRAMES {
            let gap = |i: &usize| frames[i + 1].now().0 - frames[i - 1].now().0;
            let closest = (1..frames.len() - 1).min_by_key(gap).expect("there are many");
            frames.remove(closest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Scenario, process::Role},
        *,
    };
    use crate::{id::NodeId, trace::EventKind};

    fn timeline() -> Timeline {
        let roles = vec![(NodeId(1), Role::Toy), (NodeId(2), Role::Toy)];
        Timeline::of(World::with_nodes(Scenario::cluster("toys", 0, 2), 7, roles), Vec::new())
    }

    fn ms(ms: u64) -> Time {
        Time::from_ms(ms)
    }

    const KILL: Action = Action::Kill { node: NodeId(2) };
    const START: Action = Action::Start { node: NodeId(2) };

    #[test]
    fn seeking_back_and_forth_shows_the_same_state() {
        let mut t = timeline();
        t.seek(ms(12_345));
        t.act(&KILL).unwrap();
        t.seek(ms(20_000));
        t.act(&START).unwrap();
        let times = [0, 1, 4999, 5000, 5001, 12_344, 12_345, 12_346, 15_000, 20_000, 20_001, 31_000];
        let hashes = times.map(|at| {
            t.seek(ms(at));
            assert_eq!(t.now(), ms(at));
            t.world().hash()
        });
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..200 {
            let i = rng.usize(0..times.len());
            t.seek(ms(times[i]));
            assert_eq!(t.world().hash(), hashes[i], "at {} ms", times[i]);
        }
        assert_eq!(t.head(), ms(31_000));
        assert_eq!(t.branches().len(), 1);
    }

    #[test]
    fn a_budget_stops_play_between_steps_without_changing_anything() {
        let (mut a, mut b) = (timeline(), timeline());
        a.seek(ms(9000));
        let mut rounds = 0;
        while !b.play(ms(9000), 3) {
            rounds += 1;
        }
        assert!(rounds > 5);
        assert_eq!(a.world().hash(), b.world().hash());
    }

    #[test]
    fn acting_in_the_past_forks_and_both_branches_stay() {
        let mut t = timeline();
        t.seek(ms(10_000));
        t.act(&KILL).unwrap();
        t.seek(ms(30_000));
        let first = t.world().hash();
        t.seek(ms(8000));
        t.act(&Action::Pause { node: NodeId(1) }).unwrap();
        assert_eq!(t.current_branch(), 1);
        assert_eq!(t.branches()[1].parent, Some((0, ms(8000))));
        t.seek(ms(30_000));
        let second = t.world().hash();
        assert_ne!(first, second);
        t.switch(0, ms(30_000)).unwrap();
        assert_eq!(t.world().hash(), first);
        t.switch(1, ms(60_000)).unwrap();
        assert_eq!((t.now(), t.world().hash()), (ms(30_000), second));
        assert!(t.switch(9, ms(0)).is_err());
    }

    #[test]
    fn a_fork_goes_the_same_way_until_somebody_acts() {
        let mut t = timeline();
        t.seek(ms(10_000));
        let there = t.world().hash();
        t.seek(ms(4000));
        t.fork();
        assert_eq!((t.current_branch(), t.head()), (1, ms(4000)));
        t.seek(ms(10_000));
        assert_eq!(t.world().hash(), there);
        t.act(&KILL).unwrap();
        t.switch(0, ms(10_000)).unwrap();
        assert_eq!((t.head(), t.world().hash()), (ms(10_000), there));
    }

    #[test]
    fn branches_know_when_they_parted() {
        let mut t = timeline();
        t.seek(ms(10_000));
        t.seek(ms(8000));
        t.fork(); // 1, from 0 at 8 s
        t.seek(ms(9000));
        t.fork(); // 2, from 1 at 9 s
        t.seek(ms(3000));
        t.fork(); // 3, from 2 at 3 s, which was still branch 0
        let parted = |a, b| t.parted(a, b).as_ms();
        assert_eq!((parted(0, 1), parted(1, 0), parted(1, 2), parted(0, 2)), (8000, 8000, 9000, 8000));
        assert_eq!((parted(0, 3), parted(2, 3), parted(1, 3)), (3000, 3000, 3000));
        assert_eq!(t.parted(2, 2), Time::MAX);
        let there = t.world_of(0, ms(10_000)).unwrap().hash();
        assert_eq!((t.now(), t.current_branch()), (ms(3000), 3), "asking for another world moves nothing");
        t.switch(0, ms(10_000)).unwrap();
        assert_eq!(t.world().hash(), there);
    }

    #[test]
    fn next_and_previous_find_the_same_events() {
        let mut t = timeline();
        t.seek(ms(6000));
        t.act(&KILL).unwrap();
        t.seek(ms(12_000));
        t.act(&START).unwrap();
        t.seek(ms(0));
        let mut forward = Vec::new();
        while let Some(event) = t.next_event(super::super::interesting, 30_000) {
            assert_eq!(t.now(), event.at);
            forward.push(event.kind);
        }
        assert_eq!(forward, [EventKind::Killed, EventKind::Started]);
        assert_eq!(t.now(), ms(12_000), "where there is nothing to find the cursor stays");
        t.seek(ms(20_000));
        let mut backward = Vec::new();
        while let Some(event) = t.previous_event(super::super::interesting) {
            backward.push(event.kind);
        }
        assert_eq!(backward, [EventKind::Started, EventKind::Killed]);
    }

    #[test]
    fn a_forgotten_frame_is_rebuilt() {
        let mut t = timeline();
        t.seek(ms(2500));
        let sent = t.world().events().iter().next().unwrap().id;
        let frame = t.frame(sent).unwrap();
        t.seek(ms(3_600_000));
        assert!(t.keyframes[0].len() <= MAX_KEYFRAMES);
        t.seek(ms(1000));
        assert_eq!(t.world().frame(sent), None);
        assert_eq!(t.frame(sent), Some(frame));
    }

    #[test]
    fn an_action_that_cannot_be_done_is_dropped() {
        let roles = vec![(NodeId(1), Role::Toy), (NodeId(2), Role::Toy)];
        let world = World::with_nodes(Scenario::cluster("toys", 0, 2), 7, roles);
        let mut t = Timeline::of(world, vec![(ms(1000), START), (ms(2000), KILL)]);
        t.seek(ms(3000));
        assert_eq!(t.session().actions, [(ms(2000), KILL)]);
        assert_eq!(t.world().actions(), [(ms(2000), KILL)]);
    }
}
