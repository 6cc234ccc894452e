//! Every lesson keeps its promises; a lesson with a mistake is named with file, line and cure; a wrong engine is noticed.
//!
//! `LESSON_SEEDS` says on how many seeds (2 here; `kafka-lab lesson check` runs 20).

use lab_lessons::{FOLDERS, Folder, check};

fn seeds() -> u64 {
    std::env::var("LESSON_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(2)
}

#[test]
fn every_lesson_is_whole() {
    let only = std::env::var("LESSON").ok();
    let folders: Vec<&Folder> = FOLDERS.iter().filter(|f| only.as_ref().is_none_or(|name| name == f.name)).collect();
    let troubles: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = folders.iter().map(|f| scope.spawn(|| check::check(f, seeds()))).collect();
        running.into_iter().flat_map(|check| check.join().expect("a check does not panic").troubles).collect()
    });
    assert!(troubles.is_empty(), "\n{}", troubles.join("\n"));
}

fn kill_the_leader() -> Folder {
    *FOLDERS.iter().find(|folder| folder.name == "kill-the-leader").expect("lesson 13 is there")
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// The lesson with one piece of one file replaced.
fn broken(file: &str, from: &str, to: &str) -> Folder {
    let mut folder = kill_the_leader();
    let text = match file {
        "lesson.toml" => &mut folder.lesson,
        "en.md" => &mut folder.words,
        _ => &mut folder.quiz,
    };
    assert!(text.contains(from), "{file} does not hold {from:?}");
    *text = leak(text.replacen(from, to, 1));
    folder
}

fn line_of(text: &str, piece: &str) -> usize {
    1 + text[..text.find(piece).expect("it is there")].matches('\n').count()
}

#[test]
fn each_kind_of_mistake_is_named_with_file_line_and_cure() {
    // File, what is written, what is written instead, what the line is found by, the sentence.
    let cases = [
        ("lesson.toml", "number = 13", "numbr = 13", "numbr", "unknown field `numbr`"),
        ("lesson.toml", "minutes = 8", "minutes = 80", "number = 13", "one to ten minutes"),
        ("lesson.toml", "\"sandbox\"", "\"sandbx\"", "sandbx", "no scenario \"sandbx\""),
        (
            "lesson.toml",
            "leader = 't(\"orders\").p(0).leader'",
            "leader = 't(\"orders\").p(0).leadr'",
            "leadr'",
            "did you mean \"leader\"",
        ),
        ("lesson.toml", "done = 'ever(Killed{})'", "done = 'ever(Kiled{})'", "Kiled", "did you mean \"Killed\""),
        ("lesson.toml", "quiz = \"next-leader\"", "quiz = \"next\"", "quiz = \"next\"", "no question \"next\""),
        ("lesson.toml", "show = [\"inspector\"]", "show = [\"inspectr\"]", "inspectr", "no part \"inspectr\""),
        ("lesson.toml", "fails = \"stopped\"", "fails = \"stoped\"", "stoped", "no goal \"stoped\""),
        ("lesson.toml", "\"wait 15s\"]", "\"wait 15\"]", "wait 15\"]", "write 5s or 300ms"),
        (
            "lesson.toml",
            "\"kill {leader}\", \"wait 15s\"",
            "\"kill {leadr}\", \"wait 15s\"",
            "{leadr}",
            "\"leadr\" is not defined",
        ),
        ("lesson.toml", "kind = \"observe\"", "kind = \"look\"", "\"look\"", "predict, act, observe, explain"),
        ("en.md", "## step.wait:", "## step.weit:", "", "no words for step.wait"),
        ("en.md", "session of {session_s} seconds", "session of 9 seconds", "session of 9", "spell it out as a word"),
        ("en.md", "in epoch {epoch}", "in epoch {epok}", "", "{epok} in step.predict is not defined"),
        ("en.md", "- lowest:", "- lowst:", "## quiz.next-leader", "option \"lowest\" has no words"),
        (
            "en.md",
            "3. Press Kill broker {leader}, then",
            "Press Kill broker {leader}, then",
            "## goal.elected",
            "write three",
        ),
        ("quiz.toml", "level = \"A\"", "level = \"X\"", "\"X\"", "write B, I or A"),
        ("quiz.toml", "follow = \"rf=2\"", "follow = \"rf2\"", "rf2", "has no option \"rf2\""),
        ("en.md", "## quiz.gap.follow:", "## quiz.gap.folow:", "", "no words for quiz.gap.follow"),
        ("quiz.toml", "right = [\"kept\"]", "right = [\"keep\"]", "\"keep\"", "no option \"keep\""),
        (
            "quiz.toml",
            "do = [\"kill {dead}\", \"wait 13s\"]",
            "do = [\"kil {dead}\"]",
            "kil {dead}",
            "verb this lab does not know",
        ),
    ];
    for (file, from, to, at, sentence) in cases {
        let folder = broken(file, from, to);
        let report = check::check(&folder, 0);
        let text = match file {
            "lesson.toml" => folder.lesson,
            "en.md" => folder.words,
            _ => folder.quiz,
        };
        let all = report.troubles.join("\n");
        assert!(all.contains(sentence), "{to:?}: {all}");
        if !at.is_empty() {
            let place = format!("lessons/kill-the-leader/{file}:{}: ", line_of(text, at));
            assert!(all.contains(&place), "{to:?}: no {place} in {all}");
        }
    }
}

#[test]
fn a_lesson_that_promises_what_does_not_happen_is_broken() {
    let cases = [
        // A right script that no longer does it.
        ("lesson.toml", "\"wait 12s\", \"kill {leader}\", \"wait 13s\"]", "\"wait 12s\"]", "a right script misses"),
        // A wrong script that does.
        (
            "lesson.toml",
            "do = [\"kill {leader}\", \"wait 15s\"]",
            "do = [\"kill {leader}\", \"wait 15s\", \"start {leader}\", \"wait 15s\", \"stop {now_leader}\", \"wait 3s\"]",
            "a wrong script meets every goal",
        ),
        // A wrong script that gets another goal's hint.
        ("lesson.toml", "fails = \"stopped\"", "fails = \"compared\"", "it gets the hint of stopped"),
        // A question with two right answers, and one whose answer is not Kafka's.
        (
            "quiz.toml",
            "holds = 'never(LeaderElected{partition: p})'",
            "holds = 'ever(LeaderElected{partition: p})'",
            "2 right",
        ),
        ("quiz.toml", "text = \"Broker 2\"", "text = \"Broker 3\"", "where Apache Kafka says"),
    ];
    for (file, from, to, sentence) in cases {
        let report = check::check(&broken(file, from, to), 1);
        let all = report.troubles.join("\n");
        assert!(all.contains(sentence), "{to:?}: {all}");
    }
}

#[test]
fn a_wrong_engine_is_noticed() {
    // A controller that believes in its brokers for five minutes elects nobody in time.
    let patient = check::check_in(&kill_the_leader(), 1, |scenario| {
        scenario.node_config.broker_session_timeout_ms = 300_000;
    });
    let all = patient.troubles.join("\n");
    assert!(all.contains("a right script misses") || all.contains("not within"), "{all}");
    // One copy of each record: the leader's death is the partition's.
    let alone = check::check_in(&kill_the_leader(), 1, |scenario| scenario.topics[0].replication_factor = 1);
    assert!(!alone.troubles.is_empty());
}
