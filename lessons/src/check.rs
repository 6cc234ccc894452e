//! Whether a lesson keeps its promises. It is run on many seeds: the start does not meet the goals, the right scripts do,
//! the wrong ones fail at the goal they name, each question has its right answers and Kafka's own case comes out.

use std::collections::BTreeMap;

use lab_core::sim::{Scenario, World};
use serde::Serialize;

use crate::{
    Folder, Lesson, Progress, Script, Template, Trouble, Variables,
    line::{self, Line},
    quiz::{self, Question, Reveal},
};

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub lesson: String,
    pub number: u32,
    pub title: String,
    pub seeds: u64,
    pub goals: usize,
    pub scripts: usize,
    pub questions: usize,
    /// Each as `lessons/FILE:LINE: problem; cure`. Empty: the lesson is whole.
    pub troubles: Vec<String>,
}

/// Checks a folder on seeds from 1 on.
pub fn check(folder: &Folder, seeds: u64) -> Report {
    check_in(folder, seeds, |_| {})
}

/// As [`check`], in a world that was tampered with: to see that the check notices.
pub fn check_in(folder: &Folder, seeds: u64, tamper: impl Fn(&mut Scenario)) -> Report {
    let mut report = Report { lesson: folder.name.into(), seeds, ..Report::default() };
    let lesson = match Lesson::read(folder) {
        Ok(lesson) => lesson,
        Err(troubles) => {
            report.troubles = troubles.iter().map(ToString::to_string).collect();
            return report;
        }
    };
    report.number = lesson.number;
    report.title = lesson.words.title.clone();
    (report.goals, report.scripts, report.questions) = (lesson.goals.len(), lesson.scripts.len(), lesson.quizzes.len());
    let mut check = Check { lesson: &lesson, found: BTreeMap::new(), pinned: vec![0; lesson.quizzes.len()] };
    match Scenario::parse(&lesson.scenario) {
        Ok(mut scenario) => {
            tamper(&mut scenario);
            (1..=seeds).for_each(|seed| check.seed(scenario.clone(), seed));
            // Kafka's own case is one of many that a seed may bring: it is looked for until it comes.
            for seed in seeds + 1..=seeds.max(PINNED_SEEDS) {
                if check.pinned.iter().all(|met| *met > 0) {
                    break;
                }
                check.pinned_on(scenario.clone(), seed);
            }
            check.pinned_were_met(seeds.max(PINNED_SEEDS));
        }
        Err(error) => check.report("start", error, "write another scenario"),
    }
    report.troubles = check.found.into_values().map(|trouble| trouble.to_string()).collect();
    report.troubles.sort();
    report
}

/// Kafka's own cases are looked for on as many seeds as `lesson check` runs.
const PINNED_SEEDS: u64 = 20;

/// How long a lesson lets things settle after a script.
const SETTLE_MS: u64 = 1000;

struct Check<'a> {
    lesson: &'a Lesson,
    /// One trouble a place and problem: the first seed that shows it.
    found: BTreeMap<(String, String), Trouble>,
    /// For each question how often Kafka's own case came up.
    pinned: Vec<u64>,
}

