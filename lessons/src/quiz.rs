//! Questions that are computed: the world is forked, the thing is done in the fork, and the fork is asked for the answer.
//! Wrong options are what people with a known misconception would say about the same state.

use std::collections::BTreeSet;

use lab_core::{
    goal::{Evidence, Value},
    random,
    sim::World,
    view::Action,
};

use crate::{
    Lesson, Template, Variables, Words,
    line::{self, Line},
};

/// A question about one particular cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub name: String,
    pub concept: String,
    pub level: String,
    pub stem: String,
    pub many: bool,
    pub options: Vec<Offer>,
    pub reveal: Reveal,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub name: String,
    pub text: String,
    pub right: bool,
    /// Why it is right, or what is wrong with it.
    pub why: String,
    /// Whoever chooses it may believe this: an id of the catalogue, or a few words.
    pub because: String,
}

/// What the fork did: [`Action`]s and how many milliseconds to let pass before each, and after all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reveal {
    pub actions: Vec<(u64, Action)>,
    pub then_ms: u64,
}

/// How long `until` waits in a fork.
const UNTIL_MS: u64 = 60_000;
const LOOK_MS: u64 = 50;

/// Asks a template about a world. `seed` draws what is left open, and the order of the options.
pub fn ask(
    lesson: &Lesson,
    template: &Template,
    facts: &Variables,
    before: &Evidence,
    world: &World,
    seed: u64,
) -> Result<Question, String> {
    Ok(asked(lesson, template, facts, before, world, seed)?.0)
}

/// As [`ask`], with the values that the question was made of.
pub(crate) fn asked(
    lesson: &Lesson,
    template: &Template,
    facts: &Variables,
    before: &Evidence,
    world: &World,
    seed: u64,
) -> Result<(Question, Variables), String> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut variables = facts.clone();
    for (name, list) in &template.draw {
        let list = list.eval(&variables.scope(before)).map_err(|error| error.to_string())?;
        let Value::List(items) = list else { return Err(format!("{name} is drawn from what is no list")) };
        if items.is_empty() {
            return Err(format!("there is nothing to draw {name} from"));
        }
        let drawn = items[random::index(&mut rng, items.len())].clone();
        variables.0.insert(name.clone(), drawn);
    }
    variables.define(&template.lets, before).map_err(|error| error.to_string())?;

    let (after, reveal) = fork(template, &variables, before, world)?;
    let key = format!("quiz.{}", template.name);
    let mut offers = Vec::new();
    let right_value = match &template.answer {
        None => None,
        Some(answer) => Some(answer.eval(&variables.scope(&after)).map_err(|error| error.to_string())?),
    };
    if let Some(value) = &right_value {
        offers.push(offer(lesson, &key, "answer", &variables, Some(value), true, "")?);
    }
    for option in &template.options {
        let (value, right) = match (&option.value, &option.holds) {
            (Some(value), _) => (Some(value.eval(&variables.scope(before)).map_err(|e| e.to_string())?), false),
            (None, Some(holds)) => (None, holds.eval(&variables.scope(&after)).map_err(|e| e.to_string())?.is_true()),
            (None, None) => (None, false),
        };
        // A misconception that happens to give the right answer here is no wrong option here.
        if value.is_some() && (value == right_value || value == Some(Value::None)) {
            continue;
        }
        offers.push(offer(lesson, &key, &option.name, &variables, value.as_ref(), right, &option.because)?);
    }
    let mut texts = BTreeSet::new();
    offers.retain(|offer| texts.insert(offer.text.clone()));
    random::shuffle(&mut rng, &mut offers);
    let question = Question {
        name: template.name.clone(),
        concept: template.concept.clone(),
        level: template.level.clone(),
        stem: variables.fill(&stem(&lesson.words, &key)),
        many: template.many,
        options: offers,
        reveal,
    };
    Ok((question, variables))
}

