//! `cargo xtask bench`: prints figures; gates nothing.

use anyhow::{Result, bail};

pub fn bench(_names: &[String]) -> Result<()> {
    bail!("the benchmarks are not built yet")
}
