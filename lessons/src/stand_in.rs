//! Questions of a lesson that is taken on real processes. These have no copy in which a thing could be tried, so another
//! cluster stands in: the lesson's own scenario in the simulator, at the lesson's beginning, with a seed that makes the
//! lesson's values those of the real cluster, as far as there is one. What differs is named, for the learner to read.

use lab_core::{
    seam::Time,
    sim::{Scenario, Session, World},
};

use crate::{
    Lesson, Progress, Template, Variables,
    interview::{self, item},
    quiz::{Question, Reveal},
};

/// So many seeds are looked at; each costs a page the time of a lesson's beginning.
const SEEDS: u64 = 12;

/// The cluster that a question is asked of instead.
#[derive(Clone, Debug)]
pub struct StandIn {
    /// What it is and what was done in it: a link, or a world to ask.
    pub session: Session,
    pub progress: Progress,
    pub differs: Vec<Difference>,
}

/// A value of the lesson that is another on the real cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub name: String,
    pub simulated: String,
    pub real: String,
}

/// The most similar of some simulated clusters. `facts` are the lesson's on the real one.
pub fn stand_in(lesson: &Lesson, template: &Template, facts: &Variables) -> Result<StandIn, String> {
    let mut best: Option<(u64, Vec<Difference>)> = None;
    for seed in [lesson.seed].into_iter().chain(1..SEEDS) {
        let differs = differences(lesson, seed, facts)?;
        if best.as_ref().is_none_or(|(_, known)| differs.len() < known.len()) {
            best = Some((seed, differs));
        }
        if best.as_ref().is_some_and(|(_, differs)| differs.is_empty()) {
            break;
        }
    }
    let (seed, differs) = best.ok_or("no seed was tried")?;
    let asked = item(lesson, template, lesson.scenario.clone(), seed, None);
    let (session, progress) = interview::prepare(lesson, &asked)?;
    Ok(StandIn { session, progress, differs })
}

fn differences(lesson: &Lesson, seed: u64, facts: &Variables) -> Result<Vec<Difference>, String> {
    let mut world = World::new(Scenario::parse(&lesson.scenario)?, seed);
    world.set_checking(false);
    world.run_until(lesson.begins_at);
    let simulated = Progress::begin(lesson, &world.view()).facts;
    let differs = |(name, value): (&String, &lab_core::goal::Value)| {
        let real = facts.0.get(name)?;
        let (simulated, real) = (value.to_string(), real.to_string());
        (simulated != real).then(|| Difference { name: name.clone(), simulated, real })
    };
    Ok(simulated.0.iter().filter_map(differs).collect())
}

impl StandIn {
    /// What a learner has to know before the question, in plain words.
    pub fn says(&self, template: &Template) -> String {
        let Session { scenario, seed, .. } = &self.session;
        let when = if template.at_end { "after the lesson was taken in it" } else { "as it is when the lesson begins" };
        let same = if self.differs.is_empty() {
            "The lesson's values are those of your cluster.".to_owned()
        } else {
            let other = |d: &Difference| format!("{} {} and not {}", d.name.replace('_', " "), d.simulated, d.real);
            let others: Vec<String> = self.differs.iter().map(other).collect();
            format!("What is not as on your cluster: {}.", others.join("; "))
        };
        format!(
            "Real processes cannot be copied to try this. It is asked of a simulated cluster, the lesson's scenario {scenario} \
             with seed {seed}, {when}. {same}"
        )
    }

    /// The session in which the answer happens: the cluster as it was asked about, with all that the question's fork did.
    pub fn answer(&self, question: &Question) -> Session {
        let Reveal { actions, .. } = &question.reveal;
        let mut session = self.session.clone();
        let mut at: Time = session.cursor;
        for (after_ms, action) in actions {
            at = at.plus_ms(*after_ms);
            session.actions.push((at, action.clone()));
        }
        session
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lessons, quiz};

    fn world(session: &Session) -> World {
        let mut world = World::new(Scenario::parse(&session.scenario).unwrap(), session.seed);
        world.set_checking(false);
        for (at, action) in &session.actions {
            world.run_until(*at);
            world.act(action).unwrap();
        }
        world.run_until(session.cursor);
        world
    }

    /// Another simulated cluster plays the real one: what stands in for it has its values, or says which it has not.
    #[test]
    fn a_cluster_like_the_real_one_is_found_and_asked() {
        for lesson in lessons().into_iter().filter(|lesson| lesson.native) {
            let real = world(&Session { cursor: lesson.begins_at, ..Session::new(&lesson.scenario, 7) });
            let facts = Progress::begin(&lesson, &real.view()).facts;
            for template in &lesson.quizzes {
                let found = stand_in(&lesson, template, &facts).unwrap();
                assert_eq!(found.differs, [], "{}: seed 7 is one of those looked at", lesson.name);
                assert!(found.says(template).contains("those of your cluster"), "{}", found.says(template));
                let (variables, seen) = (found.progress.variables(&lesson), &found.progress.evidence);
                let question = quiz::ask(&lesson, template, &variables, seen, &world(&found.session), 3).unwrap();
                assert!(question.options.iter().any(|option| option.right), "{question:?}");
                // What the link shows is what the fork did.
                assert_eq!(
                    found.answer(&question).actions.len(),
                    found.session.actions.len() + question.reveal.actions.len()
                );
                assert_eq!(Session::from_link(&found.answer(&question).to_link()), Ok(found.answer(&question)));
            }
        }
    }

    #[test]
    fn what_differs_is_named() {
        let lesson = crate::lesson("groups-share-partitions").unwrap();
        let mut facts = stand_in(&lesson, &lesson.quizzes[0], &Variables::default()).unwrap().progress.facts;
        facts.0.insert("offsets_partitions".into(), 50.into());
        let found = stand_in(&lesson, &lesson.quizzes[0], &facts).unwrap();
        let other = Difference { name: "offsets_partitions".into(), simulated: "4".into(), real: "50".into() };
        assert_eq!((found.session.seed, found.differs.clone()), (lesson.seed, vec![other]));
        let says = found.says(&lesson.quizzes[0]);
        assert!(says.contains("What is not as on your cluster: offsets partitions 4 and not 50."), "{says}");
    }
}
