//! `kafka-lab lesson`: which lessons there are, and whether each keeps what it promises.

use clap::{Args, Subcommand};
use lab_lessons::{FOLDERS, Lesson, check};

use crate::failure::{Failure, Outcome};

#[derive(Debug, Subcommand)]
pub(super) enum LessonCommand {
    /// Every lesson: number, name, title, minutes
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run the right and wrong scripts of lessons and compute their questions, on many seeds
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Name of the lesson, as `list` prints it; all when missing
    name: Option<String>,
    /// On how many seeds
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// Do the right scripts of lessons to a real cluster, in a temporary folder and on free ports
    #[arg(long)]
    native: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn lesson(command: &LessonCommand) -> Outcome {
    match command {
        LessonCommand::List { json } => list(*json),
        LessonCommand::Check(args) => run_check(args),
    }
}

fn list(json: bool) -> Outcome {
    let mut lessons: Vec<Lesson> = FOLDERS.iter().filter_map(|folder| Lesson::read(folder).ok()).collect();
    lessons.sort_by_key(|lesson| lesson.number);
    if json {
        let rows: Vec<_> = lessons
            .iter()
            .map(|l| {
                serde_json::json!({
                    "number": l.number, "name": l.name, "title": l.words.title, "minutes": l.minutes,
                    "module": l.module, "native": l.native, "address": format!("#lesson={}", l.name),
                })
            })
            .collect();
        println!("{}", serde_json::Value::Array(rows));
        return Ok(());
    }
    for l in &lessons {
        println!("{:>2}  {:<24} {:<32} {} min", l.number, l.name, l.words.title, l.minutes);
    }
    Ok(())
}

/// Scripts take their time on a real cluster: a minute a lesson and more.
fn check_native(args: &CheckArgs, chosen: &[Lesson]) -> Outcome {
    let able: Vec<&Lesson> = chosen.iter().filter(|lesson| lesson.native).collect();
    if let (Some(name), []) = (&args.name, &able[..]) {
        let cause = format!("{name} is taken in the simulator only: it asks for what a real cluster cannot do");
        return Err(Failure::new(cause).next("`kafka-lab lesson list --json` says native of those that can."));
    }
    let mut reports = Vec::new();
    for lesson in able {
        let report = crate::lesson::check::check(lesson)?;
        if !args.json {
            let verdict = if report.troubles.is_empty() { "whole" } else { "BROKEN" };
            println!(
                "{:<24} {verdict} on a real cluster: {} goals, {} right scripts in {} s",
                report.lesson, report.goals, report.scripts, report.seconds
            );
            report.troubles.iter().for_each(|trouble| println!("  {trouble}"));
        }
        reports.push(report);
    }
    if args.json {
        println!("{}", serde_json::to_string(&reports).expect("plain data"));
    }
    match reports.iter().filter(|report| !report.troubles.is_empty()).count() {
        0 => Ok(()),
        n => Err(Failure::new(format!("{n} of {} lessons are not passed on a real cluster", reports.len()))),
    }
}

fn run_check(args: &CheckArgs) -> Outcome {
    let chosen: Vec<_> =
        FOLDERS.iter().filter(|folder| args.name.as_ref().is_none_or(|name| name == folder.name)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = FOLDERS.iter().map(|folder| folder.name).collect();
        let name = args.name.as_deref().unwrap_or_default();
        return Err(Failure::new(format!("there is no lesson {name:?}; there are {}", names.join(", "))));
    }
    if args.native {
        let mut lessons: Vec<Lesson> = chosen.iter().filter_map(|folder| Lesson::read(folder).ok()).collect();
        lessons.sort_by_key(|lesson| lesson.number);
        return check_native(args, &lessons);
    }
    let mut broken = 0;
    let mut reports = Vec::new();
    for folder in chosen {
        let report = check::check(folder, args.seeds);
        broken += usize::from(!report.troubles.is_empty());
        if !args.json {
            let verdict = if report.troubles.is_empty() { "whole" } else { "BROKEN" };
            println!(
                "{:<24} {verdict}: {} goals, {} scripts, {} questions on {} seeds",
                report.lesson, report.goals, report.scripts, report.questions, report.seeds
            );
            report.troubles.iter().for_each(|trouble| println!("  {trouble}"));
        }
        reports.push(report);
    }
    if args.json {
        println!("{}", serde_json::to_string(&reports).expect("plain data"));
    }
    match broken {
        0 => Ok(()),
        n => Err(Failure::new(format!("{n} of {} lessons do not keep what they promise", reports.len()))),
    }
}
