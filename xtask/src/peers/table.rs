//! The first act: every library alone, with its defaults, on a cluster of ours and on Apache Kafka; what each can do
//! stands in tables. A cell in which the two differ is a fault of ours.

mod known;
mod program;
mod step;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;

use self::{
    program::{Answer, Running},
    step::{Records, Stage, Step, What, Write},
};
use super::{
    cluster::Cluster,
    install::Program,
    libraries::{Here, Library},
};
use crate::{interrupt, tools::say};

/// For one command: a library that hangs fails its cell.
const LIMIT: Duration = Duration::from_secs(60);
const AT_A_TIME: usize = 4;

struct Table {
    title: &'static str,
    steps: Vec<Step>,
}

fn tables() -> Vec<Table> {
    let step = |name, what| Step { name, what };
    let writes = |idempotence: bool| {
        let write = Write { idempotence: Some(idempotence), ..Write::default() };
        let mut steps = vec![
            step("plain", What::Write(Records::Plain, write)),
            step("keyed", What::Write(Records::Keyed, write)),
            step("headers", What::Write(Records::Headers, write)),
            step("tombstone", What::Write(Records::Tombstone, write)),
            step("empty", What::Write(Records::Empty, write)),
            step("text", What::Write(Records::Text, write)),
            step("large", What::Write(Records::Large, write)),
        ];
        for codec in ["gzip", "snappy", "lz4", "zstd"] {
            steps.push(step(codec, What::Write(Records::Packed, Write { codec: Some(codec), ..write })));
        }
        if idempotence {
            let packed = Write { codec: Some("gzip"), ..write };
            steps.push(step("large gzip", What::Write(Records::Large, packed)));
        } else {
            for (name, acks) in [("acks=0", "0"), ("acks=1", "1")] {
                steps.push(step(name, What::Write(Records::Keyed, Write { acks: Some(acks), ..write })));
            }
        }
        steps
    };
    vec![
        Table {
            title: "With defaults, and as an administrator",
            steps: vec![
                step("create", What::Create),
                step("auto-create", What::AutoCreate),
                step("group", What::Group),
                step("since", What::Since),
                step("configs", What::Configs),
                step("groups", What::Groups),
                step("delete", What::Delete),
                step("bad name", What::BadName),
            ],
        },
        Table { title: "Writing with idempotence off", steps: writes(false) },
        Table { title: "Writing with idempotence on", steps: writes(true) },
    ]
}

/// What a library did on one cluster: title and step to what came of it.
#[derive(Default)]
pub struct Row {
    version: String,
    cells: BTreeMap<(usize, usize), Cell>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Cell {
    Good,
    Lacks(String),
    Failed(String),
}

impl Cell {
    fn word(&self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Lacks(_) => "-",
            Self::Failed(_) => "FAIL",
        }
    }

    fn failure(&self) -> Option<&str> {
        match self {
            Self::Failed(why) => Some(why),
            Self::Good | Self::Lacks(_) => None,
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Good => None,
            Self::Lacks(why) | Self::Failed(why) => Some(why),
        }
    }
}

pub type Rows = BTreeMap<&'static str, Row>;

/// Every library plays every step on one cluster, some libraries at a time: most of it is waiting.
pub fn play(who: &str, cluster: &Cluster, libraries: &[(Library, Here)], binary: &Path) -> Result<Rows> {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Rows::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while !interrupt::came() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some((library, here)) = libraries.get(number) else { break };
                    if let Here::Program(program) = here {
                        let player = Player { who, cluster, binary, name: library.name, program };
                        let row = player.play(&format!("p{number}"));
                        rows.lock().expect("no thread panics with it").insert(library.name, row);
                    }
                }
            });
        }
    });
    interrupt::check()?;
    Ok(rows.into_inner().expect("no thread panics with it"))
}

/// One library on one cluster.
struct Player<'a> {
    who: &'a str,
    cluster: &'a Cluster,
    binary: &'a Path,
    name: &'static str,
    program: &'a Program,
}

