//! The command line. One file per command or family of commands; this one has the words and sends each to its file.

mod attach;
mod complete;
mod configs;
mod consume;
mod faults;
mod groups;
mod lesson;
mod log_dump;
mod perf;
mod print;
mod produce;
mod quorum;
mod replay;
mod serve;
mod simulate;
mod topics;
mod up;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use lab_core::{id::NodeId, view::Action};

use crate::{
    failure::{Failure, Outcome},
    node,
    supervisor::layout,
};

/// Kafka, written once: simulated in the browser, and as a real cluster on this machine.
#[derive(Debug, Parser)]
#[command(name = "kafka-lab", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the page: the simulator in the browser, without a cluster
    Serve {
        /// Address of the page
        #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
        http: String,
    },
    /// Start a real cluster, one process a node, and the page that shows it
    Up(up::UpArgs),
    /// Prepare the data folder of a node
    Format {
        /// Kafka's server.properties
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// 22 characters as kafka-storage random-uuid prints them; drawn when missing
        #[arg(long, value_name = "ID")]
        cluster_id: Option<String>,
    },
    /// Run one node in the foreground
    Node {
        /// Kafka's server.properties
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Serve /metrics and /healthz of this node on this port of 127.0.0.1
        #[arg(long, value_name = "PORT")]
        metrics_port: Option<u16>,
        #[arg(long, hide = true)]
        supervised: bool,
        #[arg(long, hide = true)]
        origin_us: Option<u64>,
        #[arg(long, hide = true)]
        cluster_id: Option<String>,
        /// Write down all that reaches the node, for `kafka-lab replay`; later starts write FILE.2, FILE.3, ...
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
    },
    /// Show the nodes of the running cluster
    Status {
        #[command(flatten)]
        dir: Dir,
        #[arg(long)]
        json: bool,
    },
    /// SIGKILL a node
    Kill(OneNode),
    /// Stop a node cleanly
    Stop(OneNode),
    /// Start a node that is down
    Start(OneNode),
    /// Freeze a node (SIGSTOP)
    Pause(OneNode),
    /// Let a frozen node go on (SIGCONT)
    Resume(OneNode),
    /// Cut the link between two nodes
    Cut {
        a: i32,
        b: i32,
        /// Only what A sends to B is stopped
        #[arg(long)]
        one_way: bool,
        #[command(flatten)]
        on: Running,
    },
    /// Make the link between two nodes slower
    Slow {
        a: i32,
        b: i32,
        /// Milliseconds that each message takes longer
        ms: u64,
        #[command(flatten)]
        on: Running,
    },
    /// Heal all links
    Heal(Running),
    /// List, create, describe or delete topics
    #[command(subcommand)]
    Topics(topics::TopicsCommand),
    /// Write records: one a line from standard input
    Produce(produce::ProduceArgs),
    /// Read records
    Consume(consume::ConsumeArgs),
    /// Show or change configurations
    #[command(subcommand)]
    Configs(configs::ConfigsCommand),
    /// Show the metadata quorum
    #[command(subcommand)]
    Quorum(quorum::QuorumCommand),
    /// Look into files of a log
    #[command(subcommand)]
    Log(log_dump::LogCommand),
    /// Run a scenario in the simulator
    Sim(simulate::SimArgs),
    /// Run many seeds with random faults and check every promise
    Fuzz(simulate::FuzzArgs),
    /// Lessons: list them, check them
    #[command(subcommand)]
    Lesson(lesson::LessonCommand),
    /// Run a recorded session and check its hash
    Replay(replay::ReplayArgs),
    /// List, describe or delete consumer groups, or move their committed offsets
    #[command(subcommand)]
    Groups(groups::GroupsCommand),
    /// Load with progress, throughput and latencies
    #[command(subcommand)]
    Perf(perf::PerfCommand),
    /// Show a Kafka cluster that runs already, Apache's too, on the page
    Attach(attach::AttachArgs),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
struct Dir {
    /// Folder of the cluster [default: kafka-lab in your data folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Dir {
    fn path(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(layout::default_dir)
    }
}

#[derive(Debug, Args)]
struct OneNode {
    /// Number of the node
    id: i32,
    #[command(flatten)]
    on: Running,
}

/// The running cluster that something is done to.
#[derive(Debug, Args)]
struct Running {
    #[command(flatten)]
    dir: Dir,
    /// Print what was asked for and what it led to: the node, or all faults of links
    #[arg(long)]
    json: bool,
}

