//! A polite log for screen readers, filled from the events: at most one message in 1.5 s while playing, each step otherwise.

use std::rc::Rc;

use yew::prelude::*;

use crate::{context::use_lab, lab::Snapshot};

/// Milliseconds between two announcements while playing.
const QUIET_MS: f64 = 1500.0;
/// Announcements kept in the log.
const KEPT: usize = 20;

#[derive(Properties, PartialEq)]
pub struct AnnouncerProps {
    pub snapshot: Rc<Snapshot>,
}

#[derive(Default)]
struct Memory {
    position: usize,
    jumps: u64,
    last_ms: f64,
    count: usize,
}

#[component]
pub fn Announcer(props: &AnnouncerProps) -> Html {
    let lab = use_lab();
    let said = use_state(Vec::<(usize, AttrValue)>::new);
    let memory = use_mut_ref(Memory::default);
    {
        let said = said.clone();
        use_effect_with(props.snapshot.clone(), move |s: &Rc<Snapshot>| {
            let mut memory = memory.borrow_mut();
            let now_ms = js_sys::Date::now();
            let stepped = s.jumps != memory.jumps;
            if !stepped && now_ms - memory.last_ms < QUIET_MS {
                return;
            }
            let text = lab.story(|story| {
                let events = story.until(s.now);
                if stepped && !s.playing {
                    return events.last().map(lab_core::trace::Event::text);
                }
                let new = events.get(memory.position.min(events.len())..).unwrap_or_default();
                let notable: Vec<_> = new.iter().filter(|e| e.kind.is_interesting()).collect();
                let last = notable.last()?;
                let more = notable.len() - 1;
                Some(if more > 0 { format!("{}; {more} more changes", last.text()) } else { last.text() })
            });
            memory.position = s.position.0;
            memory.jumps = s.jumps;
            if let Some(text) = text {
                memory.last_ms = now_ms;
                memory.count += 1;
                let mut all = (*said).clone();
                all.push((memory.count, text.into()));
                let surplus = all.len().saturating_sub(KEPT);
                all.drain(..surplus);
                said.set(all);
            }
        });
    }
    html! {
        <div class="hide" role="log" aria-label="Announcements" aria-live="polite">
            { for said.iter().map(|(i, text)| html! { <p key={*i}>{ text }</p> }) }
        </div>
    }
}
