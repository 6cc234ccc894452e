//! A cluster of ours to measure, and finding ports for it.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{lab, peer};

/// A cluster of ours, ended with SIGTERM when dropped.
pub struct Ours {
    child: Child,
    dir: tempfile::TempDir,
    pub bootstrap: String,
    binary: PathBuf,
}

impl Ours {
    pub fn up(binary: &Path, nodes: usize) -> Result<Self> {
        Self::up_with(binary, nodes, &[])
    }

    /// With keys of `server.properties`.
    pub fn up_with(binary: &Path, nodes: usize, config: &[(&str, &str)]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let port = free_range()?;
        let mut child = Command::new(binary)
            .args(["up", "--brokers", &nodes.to_string(), "--combined", "--port", &port.to_string(), "--dir"])
            .arg(dir.path())
            .args(["--http", &format!("127.0.0.1:{}", peer::free_port()?)])
            .args(config.iter().flat_map(|(key, value)| ["--config".to_owned(), format!("{key}={value}")]))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("stdout was piped")?).lines();
        let ready =
            lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ready bootstrap=").map(str::to_owned));
        let bootstrap = ready.context("`up` ended before it was ready")?;
        Ok(Self { child, dir, bootstrap, binary: binary.to_owned() })
    }

    /// A command for this cluster: `kill 1`.
    pub fn order(&self, words: &[&str]) -> Result<()> {
        let out = Command::new(&self.binary).args(words).arg("--dir").arg(self.dir.path()).output()?;
        ensure!(out.status.success(), "{}: {}", words.join(" "), String::from_utf8_lossy(&out.stderr));
        Ok(())
    }

    pub fn pids(&self) -> Result<Vec<u32>> {
        let out = Command::new(&self.binary).args(["status", "--json", "--dir"]).arg(self.dir.path()).output()?;
        let status: Value = serde_json::from_slice(&out.stdout)?;
        let nodes = status["nodes"].as_array().context("status lists nodes")?;
        Ok(nodes.iter().filter_map(|n| n["pid"].as_u64().map(|p| p as u32)).collect())
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// A port such that brokers and controllers at their fixed distances are free as well.
pub fn free_range() -> Result<u16> {
    let free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    for _ in 0..200 {
        let port = peer::free_port()?;
        if port < 65_000 && [0, 1, 2, 100, 101, 102].into_iter().all(|i| free(port + i)) {
            return Ok(port);
        }
    }
    bail!("no free range of ports found")
}

pub fn wait_port(bootstrap: &str) -> Result<()> {
    for address in bootstrap.split(',') {
        lab::poll(Duration::from_secs(90), || TcpStream::connect(address).ok())
            .with_context(|| format!("{address} does not listen"))?;
    }
    Ok(())
}
