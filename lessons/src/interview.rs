//! An interview: questions of all lessons by level and topic, each about a cluster of its own, each with a follow-up.
//!
//! Nothing is remembered here. What somebody knew and did not know comes in as weights, and what they answer is kept by
//! whoever asks.

use std::collections::{BTreeMap, BTreeSet};

use lab_core::{
    random,
    sim::{Scenario, Session, World},
};

use crate::{Lesson, Progress, Template, quiz};

/// How many questions there are at most, follow-ups not counted.
pub const QUESTIONS: usize = 8;
/// Letters of the templates, and what people call them.
pub const LEVELS: [(&str, &str); 3] = [("B", "Beginner"), ("I", "Intermediate"), ("A", "Advanced")];
/// How long things settle at the end of a lesson.
const SETTLE_MS: u64 = 1000;

/// What somebody wants to be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    /// The hardest level: what is a level easier is asked as well, and first.
    pub level: String,
    /// Modules of lessons.
    pub modules: BTreeSet<String>,
    pub seed: u64,
    /// Concepts that went wrong before come first, the heaviest at the front.
    pub weak: BTreeMap<String, u32>,
}

/// One question to be asked: which, and about which cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub lesson: String,
    pub quiz: String,
    pub concept: String,
    pub level: String,
    pub scenario: String,
    pub seed: u64,
    /// A follow-up says what is different now.
    pub says: Option<String>,
}

/// Modules in the order in which they are taught.
pub fn modules(lessons: &[Lesson]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for lesson in lessons {
        if !found.contains(&lesson.module) {
            found.push(lesson.module.clone());
        }
    }
    found
}

/// Draws the questions: easier ones first, and never twice the same concept in a row where that can be avoided.
pub fn draw(lessons: &[Lesson], wish: &Wish) -> Vec<Item> {
    let mut rng = fastrand::Rng::with_seed(wish.seed);
    let place = |level: &str| LEVELS.iter().position(|(letter, _)| *letter == level).unwrap_or_default();
    let hardest = place(&wish.level);
    let wanted = |template: &&Template| (hardest.saturating_sub(1)..=hardest).contains(&place(&template.level));
    let mut pool: Vec<Item> = Vec::new();
    for lesson in lessons.iter().filter(|lesson| wish.modules.contains(&lesson.module)) {
        pool.extend(lesson.quizzes.iter().filter(wanted).map(|template| {
            // Small, so that it can be read aloud.
            let seed = 1 + random::index(&mut rng, 10_000) as u64;
            item(lesson, template, lesson.scenario.clone(), seed, None)
        }));
    }
    random::shuffle(&mut rng, &mut pool);
    pool.sort_by_key(|item| std::cmp::Reverse(wish.weak.get(&item.concept).copied().unwrap_or_default()));
    pool.truncate(QUESTIONS);
    pool.sort_by_key(|item| place(&item.level));
    let mut drawn: Vec<Item> = Vec::new();
    while !pool.is_empty() {
        let last = drawn.last().map(|item| item.concept.clone());
        let other = pool.iter().position(|item| Some(&item.concept) != last.as_ref()).unwrap_or_default();
        drawn.push(pool.remove(other));
    }
    drawn
}

pub(crate) fn item(lesson: &Lesson, template: &Template, scenario: String, seed: u64, says: Option<String>) -> Item {
    Item {
        lesson: lesson.name.clone(),
        quiz: template.name.clone(),
        concept: template.concept.clone(),
        level: template.level.clone(),
        scenario,
        seed,
        says,
    }
}

/// The follow-up to a question: the same with one setting changed, or the lesson's next question.
pub fn follow_up(lesson: &Lesson, asked: &Item) -> Option<Item> {
    let at = lesson.quizzes.iter().position(|template| template.name == asked.quiz)?;
    let template = &lesson.quizzes[at];
    if let Some(option) = &template.follow {
        let says = lesson.words.heading(&follow_key(&template.name)).to_owned();
        let scenario = format!("{},{option}", lesson.scenario);
        return Some(item(lesson, template, scenario, asked.seed, Some(says)));
    }
    let next = &lesson.quizzes[(at + 1) % lesson.quizzes.len()];
    Some(item(lesson, next, lesson.scenario.clone(), asked.seed, Some("Staying with this cluster:".into())))
}

