//! The server behind a page under test: the page alone, or a cluster with its page.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::page::free_ports;

/// A `kafka-lab` of this test's own, ended by pid when the test ends.
pub struct Server {
    child: Child,
    http: String,
    pub dir: Option<tempfile::TempDir>,
    /// Where a cluster's first broker listens.
    pub bootstrap: Option<String>,
}

impl Server {
    pub fn serve() -> Option<Self> {
        let http = format!("127.0.0.1:{}", free_ports());
        let child = Self::spawn(&["serve", "--http", &http])?;
        Some(Self { child, http, dir: None, bootstrap: None })
    }

    pub fn up() -> Option<Self> {
        Self::up_with(&[])
    }

    pub fn up_with(args: &[&str]) -> Option<Self> {
        let http = format!("127.0.0.1:{}", free_ports());
        let dir = tempfile::tempdir().expect("a folder for the cluster");
        let path = dir.path().display().to_string();
        let port = free_ports().to_string();
        let child = Self::spawn(&[&["up", "--dir", &path, "--http", &http, "--port", &port], args].concat())?;
        Some(Self { child, http, dir: Some(dir), bootstrap: Some(format!("127.0.0.1:{port}")) })
    }

    fn spawn(args: &[&str]) -> Option<Child> {
        for tool in ["chromium", "chromedriver"] {
            let found = std::env::var_os("PATH")
                .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()));
            if !found {
                println!("skipped: {tool} is not installed");
                return None;
            }
        }
        let child = Command::new(binary()).args(args).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Some(child.expect("kafka-lab starts"))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    pub fn status(&self) -> Value {
        let dir = self.dir.as_ref().expect("a cluster has a folder").path();
        let out = Command::new(binary()).args(["status", "--json", "--dir"]).arg(dir).output().expect("status runs");
        serde_json::from_slice(&out.stdout).expect("status --json prints JSON")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM, so that a cluster ends its own nodes; its folder goes with the test.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// The binary that people run, when `cargo xtask test` has built it; cargo's own otherwise.
pub fn binary() -> PathBuf {
    std::env::var_os("KAFKA_LAB").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_kafka-lab")), PathBuf::from)
}
