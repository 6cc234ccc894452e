//! Stories as text: `core/testdata/raft/*.txt`. A block is commands, `----`, what they printed, and a blank line.
//!
//! | command | what it does |
//! |---|---|
//! | `cluster voters=101,102,103 observers=1 seed=7` | begins anew and starts everybody |
//! | `run MS` | lets time pass and prints what happened |
//! | `until leader` / `until caught-up` | runs until somebody leads / everybody has everything that is appended |
//! | `until voted ID` | runs until a vote of ID is on its disk |
//! | `append N` [`at ID`] | appends N records at the leader |
//! | `kill ID`, `power-loss ID`, `wipe ID`, `start ID`, `stop ID` | faults; `stop` is a clean shutdown |
//! | `full ID`, `roomy ID` | its disk has no room / has room again |
//! | `cut A B`, `cut-one-way A B`, `isolate A`, `heal` | links |
//! | `snapshot ID` | keeps what ID has as a snapshot |
//! | `status` | what each node believes |
//! | `quiet` | a block after which nothing is printed until `loud` |
//!
//! In place of an id, `leader`, `other` (the first that does not lead) and `down` (the first that does not run) are
//! understood.

use std::fmt::Write;

use super::world::World;
use crate::{disk::MemDisk, id::NodeId, seam::Time, testdata, trace::EventKind};

#[test]
fn stories() {
    testdata::play("raft", || {
        let mut story = Story { world: World::new(&[101], &[], 0), told: 0, quiet: false };
        move |command| {
            let mut said = String::new();
            story.perform(command, &mut said);
            said
        }
    });
}

struct Story {
    world: World,
    told: usize,
    quiet: bool,
}

