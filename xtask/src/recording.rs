//! Short recordings of real nodes, for the test that replays them on wasm32.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::{bench, peer};

/// Runs a cluster of one controller and one broker, which is killed and started again, and replays natively what was
/// recorded. Gives a file with all recordings, each after its length in 8 bytes, little-endian.
pub fn make(sh: &Shell, binary: &Path) -> Result<PathBuf> {
    let dir = crate::root().join("target/recorded");
    sh.remove_path(&dir)?;
    let port = bench::cluster::free_range()?;
    let bootstrap = format!("127.0.0.1:{port}");
    let http = format!("127.0.0.1:{}", peer::free_port()?);
    let mut up = Command::new(binary)
        .args(["up", "--record", "--brokers", "1", "--controllers", "1", "--http", &http])
        .args(["--port", &port.to_string(), "--dir"])
        .arg(&dir)
        .stdout(Stdio::piped())
        .spawn()?;
    let lived = live(sh, binary, &dir, &bootstrap, &mut up);
    let pid = up.id().to_string();
    cmd!(sh, "kill -TERM {pid}").quiet().run()?;
    let ended = up.wait()?;
    lived?;
    ensure!(ended.success(), "the recorded cluster ended with {ended}");

    let mut bundle = Vec::new();
    for (name, clean) in [("node-101/recording", true), ("node-1/recording", false), ("node-1/recording.2", true)] {
        let path = dir.join(name);
        let printed = cmd!(sh, "{binary} replay {path} --json").quiet().read()?;
        let replayed: serde_json::Value = serde_json::from_str(&printed)?;
        ensure!(replayed["ended"] == clean, "{name} should have ended {}cleanly", if clean { "" } else { "un" });
        println!("the native binary replays {} inputs of {name} to {}", replayed["inputs"], replayed["hash"]);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        bundle.extend((bytes.len() as u64).to_le_bytes());
        bundle.extend(bytes);
    }
    let path = dir.join("recordings");
    std::fs::write(&path, bundle)?;
    Ok(path)
}

/// What happens to the cluster while it is recorded.
fn live(sh: &Shell, binary: &Path, dir: &Path, bootstrap: &str, up: &mut Child) -> Result<()> {
    let mut lines = BufReader::new(up.stdout.take().expect("piped")).lines();
    if !lines.by_ref().map_while(|line| line.ok()).any(|line| line.starts_with("ready bootstrap=")) {
        bail!("the cluster to be recorded did not start");
    }
    let orders: String = (0..100).map(|number| format!("order {number}\n")).collect();
    cmd!(sh, "{binary} topics create orders --partitions 2 --bootstrap {bootstrap}").quiet().ignore_stdout().run()?;
    cmd!(sh, "{binary} produce orders --bootstrap {bootstrap}").quiet().ignore_stderr().stdin(&orders).run()?;
    cmd!(sh, "{binary} kill 1 --dir {dir}").quiet().ignore_stdout().run()?;
    cmd!(sh, "{binary} start 1 --dir {dir}").quiet().ignore_stdout().run()?;
    cmd!(sh, "{binary} produce orders --bootstrap {bootstrap}").quiet().ignore_stderr().stdin(&orders).run()?;
    let read = cmd!(sh, "{binary} consume orders --exit --bootstrap {bootstrap}").quiet().ignore_stderr().read()?;
    ensure!(read.lines().count() == 200, "{} records of 200 came back", read.lines().count());
    Ok(())
}
