//! A real cluster, over `/api/live` of the server that this page came from.

mod socket;

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

use bytes::Bytes;
use gloo::timers::callback::Interval;
use lab_core::{
    id::EventId,
    live::{Ask, Assembly, ClientMessage, add_clients},
    seam::Time,
    trace::Event,
    view::{Action, ClusterView, FrameView},
};
use wasm_bindgen_futures::spawn_local;
use web_sys::WebSocket;

use super::Ability;
use socket::open;

/// The page keeps this many of a real cluster's events.
const KEPT_EVENTS: usize = 20_000;
/// A message between processes takes microseconds. It is drawn for this long, from the moment at which it was sent.
const SHOWN_MS: u64 = 800;
/// More than these would only be a cloud.
const FLYING_MOST: usize = 200;
/// How often messages that are drawn move on.
const REDRAW_MS: u32 = 80;
/// Bytes of messages that were looked into.
const KEPT_FRAMES: usize = 100;

/// What the connection is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveState {
    pub connected: bool,
    pub bootstrap: String,
    /// Why there is no cluster to be seen.
    pub trouble: Option<String>,
}

#[derive(Default)]
struct Shared {
    state: LiveState,
    cannot: BTreeMap<String, String>,
    view: Assembly,
    /// The server's time at a moment of this page's clock, in milliseconds: time goes on between two messages.
    clock: Option<(Time, f64)>,
    flying: VecDeque<FrameView>,
    events: Vec<Event>,
    /// Events that came before `events`.
    forgotten: usize,
    /// Answers to be shown: what was refused and why.
    refused: Vec<String>,
    /// Who waits for the answer to an action.
    waiting: BTreeMap<u64, Done>,
    /// Bytes of messages; `None` while they are asked for.
    frames: BTreeMap<EventId, Option<Bytes>>,
    socket: Option<WebSocket>,
    next_id: u64,
    /// The lesson whose topics and clients are wanted, and how asking for them ended.
    lesson: Option<String>,
    lesson_asked: Option<u64>,
    lesson_begun: Option<Result<(), String>>,
}

/// Told how an action ended.
type Done = Box<dyn FnOnce(Result<(), String>)>;

/// A handle: the socket's callbacks fill what it shows.
pub struct Live {
    shared: Rc<RefCell<Shared>>,
    _redraw: Interval,
}

impl Live {
    /// Begins to connect; `changed` is called whenever there is something new to draw.
    pub fn connect(lesson: Option<String>, changed: Rc<dyn Fn()>) -> Self {
        let shared = Rc::new(RefCell::new(Shared { lesson, ..Shared::default() }));
        let redraw = {
            let (shared, changed) = (Rc::clone(&shared), Rc::clone(&changed));
            Interval::new(REDRAW_MS, move || {
                let land = shared.borrow_mut().land();
                if land {
                    changed();
                }
            })
        };
        let live = Self { shared: Rc::clone(&shared), _redraw: redraw };
        spawn_local(async move {
            if let Err(trouble) = open(Rc::clone(&shared), Rc::clone(&changed)).await {
                shared.borrow_mut().state.trouble = Some(trouble);
                changed();
            }
        });
        live
    }

    pub fn cannot(&self, ability: Ability) -> Option<String> {
        let (word, ours) = match ability {
            Ability::Rewind => ("rewind", "A real cluster cannot be rewound: its processes have moved on."),
            Ability::Fork => ("fork", "A real cluster cannot be forked: there is one of it."),
            Ability::Share => ("share", "A link carries scenario, seed and actions. A real cluster has no seed."),
            // Those of the newest messages are asked for one by one.
            Ability::Bytes => return None,
            // Whoever runs the cluster says so.
            Ability::Faults => return self.shared.borrow().cannot.get("faults").cloned(),
        };
        Some(self.shared.borrow().cannot.get(word).cloned().unwrap_or_else(|| ours.into()))
    }