fn stem(words: &Words, key: &str) -> String {
    let heading = words.heading(key).to_string();
    [vec![heading], words.paragraphs(key).to_vec()].concat().join(" ").trim().to_string()
}

/// What an option says and why, from the item `- name: text | why`.
pub(crate) fn label<'a>(words: &'a Words, key: &str, name: &str) -> Option<(&'a str, &'a str)> {
    let item = words.items(key).iter().find_map(|item| {
        let (label, rest) = item.split_once(':')?;
        (label.trim() == name).then_some(rest)
    })?;
    let (text, why) = item.split_once('|')?;
    Some((text.trim(), why.trim()))
}

fn offer(
    lesson: &Lesson,
    key: &str,
    name: &str,
    variables: &Variables,
    value: Option<&Value>,
    right: bool,
    because: &str,
) -> Result<Offer, String> {
    let (text, why) = label(&lesson.words, key, name).ok_or_else(|| format!("{key} has no words for {name:?}"))?;
    let mut variables = variables.clone();
    if let Some(value) = value {
        variables.0.insert("value".into(), value.clone());
    }
    let (text, why) = (variables.fill(text), variables.fill(why));
    Ok(Offer { name: name.into(), text, right, why, because: because.into() })
}

/// Does in a copy of the world what the template says, and reports what was seen of it.
fn fork(
    template: &Template,
    variables: &Variables,
    before: &Evidence,
    world: &World,
) -> Result<(Evidence, Reveal), String> {
    let mut evidence = before.clone();
    let mut reveal = Reveal::default();
    if template.lines.is_empty() {
        return Ok((evidence, reveal));
    }
    let mut world = world.clone();
    world.set_checking(false);
    run(&template.lines, variables, &mut world, &mut evidence, &mut reveal)?;
    Ok((evidence, reveal))
}

/// Runs the lines of a fork or of a script, except `answer`, `step` and `mark`, which `script` knows.
pub(crate) fn run(
    lines: &[String],
    variables: &Variables,
    world: &mut World,
    evidence: &mut Evidence,
    reveal: &mut Reveal,
) -> Result<(), String> {
    let names: Vec<&str> = variables.0.keys().map(String::as_str).collect();
    for text in lines {
        let is_until = text.trim_start().starts_with("until ");
        let filled = if is_until { text.clone() } else { variables.fill(text) };
        match line::read(&filled, &names)? {
            Line::Act(action) => {
                world.act(&action).map_err(|why| format!("{filled}: {why}"))?;
                reveal.actions.push((std::mem::take(&mut reveal.then_ms), action));
            }
            Line::Try(action) => {
                if world.act(&action).is_ok() {
                    reveal.actions.push((std::mem::take(&mut reveal.then_ms), action));
                }
            }
            Line::Wait(ms) => {
                world.run_for(ms);
                reveal.then_ms += ms;
            }
            Line::Until(condition) => {
                let mut waited = 0;
                loop {
                    observe(world, evidence);
                    let holds = condition.eval(&variables.scope(evidence)).map_err(|error| error.to_string())?;
                    if holds.is_true() {
                        break;
                    }
                    if waited >= UNTIL_MS {
                        return Err(format!("{filled}: not within {} s", UNTIL_MS / 1000));
                    }
                    world.run_for(LOOK_MS);
                    waited += LOOK_MS;
                    reveal.then_ms += LOOK_MS;
                }
            }
            Line::Step(count) => evidence.learner.stepped += count,
            Line::Mark(name) => {
                observe(world, evidence);
                evidence.mark(&name);
            }
            Line::Answer { .. } => return Err(format!("{filled}: questions are not answered in a fork")),
        }
        observe(world, evidence);
    }
    Ok(())
}

pub(crate) fn observe(world: &World, evidence: &mut Evidence) {
    let seen = evidence.seen() as usize;
    let view = world.view();
    evidence.observe(&view, world.events_since(seen));
}
