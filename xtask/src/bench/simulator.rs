//! The simulator's speed, natively.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

/// Simulated seconds a second, at Kafka's client defaults and at linger 100 ms.
pub fn simulator(binary: &Path) -> Result<()> {
    let sh = Shell::new()?;
    for linger in ["5", "100"] {
        let out =
            cmd!(sh, "{binary} sim --scenario three-brokers --for 120s --linger {linger} --json").quiet().read()?;
        let last: Value = serde_json::from_str(out.lines().last().context("sim printed nothing")?)?;
        let ratio = last["sim_ms"].as_f64().unwrap_or(0.0) / last["wall_ms"].as_f64().unwrap_or(1.0).max(1.0);
        println!(
            "simulator, native, linger {linger} ms: {ratio:.0} times real time ({} frames; aim 250)",
            last["frames"]
        );
    }
    Ok(())
}
