//! `/api/live`: views and events out, actions in. Whoever can open it can kill processes, so it wants the token of the run.

use std::time::Duration;

use axum::{
    extract::{
        Query, State,
        ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use lab_core::{
    live::{Ask, Changes, ClientMessage, ServerMessage},
    sim::Scenario,
};
use serde::Deserialize;
use tokio::{
    select,
    sync::{broadcast::error::RecvError, mpsc},
    time::timeout,
};

use super::{Server, same_origin};
use crate::supervisor::Handle;

/// A page that takes nothing for this long is gone.
const SEND_WITHIN: Duration = Duration::from_secs(10);
/// Actions of one page that are being done at the same time.
const ACTIONS: usize = 32;

#[derive(Deserialize)]
pub(super) struct Key {
    #[serde(default)]
    token: String,
}

pub(super) async fn upgrade(
    State(server): State<Server>,
    Query(key): Query<Key>,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Response {
    let Some(cluster) = server.cluster else {
        return (StatusCode::NOT_FOUND, "no cluster runs behind this page: start one with `kafka-lab up`\n")
            .into_response();
    };
    if !same_origin(&headers) || key.token != server.token {
        return (StatusCode::FORBIDDEN, "the token of this run is wanted: reload the page\n").into_response();
    }
    socket.max_message_size(1 << 20).on_upgrade(move |socket| talk(socket, cluster))
}

async fn talk(mut socket: WebSocket, cluster: Handle) {
    let _watching = cluster.watch();
    let mut views = cluster.view.clone();
    let mut events = cluster.events.subscribe();
    let (done, mut answers) = mpsc::channel::<ServerMessage>(ACTIONS);
    let hello = ServerMessage::Hello {
        cluster_id: cluster.cluster_id.clone(),
        bootstrap: cluster.bootstrap.clone(),
        cannot: cluster.cannot.to_vec(),
    };
    if !send(&mut socket, &hello).await {
        return;
    }
    let mut sent = Changes::default();
    loop {
        let message = select! {
            changed = views.changed() => {
                if changed.is_err() {
                    return;
                }
                let view = views.borrow_and_update().clone();
                match sent.of(&view) {
                    Some(update) => ServerMessage::Update(Box::new(update)),
                    None => continue,
                }
            }
            news = events.recv() => match news {
                Ok(events) => ServerMessage::Events { events: (*events).clone(), dropped: 0 },
                Err(RecvError::Lagged(dropped)) => ServerMessage::Events { events: Vec::new(), dropped },
                Err(RecvError::Closed) => return,
            },
            Some(answer) = answers.recv() => answer,
            incoming = socket.recv() => match incoming {
                Some(Ok(Message::Text(text))) => {
                    match serde_json::from_str::<ClientMessage>(&text) {
                        Ok(ask) => {
                            answer(cluster.clone(), ask, done.clone());
                            continue;
                        }
                        Err(error) => {
                            let id = serde_json::from_str::<serde_json::Value>(&text).ok().and_then(|v| v["id"].as_u64());
                            ServerMessage::Done { id: id.unwrap_or_default(), error: Some(format!("not understood: {error}")) }
                        }
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
        };
        if !send(&mut socket, &message).await {
            return;
        }
    }
}

fn answer(cluster: Handle, ClientMessage { id, ask }: ClientMessage, done: mpsc::Sender<ServerMessage>) {
    tokio::spawn(async move {
        let message = match ask {
            Ask::Act(action) => ServerMessage::Done { id, error: cluster.act(action).await.err() },
            Ask::Lesson { lesson } => ServerMessage::Done { id, error: begin(&cluster, &lesson).await.err() },
            Ask::Frame { frame } => match cluster.frame(frame).await {
                Some(kept) => ServerMessage::Frame { id, frame, hex: kept.hex, len: kept.len },
                None => ServerMessage::Done { id, error: Some("the bytes of this message are no longer kept".into()) },
            },
        };
        let _ = done.send(message).await;
    });
}

/// The topics and clients of a lesson.
async fn begin(cluster: &Handle, name: &str) -> Result<(), String> {
    if let Some(cannot) = cluster.cannot.iter().find(|cannot| cannot.what == "lesson") {
        return Err(cannot.why.clone());
    }
    let lesson = lab_lessons::lesson(name)?;
    if !lesson.native {
        return Err(format!("the lesson {name} asks for what a real cluster cannot do: take it in the simulator"));
    }
    cluster.lesson(Scenario::parse(&lesson.scenario)?).await
}

async fn send(socket: &mut WebSocket, message: &ServerMessage) -> bool {
    let text = serde_json::to_string(message).expect("plain data");
    matches!(timeout(SEND_WITHIN, socket.send(Message::Text(Utf8Bytes::from(text)))).await, Ok(Ok(())))
}