/// Where the words of a follow-up stand.
pub(crate) fn follow_key(quiz: &str) -> String {
    format!("quiz.{quiz}.follow")
}

/// The cluster that an item is about: what was done in it, and what was seen of it.
pub fn prepare(lesson: &Lesson, asked: &Item) -> Result<(Session, Progress), String> {
    let mut world = World::new(Scenario::parse(&asked.scenario)?, asked.seed);
    world.set_checking(false);
    world.run_until(lesson.begins_at);
    let mut progress = Progress::begin(lesson, &world.view());
    let at_end = lesson.quiz(&asked.quiz).is_some_and(|template| template.at_end);
    let script = lesson.scripts.iter().find(|script| at_end && script.fails.is_none());
    for line in script.iter().flat_map(|script| &script.lines).filter(|line| !line.starts_with("answer ")) {
        let variables = progress.variables(lesson);
        let line = std::slice::from_ref(line);
        quiz::run(line, &variables, &mut world, &mut progress.evidence, &mut quiz::Reveal::default())?;
    }
    if at_end {
        world.run_for(SETTLE_MS);
        quiz::observe(&world, &mut progress.evidence);
    }
    let mut session = Session::new(&asked.scenario, asked.seed);
    session.actions = world.actions().to_vec();
    session.cursor = world.now();
    Ok((session, progress))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lessons;

    fn wish(level: &str, seed: u64) -> Wish {
        Wish { level: level.into(), modules: modules(&lessons()).into_iter().collect(), seed, ..Wish::default() }
    }

    #[test]
    fn questions_are_of_the_level_or_one_easier_and_differ() {
        let lessons = lessons();
        for (level, allowed) in [("B", &["B"][..]), ("I", &["B", "I"]), ("A", &["I", "A"])] {
            let drawn = draw(&lessons, &wish(level, 7));
            assert!(drawn.len() >= 5, "{level}: {}", drawn.len());
            assert!(drawn.iter().all(|item| allowed.contains(&item.level.as_str())), "{drawn:?}");
            let distinct: BTreeSet<_> = drawn.iter().map(|item| (&item.lesson, &item.quiz)).collect();
            assert_eq!(distinct.len(), drawn.len());
        }
        assert_ne!(draw(&lessons, &wish("I", 1)), draw(&lessons, &wish("I", 2)));
        assert_eq!(draw(&lessons, &wish("I", 1)), draw(&lessons, &wish("I", 1)));
    }

    #[test]
    fn what_went_wrong_comes_back() {
        let lessons = lessons();
        let weak = BTreeMap::from([("partition epoch".to_owned(), 2)]);
        for seed in 1..20 {
            let drawn = draw(&lessons, &Wish { weak: weak.clone(), ..wish("A", seed) });
            assert!(drawn.iter().any(|item| item.concept == "partition epoch"), "seed {seed}");
        }
    }

    #[test]
    fn every_question_and_its_follow_up_can_be_asked() {
        for lesson in lessons() {
            for template in &lesson.quizzes {
                let first = item(&lesson, template, lesson.scenario.clone(), 5, None);
                let second = follow_up(&lesson, &first).expect("there is a follow-up");
                assert!(second.says.as_ref().is_some_and(|says| !says.is_empty()), "{second:?}");
                for asked in [first, second] {
                    let template = lesson.quiz(&asked.quiz).expect("its own");
                    let (session, progress) = prepare(&lesson, &asked).unwrap_or_else(|why| panic!("{asked:?}: {why}"));
                    let mut world = World::new(Scenario::parse(&session.scenario).unwrap(), session.seed);
                    world.set_checking(false);
                    for (at, action) in &session.actions {
                        world.run_until(*at);
                        world.act(action).unwrap();
                    }
                    world.run_until(session.cursor);
                    let facts = progress.variables(&lesson);
                    let question = quiz::ask(&lesson, template, &facts, &progress.evidence, &world, asked.seed)
                        .unwrap_or_else(|why| panic!("{asked:?}: {why}"));
                    let right = question.options.iter().filter(|option| option.right).count();
                    assert!(right == 1 || template.many && right > 0, "{asked:?}: {question:?}");
                    assert!(question.options.len() > right, "{asked:?}: {question:?}");
                }
            }
        }
    }
}
