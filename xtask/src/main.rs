//! `cargo xtask NAME`: everything a person or CI does to this project, in Rust.

mod bench;
mod chromium;
mod compare;
mod hammer;
mod interrupt;
mod invariants;
mod lab;
mod librdkafka;
mod peer;
mod peers;
mod recording;
mod schemas;
mod test;
mod tidy;
mod tools;

use std::{env, process::ExitCode};

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask lab [--check] [--http HOST:PORT]   set up what is missing, build, serve the lab
cargo xtask up [ARGS]                          the same build, then `kafka-lab up ARGS`: a real cluster
cargo xtask test [STAGE]...                    set up what is missing, then run every check (or the named stages)
cargo xtask tools                              only set up
cargo xtask tidy                               only the checks of files and of the architecture
cargo xtask schemas [PATH]                     compare the messages with the schemas in Kafka's jars (PATH: their folder)
cargo xtask compare [--seeds N] [--start N]    ask Apache Kafka and the lab the same, and print where the answers differ
cargo xtask hammer [KIND] [--inputs N] [--seed N]   hostile requests, responses, batches, snapshots and files
cargo xtask bench [NAME]...                    print throughput, CPU, latency, memory, start-up, simulator speed, many partitions
cargo xtask peers [--kafka] [--only NAME]...   what 13 client libraries can do, and members by six of them in one group
cargo xtask librdkafka [--kafka] [NUMBER]...   librdkafka's own test suite on three nodes, and a table
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    match args.first().map(String::as_str) {
        Some("lab") => lab::lab(rest),
        Some("up") => lab::up(rest),
        Some("test") => test::test(rest),
        Some("tools") => tools::ensure_all().map(drop),
        Some("tidy") => tidy::tidy().and_then(|()| invariants::check()),
        Some("schemas") => schemas::run(rest),
        Some("hammer") => hammer::hammer(rest),
        Some("compare") => compare::compare(rest),
        Some("peers") => peers::peers(rest),
        Some("librdkafka") => librdkafka::librdkafka(rest),
        Some("bench") => bench::bench(rest),
        None | Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => bail!("no such command: {other}\n{HELP}"),
    }
}

/// The root of the workspace, wherever cargo was called from.
fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_path_buf()
}
