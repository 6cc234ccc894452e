//! A consumer of a lesson on a real cluster. It is started, asked to end, killed and started again as if it were a process:
//! whoever kills it ends its sockets and its timers, and nobody says goodbye for it.

use lab_core::{
    client::{ConsumerCommand, ConsumerConfig},
    seam::{Numbering, Time},
    trace::{Event, EventKind},
    view::{ConsumerView, ProcessState},
};
use tokio::time::Instant;

use super::class::Told;
use crate::{
    clients::{CLOSE_WITHIN, RunningConsumer},
    clock::Clock,
};

pub(super) struct Member {
    config: ConsumerConfig,
    client: Option<RunningConsumer>,
    /// It was asked to end, and is ended at this time if it has not by then.
    ends: Option<Instant>,
    /// What it last said; of one that does not run, what it said before.
    view: ConsumerView,
    numbering: Numbering,
    /// What it did, and what was done to it, that was not told yet.
    events: Vec<Event>,
    happened: Vec<(Time, EventKind)>,
    clock: Clock,
}

impl Member {
    pub(super) fn new(config: ConsumerConfig, clock: Clock) -> Self {
        let view = ConsumerView {
            id: config.id,
            name: config.name.clone(),
            process: ProcessState::Down,
            group_id: config.group_id.clone(),
            generation: -1,
            ..ConsumerView::default()
        };
        let numbering = Numbering::default();
        Self { config, client: None, ends: None, view, numbering, events: Vec::new(), happened: Vec::new(), clock }
    }

    pub(super) fn runs(&self) -> bool {
        self.client.is_some()
    }

    pub(super) fn start(&mut self, bootstrap: &str) -> Result<(), String> {
        if self.runs() {
            return Err(format!("consumer {} runs already", self.config.id));
        }
        self.happen(EventKind::Started);
        self.begin(bootstrap)
    }

    /// As [`Self::start`], of one that runs when the lesson begins: nobody did that.
    pub(super) fn begin(&mut self, bootstrap: &str) -> Result<(), String> {
        let client = RunningConsumer::traced(bootstrap, self.config.clone(), self.clock, self.numbering);
        self.client = Some(client.map_err(|failure| failure.to_string())?);
        Ok(())
    }

    /// It commits, leaves its group and ends; [`Self::attend`] sees to the end.
    pub(super) fn stop(&mut self) -> Result<(), String> {
        let client = running(self.client.as_ref(), &self.config)?;
        if self.ends.is_some() {
            return Err(format!("consumer {} is stopping already", self.config.id));
        }
        self.happened.push((self.clock.time(), EventKind::StopAsked));
        client.begin_close();
        self.ends = Some(Instant::now() + CLOSE_WITHIN);
        Ok(())
    }

    pub(super) fn kill(&mut self) -> Result<(), String> {
        running(self.client.as_ref(), &self.config)?;
        self.happen(EventKind::Killed);
        self.end();
        Ok(())
    }

    pub(super) fn tell(&self, command: ConsumerCommand) -> Result<(), String> {
        running(self.client.as_ref(), &self.config)?.tell(command);
        Ok(())
    }

    /// Tells what it did since the last time and how it is, and ends what was asked to end and has.
    pub(super) fn attend(&mut self, told: &mut Told) {
        if let Some(client) = &self.client {
            // The application of the scenario has had them.
            client.take_records();
            self.events.extend(client.take_events());
            self.view = client.view();
            let late = self.ends.is_some_and(|end| end <= Instant::now());
            if self.ends.is_some() && (client.is_closed() || late) {
                self.end();
                self.happen(EventKind::Stopped);
            }
        }
        let id = self.config.id;
        told.events.append(&mut self.events);
        told.happened.extend(self.happened.drain(..).map(|(at, kind)| (at, id, kind)));
        self.view.process = match (self.runs(), self.ends) {
            (false, _) => ProcessState::Down,
            (true, None) => ProcessState::Alive,
            (true, Some(_)) => ProcessState::Stopping,
        };
        told.consumers.push(self.view.clone());
    }

    fn happen(&mut self, kind: EventKind) {
        self.happened.push((self.clock.time(), kind));
    }

    fn end(&mut self) {
        if let Some(client) = self.client.take() {
            self.events.extend(client.take_events());
            self.view = client.view();
            self.numbering = client.kill();
        }
        self.ends = None;
    }
}

fn running<'a>(client: Option<&'a RunningConsumer>, config: &ConsumerConfig) -> Result<&'a RunningConsumer, String> {
    client.ok_or_else(|| format!("consumer {} does not run", config.id))
}
