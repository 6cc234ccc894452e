//! The second act: members by six client libraries in one consumer group. Each joins, reads, commits its offsets, is
//! killed, comes back and leaves; the table says how long the group took to share its partitions out again.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{
    cluster::Cluster,
    member::{Library, Member},
};
use crate::{interrupt, lab, tools::say};

pub const TOPIC: &str = "peers";
pub const GROUP: &str = "peers-group";
pub const PARTITIONS: usize = 12;
const RECORDS: usize = 1200;
/// Longer than any session and any rebalance timeout that the members ask for.
const PATIENCE: Duration = Duration::from_secs(90);

/// What one library did; seconds, or why not.
#[derive(Default)]
struct Row {
    join: Option<f64>,
    read: usize,
    killed: Option<f64>,
    left: Option<f64>,
}

/// Plays the whole story on one cluster, prints its table, and returns what went wrong.
pub fn run(who: &str, cluster: &Cluster, libraries: &[Library], binary: &Path) -> Result<Vec<String>> {
    say(&format!("{who}: {} libraries in one group", libraries.len()));
    cluster.create_topic(binary, TOPIC, PARTITIONS)?;
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut members: Vec<Member> = Vec::new();
    for library in libraries {
        interrupt::check()?;
        let begun = Instant::now();
        members.push(library.start(cluster.bootstrap())?);
        let row = rows.entry(library.name).or_default();
        match shared_out(&mut members) {
            Ok(()) => row.join = Some(begun.elapsed().as_secs_f64()),
            Err(why) => wrong.push(format!("{who}: {} joins: {why:#}", library.name)),
        }
    }
    cluster.produce(binary, TOPIC, RECORDS)?;
    if let Err(why) = all_read(&mut members) {
        wrong.push(format!("{who}: {why:#}"));
    }
    for member in &members {
        rows.entry(member.name).or_default().read = member.records.len();
    }
    if let Err(why) =
        lab::poll(PATIENCE, || cluster.lag(binary, GROUP).ok().filter(|lag| *lag == 0)).with_context(|| {
            match cluster.lag(binary, GROUP) {
                Ok(lag) => format!("a lag of {lag} after everything was read"),
                Err(why) => format!("{why:#}"),
            }
        })
    {
        wrong.push(format!("{who}: committed offsets: {why:#}"));
    }
    for (index, library) in libraries.iter().enumerate() {
        interrupt::check()?;
        let begun = Instant::now();
        members[index].kill();
        match shared_out(&mut members) {
            Ok(()) => rows.entry(library.name).or_default().killed = Some(begun.elapsed().as_secs_f64()),
            Err(why) => wrong.push(format!("{who}: {} is killed: {why:#}", library.name)),
        }
        members[index] = library.start(cluster.bootstrap())?;
        if let Err(why) = shared_out(&mut members) {
            wrong.push(format!("{who}: {} comes back: {why:#}", library.name));
        }
        let begun = Instant::now();
        if let Err(why) = members[index].leave() {
            wrong.push(format!("{who}: {} leaves: {why:#}", library.name));
        }
        match shared_out(&mut members) {
            Ok(()) => rows.entry(library.name).or_default().left = Some(begun.elapsed().as_secs_f64()),
            Err(why) => wrong.push(format!("{who}: {} has left: {why:#}", library.name)),
        }
        members[index] = library.start(cluster.bootstrap())?;
        if let Err(why) = shared_out(&mut members) {
            wrong.push(format!("{who}: {} is back again: {why:#}", library.name));
        }
    }
    interrupt::check()?;
    wrong.extend(cluster.tools(GROUP, TOPIC, &mut members)?.into_iter().map(|why| format!("{who}: {why:#}")));
    print_table(who, &rows);
    Ok(wrong)
}

/// Waits until every partition has exactly one owner and every member that runs has at least one partition.
fn shared_out(members: &mut [Member]) -> Result<()> {
    let done = lab::poll(PATIENCE, || {
        let mut owners = [0; PARTITIONS];
        let mut idle = 0;
        for member in members.iter_mut().filter(|member| member.runs()) {
            member.listen();
            idle += usize::from(member.assigned.is_empty());
            member.assigned.iter().for_each(|partition| owners[*partition] += 1);
        }
        (idle == 0 && owners.iter().all(|count| *count == 1)).then_some(())
    });
    done.with_context(|| {
        let owned: Vec<String> = members.iter().map(|m| format!("{} owns {:?}", m.name, m.assigned)).collect();
        format!("not shared out after {} s: {}", PATIENCE.as_secs(), owned.join("; "))
    })
}

/// Waits until each record was read by somebody.
fn all_read(members: &mut [Member]) -> Result<()> {
    let mut read = std::collections::BTreeSet::new();
    let done = lab::poll(PATIENCE, || {
        for member in members.iter_mut() {
            member.listen();
            read.extend(member.records.iter().cloned());
        }
        (read.len() >= RECORDS).then_some(())
    });
    done.with_context(|| format!("{} of {RECORDS} records were read", read.len()))
}

fn print_table(who: &str, rows: &BTreeMap<&str, Row>) {
    let seconds = |time: Option<f64>| time.map_or("FAILED".to_owned(), |s| format!("{s:.1} s"));
    println!("\n{who:<14} {:>9} {:>9} {:>12} {:>9}", "joins", "records", "killed", "leaves");
    for (name, row) in rows {
        let [join, killed, left] = [row.join, row.killed, row.left].map(seconds);
        println!("{name:<14} {join:>9} {:>9} {killed:>12} {left:>9}", row.read);
    }
    println!();
}
