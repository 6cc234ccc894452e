//! Behaviour tests as text: a block of commands, `----`, what they print, a blank line. The interpreter touches no file,
//! so that the same text runs on wasm32.
//!
//! | command | what it does |
//! |---|---|
//! | `start SCENARIO [seed=N] [linger=MS]` | begins a new world |
//! | `run 5s`, `run 300ms` | lets time pass |
//! | `until KIND [WORD=VALUE...] [limit=30s]` | runs to the next event of that kind and prints it |
//! | `kill 1`, `cut 1 101 one-way`, `heal`, ... | an action, in the words of a link with spaces |
//! | `produce orders [key=K] value=V [partition=N] [producer=ID]` | one record |
//! | `create-topic ...`, `config orders KEY=VALUE...`, `delete orders` | what an admin asks of a broker that is alive |
//! | `reassign orders-0=1,2...`, `reassign orders-0`, `elect orders-0...` | moves partitions, cancels that, elects preferred leaders |
//! | `delete-records NODE orders-0 OFFSET` | asks that broker to let records below OFFSET go |
//! | `metadata NODE` | which brokers and leaders that broker tells its clients, if it answers |
//! | `break-disk 1 orders-0`, `mend-disk 1 orders-0` | a file or folder of a node fails with every access |
//! | `files 1 orders-0` | names of the files there |
//! | `view partitions\|brokers\|quorum\|producers\|consumers\|groups\|links` | what is believed |
//! | `processed orders` | per partition: what applications have processed, twice, and never although it was committed |
//! | `log orders-0` | each live replica's records: offset, epoch, key, value, and what was cut off lately |
//! | `events KIND,... [node=ID]` | events of these kinds since the last `events`, in order |
//! | `check` | broken promises |
//! | `watch`, `mark NAME`, `goal EXPRESSION` | begins to collect evidence, names a view, asks (see [`crate::goal`]) |
//!
//! `until` and `events` know an event by the name of its kind in JSON (`partition_changed`); `WORD=VALUE` compares one
//! of its fields (`partition=orders-0`, `leader=2`, `node=1`). In place of a node's id stands also `leader:orders-0` or
//! `active` (the active controller).

mod admin;
mod events;
mod show;

use std::fmt::Write as _;

use self::{
    admin::{config, delete, delete_records, elect, metadata, reassign},
    events::{event_json, kind, matches, print_event, until},
    show::{log, processed, view},
};
use super::{Scenario, World, parse_action};
use crate::{
    goal::{Evidence, Expr, Scope},
    id::{NodeId, TopicPartition},
    seam::Time,
    view::Action,
};

/// Runs a whole script and returns it with what it printed in place of what it expected. Equal texts: it passes. The
/// error names the line that cannot be understood.
pub fn run(text: &str) -> Result<String, String> {
    let mut script = Script::default();
    let mut result = String::new();
    let mut lines = text.lines().enumerate().peekable();
    let mut printed = String::new();
    let mut in_block = false;
    while let Some((number, line)) = lines.next() {
        result.push_str(line);
        result.push('\n');
        if line == "----" {
            result.push_str(&printed);
            printed.clear();
            in_block = false;
            // What was expected ends at the first blank line.
            while lines.next_if(|(_, line)| !line.is_empty()).is_some() {}
        } else if !line.is_empty() && !line.starts_with('#') {
            in_block = true;
            script.command(line, &mut printed).map_err(|why| format!("line {}: {line}: {why}", number + 1))?;
        }
    }
    if in_block {
        result.push_str("----\n");
        result.push_str(&printed);
    }
    Ok(result)
}

#[derive(Default)]
struct Script {
    world: Option<World>,
    /// Number of the first event that `events` has not looked at.
    seen: usize,
    evidence: Option<Evidence>,
}

impl Script {
    fn command(&mut self, line: &str, out: &mut String) -> Result<(), String> {
        let mut words: Vec<String> = line.split_whitespace().map(String::from).collect();
        let verb = words.remove(0);
        let names_node = words.first().is_some_and(|word| word.parse::<i32>().is_ok());
        if verb == "start" && !names_node {
            self.world = Some(start(&words)?);
            self.seen = 0;
            return Ok(());
        }
        let world = self.world.as_mut().ok_or("begin with start")?;
        for word in &mut words {
            if verb != "goal" {
                resolve(world, word)?;
            }
        }
        match verb.as_str() {
            "watch" => {
                self.evidence = Some(Evidence::begin(&world.view()));
                Ok(())
            }
            "mark" | "goal" => {
                let evidence = self.evidence.as_mut().ok_or("begin with watch")?;
                evidence.observe(&world.view(), world.events_since(evidence.seen() as usize));
                match line.split_once(' ') {
                    Some(("mark", name)) => evidence.mark(name),
                    Some((_, text)) => goal(evidence, text, out),
                    None => return Err("what?".into()),
                }
                Ok(())
            }
            "run" => {
                let time_ms = duration_ms(words.first().ok_or("how long?")?)?;
                world.run_for(time_ms);
                writeln!(out, "at {}", seconds(world.now())).expect("text grows");
                Ok(())
            }
            "until" => until(world, &words, out),
            "produce" => produce(world, &words),
            "config" => config(world, &words, out),
            "metadata" => metadata(world, &words, out),
            "delete-records" => delete_records(world, &words, out),
            "reassign" => reassign(world, &words, out),
            "elect" => elect(world, &words, out),
            "delete" => delete(world, &words, out),
            "break-disk" | "mend-disk" => {
                let [node, path] = &words[..] else { return Err("which node, and which file?".into()) };
                let why = (verb == "break-disk").then_some("input/output error");
                world.disk_mut(parse_node(node)?)?.break_file(path, why);
                Ok(())
            }
            "files" => {
                let [node, dir] = &words[..] else { return Err("of which node, and where?".into()) };
                let disk = world.disk_mut(parse_node(node)?)?;
                let names = disk.files().filter_map(|(path, _)| path.strip_prefix(dir.as_str())?.strip_prefix('/'));
                let names: Vec<&str> = names.filter(|name| !name.contains('/')).collect();
                writeln!(out, "{}", if names.is_empty() { "none".into() } else { names.join(" ") })
                    .expect("text grows");
                Ok(())
            }
            "view" => view(&world.view(), words.first().map_or("", String::as_str), out),
            "processed" => {
                processed(world, words.first().ok_or("of which topic?")?, out);
                Ok(())
            }
            "log" => log(&world.view(), words.first().ok_or("of which partition?")?, out),
            "events" => {
                let (kinds, conditions) = words.split_first().ok_or("of which kinds?")?;
                let kinds: Vec<&str> = kinds.split(',').collect();
                for event in world.events_since(self.seen) {
                    let json = event_json(event);
                    if kinds.contains(&kind(&json)) && matches(&json, conditions)? {
                        print_event(event, out);
                    }
                }
                self.seen = world.events().len();
                Ok(())
            }
            "check" => {
                world.check_at_rest(45_000);
                match world.violations() {
                    [] => out.push_str("every promise holds\n"),
                    broken => broken.iter().for_each(|b| writeln!(out, "BROKEN {b}").expect("text grows")),
                }
                Ok(())
            }
            _ => {
                let action = parse_action(&[&[verb], &words[..]].concat().join(":"));
                world.act(&action.map_err(|why| format!("the action {why}"))?)
            }
        }
    }
}

