//! `cargo xtask peers`: client libraries as their users use them, on a cluster of ours, and (`--kafka`) on Apache Kafka.
//! First each library alone, with its defaults (`table`), then six of them in one consumer group (`group`).

mod cluster;
mod group;
mod install;
mod libraries;
mod member;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use self::{cluster::Cluster, libraries::Here};
use crate::{interrupt, lab, peer};

const HELP: &str = "\
cargo xtask peers [OPTIONS]

  --kafka         the same on Apache Kafka; a cell of a table in which the two differ fails
  --only NAME     only libraries whose names contain NAME, and no group; more than once for several
  --tables        only what each library does alone
  --group         only the members of one consumer group
  --strict        a library that cannot be had here fails, too
  --binary PATH   this kafka-lab instead of one that is built first";

#[derive(Default)]
struct Options {
    kafka: bool,
    only: Vec<String>,
    tables: bool,
    group: bool,
    strict: bool,
    binary: Option<PathBuf>,
}

impl Options {
    fn read(args: &[String]) -> Result<Self> {
        let mut options = Self { tables: true, group: true, ..Self::default() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value\n{HELP}"));
            match arg.as_str() {
                "--kafka" => options.kafka = true,
                "--only" => options.only.push(value()?.clone()),
                "--tables" => options.group = false,
                "--group" => options.tables = false,
                "--strict" => options.strict = true,
                "--binary" => options.binary = Some(value()?.into()),
                other => bail!("peers does not know {other}\n{HELP}"),
            }
        }
        ensure!(options.tables || options.group, "--tables and --group leave nothing to do\n{HELP}");
        options.group &= options.only.is_empty();
        Ok(options)
    }
}

pub fn peers(args: &[String]) -> Result<()> {
    let options = Options::read(args)?;
    let binary = options.binary.clone().map_or_else(|| lab::build_for_clients(lab::Build::Quick), Ok)?;
    let mut wrong = Vec::new();
    if options.tables {
        wrong.extend(tables(&options, &binary)?);
    }
    if options.group {
        wrong.extend(one_group(&options, &binary)?);
    }
    ensure!(wrong.is_empty(), "not as it should be:\n  {}", wrong.join("\n  "));
    Ok(())
}

fn tables(options: &Options, binary: &Path) -> Result<Vec<String>> {
    let libraries = libraries::prepare(&options.only);
    ensure!(!libraries.is_empty(), "no library is called {}", options.only.join(" or "));
    let mut wrong = Vec::new();
    for (library, here) in &libraries {
        if let (Here::Absent(why), true) = (here, options.strict) {
            wrong.push(format!("{} is absent: {why}", library.name));
        }
    }
    interrupt::listen()?;
    let ours = table::play("kafka-lab", &Cluster::ours(binary)?, &libraries, binary)?;
    let theirs = match options.kafka {
        true => {
            let kafka = Cluster::kafka()?.context("--kafka needs Java and Maven")?;
            Some(table::play("Apache Kafka", &kafka, &libraries, binary)?)
        }
        false => None,
    };
    let against = if options.kafka { format!(", then on Apache Kafka {}", peer::VERSION) } else { String::new() };
    println!("\nEach cell says what came of it on kafka-lab{against}; `-` is what the library has not.");
    wrong.extend(table::print(&libraries, &ours, theirs.as_ref()));
    Ok(wrong)
}

fn one_group(options: &Options, binary: &Path) -> Result<Vec<String>> {
    let libraries = member::prepare();
    ensure!(libraries.len() >= 2, "a group needs members: install kcat, python3, node, go or java");
    interrupt::listen()?;
    let mut wrong = group::run("kafka-lab", &Cluster::ours(binary)?, &libraries, binary)?;
    if options.kafka {
        let kafka = Cluster::kafka()?.context("--kafka needs Java and Maven")?;
        wrong.extend(group::run("Apache Kafka", &kafka, &libraries, binary)?);
    }
    Ok(wrong)
}
