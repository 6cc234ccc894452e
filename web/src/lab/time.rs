//! Time, as the person moves it: play, seek, step, fork, switch.

use lab_core::{
    seam::Time,
    trace::{Event, EventKind},
};

use super::Lab;
use crate::{backend::Step, pace};

impl Lab {
    /// What one frame of the screen plays.
    pub fn tick(&self, elapsed_ms: f64) {
        // A frame that was asked for before time was stopped comes after it.
        if !self.0.state.borrow().playing {
            return;
        }
        self.change(|state| {
            let before = state.backend.event_count();
            pace::advance(&mut state.backend, elapsed_ms, state.speed, state.attention_until, state.background);
            let new = state.backend.events_since(before);
            // Retries repeat for seconds: they are marks on the timeline, not reasons to slow down.
            let notable = |e: &&Event| e.kind.is_interesting() && !matches!(e.kind, EventKind::BatchRetried { .. });
            if let Some(event) = new.iter().rev().find(notable) {
                state.attention_until = event.at.plus_ms(pace::ATTENTION_MS);
            }
        });
    }

    pub fn play(&self, playing: bool) {
        if let Some(why) = self.no_rewind() {
            return self.say(why);
        }
        self.change(|state| {
            state.playing = playing;
            state.attention_until = state.backend.now().plus_ms(pace::ATTENTION_MS);
        });
    }

    pub fn toggle(&self) {
        let playing = self.0.state.borrow().playing;
        self.play(!playing);
    }

    pub fn seek(&self, to: Time) {
        if let Some(why) = self.no_rewind() {
            return self.say(why);
        }
        self.change(|state| {
            let to = to.min(state.backend.head());
            state.backend.seek(to);
            state.jumps += 1;
        });
    }

    pub fn step(&self, step: Step) {
        if let Some(why) = self.no_rewind() {
            return self.say(why);
        }
        let found = self.change(|state| {
            state.playing = false;
            state.jumps += 1;
            if let Some(course) = &mut state.course {
                course.progress.evidence.learner.stepped += 1;
            }
            state.backend.step(step, state.background)
        });
        if found.is_none() {
            self.say(match step {
                Step::Next | Step::NextInteresting => "Nothing more happens in the next 30 seconds of simulated time.",
                Step::Previous | Step::PreviousInteresting => "There is no earlier event.",
            });
        }
    }

    pub fn set_speed(&self, speed: f64) {
        self.change(|state| state.speed = speed);
    }

    /// One speed faster (1) or slower (-1).
    pub fn shift_speed(&self, by: isize) {
        let speed = self.0.state.borrow().speed;
        let at = pace::SPEEDS.iter().position(|s| (s - speed).abs() < 1e-9).unwrap_or(2);
        let at = at.saturating_add_signed(by).min(pace::SPEEDS.len() - 1);
        self.set_speed(pace::SPEEDS[at]);
    }

    pub fn set_background(&self, background: bool) {
        self.change(|state| {
            state.background = background;
            state.story.clear();
        });
    }

    pub fn fork(&self) {
        if let Err(error) = self.change(|state| {
            let result = state.backend.fork();
            if result.is_ok() {
                state.story.clear();
            }
            result
        }) {
            self.say(error);
        }
    }

    pub fn switch(&self, branch: usize) {
        if let Err(error) = self.change(|state| {
            state.playing = false;
            state.jumps += 1;
            state.story.clear();
            state.backend.switch(branch)
        }) {
            self.say(error);
        }
    }
}
