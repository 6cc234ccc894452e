//! The folder of a cluster: `cluster.json`, and for each node `node-ID/` with `server.properties`, `data/`, `node.log`.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use lab_core::{
    id::{Endpoint, NodeId},
    view::Preset,
};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::{
    failure::{Failure, Outcome, While},
    node, properties,
};

/// What `up` was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub brokers: u16,
    pub controllers: u16,
    pub combined: bool,
    pub port: u16,
    pub config: Vec<(String, String)>,
}

/// `cluster.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterFile {
    pub cluster_id: String,
    /// `HOST:PORT,...` for Kafka clients.
    pub bootstrap: String,
    /// Address of the page, while the cluster runs.
    pub http: Option<String>,
    /// The process that supervises the nodes, while the cluster runs.
    pub supervisor_pid: Option<u32>,
    pub nodes: Vec<NodeEntry>,
    pub presets: Vec<PresetEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEntry {
    pub id: NodeId,
    /// `process.roles`.
    pub roles: String,
    /// `HOST:PORT` of the first listener.
    pub address: String,
    pub dir: PathBuf,
    /// While the node runs.
    pub pid: Option<u32>,
}

/// A value that is not Kafka's default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresetEntry {
    pub key: String,
    pub value: String,
    pub kafka_default: String,
}

impl From<PresetEntry> for Preset {
    fn from(entry: PresetEntry) -> Self {
        Self { key: entry.key, value: entry.value, kafka_default: entry.kafka_default }
    }
}

/// A cluster's folder, locked: two supervisors never share one.
#[derive(Debug)]
pub struct Layout {
    pub dir: PathBuf,
    pub file: ClusterFile,
    /// The folder was there before, with its data.
    pub existed: bool,
    _lock: File,
}

const HOST: &str = "127.0.0.1";

/// Where a cluster lives when nobody says otherwise: `kafka-lab` under the user's data folder.
pub fn default_dir() -> PathBuf {
    let base = directories::BaseDirs::new().map(|dirs| dirs.data_dir().to_owned());
    base.unwrap_or_else(|| PathBuf::from(".")).join("kafka-lab")
}

/// Reads `cluster.json`; `None` when there is no cluster in `dir`.
pub fn read(dir: &Path) -> Outcome<Option<ClusterFile>> {
    let path = dir.join("cluster.json");
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).doing(|| format!("cannot read {}", path.display()))?;
    let file = serde_json::from_str(&text);
    file.map(Some).map_err(|error| {
        Failure::new(format!("{} cannot be read: {error}", path.display()))
            .next("Restore the file, or begin anew with `kafka-lab up --fresh`.")
    })
}

impl Layout {
    /// Opens the cluster in `dir`, or makes one as wished for.
    pub fn open(dir: &Path, wish: &Wish) -> Outcome<Self> {
        fs::create_dir_all(dir).doing(|| format!("cannot make the folder {}", dir.display()))?;
        let dir = dir.canonicalize().doing(|| format!("cannot use the folder {}", dir.display()))?;
        let lock = lock(&dir)?;
        let there = read(&dir)?;
        let existed = there.is_some();
        let file = match there {
            Some(file) => {
                let layout = Self { dir: dir.clone(), file, existed, _lock: lock };
                layout.agree(wish)?;
                layout.override_config(&wish.config)?;
                return Ok(layout);
            }
            None => plan(&dir, wish)?,
        };
        let layout = Self { dir, file, existed, _lock: lock };
        layout.write_nodes(wish)?;
        layout.save()?;
        Ok(layout)
    }

    /// Held while an old cluster's files are removed; fails when the cluster still runs.
    pub fn lock_for_removal(dir: &Path) -> Outcome<File> {
        lock(dir)
    }

    /// Writes `cluster.json` in one step.
    pub fn save(&self) -> Outcome {
        let path = self.dir.join("cluster.json");
        let text = serde_json::to_string_pretty(&self.file).expect("plain data");
        let aside = self.dir.join("cluster.json.tmp");
        fs::write(&aside, text + "\n")
            .and_then(|()| fs::rename(&aside, &path))
            .doing(|| format!("cannot write {}", path.display()))
    }

