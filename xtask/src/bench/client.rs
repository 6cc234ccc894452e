//! The clients in C under `xtask/bench`, compiled against Debian's librdkafka.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::tools::say;

/// `None`, with a printed reason, where it cannot be compiled.
pub fn compiled(name: &str) -> Result<Option<PathBuf>> {
    let source = crate::root().join(format!("xtask/bench/{name}.c"));
    let output = crate::root().join(format!("target/bench-{name}"));
    let sh = Shell::new()?;
    let compiled = cmd!(sh, "cc -O2 -o {output} {source} -lrdkafka").quiet().ignore_stderr().run();
    if compiled.is_err() {
        say(&format!("no librdkafka to compile {name}.c against (Debian: apt-get install librdkafka-dev): skipped"));
        return Ok(None);
    }
    Ok(Some(output))
}