impl Check<'_> {
    fn report(&mut self, of: &str, problem: impl Into<String>, cure: impl Into<String>) {
        let (problem, cure) = (problem.into(), cure.into());
        let kind = problem.split(':').next().unwrap_or_default().chars().filter(|c| !c.is_ascii_digit()).collect();
        let trouble = self.lesson.trouble(of, problem, cure);
        self.found.entry((of.to_string(), kind)).or_insert(trouble);
    }

    fn seed(&mut self, scenario: Scenario, seed: u64) {
        let lesson = self.lesson;
        let mut world = World::new(scenario, seed);
        world.set_checking(false);
        world.run_until(lesson.begins_at);
        let mut progress = Progress::begin(lesson, &world.view());
        let unknown: Vec<String> = lesson
            .facts
            .iter()
            .filter(|(name, _)| progress.fact(name).is_none_or(|value| *value == lab_core::goal::Value::None))
            .map(|(name, _)| name.clone())
            .collect();
        for name in unknown {
            self.report(
                "facts",
                format!("seed {seed}: the fact {name} is not known at the start"),
                "begin later, or ask another way",
            );
        }
        progress.observe(lesson, &world.view(), []);
        if progress.passed {
            self.report(
                "goal",
                format!("seed {seed}: the goals are met before anything was done"),
                "ask for something that the learner does",
            );
        }
        let mut end = None;
        for script in &lesson.scripts {
            let reached = self.script(script, &world, &progress, seed);
            if script.fails.is_none() && end.is_none() {
                end = reached;
            }
        }
        for (i, template) in lesson.quizzes.iter().enumerate() {
            let place = match (&end, template.at_end) {
                (Some((world, progress)), true) => (world, progress),
                (None, true) => continue,
                (_, false) => (&world, &progress),
            };
            self.question(i, template, place.0, place.1, seed);
            self.follow_up(template, seed);
        }
    }

    /// Asks the questions whose pinned case has not come up, and nothing else.
    fn pinned_on(&mut self, scenario: Scenario, seed: u64) {
        let lesson = self.lesson;
        let mut world = World::new(scenario, seed);
        world.set_checking(false);
        world.run_until(lesson.begins_at);
        let progress = Progress::begin(lesson, &world.view());
        let open = |(i, template): &(usize, &Template)| self.pinned[*i] == 0 && !template.at_end;
        let open: Vec<(usize, &Template)> = lesson.quizzes.iter().enumerate().filter(open).collect();
        for (i, template) in open {
            self.question(i, template, &world, &progress, seed);
        }
    }

    /// An interview asks once more with one setting changed.
    fn follow_up(&mut self, template: &Template, seed: u64) {
        let Some(option) = &template.follow else { return };
        let key = format!("quiz.{}", template.name);
        let Ok(scenario) = Scenario::parse(&format!("{},{option}", self.lesson.scenario)) else { return };
        let mut world = World::new(scenario, seed);
        world.set_checking(false);
        world.run_until(self.lesson.begins_at);
        let progress = Progress::begin(self.lesson, &world.view());
        let facts = progress.variables(self.lesson);
        match quiz::ask(self.lesson, template, &facts, &progress.evidence, &world, seed) {
            Ok(question) => self.options(template, &question, &format!("seed {seed}, with {option}")),
            Err(why) => {
                let problem = format!("seed {seed}, with {option}: the question cannot be computed: {why}");
                self.report(&key, problem, "change another setting with follow");
            }
        }
    }

    /// Runs a script and returns where it led.
    fn script(&mut self, script: &Script, world: &World, progress: &Progress, seed: u64) -> Option<(World, Progress)> {
        let lesson = self.lesson;
        let key = format!("script.{}", script.name);
        let (mut world, mut progress) = (world.clone(), progress.clone());
        if let Err(why) = perform(lesson, &script.lines, &mut world, &mut progress, seed) {
            self.report(&key, format!("script {:?}, seed {seed}: {why}", script.name), "mend the script");
            return None;
        }
        let goals = progress.goals(lesson);
        let unmet: Vec<&str> = goals.iter().filter(|goal| !goal.met).map(|goal| goal.name.as_str()).collect();
        let name = &script.name;
        match (&script.fails, unmet.first()) {
            (None, None) => {
                let undone = lesson.steps.iter().enumerate().filter(|(i, step)| {
                    let here = Progress { step: *i, ..progress.clone() };
                    step.done.is_some() && !here.step_done(lesson)
                });
                let undone: Vec<String> = undone.map(|(_, step)| step.name.clone()).collect();
                if let Some(step) = undone.first() {
                    let problem =
                        format!("script {name:?}, seed {seed}: all goals are met and step {step} is not done");
                    self.report(&key, problem, "let the step ask for what the goals ask for");
                }
            }
            (None, Some(_)) => {
                let problem = format!("script {name:?}, seed {seed}: a right script misses {}", unmet.join(", "));
                self.report(&key, problem, "mend the script or the goal, or the engine");
            }
            (Some(fails), None) => {
                let problem = format!("script {name:?}, seed {seed}: a wrong script meets every goal");
                self.report(&key, problem, format!("make goal {fails} stricter"));
            }
            (Some(fails), Some(first)) if fails != first => {
                let problem = format!("script {name:?}, seed {seed}: it gets the hint of {first} and not of {fails}");
                self.report(&key, problem, "change the order of the goals, or what fails");
            }
            _ => {}
        }
        Some((world, progress))
    }

    fn question(&mut self, i: usize, template: &Template, world: &World, progress: &Progress, seed: u64) {
        let key = format!("quiz.{}", template.name);
        let facts = progress.variables(self.lesson);
        let asked = quiz::asked(self.lesson, template, &facts, &progress.evidence, world, seed);
        let (question, variables) = match asked {
            Ok(asked) => asked,
            Err(why) => {
                return self.report(
                    &key,
                    format!("seed {seed}: the question cannot be computed: {why}"),
                    "mend the fork",
                );
            }
        };
        self.options(template, &question, &format!("seed {seed}"));
        self.pinned_case(i, template, progress, &question, &variables, seed);
    }

    /// Whether there is something to choose, and one right choice.
    fn options(&mut self, template: &Template, question: &Question, when: &str) {
        let key = format!("quiz.{}", template.name);
        let right = question.options.iter().filter(|offer| offer.right).count();
        let wrong = question.options.len() - right;
        let wanted = if template.many { right >= 1 } else { right == 1 };
        if !wanted || wrong == 0 {
            let problem = format!("{when}: the question has {right} right and {wrong} wrong options");
            self.report(&key, problem, "exactly one must be right (many: one or more), and one or more wrong");
        }
        let texts =
            question.options.iter().flat_map(|o| [o.text.as_str(), o.why.as_str()]).chain([question.stem.as_str()]);
        if let Some(text) = texts.clone().find(|text| text.contains('…')) {
            self.report(&key, format!("{when}: a value is not known in: {text}"), "define it for every state");
        }
    }

    fn pinned_case(
        &mut self,
        i: usize,
        template: &Template,
        progress: &Progress,
        question: &Question,
        variables: &Variables,
        seed: u64,
    ) {
        let key = format!("quiz.{}", template.name);
        let is_case = template.pinned.is_where.eval(&variables.scope(&progress.evidence));
        if !is_case.is_ok_and(|value| value.is_true()) {
            return;
        }
        self.pinned[i] += 1;
        let mut right: Vec<&str> = question.options.iter().filter(|o| o.right).map(|o| o.name.as_str()).collect();
        right.sort_unstable();
        let mut wanted: Vec<&str> = template.pinned.right.iter().map(String::as_str).collect();
        wanted.sort_unstable();
        if right != wanted {
            let problem = format!("seed {seed}: computed {right:?} where Apache Kafka says {wanted:?}");
            self.report(&key, problem, "the engine is wrong, or the pinned case is");
        }
        if let Some(text) = &template.pinned.text {
            let found = question.options.iter().find(|o| o.right).map_or("", |o| o.text.as_str());
            if found != text {
                let problem = format!("seed {seed}: computed {found:?} where Apache Kafka says {text:?}");
                self.report(&key, problem, "the engine is wrong, or the pinned case is");
            }
        }
    }

    fn pinned_were_met(&mut self, seeds: u64) {
        for (i, template) in self.lesson.quizzes.iter().enumerate() {
            if self.pinned[i] == 0 {
                let problem = format!("the pinned case came up on none of {seeds} seeds");
                self.report(
                    &format!("quiz.{}", template.name),
                    problem,
                    "describe it more widely in where, or use more seeds",
                );
            }
        }
    }
}