    /// An existing cluster keeps its shape: to be asked for another is a misunderstanding to be cleared up.
    fn agree(&self, wish: &Wish) -> Outcome {
        let wanted = plan(&self.dir, wish)?;
        let shape = |file: &ClusterFile| -> Vec<(NodeId, String, String)> {
            file.nodes.iter().map(|n| (n.id, n.roles.clone(), n.address.clone())).collect()
        };
        if shape(&wanted) != shape(&self.file) {
            let list = |file: &ClusterFile| {
                let nodes = shape(file).into_iter().map(|(id, roles, address)| format!("{id} ({roles}) {address}"));
                nodes.collect::<Vec<_>>().join(", ")
            };
            let dir = self.dir.display();
            return Err(Failure::new(format!(
                "{dir} holds a cluster of another shape\n  there:  {}\n  wanted: {}",
                list(&self.file),
                list(&wanted)
            ))
            .next("Start it as it is, give another --dir, or begin anew with --fresh (its data is lost)."));
        }
        Ok(())
    }

    /// Sets keys in the files of an existing cluster.
    fn override_config(&self, config: &[(String, String)]) -> Outcome {
        if config.is_empty() {
            return Ok(());
        }
        for node in &self.file.nodes {
            let path = node.dir.join("server.properties");
            let text = fs::read_to_string(&path).doing(|| format!("cannot read {}", path.display()))?;
            let set =
                |line: &&str| !config.iter().any(|(key, _)| line.split('=').next().is_some_and(|k| k.trim() == key));
            let mut text: String = text.lines().filter(set).map(|line| format!("{line}\n")).collect();
            config.iter().for_each(|(key, value)| text.push_str(&format!("{key}={value}\n")));
            fs::write(&path, text).doing(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Writes `server.properties` of each node and formats its data folder.
    fn write_nodes(&self, wish: &Wish) -> Outcome {
        let voters = voters(wish);
        for entry in &self.file.nodes {
            fs::create_dir_all(&entry.dir).doing(|| format!("cannot make {}", entry.dir.display()))?;
            let path = entry.dir.join("server.properties");
            let text = self.server_properties(entry, wish, &voters);
            fs::write(&path, text).doing(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Formats the data folders that are not formatted yet: all of a new cluster's, or those a user has emptied.
    pub fn format_nodes(&self) -> Outcome {
        for entry in &self.file.nodes {
            let config = node::read_config(&entry.dir.join("server.properties"))?;
            if !config.data_dir.join(lab_core::node::META_PROPERTIES).exists() {
                node::format(&config, &self.file.cluster_id)?;
            }
        }
        Ok(())
    }

    fn server_properties(&self, entry: &NodeEntry, wish: &Wish, voters: &str) -> String {
        let (broker, controller) = (entry.roles.contains("broker"), entry.roles.contains("controller"));
        let mut listeners = Vec::new();
        if broker {
            listeners.push(format!("PLAINTEXT://{}", entry.address));
        }
        if controller {
            let port = if broker { controller_port(wish, combined_index(entry)) } else { port_of(&entry.address) };
            listeners.push(format!("CONTROLLER://{HOST}:{port}"));
        }
        let mut text = format!(
            "# Node {} of a cluster made by `kafka-lab up`. Keys and defaults are those of Apache Kafka 4.3.1.\n\
             process.roles={}\nnode.id={}\ncontroller.quorum.voters={voters}\ncontroller.listener.names=CONTROLLER\n\
             listeners={}\n",
            entry.id,
            entry.roles,
            entry.id,
            listeners.join(",")
        );
        if broker {
            text.push_str(&format!("advertised.listeners=PLAINTEXT://{}\n", entry.address));
        }
        text.push_str(&format!("log.dirs={}\n", entry.dir.join("data").display()));
        for preset in &self.file.presets {
            text.push_str(&format!(
                "# lab preset; Kafka's default is {}\n{}={}\n",
                preset.kafka_default, preset.key, preset.value
            ));
        }
        for (key, value) in &wish.config {
            text.push_str(&format!("# given with --config\n{key}={value}\n"));
        }
        text
    }

    /// The nodes as addresses that other nodes connect to.
    pub fn endpoints(&self) -> Vec<(Endpoint, NodeId)> {
        let mut endpoints = Vec::new();
        for entry in &self.file.nodes {
            if let Ok(config) = node::read_config(&entry.dir.join("server.properties")) {
                let all = config.broker_listeners.into_iter().chain(config.controller_listeners);
                endpoints.extend(all.chain([config.node.advertised]).map(|endpoint| (endpoint, entry.id)));
            }
        }
        endpoints
    }
}

fn lock(dir: &Path) -> Outcome<File> {
    let path = dir.join(".lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.doing(|| format!("cannot use the folder {}", dir.display()))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        Failure::new(format!("a cluster is already running in {}", dir.display()))
            .next("`kafka-lab status` shows it; stop it first, or give another --dir and --port.")
    })?;
    Ok(file)
}

fn controller_port(wish: &Wish, index: u16) -> u16 {
    wish.port.saturating_add(100).saturating_add(index)
}

/// Combined node ids count from one.
fn combined_index(entry: &NodeEntry) -> u16 {
    (entry.id.0 - 1) as u16
}

fn port_of(address: &str) -> u16 {
    properties::address_of(address).map_or(0, |endpoint| endpoint.port)
}

fn voters(wish: &Wish) -> String {
    let count = if wish.combined { wish.controllers.min(wish.brokers) } else { wish.controllers };
    let first = if wish.combined { 1 } else { 101 };
    let voters = (0..count).map(|i| format!("{}@{HOST}:{}", first + i, controller_port(wish, i)));
    voters.collect::<Vec<_>>().join(",")
}

/// The cluster that was wished for.
fn plan(dir: &Path, wish: &Wish) -> Outcome<ClusterFile> {
    if wish.brokers == 0 || wish.controllers == 0 {
        return Err(Failure::usage("a cluster has at least one broker and one controller"));
    }
    if wish.brokers > 99 || wish.controllers > 99 {
        return Err(Failure::usage("at most 99 brokers and 99 controllers: their ids and ports would overlap"));
    }
    if u32::from(wish.port) + 100 + u32::from(wish.controllers.max(wish.brokers)) > 65_535 || wish.port == 0 {
        return Err(Failure::usage(format!("--port {} leaves no room: ports up to {0}+199 are used", wish.port)));
    }
    let entry = |id: u16, roles: &str, port: u16| NodeEntry {
        id: NodeId(i32::from(id)),
        roles: roles.into(),
        address: format!("{HOST}:{port}"),
        dir: dir.join(format!("node-{id}")),
        pid: None,
    };
    let mut nodes = Vec::new();
    if !wish.combined {
        nodes.extend((0..wish.controllers).map(|i| entry(101 + i, "controller", controller_port(wish, i))));
    }
    nodes.extend((0..wish.brokers).map(|i| {
        let roles = if wish.combined && i < wish.controllers { "broker,controller" } else { "broker" };
        entry(1 + i, roles, wish.port + i)
    }));
    let bootstrap = (0..wish.brokers).map(|i| format!("{HOST}:{}", wish.port + i)).collect::<Vec<_>>().join(",");
    Ok(ClusterFile {
        cluster_id: node::random_uuid().to_string(),
        bootstrap,
        http: None,
        supervisor_pid: None,
        nodes,
        presets: presets(wish),
    })
}

/// What differs from Kafka's defaults so that a small cluster is usable.
fn presets(wish: &Wish) -> Vec<PresetEntry> {
    let brokers = wish.brokers;
    let copies = brokers.min(3).to_string();
    let mut wanted = vec![("group.initial.rebalance.delay.ms", "0".to_owned(), "3000")];
    if brokers < 3 {
        wanted.push(("offsets.topic.replication.factor", copies.clone(), "3"));
        wanted.push(("transaction.state.log.replication.factor", copies, "3"));
        wanted.push(("transaction.state.log.min.isr", "1".to_owned(), "2"));
    }
    wanted
        .into_iter()
        .filter(|(key, ..)| !wish.config.iter().any(|(given, _)| given == key))
        .map(|(key, value, kafka_default)| PresetEntry { key: key.into(), value, kafka_default: kafka_default.into() })
        .collect()
}
