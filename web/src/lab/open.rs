//! Opening a cluster: what the address names, in the simulator or for real.

use std::{cell::RefCell, rc::Rc};

use lab_lessons::Lesson;

use super::{Lab, course::Course, interview::Interview};
use crate::backend::{Backend, Live, Sim};

/// Seed of the sandbox a page opens with, so that two people see the same.
const SEED: u64 = 0x7F3A;

impl Lab {
    /// Opens what the address says. A link that cannot be read opens the sandbox; the second value says what is wrong.
    pub fn open(fragment: &str) -> (Self, Option<String>) {
        let fragment = fragment.trim_start_matches('#');
        let sandbox = || Backend::Sim(Box::new(Sim::sandbox(SEED).expect("the sandbox is a scenario that exists")));
        if fragment == "live" {
            return (Self::live(None), None);
        }
        if let Some(name) = fragment.strip_prefix("live&lesson=") {
            let name: String = name.chars().take(40).collect();
            return match lab_lessons::lesson(&name) {
                Ok(lesson) => (Self::live(Some(lesson)), None),
                Err(why) => {
                    let trouble = format!("This lesson cannot be opened: {why}. Here is the cluster without it.");
                    (Self::live(None), Some(trouble))
                }
            };
        }
        let (backend, trouble) = match fragment.split_once('=') {
            Some(("s", link)) => match Sim::from_link(link) {
                Ok(sim) => (Backend::Sim(Box::new(sim)), None),
                Err(error) => {
                    (sandbox(), Some(format!("This link cannot be opened: {error}. Here is the sandbox instead.")))
                }
            },
            Some(("scenario", name)) => match Sim::scenario(name, SEED) {
                Ok(sim) => (Backend::Sim(Box::new(sim)), None),
                Err(error) => {
                    (sandbox(), Some(format!("The address is no use: {error}. Here is the sandbox instead.")))
                }
            },
            Some(("lesson", name)) => {
                let name: String = name.chars().take(40).collect();
                match lab_lessons::lesson(&name).and_then(|lesson| Ok((Sim::lesson(&lesson)?, lesson))) {
                    Ok((sim, lesson)) => return (Self::take(Backend::Sim(Box::new(sim)), lesson), None),
                    Err(why) => {
                        (sandbox(), Some(format!("This lesson cannot be opened: {why}. Here is the sandbox instead.")))
                    }
                }
            }
            _ if fragment.is_empty() => (sandbox(), None),
            None if fragment == "interview" => {
                let lab = Self::new(sandbox());
                lab.0.state.borrow_mut().interview = Some(Interview::default());
                return (lab, None);
            }
            _ => {
                let fragment: String = fragment.chars().take(40).collect();
                (
                    sandbox(),
                    Some(format!(
                        "The address ends in \"#{fragment}\", which means nothing here. Here is the sandbox instead."
                    )),
                )
            }
        };
        (Self::new(backend), trouble)
    }

    /// Begins a lesson.
    fn take(backend: Backend, lesson: Lesson) -> Self {
        let course = Course::new(lesson, &backend);
        let lab = Self::new(backend);
        lab.0.state.borrow_mut().course = Some(course);
        lab
    }

    fn live(lesson: Option<Lesson>) -> Self {
        let slot: Rc<RefCell<Option<Self>>> = Rc::default();
        let changed = {
            let slot = Rc::clone(&slot);
            Rc::new(move || {
                if let Some(lab) = slot.borrow().as_ref() {
                    lab.live_changed();
                }
            })
        };
        let name = lesson.as_ref().map(|lesson| lesson.name.clone());
        let lab = Self::new(Backend::Live(Live::connect(name, changed)));
        lab.0.state.borrow_mut().to_come = lesson;
        *slot.borrow_mut() = Some(lab.clone());
        lab
    }

    fn live_changed(&self) {
        let refused = match &mut self.0.state.borrow_mut().backend {
            Backend::Live(live) => live.take_refused(),
            Backend::Sim(_) => Vec::new(),
        };
        for error in refused {
            self.say(error);
        }
        if let Err(why) = self.0.state.borrow_mut().begin_live_lesson() {
            self.say(format!("The lesson cannot be taken here: {why}"));
        }
        // Several messages of one turn are drawn once.
        if !self.0.pending.replace(true) {
            let lab = self.clone();
            gloo::timers::callback::Timeout::new(50, move || {
                lab.0.pending.set(false);
                lab.publish();
            })
            .forget();
        }
    }
}