/// Which cluster to talk to.
#[derive(Debug, Args)]
struct Bootstrap {
    /// Any Kafka cluster [default: the running cluster of kafka-lab up, else 127.0.0.1:9092]
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,
}

impl Bootstrap {
    fn address(&self) -> String {
        let running =
            || layout::read(&layout::default_dir()).ok().flatten().filter(|file| file.supervisor_pid.is_some());
        let address = self.bootstrap.clone().or_else(|| running().map(|file| file.bootstrap));
        address.unwrap_or_else(|| "127.0.0.1:9092".into())
    }
}

/// Runs the program: exit code 0 done, 1 failed, 2 wrong usage.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    log_to_stderr();
    std::panic::set_hook(Box::new(|panic| {
        // `... | head` has read enough: Rust reports that as a panic of `println!`.
        if panic.to_string().contains("Broken pipe") {
            std::process::exit(0);
        }
        eprintln!(
            "kafka-lab: BUG: {panic}\n  This is a mistake in the lab, not in what you asked. Please report it with the command line."
        );
        std::process::exit(1);
    }));
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("kafka-lab: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: Command) -> Outcome {
    match command {
        Command::Serve { http } => serve::run(&http),
        Command::Up(args) => up::run(args),
        Command::Format { config, cluster_id } => format(&config, cluster_id),
        Command::Node { config, metrics_port, supervised, origin_us, cluster_id, record } => {
            let options = node::Options { supervised, origin_us, cluster_id, metrics_port, record };
            node::run(node::read_config(&config)?, &options)
        }
        Command::Status { dir, json } => faults::status(&dir.path(), json),
        Command::Kill(one) => faults::node(&one, |node| Action::Kill { node }),
        Command::Stop(one) => faults::node(&one, |node| Action::Stop { node }),
        Command::Start(one) => faults::node(&one, |node| Action::Start { node }),
        Command::Pause(one) => faults::node(&one, |node| Action::Pause { node }),
        Command::Resume(one) => faults::node(&one, |node| Action::Resume { node }),
        Command::Cut { a, b, one_way, on } => faults::links(&on, Action::Cut { a: NodeId(a), b: NodeId(b), one_way }),
        Command::Slow { a, b, ms, on } => faults::links(&on, Action::Slow { a: NodeId(a), b: NodeId(b), ms }),
        Command::Heal(on) => faults::links(&on, Action::Heal),
        Command::Topics(command) => topics::run(command),
        Command::Produce(args) => produce::run(&args),
        Command::Consume(args) => consume::run(&args),
        Command::Configs(command) => configs::run(command),
        Command::Quorum(command) => quorum::run(command),
        Command::Log(command) => log_dump::run(command),
        Command::Sim(args) => simulate::sim(&args),
        Command::Fuzz(args) => simulate::fuzz(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Groups(command) => groups::run(command),
        Command::Lesson(command) => lesson::lesson(&command),
        Command::Perf(command) => perf::run(command),
        Command::Attach(args) => attach::run(&args),
        Command::Completions { shell } => complete::run(shell),
    }
}

fn format(config: &std::path::Path, cluster_id: Option<String>) -> Outcome {
    if let Some(id) = &cluster_id
        && lab_core::id::Uuid::parse(id).is_none()
    {
        return Err(Failure::usage(format!("--cluster-id {id} is no Kafka id: 22 characters of URL-safe base64")));
    }
    let config = node::read_config(config)?;
    let id = cluster_id.unwrap_or_else(|| node::random_uuid().to_string());
    let meta = node::format(&config, &id)?;
    println!(
        "formatted {} for node {} of cluster {}, directory id {}",
        config.data_dir.display(),
        meta.node_id,
        meta.cluster_id,
        meta.directory_id
    );
    Ok(())
}

fn log_to_stderr() {
    let level = match std::env::var("KAFKA_LAB_LOG").as_deref() {
        Ok("trace") => tracing::Level::TRACE,
        Ok("debug") => tracing::Level::DEBUG,
        Ok("warn") => tracing::Level::WARN,
        Ok("error") => tracing::Level::ERROR,
        _ => tracing::Level::INFO,
    };
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(terminal)
        .with_target(false)
        .with_writer(std::io::stderr)
        .init();
}

/// `KEY=VALUE` of the command line.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("KEY=VALUE is wanted".into()),
    }
}

/// `60s`, `500ms`, `2m`, or a number of seconds.
fn duration_ms(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "ms" => 1,
        "s" | "" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("a time is wanted, as in 60s, 500ms or 2m".into()),
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(|| "a time is wanted, as in 60s".into())
}
