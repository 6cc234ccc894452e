//! The socket of a real cluster: opening it, and what each message of the server changes.

use std::{cell::RefCell, rc::Rc};

use bytes::Bytes;
use lab_core::{
    live::{Ask, ServerMessage, SessionInfo, from_hex},
    seam::Time,
    trace::EventKind,
    view::FrameView,
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageEvent, WebSocket};

use super::{FLYING_MOST, KEPT_EVENTS, LiveState, SHOWN_MS, Shared};

/// Asks for the token of the run and opens the socket with it.
pub(super) async fn open(shared: Rc<RefCell<Shared>>, changed: Rc<dyn Fn()>) -> Result<(), String> {
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
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        let gone = || Err("the connection to the cluster ended before it answered".to_string());
        waiting.into_values().for_each(|done| done(gone()));
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
            if let Some(lesson) = shared.lesson.clone() {
                match shared.send(Ask::Lesson { lesson }) {
                    Ok(id) => shared.lesson_asked = Some(id),
                    Err(why) => shared.lesson_begun = Some(Err(why)),
                }
            }
        }
        ServerMessage::Update(update) => {
            shared.clock = Some((update.at, js_sys::Date::now()));
            if let Err(trouble) = shared.view.apply(*update) {
                shared.state.trouble = Some(format!("{trouble}. Reload the page."));
            }
        }
        ServerMessage::Events { events, dropped } => {
            shared.forgotten += dropped as usize;
            let now = shared.now();
            for event in &events {
                if let EventKind::Sent(facts) = &event.kind {
                    // What comes late begins its flight now, or nobody would see it.
                    let sent_at = event.at.max(Time(now.0.saturating_sub(SHOWN_MS * 250)));
                    let mut facts = (**facts).clone();
                    facts.arrives_at = sent_at.plus_ms(SHOWN_MS);
                    if shared.flying.len() == FLYING_MOST {
                        shared.flying.pop_front();
                    }
                    shared.flying.push_back(FrameView { event: event.id, sent_at, facts });
                }
            }
            shared.events.extend(events);
            let surplus = shared.events.len().saturating_sub(KEPT_EVENTS);
            shared.events.drain(..surplus);
            shared.forgotten += surplus;
        }
        ServerMessage::Done { id, error } if shared.lesson_asked == Some(id) => {
            shared.lesson_begun = Some(error.map_or(Ok(()), Err));
        }
        ServerMessage::Done { id, error } => match shared.waiting.remove(&id) {
            // It is told to whoever waits for it, and to nobody else.
            Some(done) => done(error.map_or(Ok(()), Err)),
            None => shared.refused.extend(error),
        },
        ServerMessage::Frame { frame, hex, .. } => {
            shared.frames.insert(frame, from_hex(&hex).map(Bytes::from));
        }
    }
}
