//! A real cluster, over `/api/live` of the server that this page came from.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use lab_core::{
    id::EventId,
    live::{ClientMessage, ServerMessage, SessionInfo},
    seam::Time,
    trace::Event,
    view::{Action, ClusterView},
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{MessageEvent, WebSocket};

use super::Ability;

/// The page keeps this many of a real cluster's events.
const KEPT_EVENTS: usize = 20_000;

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
    view: ClusterView,
    events: Vec<Event>,
    /// Events that came before `events`.
    forgotten: usize,
    /// Answers to be shown: what was refused and why.
    refused: Vec<String>,
    socket: Option<WebSocket>,
    next_id: u64,
}

/// A handle: the socket's callbacks fill what it shows.
pub struct Live {
    shared: Rc<RefCell<Shared>>,
}

impl Live {
    /// Begins to connect; `changed` is called whenever there is something new to draw.
    pub fn connect(changed: Rc<dyn Fn()>) -> Self {
        let shared = Rc::new(RefCell::new(Shared::default()));
        let live = Self { shared: Rc::clone(&shared) };
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
            Ability::Bytes => ("bytes", "The bytes stay in the processes: only the simulator keeps every frame."),
        };
        Some(self.shared.borrow().cannot.get(word).cloned().unwrap_or_else(|| ours.into()))
    }

    pub fn state(&self) -> LiveState {
        self.shared.borrow().state.clone()
    }

    pub fn view(&self) -> ClusterView {
        self.shared.borrow().view.clone()
    }

    pub fn now(&self) -> Time {
        self.shared.borrow().view.at
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
        let mut shared = self.shared.borrow_mut();
        shared.next_id += 1;
        let message = ClientMessage { id: shared.next_id, action: action.clone() };
        let text = serde_json::to_string(&message).map_err(|error| error.to_string())?;
        let socket = shared.socket.as_ref().ok_or("not connected to a cluster")?;
        socket.send_with_str(&text).map_err(|_| "the connection to the cluster is closed".to_string())
    }

    pub fn take_refused(&mut self) -> Vec<String> {
        std::mem::take(&mut self.shared.borrow_mut().refused)
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

/// Asks for the token of the run and opens the socket with it.
async fn open(shared: Rc<RefCell<Shared>>, changed: Rc<dyn Fn()>) -> Result<(), String> {
    let none = "There is no running cluster behind this page. Start one with: kafka-lab up";
    let window = web_sys::window().ok_or("no window")?;
    let response = JsFuture::from(window.fetch_with_str("/api/session")).await.map_err(|_| none)?;
    let response: web_sys::Response = response.dyn_into().map_err(|_| none)?;
    let text = JsFuture::from(response.text().map_err(|_| none)?).await.map_err(|_| none)?;
    let info: SessionInfo = serde_json::from_str(&text.as_string().unwrap_or_default()).map_err(|_| none)?;
    if !info.live {
        return Err(none.into());
    }
    let location = window.location();
    let scheme = if location.protocol().as_deref() == Ok("https:") { "wss" } else { "ws" };
    let host = location.host().map_err(|_| none)?;
    let url = format!("{scheme}://{host}/api/live?token={}", info.token);
    let socket = WebSocket::new(&url).map_err(|error| format!("The live connection cannot be opened: {error:?}"))?;
    listen(&socket, shared, changed);
    Ok(())
}

fn listen(socket: &WebSocket, shared: Rc<RefCell<Shared>>, changed: Rc<dyn Fn()>) {
    shared.borrow_mut().socket = Some(socket.clone());
    let on_message = {
        let (shared, changed) = (Rc::clone(&shared), Rc::clone(&changed));
        Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            let text = event.data().as_string().unwrap_or_default();
            match serde_json::from_str(&text) {
                Ok(message) => take(&mut shared.borrow_mut(), message),
                Err(error) => {
                    let trouble = format!("The server said something this page does not know: {error}");
                    shared.borrow_mut().state.trouble = Some(trouble);
                }
            }
            changed();
        })
    };
    let on_close = Closure::<dyn Fn(JsValue)>::new(move |_| {
        let mut state = shared.borrow_mut();
        state.state.connected = false;
        state.state.trouble = Some("The connection to the cluster ended. Reload the page to try again.".into());
        state.socket = None;
        drop(state);
        changed();
    });
    socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
    // They live as long as the page's one socket: JavaScript owns them from here.
    on_message.forget();
    on_close.forget();
}

fn take(shared: &mut Shared, message: ServerMessage) {
    match message {
        ServerMessage::Hello { bootstrap, cannot, .. } => {
            shared.state = LiveState { connected: true, bootstrap, trouble: None };
            shared.cannot = cannot.into_iter().map(|c| (c.what, c.why)).collect();
        }
        ServerMessage::View { view } => shared.view = *view,
        ServerMessage::Events { events, dropped } => {
            shared.forgotten += dropped as usize;
            shared.events.extend(events);
            let surplus = shared.events.len().saturating_sub(KEPT_EVENTS);
            shared.events.drain(..surplus);
            shared.forgotten += surplus;
        }
        ServerMessage::Done { error, .. } => shared.refused.extend(error),
    }
}
