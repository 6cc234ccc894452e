//! Apache Kafka itself, from Maven Central, to compare with: its jars, its nodes, its tools.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::tools::{say, which};

pub const VERSION: &str = "4.3.1";

/// The folder of Kafka's jars, fetched with Maven when absent. `None` without Java or Maven, with a printed reason.
pub fn jars() -> Result<Option<PathBuf>> {
    let libs = crate::root().join("target/peer/libs");
    if which("java").is_none() {
        say("not found: java. What compares with Apache Kafka is skipped; install a JDK 17 or newer.");
        return Ok(None);
    }
    if libs.join(".complete").exists() {
        return Ok(Some(libs));
    }
    if which("mvn").is_none() {
        say("not found: mvn. What compares with Apache Kafka is skipped; install Maven.");
        return Ok(None);
    }
    say(&format!("fetching Apache Kafka {VERSION} with Maven"));
    std::fs::create_dir_all(&libs)?;
    let pom = libs.with_file_name("pom.xml");
    std::fs::write(&pom, pom_text())?;
    let status = Command::new("mvn")
        .args(["-q", "-f"])
        .arg(&pom)
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", libs.display()))
        .status()?;
    ensure!(status.success(), "Maven could not fetch Apache Kafka: {status}");
    std::fs::write(libs.join(".complete"), "")?;
    Ok(Some(libs))
}

fn pom_text() -> String {
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>"
        )
    };
    format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>lab</groupId><artifactId>peer</artifactId><version>1</version>\
         <dependencies>{}{}{}</dependencies></project>\n",
        dependency("org.apache.kafka", "kafka_2.13", VERSION),
        dependency("org.apache.kafka", "kafka-tools", VERSION),
        dependency("org.slf4j", "slf4j-simple", "1.7.36"),
    )
}

/// A Java program of Kafka's by its class.
pub fn java(libs: &Path, class: &str) -> Command {
    let mut command = Command::new("java");
    command.arg("-cp").arg(libs.join("*")).arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=error").arg(class);
    command
}

/// Combined nodes of Apache Kafka on loopback; killed by pid when dropped.
pub struct Peer {
    nodes: Vec<Child>,
    /// What each was started with.
    commands: Vec<Command>,
    pub bootstrap: String,
    _dir: tempfile::TempDir,
}

impl Peer {
    pub fn up(libs: &Path, count: usize) -> Result<Self> {
        Self::up_with(libs, count, &[])
    }

    /// With keys of `server.properties`.
    pub fn up_with(libs: &Path, count: usize, config: &[(&str, &str)]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let ports: Vec<(u16, u16)> = (0..count).map(|_| Ok((free_port()?, free_port()?))).collect::<Result<_>>()?;
        let voters: Vec<String> =
            ports.iter().enumerate().map(|(i, (_, c))| format!("{}@127.0.0.1:{c}", i + 1)).collect();
        let replicas = count.min(3);
        let id = String::from_utf8(java(libs, "kafka.tools.StorageTool").arg("random-uuid").output()?.stdout)?;
        let (mut nodes, mut commands) = (Vec::new(), Vec::new());
        for (i, (client, controller)) in ports.iter().enumerate() {
            let file = dir.path().join(format!("node{}.properties", i + 1));
            let mut text = format!(
                "process.roles=broker,controller\nnode.id={}\ncontroller.quorum.voters={}\n\
                 listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}\n\
                 advertised.listeners=PLAINTEXT://127.0.0.1:{client}\ncontroller.listener.names=CONTROLLER\n\
                 log.dirs={}\noffsets.topic.replication.factor={replicas}\n",
                i + 1,
                voters.join(","),
                dir.path().join(format!("data{}", i + 1)).display(),
            );
            config.iter().for_each(|(key, value)| text += &format!("{key}={value}\n"));
            std::fs::write(&file, text)?;
            let format =
                java(libs, "kafka.tools.StorageTool").args(["format", "-t", id.trim(), "-c"]).arg(&file).output()?;
            ensure!(format.status.success(), "kafka-storage format: {}", String::from_utf8_lossy(&format.stderr));
            let mut node = Command::new("java");
            node.args(["-Xms512m", "-Xmx512m", "-XX:+UseG1GC", "-cp"]).arg(libs.join("*"));
            node.args(["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "kafka.Kafka"]).arg(&file);
            nodes.push(node.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
            commands.push(node);
        }
        let bootstrap = ports.iter().map(|(client, _)| format!("127.0.0.1:{client}")).collect::<Vec<_>>().join(",");
        Ok(Self { nodes, commands, bootstrap, _dir: dir })
    }

    /// Ends a node at once, as `kill -9` does, and starts it again.
    pub fn kill_and_start(&mut self, index: usize) -> Result<()> {
        self.nodes[index].kill()?;
        self.nodes[index].wait()?;
        self.nodes[index] = self.commands[index].spawn()?;
        Ok(())
    }

    pub fn pids(&self) -> Vec<u32> {
        self.nodes.iter().map(Child::id).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").context("finding a free port")?.local_addr()?.port())
}