    /// How asking for the topics and clients of the lesson ended, once it has.
    pub fn lesson_begun(&self) -> Option<Result<(), String>> {
        self.shared.borrow().lesson_begun.clone()
    }

    pub fn state(&self) -> LiveState {
        self.shared.borrow().state.clone()
    }

    /// What the nodes believe, with the clients as the brokers see them.
    pub fn view(&self) -> ClusterView {
        let shared = self.shared.borrow();
        let mut view = shared.view.view().clone();
        view.at = shared.now();
        // Events are counted by who keeps them.
        view.events = (shared.forgotten + shared.events.len()) as u64;
        view.in_flight = shared.flying.iter().cloned().collect();
        add_clients(&mut view);
        view
    }

    pub fn now(&self) -> Time {
        self.shared.borrow().now()
    }

    /// The bytes of a message. They are asked for the first time, and come with a later change.
    pub fn frame(&self, id: EventId) -> Option<Bytes> {
        let mut shared = self.shared.borrow_mut();
        if let Some(known) = shared.frames.get(&id) {
            return known.clone();
        }
        if shared.frames.len() >= KEPT_FRAMES {
            shared.frames.pop_first();
        }
        if shared.send(Ask::Frame { frame: id }).is_ok() {
            shared.frames.insert(id, None);
        }
        None
    }

    pub fn event_count(&self) -> usize {
        let shared = self.shared.borrow();
        shared.forgotten + shared.events.len()
    }

    pub fn events_since(&self, index: usize) -> Vec<Event> {
        let shared = self.shared.borrow();
        shared.events.iter().skip(index.saturating_sub(shared.forgotten)).cloned().collect()
    }

    pub fn event(&self, id: EventId) -> Option<Event> {
        self.shared.borrow().events.iter().rev().find(|event| event.id == id).cloned()
    }

    /// Sends it. Whether it was done comes back later: [`Self::take_refused`].
    pub fn act(&mut self, action: &Action) -> Result<(), String> {
        self.shared.borrow_mut().send(Ask::Act(action.clone())).map(|_| ())
    }

    /// As [`Self::act`], for those who wait for the answer.
    pub fn act_then(&mut self, action: &Action, done: impl FnOnce(Result<(), String>) + 'static) {
        let mut shared = self.shared.borrow_mut();
        match shared.send(Ask::Act(action.clone())) {
            Ok(id) => drop(shared.waiting.insert(id, Box::new(done))),
            Err(error) => done(Err(error)),
        }
    }

    pub fn take_refused(&mut self) -> Vec<String> {
        std::mem::take(&mut self.shared.borrow_mut().refused)
    }
}

impl Shared {
    /// The server's time now.
    fn now(&self) -> Time {
        let at = self.view.view().at;
        match self.clock {
            Some((then, clock_ms)) => at.max(then.plus_ms((js_sys::Date::now() - clock_ms).max(0.0) as u64)),
            None => at,
        }
    }

    fn send(&mut self, ask: Ask) -> Result<u64, String> {
        self.next_id += 1;
        let message = ClientMessage { id: self.next_id, ask };
        let text = serde_json::to_string(&message).map_err(|error| error.to_string())?;
        let socket = self.socket.as_ref().ok_or("not connected to a cluster")?;
        socket.send_with_str(&text).map_err(|_| "the connection to the cluster is closed".to_string())?;
        Ok(self.next_id)
    }

    /// Takes off what was drawn long enough. Whether something worth drawing again flies, or has just landed: background
    /// moves with the updates.
    fn land(&mut self) -> bool {
        let now = self.now();
        let flew = self.flying.iter().any(|frame| !frame.facts.background);
        self.flying.retain(|frame| frame.facts.arrives_at > now);
        flew
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(socket) = self.shared.borrow_mut().socket.take() {
            socket.set_onmessage(None);
            socket.set_onclose(None);
            let _ = socket.close();
        }
    }
}