impl Player<'_> {
    fn play(&self, prefix: &str) -> Row {
        let begun = Instant::now();
        let mut running = None;
        let mut row = Row::default();
        for (t, table) in tables().iter().enumerate() {
            for (s, step) in table.steps.iter().enumerate().take_while(|_| !interrupt::came()) {
                let cell = self.step(step, &format!("{prefix}-{t}"), &mut running);
                if let Cell::Failed(why) = &cell {
                    say(&format!("{}: {}, {}: {}", self.who, self.name, step.name, one_line(why)));
                }
                row.cells.insert((t, s), cell);
            }
        }
        row.version = running.as_ref().map(|running| running.version.clone()).unwrap_or_default();
        say(&format!(
            "{}: {} {} has played in {:.0} s",
            self.who,
            self.name,
            row.version,
            begun.elapsed().as_secs_f64()
        ));
        row
    }

    fn step(&self, step: &Step, prefix: &str, running: &mut Option<Running>) -> Cell {
        let mut ask = |command| {
            // A program that hung or ended is started anew, so that the other cells say what they can.
            if !running.as_mut().is_some_and(Running::is_alive) {
                match Running::start(self.program, self.cluster.bootstrap(), LIMIT) {
                    Ok(started) => *running = Some(started),
                    Err(why) => return Answer::Failed(format!("does not start: {why:#}")),
                }
            }
            running.as_mut().expect("it was started above").ask(&command, LIMIT)
        };
        let mut stage = Stage { cluster: self.cluster, binary: self.binary, prefix: prefix.to_owned(), ask: &mut ask };
        match stage.play(step) {
            Ok(Answer::Done(_)) => Cell::Good,
            Ok(Answer::Lacks(why)) => Cell::Lacks(why),
            Ok(Answer::Failed(why)) => Cell::Failed(why),
            Err(why) => Cell::Failed(format!("{why:#}")),
        }
    }
}

/// Prints the tables in Markdown, and returns what is wrong: cells in which the two differ, or, without the other, those
/// that failed; but for the failures that are known (`known`).
pub fn print(libraries: &[(Library, Here)], ours: &Rows, theirs: Option<&Rows>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (t, table) in tables().iter().enumerate() {
        println!("\n## {}\n", table.title);
        let names: Vec<&str> = table.steps.iter().map(|step| step.name).collect();
        println!("| Library | {} |", names.join(" | "));
        println!("|---|{}", "---|".repeat(names.len()));
        let mut notes = Vec::new();
        for (library, here) in libraries {
            let Some(row) = ours.get(library.name) else {
                if let Here::Absent(why) = here {
                    println!("| {} | absent: {} |{}", library.name, one_line(why), " |".repeat(names.len() - 1));
                }
                continue;
            };
            let mut words = Vec::new();
            for (s, step) in table.steps.iter().enumerate() {
                let mine = &row.cells[&(t, s)];
                let other = theirs.and_then(|rows| rows.get(library.name)).map(|row| &row.cells[&(t, s)]);
                words.push(match other {
                    Some(other) => format!("{} {}", mine.word(), other.word()),
                    None => mine.word().to_owned(),
                });
                let place = format!("{}, {}", library.name, step.name);
                for (cluster, cell) in [("kafka-lab", Some(mine)), ("Apache Kafka", other)] {
                    if let Some(why) = cell.and_then(Cell::reason) {
                        notes.push((place.clone(), cluster, one_line(why)));
                    }
                }
                let differs = match other {
                    Some(other) => mine.word() != other.word(),
                    None => matches!(mine, Cell::Failed(_)),
                };
                let failures = [Some(mine), other].into_iter().flatten().filter_map(Cell::failure);
                let known: Vec<Option<&str>> =
                    failures.map(|why| known::reason(library.name, step.name, why)).collect();
                for reason in known.iter().flatten() {
                    notes.push((place.clone(), "known", (*reason).to_owned()));
                }
                if differs && (known.is_empty() || known.contains(&None)) {
                    wrong.push(format!("{}: {place}: {}", table.title, one_line(mine.reason().unwrap_or("ok"))));
                }
            }
            println!("| {} {} | {} |", library.name, row.version, words.join(" | "));
        }
        print_notes(&notes);
    }
    println!();
    wrong
}

/// One line for each reason, with the cells it stands in.
fn print_notes(notes: &[(String, &str, String)]) {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (place, cluster, why) in notes {
        let both = notes.iter().any(|(p, c, w)| p == place && c != cluster && w == why);
        let text = if both { place.clone() } else { format!("{place} ({cluster})") };
        let places = places.entry(why).or_default();
        if !places.contains(&text) {
            places.push(text);
        }
    }
    if !places.is_empty() {
        println!();
    }
    for (why, places) in places {
        println!("- {}: {why}", places.join("; "));
    }
}

fn one_line(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().take(300).collect()
}
