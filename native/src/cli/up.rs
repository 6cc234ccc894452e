//! `up`: a real cluster.

use std::{
    io::{IsTerminal, Write},
    path::Path,
};

use clap::Args;
use tokio::{
    runtime::Builder,
    select,
    signal::unix::{SignalKind, signal},
};

use super::{Dir, pair};
use crate::{
    failure::{Failure, Outcome, While},
    http, node, properties,
    supervisor::{
        Supervisor, control,
        layout::{self, Layout, Wish},
        metrics_port,
    },
};

#[derive(Debug, Args)]
pub(super) struct UpArgs {
    /// Number of brokers: nodes 1, 2, 3, ...
    #[arg(long, default_value_t = 3)]
    brokers: u16,
    /// Number of controllers: nodes 101, 102, 103, ...
    #[arg(long, default_value_t = 3)]
    controllers: u16,
    /// The first brokers are the controllers too
    #[arg(long)]
    combined: bool,
    /// Broker i listens on PORT+i-1, controller 101 on PORT+100
    #[arg(long, default_value_t = 9092)]
    port: u16,
    /// Address of the page
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    http: String,
    /// Each node serves its own /metrics and /healthz: broker i on PORT+i-1, controller 101 on PORT+100
    #[arg(long, value_name = "PORT")]
    metrics_port: Option<u16>,
    #[command(flatten)]
    dir: Dir,
    /// A key of Kafka's server.properties, for every node
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    config: Vec<(String, String)>,
    /// Write down all that reaches each node, in DIR/node-ID/recording, for `kafka-lab replay`
    #[arg(long)]
    record: bool,
    /// Begin anew: the data of an earlier cluster in the folder is lost
    #[arg(long)]
    fresh: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(args: UpArgs) -> Outcome {
    for (key, value) in &args.config {
        let warning = properties::check(key, value).map_err(|error| Failure::usage(format!("--config {error}")))?;
        if let Some(warning) = warning {
            tracing::warn!("{warning}");
        }
    }
    // Before anything is written: an address that cannot be leaves no folder behind.
    let (listener, address) = http::bind(&args.http)?;
    let dir = args.dir.path();
    if args.fresh {
        begin_anew(&dir, args.yes)?;
    }
    let wish = Wish {
        brokers: args.brokers,
        controllers: args.controllers,
        combined: args.combined,
        port: args.port,
        config: args.config,
    };
    let layout = Layout::open(&dir, &wish)?;
    layout.format_nodes()?;
    for entry in &layout.file.nodes {
        let config = node::read_config(&entry.dir.join("server.properties"))?;
        // Bound and let go: a port in use is better said here than in a node's log.
        for endpoint in config.broker_listeners.iter().chain(&config.controller_listeners) {
            drop(node::bind(endpoint)?);
        }
        if let Some(port) = args.metrics_port {
            drop(http::bind_metrics(metrics_port(port, entry.id)?)?);
        }
    }
    let kept = if layout.existed { ", started again with its data" } else { "" };
    println!("cluster {} in {}{kept}", layout.file.cluster_id, layout.dir.display());
    for preset in &layout.file.presets {
        println!("lab preset: {}={} (Kafka's default is {})", preset.key, preset.value, preset.kafka_default);
    }
    println!("page http://{address}/#live");
    let runtime = Builder::new_current_thread().enable_all().build().doing(|| "cannot start an event loop".into())?;
    let result = runtime.block_on(async {
        let mut term = signal(SignalKind::terminate()).doing(|| "cannot listen for signals".into())?;
        let dir = layout.dir.clone();
        let bootstrap = layout.file.bootstrap.clone();
        let (mut supervisor, handle) = Supervisor::new(layout);
        supervisor.set_http(format!("http://{address}/"));
        supervisor.set_recording(args.record);
        supervisor.set_metrics_port(args.metrics_port);
        control::serve(&dir, handle.clone())?;
        let page = tokio::spawn(http::serve(listener, Some(handle)));
        let stop = async {
            select! {
                _ = term.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            eprintln!("stopping all nodes");
        };
        let result = supervisor.run(stop, || say(&format!("ready bootstrap={bootstrap}"))).await;
        page.abort();
        let _ = std::fs::remove_file(dir.join("control.sock"));
        result
    });
    runtime.shutdown_background();
    result
}

/// Scripts wait for this line: it must not stay in a buffer.
fn say(line: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn begin_anew(dir: &Path, yes: bool) -> Outcome {
    let Some(file) = layout::read(dir)? else { return Ok(()) };
    if !yes {
        let question = format!("cluster {} in {} and all its data will be lost", file.cluster_id, dir.display());
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(question).next("Add --yes if that is what you want."));
        }
        eprint!("{question}. Type yes to go on: ");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).doing(|| "cannot read the answer".into())?;
        if answer.trim() != "yes" {
            return Err(Failure::new("nothing was changed"));
        }
    }
    // The lock says whether the old cluster still runs; its nodes' folders are known, so that nothing else is touched.
    let lock = Layout::lock_for_removal(dir)?;
    for node in &file.nodes {
        if node.dir.exists() {
            std::fs::remove_dir_all(&node.dir).doing(|| format!("cannot remove {}", node.dir.display()))?;
        }
    }
    std::fs::remove_file(dir.join("cluster.json")).doing(|| "cannot remove cluster.json".into())?;
    drop(lock);
    Ok(())
}
