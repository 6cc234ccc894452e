//! The invariants of ARCHITECTURE.md, each as a check of what the code names and depends on.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::{root, tidy};

/// Files under `dir` must not contain any of `words`, except the files for which `allowed` holds.
struct Absent {
    invariant: &'static str,
    dir: &'static str,
    words: &'static [&'static str],
    allowed: fn(&str) -> bool,
}

const ABSENT: &[Absent] = &[
    Absent {
        invariant: "core knows no clock, thread, file or socket",
        dir: "core/src",
        words: &[
            "std::time::",
            "std::thread",
            "std::fs",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "tokio",
            "web_sys",
            "js_sys",
        ],
        // Tests read their text files; they are never part of the library.
        allowed: |file| file.contains("/tests/") || file.ends_with("/tests.rs"),
    },
    Absent {
        invariant: "the page names no type of the simulator outside backend/",
        dir: "web/src",
        words: &["lab_core::sim", "sim::World", "sim::timeline"],
        allowed: |file| file.starts_with("web/src/backend"),
    },
    Absent {
        invariant: "the driver knows no Kafka word beyond the length prefix",
        dir: "native/src/driver",
        words: &["lab_core::wire", "ApiKey", "Produce", "Fetch", "record batch"],
        allowed: |_| false,
    },
    Absent {
        invariant: "one seed is one run on 32 and 64 bits: draws of usize come from core/src/random.rs",
        dir: "core/src",
        words: &["rng.usize(", ".choice(", "rng.shuffle(", "rng.isize("],
        allowed: |file| file.contains("/tests") || file.ends_with("properties.rs") || file.ends_with("any_request.rs"),
    },
    Absent {
        invariant: "no unsafe code in core, lessons and web",
        dir: "core/src",
        words: &["unsafe {", "unsafe fn"],
        allowed: |_| false,
    },
];

pub fn check() -> Result<()> {
    let files = tidy::files(&root())?;
    let mut broken = Vec::new();
    for rule in ABSENT {
        for file in files.iter().filter(|f| f.starts_with(rule.dir) && f.extension().is_some_and(|e| e == "rs")) {
            broken.extend(breaches(rule, file)?);
        }
    }
    for krate in ["core/src/lib.rs", "lessons/src/lib.rs", "web/src/main.rs"] {
        let text = std::fs::read_to_string(root().join(krate))?;
        if !text.contains("#![forbid(unsafe_code)]") {
            broken.push(format!("{krate}: unsafe code is forbidden here by `#![forbid(unsafe_code)]`"));
        }
    }
    ensure!(broken.is_empty(), "broken invariants:\n  {}", broken.join("\n  "));
    check_dependencies()
}

fn breaches(rule: &Absent, file: &Path) -> Result<Vec<String>> {
    let name = file.to_string_lossy();
    if (rule.allowed)(&name) {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(root().join(file))?;
    // Tests at the end of a file are no part of the library.
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    let found = code.flat_map(|(number, line)| {
        let words = rule.words.iter().filter(move |word| line.contains(**word));
        words.map(move |word| (number, word))
    });
    Ok(found.map(|(number, word)| format!("{}: {name}:{}: `{word}`", rule.invariant, number + 1)).collect())
}

/// What core may never pull in, asked of cargo itself.
fn check_dependencies() -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(root());
    let tree = cmd!(sh, "cargo tree --package lab-core --edges normal --prefix none").quiet().read()?;
    for banned in ["tokio", "web-sys", "js-sys", "getrandom", "mio"] {
        if tree.lines().any(|line| line.split(' ').next() == Some(banned)) {
            bail!("lab-core depends on {banned}: core stays free of clocks, sockets and the browser");
        }
    }
    check_versions(&sh)
}

/// Crates that others bring in a second version; each with who does, so that the list shrinks when they move on.
const SECOND_VERSIONS: &[(&str, &str)] = &[
    ("block-buffer", "digest 0.10, see there"),
    ("cpufeatures", "digest 0.10, see there"),
    ("crypto-common", "digest 0.10, see there"),
    ("digest", "axum's WebSocket still names sha1 0.10; rust-embed is a version ahead"),
    ("getrandom", "tungstenite still names rand 0.9"),
    ("http", "gloo-net 0.5, which gloo 0.11 brings, names version 0.2"),
    ("syn", "the macros of yew and gloo, at build time only"),
    ("thiserror", "gloo 0.11 names version 1"),
    ("toml_datetime", "the macros of gloo, at build time only"),
    ("winnow", "the macros of gloo, at build time only"),
];

/// What is linked into the binary or the page comes in one version. Build tools and test tools of others' making are
/// not ours to choose.
fn check_versions(sh: &Shell) -> Result<()> {
    let tree = cmd!(sh, "cargo tree --workspace --edges normal --duplicates --depth 0 --prefix none").quiet().read()?;
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let doubled = |line: &&str| !line.trim().is_empty() && !line.contains("(proc-macro)");
    let new: Vec<&str> = tree
        .lines()
        .filter(doubled)
        .filter(|line| !SECOND_VERSIONS.iter().any(|(known, _)| *known == name(line)))
        .collect();
    ensure!(new.is_empty(), "more than one version of:\n  {}", new.join("\n  "));
    for (krate, _) in SECOND_VERSIONS {
        ensure!(
            tree.lines().any(|line| name(line) == *krate),
            "{krate} comes in one version now: strike it off SECOND_VERSIONS"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_invariants_hold() {
        if let Err(error) = super::check() {
            panic!("{error}");
        }
    }
}
