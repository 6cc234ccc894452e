//! One node as an operating-system process: started with a socket pair as its standard input, watched until it ends.

use std::{fs::File, os::fd::OwnedFd, os::unix::net::UnixStream as StdUnixStream, path::PathBuf, process::Stdio};

use lab_core::{id::NodeId, seam::Time, view::ProcessState};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{net::UnixStream, process::Command, sync::mpsc};

use super::{Message, layout::NodeEntry};
use crate::{
    failure::{Outcome, While},
    node::channel::{self, News, Order, Report},
};

/// A node as its supervisor knows it.
#[derive(Debug)]
pub(super) struct NodeProcess {
    pub(super) entry: NodeEntry,
    pub(super) state: ProcessState,
    pub(super) pid: Option<u32>,
    /// Counts starts; news of an earlier process is ignored.
    pub(super) start: u64,
    pub(super) orders: Option<mpsc::UnboundedSender<Order>>,
    pub(super) report: Option<Report>,
    pub(super) report_at: Time,
    /// How long its log was when it was started.
    log_from: usize,
    /// Somebody asked for its end; else it ended by itself.
    pub(super) end_expected: bool,
}

impl NodeProcess {
    pub(super) fn new(entry: NodeEntry) -> Self {
        Self {
            entry,
            state: ProcessState::Down,
            pid: None,
            start: 0,
            orders: None,
            report: None,
            report_at: Time::ZERO,
            log_from: 0,
            end_expected: false,
        }
    }

    pub(super) fn id(&self) -> NodeId {
        self.entry.id
    }

    pub(super) fn is_broker(&self) -> bool {
        self.entry.roles.contains("broker")
    }

    pub(super) fn runs(&self) -> bool {
        self.pid.is_some()
    }

    pub(super) fn log_path(&self) -> PathBuf {
        self.entry.dir.join("node.log")
    }

    /// Starts the process; its news and its end come as messages.
    pub(super) fn spawn(
        &mut self,
        cluster_id: &str,
        origin_us: u64,
        tell: &mpsc::UnboundedSender<Message>,
        record: bool,
        metrics_port: Option<u16>,
    ) -> Outcome {
        assert!(!self.runs(), "a node is started once");
        let what = || format!("cannot start node {}", self.entry.id);
        let log = File::options().create(true).append(true).open(self.log_path()).doing(what)?;
        let log_from = log.metadata().doing(what)?.len() as usize;
        let (ours, theirs) = StdUnixStream::pair().doing(what)?;
        ours.set_nonblocking(true).doing(what)?;
        // The path of this program, or the program itself when its file was replaced meanwhile.
        let program = std::env::current_exe().ok().filter(|path| path.exists());
        let mut command = Command::new(program.unwrap_or_else(|| "/proc/self/exe".into()));
        command
            .arg("node")
            .arg("--config")
            .arg(self.entry.dir.join("server.properties"))
            .args(["--supervised", "--origin-us"])
            .arg(origin_us.to_string())
            .args(["--cluster-id", cluster_id])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(log.try_clone().doing(what)?)
            .stderr(log)
            // Ctrl-C in the terminal is for the supervisor, which stops the nodes in order.
            .process_group(0);
        if record {
            command.arg("--record").arg(self.entry.dir.join("recording"));
        }
        if let Some(port) = metrics_port {
            command.arg("--metrics-port").arg(port.to_string());
        }
        let mut child = command.spawn().doing(what)?;
        self.start += 1;
        self.log_from = log_from;
        self.pid = child.id();
        self.state = ProcessState::Alive;
        self.report = None;
        self.end_expected = false;
        let (orders, mut outbox) = mpsc::unbounded_channel::<Order>();
        self.orders = Some(orders);

        let (id, start) = (self.entry.id, self.start);
        let (mut lines, mut writer) = channel::split(UnixStream::from_std(ours).doing(what)?);
        let tell_news = tell.clone();
        tokio::spawn(async move {
            while let Some(news) = lines.next::<News>().await {
                match news {
                    Ok(news) => drop(tell_news.send(Message::News(id, start, news))),
                    Err(error) => tracing::warn!("node {id} said something that cannot be read: {error}"),
                }
            }
        });
        tokio::spawn(async move {
            while let Some(order) = outbox.recv().await {
                if writer.send(&order).await.is_err() {
                    break;
                }
            }
        });
        let tell_end = tell.clone();
        tokio::spawn(async move {
            let how = match child.wait().await {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            let _ = tell_end.send(Message::Ended(id, start, how));
        });
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) -> bool {
        let pid = self.pid.and_then(|pid| Pid::from_raw(pid as i32));
        // The process is reaped by a task of this thread, which then clears `pid`: the number is never another's.
        pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
    }

    /// SIGTERM, and SIGCONT for one that is paused and would not notice it.
    pub(super) fn ask_to_stop(&mut self) {
        self.end_expected = true;
        self.state = ProcessState::Stopping;
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
    }

    pub(super) fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(order);
        }
    }

    /// The process is gone.
    pub(super) fn ended(&mut self) {
        self.pid = None;
        self.orders = None;
        self.state = ProcessState::Down;
    }

    /// The last lines of its log since it was started, for people to see why it ended.
    pub(super) fn log_tail(&self) -> String {
        let text = std::fs::read(self.log_path()).unwrap_or_default();
        let text = String::from_utf8_lossy(text.get(self.log_from..).unwrap_or_default());
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n  ")
    }
}
