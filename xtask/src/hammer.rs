//! `cargo xtask hammer KIND`: hostile input by the million, without a peer. See `core/tests/hammer`.

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::tools::say;

const KINDS: [&str; 5] = ["requests", "responses", "batches", "snapshots", "files"];

/// Without a kind: all of them.
pub fn hammer(args: &[String]) -> Result<()> {
    let (mut kinds, mut inputs, mut seed) = (Vec::new(), 1_000_000_u64, 0_u64);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse().ok()).with_context(|| format!("{arg} needs a number"));
        match arg.as_str() {
            "--inputs" => inputs = number()?,
            "--seed" => seed = number()?,
            kind if KINDS.contains(&kind) => kinds.push(kind),
            other => bail!("hammer does not know {other}; it takes {}, --inputs N and --seed N", KINDS.join(", ")),
        }
    }
    if kinds.is_empty() {
        kinds = KINDS.to_vec();
    }
    let sh = Shell::new()?;
    sh.change_dir(crate::root());
    say("building the hammer, optimized and with all assertions");
    let (inputs, seed) = (inputs.to_string(), seed.to_string());
    cmd!(sh, "cargo build --quiet --profile hammer --package lab-core --example hammer").quiet().run()?;
    let program = crate::root().join("target/hammer/examples/hammer");
    let mut failed = Vec::new();
    for kind in kinds {
        say(&format!("{kind}: {inputs} inputs"));
        if cmd!(sh, "{program} {kind} {inputs} {seed}").quiet().run().is_err() {
            failed.push(kind);
        }
    }
    ensure!(failed.is_empty(), "these fail: {}", failed.join(", "));
    Ok(())
}