impl Story {
    fn perform(&mut self, line: &str, out: &mut String) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["cluster", rest @ ..] => {
                let value = |key: &str| rest.iter().find_map(|word| word.strip_prefix(key));
                let ids = |key: &str| -> Vec<i32> {
                    value(key).map_or(Vec::new(), |ids| ids.split(',').map(|id| id.parse().unwrap()).collect())
                };
                let seed = value("seed=").map_or(1, |seed| seed.parse().unwrap());
                self.world = World::new(&ids("voters="), &ids("observers="), seed);
                self.told = 0;
                self.world.start_all();
            }
            ["run", ms] => self.world.run_ms(ms.parse().unwrap()),
            ["until", "leader"] => {
                assert!(self.world.run_while(60_000, |world| world.leader().is_some()), "nobody leads after a minute");
            }
            ["until", "caught-up"] => {
                let done = |world: &World| {
                    let rafts = || world.nodes.values().filter_map(|node| node.raft.as_ref());
                    let end = rafts().map(|raft| raft.log_end_offset()).max();
                    rafts().all(|raft| Some(raft.delivered_offset()) == end)
                };
                assert!(self.world.run_while(60_000, done), "not caught up after a minute");
            }
            ["until", "voted", id] => {
                let id = self.id(id);
                let done = |world: &World| {
                    let raft = world.nodes[&id].raft.as_ref().expect("it runs");
                    raft.view().voted_for.is_some() && raft.store.is_durable()
                };
                assert!(self.world.run_while(60_000, done), "{id} votes for nobody for a minute");
            }
            ["append", count, at @ ..] => {
                let id = if let ["at", id] = at { self.id(id) } else { self.id("leader") };
                for _ in 0..count.parse().unwrap() {
                    if self.world.append(id).is_none() {
                        writeln!(out, "{id} refuses").unwrap();
                    }
                }
            }
            ["kill", id] => self.world.crash(self.id(id), false),
            ["power-loss", id] => self.world.crash(self.id(id), true),
            ["wipe", id] => {
                let id = self.id(id);
                assert!(!self.world.is_up(id), "{id} still runs");
                self.world.nodes.get_mut(&id).unwrap().disk = MemDisk::new();
                self.world.checker.wiped(id);
            }
            ["full", id] => self.disk(id).set_full(true),
            ["roomy", id] => self.disk(id).set_full(false),
            ["start", id] => self.world.start(self.id(id)),
            ["stop", id] => self.world.shutdown(self.id(id)),
            ["cut", a, b] => {
                let (a, b) = (self.id(a), self.id(b));
                self.world.cut.extend([(a, b), (b, a)]);
            }
            ["cut-one-way", a, b] => {
                let (a, b) = (self.id(a), self.id(b));
                self.world.cut.insert((a, b));
            }
            ["isolate", id] => {
                let id = self.id(id);
                let others: Vec<NodeId> = self.world.ids().into_iter().filter(|other| *other != id).collect();
                self.world.cut.extend(others.iter().flat_map(|other| [(id, *other), (*other, id)]));
            }
            ["heal"] => self.world.heal(),
            ["snapshot", id] => self.world.snapshot(self.id(id)),
            ["status"] => self.status(out),
            ["quiet"] => self.quiet = true,
            ["loud"] => self.quiet = false,
            _ => panic!("what does {line:?} mean?"),
        }
        let news = &self.world.log[self.told..];
        if !self.quiet {
            news.iter().for_each(|(at, id, kind)| event(out, *at, *id, kind));
        }
        self.told = self.world.log.len();
    }

    fn id(&self, word: &str) -> NodeId {
        let leader = || self.world.leader().expect("somebody leads");
        match word {
            "leader" => leader(),
            "down" => self.world.ids().into_iter().find(|id| !self.world.is_up(*id)).expect("somebody is down"),
            "other" => self.world.ids().into_iter().find(|id| *id != leader()).unwrap(),
            id => NodeId(id.parse().unwrap()),
        }
    }

    fn disk(&mut self, id: &str) -> &mut MemDisk {
        let id = self.id(id);
        &mut self.world.nodes.get_mut(&id).unwrap().disk
    }

    fn status(&self, out: &mut String) {
        for (id, node) in &self.world.nodes {
            let Some(raft) = &node.raft else {
                writeln!(out, "{id} down").unwrap();
                continue;
            };
            let view = raft.view();
            let name = |id: Option<NodeId>| id.map_or_else(|| "-".into(), |id| id.to_string());
            writeln!(
                out,
                "{id} {} epoch {} leader {} voted {} log {}-{} high watermark {}",
                view.role,
                view.epoch,
                name(view.leader),
                name(view.voted_for),
                view.log_start_offset,
                view.log_end_offset,
                view.high_watermark
            )
            .unwrap();
        }
    }
}

fn event(out: &mut String, at: Time, id: NodeId, kind: &EventKind) {
    let text = match kind {
        EventKind::RaftRole { role, epoch, leader } => {
            let leader = leader.map_or(String::new(), |leader| format!(", leader {leader}"));
            format!("is {role} in epoch {epoch}{leader}")
        }
        EventKind::VoteGranted { to, epoch, pre_vote } => {
            format!("grants {} in epoch {epoch} to {to}", ballot(*pre_vote))
        }
        EventKind::VoteRefused { to, epoch, pre_vote, reason } => {
            format!("refuses {} in epoch {epoch} to {to}: {reason}", ballot(*pre_vote))
        }
        EventKind::QuorumLeaderElected { epoch, votes } => {
            let votes: Vec<String> = votes.iter().map(NodeId::to_string).collect();
            format!("wins epoch {epoch} with the votes of {}", votes.join(" "))
        }
        EventKind::MetadataAppended { base_offset, last_offset, .. } => format!("appends {base_offset}-{last_offset}"),
        EventKind::MetadataHighWatermark { offset } => format!("high watermark {offset}"),
        EventKind::MetadataTruncated { to, from } => format!("truncates from {from} to {to}"),
        other => format!("{other:?}"),
    };
    writeln!(out, "{:>6} {id} {text}", at.as_ms()).unwrap();
}

fn ballot(pre_vote: bool) -> &'static str {
    if pre_vote { "a pre-vote" } else { "a vote" }
}
