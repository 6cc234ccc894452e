//! Creates topics: the one thing that a scenario asks of a cluster before its clients begin.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    AdminConfig,
    links::{LinkEvent, LinkSettings, Links},
};
use crate::{
    id::Command,
    seam::{Ctx, Input, Machine, Output, Time},
    wire::{
        create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest},
        error::ErrorCode,
        frame,
    },
};

#[derive(Clone, Debug)]
pub struct Admin {
    config: AdminConfig,
    links: Links<()>,
    /// Topics to create, one at a time.
    topics: VecDeque<CreatableTopic>,
    asked: bool,
    not_before_ms: u64,
    wake_ms: Option<u64>,
    last_error: Option<String>,
}

impl Admin {
    pub fn start(config: AdminConfig, _ctx: &mut Ctx<'_>) -> Self {
        let links = LinkSettings {
            request_timeout_ms: config.request_timeout_ms,
            reconnect_backoff_ms: 50,
            reconnect_backoff_max_ms: 1000,
            connection_setup_timeout_ms: 10_000,
        };
        let rng = fastrand::Rng::with_seed(config.seed);
        Self {
            links: Links::new(&config.name, &config.bootstrap, links, rng),
            config,
            topics: VecDeque::new(),
            asked: false,
            not_before_ms: 0,
            wake_ms: None,
            last_error: None,
        }
    }

    /// Why the last topic was not created.
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    fn move_on(&mut self, ctx: &mut Ctx<'_>, mut events: Vec<LinkEvent<()>>) {
        self.links.expire(ctx, &mut events);
        for event in events {
            match event {
                LinkEvent::Answer { version, frame, .. } => {
                    self.asked = false;
                    self.answered(ctx, version, &frame);
                }
                LinkEvent::Lost { .. } => {
                    self.asked = false;
                    self.not_before_ms = ctx.ms() + self.config.retry_backoff_ms;
                }
                LinkEvent::Down => {}
            }
        }
        self.ask(ctx);
        let links = self.links.deadline_ms(ctx.ms());
        let again = (!self.topics.is_empty() && !self.asked).then_some(self.not_before_ms.max(ctx.ms() + 50));
        self.wake_ms = links.into_iter().chain(again).min();
    }

    fn ask(&mut self, ctx: &mut Ctx<'_>) {
        let Some(topic) = self.topics.front().filter(|_| !self.asked && ctx.ms() >= self.not_before_ms) else { return };
        let topics = vec![topic.clone()];
        let Some(peer) = self.links.any_ready(ctx) else { return };
        let Some(version) = self.links.version::<CreateTopicsRequest>(peer, i16::MAX) else { return };
        let request = CreateTopicsRequest { topics, timeout_ms: 30_000, ..CreateTopicsRequest::default() };
        self.links.send(ctx, peer, version, &request, ());
        self.asked = true;
    }

    /// Done when it exists. Too few brokers is not for ever: they may still be on their way up.
    fn answered(&mut self, ctx: &mut Ctx<'_>, version: i16, frame: &Bytes) {
        let response = frame::parse_response::<CreateTopicsRequest>(version, frame).ok();
        let answer = response.as_ref().and_then(|(_, response)| response.topics.first());
        let error = answer.map_or(ErrorCode::UnknownServerError, |t| ErrorCode::from_code(t.error_code));
        match error {
            ErrorCode::None | ErrorCode::TopicAlreadyExists => {
                self.topics.pop_front();
            }
            error if error.is_retriable() || error == ErrorCode::InvalidReplicationFactor => {
                self.not_before_ms = ctx.ms() + self.config.retry_backoff_ms;
            }
            error => {
                let why = answer.and_then(|t| t.error_message.clone()).unwrap_or_else(|| error.message().into());
                self.last_error = Some(format!("{}: {why}", error.name()));
                self.topics.pop_front();
            }
        }
    }
}

impl Machine for Admin {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        let mut events = Vec::new();
        match input {
            Input::Command(Command::CreateTopic { topic, partitions, replication_factor, configs }) => {
                let config = |(name, value)| CreatableTopicConfig { name, value: Some(value) };
                self.topics.push_back(CreatableTopic {
                    name: topic,
                    num_partitions: partitions,
                    replication_factor,
                    configs: configs.into_iter().map(config).collect(),
                    ..CreatableTopic::default()
                });
            }
            Input::Shutdown => ctx.out.push(Output::Exit),
            input => self.links.handle(ctx, &input, &mut events),
        }
        self.move_on(ctx, events);
    }

    fn deadline(&self) -> Option<Time> {
        self.wake_ms.map(Time::from_ms)
    }
}
