//! The processes of a world: started, given inputs, woken, paused and ended.

use super::{World, queue::What};
use crate::{
    disk::SyncTarget,
    id::EventId,
    node::format,
    program::Program,
    recording::{Header, Recorder},
    seam::{Ctx, Input, Machine, Time},
    sim::{network::NodeIndex, process::program},
    trace::EventKind,
    view::ProcessState,
};

impl World {
    pub(in crate::sim) fn start_process(&mut self, ix: NodeIndex) -> Result<(), String> {
        let now = self.clock();
        let node = &mut self.nodes[ix];
        node.incarnation += 1;
        node.wake_at = None;
        node.parked.clear();
        node.out.drain();
        node.out.begin(node.ended_by);
        let program = program(&self.scenario, self.seed, node.id, node.role, node.incarnation);
        if node.incarnation == 1
            && let Program::Controller(config) | Program::Broker(config) = &program
        {
            format(&mut node.disk, config).map_err(|error| error.to_string())?;
        }
        node.recorder = self.recording.then(|| {
            let header = Header::new(program.clone(), &node.out);
            Box::new(Recorder::new(Vec::new(), &header, node.disk.image()))
        });
        let mut ctx = Ctx { now, disk: &mut node.disk, out: &mut node.out };
        let started = match &mut node.recorder {
            None => program.start(&mut ctx),
            Some(recorder) => recorder.start(&mut ctx, |ctx| program.start(ctx)),
        };
        node.process = Some(started.map_err(|error| error.to_string())?);
        node.state = ProcessState::Alive;
        if node.incarnation == 1 {
            // It was just formatted, and formatting ends when all of it is safe.
            let paths: Vec<String> = node.disk.files().map(|(path, _)| path.to_string()).collect();
            for path in paths {
                node.disk.sync(&SyncTarget::Path(path)).map_err(|error| error.to_string())?;
            }
        }
        self.perform_outputs(ix);
        Ok(())
    }

    /// Gives one input to a process that runs, and does what it asks for.
    pub(in crate::sim) fn dispatch(&mut self, ix: NodeIndex, input: Input, cause: Option<EventId>) {
        let now = self.clock();
        self.fold_input(ix, &input);
        let node = &mut self.nodes[ix];
        let Some(process) = &mut node.process else { return };
        node.out.begin(cause);
        let mut ctx = Ctx { now, disk: &mut node.disk, out: &mut node.out };
        match &mut node.recorder {
            None => process.handle(&mut ctx, input),
            Some(recorder) => recorder.handle(process, &mut ctx, input),
        }
        self.perform_outputs(ix);
    }

    /// As [`Self::dispatch`], for inputs that a paused process finds when it wakes up.
    pub(in crate::sim) fn answer(&mut self, ix: NodeIndex, input: Input) {
        let node = &mut self.nodes[ix];
        if node.state == ProcessState::Paused {
            node.parked.push_back(input);
        } else if node.process.is_some() {
            self.dispatch(ix, input, None);
        }
    }

    pub(super) fn wake(&mut self, ix: NodeIndex, incarnation: u32) {
        let node = &mut self.nodes[ix];
        if node.incarnation != incarnation || node.wake_at != Some(self.now) {
            return;
        }
        node.wake_at = None;
        let Some(deadline) = node.process.as_ref().filter(|_| node.runs()).and_then(Machine::deadline) else { return };
        if deadline > self.now {
            self.arm(ix);
            return;
        }
        self.dispatch(ix, Input::Wake, None);
    }

    /// Plans the wake that the process wants, unless an earlier one is planned.
    pub(super) fn arm(&mut self, ix: NodeIndex) {
        let now = self.now;
        let node = &mut self.nodes[ix];
        let Some(deadline) = node.process.as_ref().and_then(Machine::deadline) else { return };
        if deadline <= now {
            node.idle_wakes += 1;
            let ms = now.as_ms();
            assert!(node.idle_wakes < 10_000, "node {} wants to be woken in the past for ever at {ms} ms", node.id);
        } else {
            node.idle_wakes = 0;
        }
        let at = deadline.max(now);
        if node.wake_at.is_none_or(|planned| at < planned) && at < Time::MAX {
            node.wake_at = Some(at);
            let incarnation = node.incarnation;
            self.plan(at, What::Wake { node: ix, incarnation });
        }
    }

    /// Wakes a process that was paused: first what happened meanwhile, then its connections and its timers.
    pub(in crate::sim) fn resume_process(&mut self, ix: NodeIndex) {
        while let Some(input) = self.nodes[ix].parked.pop_front() {
            self.dispatch(ix, input, None);
        }
        self.nodes[ix].wake_at = None;
        self.arm(ix);
        for key in self.net.of_node(ix) {
            (0..2).for_each(|side| self.schedule(key, side));
        }
    }

    pub(super) fn exited(&mut self, ix: NodeIndex) {
        if let Some(recorder) = &mut self.nodes[ix].recorder {
            recorder.end();
        }
        let cause = self.nodes[ix].ended_by;
        let stopped = self.record_event(ix, cause, || EventKind::Stopped);
        self.end_process(ix, stopped);
    }

    /// The process is gone: its files are closed, its connections end, its beliefs become its last ones.
    pub(in crate::sim) fn end_process(&mut self, ix: NodeIndex, cause: EventId) {
        self.remember_view(ix);
        let node = &mut self.nodes[ix];
        if let Some(checks) = &mut self.checks {
            checks.ended(node.id);
        }
        node.process = None;
        node.listening = false;
        if let Some(recorder) = node.recorder.take() {
            self.recordings.push(recorder.into_sink().into());
        }
        node.state = ProcessState::Down;
        node.disk.process_crash();
        node.ended_by = Some(cause);
        for conn in node.conns.keys().copied().collect::<Vec<_>>() {
            self.close(ix, conn, Some(cause));
        }
    }
}