fn start(words: &[String]) -> Result<World, String> {
    let mut scenario = Scenario::parse(words.first().ok_or("which scenario?")?)?;
    let mut seed = 1;
    for word in &words[1..] {
        match word.split_once('=') {
            Some(("seed", value)) => seed = value.parse().map_err(|_| "the seed is no number")?,
            Some(("linger", value)) => {
                scenario = scenario.with_linger(value.parse().map_err(|_| "linger is no number")?)
            }
            // Only what the script produces.
            None if word == "quiet" => scenario.traffic.clear(),
            _ => return Err(format!("what is {word:?}?")),
        }
    }
    Ok(World::new(scenario, seed))
}

fn goal(evidence: &mut Evidence, text: &str, out: &mut String) {
    let expr = Expr::parse(text, &[]);
    if let Ok(expr) = &expr {
        evidence.watch(expr);
        // A condition that is new is true from now on.
        let view = evidence.view().clone();
        evidence.observe(&view, []);
    }
    match expr.and_then(|expr| expr.eval(&Scope::new(evidence))) {
        Ok(value) => writeln!(out, "{value}"),
        Err(error) => writeln!(out, "{}^ {error}", " ".repeat("goal ".len() + error.at)),
    }
    .expect("text grows");
}

/// Puts ids in place of `active` and `leader:orders-0`.
fn resolve(world: &World, word: &mut String) -> Result<(), String> {
    if word == "active" {
        let view = world.view();
        *word = view.active_controller().ok_or("no controller is active")?.id.to_string();
    } else if let Some(partition) = word.strip_prefix("leader:") {
        let partition = parse_partition(partition)?;
        let headline = world.view().headline();
        let found = headline
            .iter()
            .find(|h| h.partition.topic == partition.topic && h.partition.partition == partition.partition);
        *word = found.ok_or("there is no such partition")?.partition.leader.to_string();
    }
    Ok(())
}

fn duration_ms(text: &str) -> Result<u64, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{text:?} is no number"));
    match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(ms), _) => number(ms),
        (None, Some(s)) => Ok(number(s)? * 1000),
        _ => Err(format!("{text:?} is no time: write 5s or 300ms")),
    }
}

fn seconds(at: Time) -> String {
    format!("{}.{:03} s", at.as_ms() / 1000, at.as_ms() % 1000)
}

fn parse_partition(text: &str) -> Result<TopicPartition, String> {
    let (topic, partition) = text.rsplit_once('-').ok_or("a partition is written orders-0")?;
    Ok(TopicPartition::new(topic, partition.parse().map_err(|_| "a partition ends in a number")?))
}

fn parse_node(text: &str) -> Result<NodeId, String> {
    text.parse().map(NodeId).map_err(|_| format!("{text:?} is no node"))
}

fn produce(world: &mut World, words: &[String]) -> Result<(), String> {
    let topic = words.first().ok_or("to which topic?")?.clone();
    let (mut producer, mut partition, mut key, mut value) = (None, None, None, String::new());
    for word in &words[1..] {
        match word.split_once('=') {
            Some(("key", text)) => key = Some(text.to_string()),
            Some(("value", text)) => value = text.to_string(),
            Some(("partition", n)) => partition = Some(n.parse().map_err(|_| "the partition is no number")?),
            Some(("producer", n)) => producer = Some(NodeId(n.parse().map_err(|_| "the producer is no number")?)),
            _ => return Err(format!("what is {word:?}?")),
        }
    }
    world.act(&Action::Produce { producer, topic, partition, key, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_makes_no_sense_is_named() {
        for (script, why) in [
            ("run 5s\n", "line 1: run 5s: begin with start"),
            ("start atlantis\n", "no scenario \"atlantis\""),
            ("start sandbox\n\nexplode 1\n", "line 3: explode 1: the action begins with a verb"),
            ("start sandbox\nrun 5 minutes\n", "is no time"),
            ("start sandbox\nkill 77\n", "there is no node 77"),
        ] {
            let error = run(script).unwrap_err();
            assert!(error.contains(why), "{script:?}: {error}");
        }
    }
}