/// Does what a script says, as a learner would.
fn perform(
    lesson: &Lesson,
    lines: &[String],
    world: &mut World,
    progress: &mut Progress,
    seed: u64,
) -> Result<(), String> {
    for text in lines {
        let facts = progress.variables(lesson);
        let filled = if text.trim_start().starts_with("until ") { text.clone() } else { facts.fill(text) };
        let names: Vec<&str> = facts.0.keys().map(String::as_str).collect();
        if let Line::Answer { quiz, right } = line::read(&filled, &names)? {
            let template = lesson.quiz(&quiz).ok_or_else(|| format!("there is no question {quiz:?}"))?;
            let question = quiz::ask(lesson, template, &progress.variables(lesson), &progress.evidence, world, seed)?;
            let chosen = question.options.iter().find(|offer| offer.right == right);
            let text = chosen.map(|offer| offer.text.clone()).ok_or_else(|| format!("{quiz} has no such option"))?;
            progress.answered(&quiz, &text, right);
            continue;
        }
        let one = std::slice::from_ref(text);
        quiz::run(one, &facts, world, &mut progress.evidence, &mut Reveal::default())?;
    }
    world.run_for(SETTLE_MS);
    quiz::observe(world, &mut progress.evidence);
    progress.observe(lesson, &world.view(), []);
    Ok(())
}
