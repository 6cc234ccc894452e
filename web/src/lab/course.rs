//! The lesson that is taken: fed from whatever cluster there is, rewound with it, blind while an answer is shown.

use std::rc::Rc;

use lab_core::{seam::Time, view::ClusterView};
use lab_lessons::{GoalState, Lesson, Line, Progress, StepKind, Template, Variables, quiz::Question};

use super::{Lab, State};
use crate::{
    backend::{Backend, Instead},
    memory::{Memory, Taken},
    pace,
};

/// A lesson and how far the person is.
pub struct Course {
    pub lesson: Rc<Lesson>,
    pub progress: Progress,
    /// The question on screen.
    pub asked: Option<Asked>,
    begin: ClusterView,
    branch: usize,
    /// While an answer is shown on a branch of its own: the branch to go back to.
    pub back_to: Option<usize>,
    /// How many questions were asked: each gets a seed of its own.
    count: u64,
    /// What the browser was told last; `None` while a lesson is only asked about.
    remembered: Option<Taken>,
}

/// A question, and what the person did with it.
#[derive(Clone, PartialEq)]
pub struct Asked {
    pub question: Question,
    pub chosen: Vec<usize>,
    pub locked: bool,
    pub error: Option<String>,
    /// What it was asked of, if not of the cluster on screen.
    pub instead: Option<Instead>,
}

impl Asked {
    pub fn is_right(&self) -> bool {
        self.question.options.iter().enumerate().all(|(i, option)| option.right == self.chosen.contains(&i))
    }
}

/// What the lesson's pane draws.
#[derive(Clone, PartialEq)]
pub struct CourseView {
    pub title: String,
    pub number: u32,
    pub module: String,
    pub step: usize,
    pub steps: usize,
    pub step_done: bool,
    pub goals: Vec<GoalState>,
    pub hints: Vec<String>,
    pub passed: bool,
    pub asked: Option<Asked>,
    /// Labels, and what they do.
    pub offers: Vec<(String, Result<Vec<Line>, String>)>,
    pub variables: Variables,
    pub hidden: Vec<String>,
    pub showing: bool,
}

impl Course {
    pub fn new(lesson: Lesson, backend: &Backend) -> Self {
        let view = backend.view();
        let progress = Progress::begin(&lesson, &view);
        let branch = current(backend);
        let lesson = Rc::new(lesson);
        let mut course =
            Self { lesson, progress, asked: None, begin: view, branch, back_to: None, count: 0, remembered: None };
        course.predict(backend);
        course.remember();
        course
    }

    /// A question of an interview: its lesson is not taken, only asked about.
    pub fn asking(lesson: Rc<Lesson>, progress: Progress, backend: &Backend, quiz: &str) -> Self {
        let (begin, branch) = (backend.view(), current(backend));
        let mut course =
            Self { lesson, progress, asked: None, begin, branch, back_to: None, count: 0, remembered: None };
        let lesson = course.lesson.clone();
        if let Some(template) = lesson.quiz(quiz) {
            course.ask(backend, template);
        }
        course
    }

    /// Tells the browser how far the lesson was taken.
    fn remember(&mut self) {
        let taken = Taken { step: self.progress.step, passed: self.progress.passed };
        if self.remembered != Some(taken) {
            self.remembered = Some(taken);
            Memory::lesson(&self.lesson.name, taken);
        }
    }

    /// Asks the question of the present step, if it has one: before anything happens.
    fn predict(&mut self, backend: &Backend) {
        self.asked = None;
        let lesson = self.lesson.clone();
        if let Some(StepKind::Predict(quiz)) = lesson.steps.get(self.progress.step).map(|step| &step.kind)
            && let Some(template) = lesson.quiz(quiz)
        {
            self.ask(backend, template);
        }
    }

    /// Looks at what happened since.
    pub fn observe(&mut self, backend: &Backend, view: &ClusterView) {
        if self.back_to.is_some() {
            return;
        }
        let branch = current(backend);
        if branch != self.branch {
            // Another history: what was seen is read again from the beginning, what was answered stays.
            self.branch = branch;
            let (learner, step, hints, passed) =
                (self.progress.evidence.learner.clone(), self.progress.step, self.progress.hints, self.progress.passed);
            self.progress = Progress::begin(&self.lesson, &self.begin);
            self.progress.evidence.learner = learner;
            (self.progress.step, self.progress.hints, self.progress.passed) = (step, hints, passed);
        }
        let seen = self.progress.evidence.seen();
        if view.events < seen {
            self.progress.evidence.rewind(view, view.events.max(self.begin.events));
            return;
        }
        let events = backend.events_since(seen as usize);
        self.progress.observe(&self.lesson, view, &events);
        if self.remembered.is_some() {
            self.remember();
        }
    }

    pub fn view(&self) -> CourseView {
        let (lesson, progress) = (&self.lesson, &self.progress);
        let shown = progress.shown(lesson);
        CourseView {
            title: lesson.words.title.clone(),
            number: lesson.number,
            module: lesson.module.clone(),
            step: progress.step,
            steps: lesson.steps.len(),
            step_done: progress.step_done(lesson),
            goals: progress.goals(lesson),
            hints: progress.hints(lesson),
            passed: progress.passed,
            asked: self.asked.clone(),
            offers: progress.offers(lesson),
            variables: progress.variables(lesson),
            hidden: lab_lessons::REGIONS.iter().filter(|r| !shown.contains(r)).map(|r| format!("no-{r}")).collect(),
            showing: self.back_to.is_some(),
        }
    }

    /// Computes a question about the cluster as it is now.
    fn ask(&mut self, backend: &Backend, template: &Template) {
        self.count += 1;
        let facts = self.progress.variables(&self.lesson);
        let seed = backend.seed().unwrap_or_default().wrapping_mul(31).wrapping_add(self.count);
        let asked = backend.ask(&self.lesson, template, &facts, &self.progress.evidence, seed);
        let (question, instead, error) = match asked {
            Ok((question, instead)) => (question, instead, None),
            Err(why) => (
                Question {
                    name: template.name.clone(),
                    concept: template.concept.clone(),
                    level: template.level.clone(),
                    stem: String::new(),
                    many: false,
                    options: Vec::new(),
                    reveal: lab_lessons::quiz::Reveal::default(),
                },
                None,
                Some(why),
            ),
        };
        self.asked = Some(Asked { question, chosen: Vec::new(), locked: false, error, instead });
    }
}

/// Plays on to `to` in one go, however much happens until then.
fn run_until(backend: &mut Backend, to: Time) {
    let mut before = None;
    while backend.now() < to && before != Some(backend.now()) {
        before = Some(backend.now());
        backend.run_until(to);
    }
}

fn current(backend: &Backend) -> usize {
    backend.branches().iter().position(|branch| branch.current).unwrap_or_default()
}

impl Lab {
    /// The lesson's own data, if one is taken.
    pub fn lesson(&self) -> Option<Rc<Lesson>> {
        self.0.state.borrow().course.as_ref().map(|course| course.lesson.clone())
    }

    fn course(&self, change: impl FnOnce(&mut Course, &mut Backend)) {
        self.change(|state| {
            let State { course, backend, .. } = state;
            if let Some(course) = course {
                change(course, backend);
            }
        });
    }

    pub fn go_to_step(&self, step: usize) {
        self.course(|course, backend| {
            course.progress.step = step.min(course.lesson.steps.len().saturating_sub(1));
            course.progress.hints = 0;
            course.predict(backend);
        });
    }

    pub fn hint(&self) {
        self.course(|course, _| course.progress.hints = (course.progress.hints + 1).min(3));
    }

    pub fn ask(&self, quiz: &str) {
        self.course(|course, backend| {
            let lesson = course.lesson.clone();
            if let Some(template) = lesson.quiz(quiz) {
                course.ask(backend, template);
            }
        });
    }

    pub fn choose_option(&self, option: usize, many: bool) {
        self.course(|course, _| {
            if let Some(asked) = course.asked.as_mut().filter(|asked| !asked.locked) {
                match (many, asked.chosen.iter().position(|c| *c == option)) {
                    (true, Some(at)) => {
                        asked.chosen.remove(at);
                    }
                    (true, None) => asked.chosen.push(option),
                    (false, _) => asked.chosen = vec![option],
                }
            }
        });
    }

    pub fn lock_in(&self) {
        self.change(|state| {
            let State { course: Some(course), interview, .. } = state else { return };
            let open = |asked: &&mut Asked| !asked.chosen.is_empty() && !asked.locked;
            let Some(asked) = course.asked.as_mut().filter(open) else { return };
            if interview.as_ref().is_some_and(|interview| !interview.may_lock()) {
                return;
            }
            asked.locked = true;
            let text: Vec<&str> = asked.chosen.iter().map(|i| asked.question.options[*i].text.as_str()).collect();
            let (name, text, right) = (asked.question.name.clone(), text.join("; "), asked.is_right());
            course.progress.answered(&name, &text, right);
            if let Some(interview) = interview {
                interview.answered(right);
            }
        });
    }

    /// Plays on a branch of its own what the question's fork did.
    pub fn show_me(&self) {
        let result = self.change(|state| {
            let State { course, backend, playing, attention_until, story, jumps, .. } = state;
            let Some(course) = course else { return Ok(()) };
            let Some(asked) = &course.asked else { return Ok(()) };
            let before = current(backend);
            backend.fork()?;
            course.back_to.get_or_insert(before);
            for (after_ms, action) in &asked.question.reveal.actions {
                run_until(backend, backend.now().plus_ms(*after_ms));
                backend.act(action)?;
            }
            story.clear();
            *jumps += 1;
            *playing = true;
            *attention_until = backend.now().plus_ms(pace::ATTENTION_MS);
            Ok::<(), String>(())
        });
        if let Err(why) = result {
            self.say(why);
        }
    }

    /// Leaves the branch of an answer.
    pub fn back_to_my_run(&self) {
        let back = self.0.state.borrow_mut().course.as_mut().and_then(|course| course.back_to.take());
        if let Some(branch) = back {
            self.switch(branch);
        }
    }
}
