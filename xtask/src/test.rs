//! `cargo xtask test`: every check there is, stage by stage, with the time of each.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::{
    invariants,
    lab::{self, Build},
    recording, schemas, tidy,
    tools::{self, Tools, say},
};

type Stage = (&'static str, fn(&Shell, &Tools) -> Result<Outcome>);

enum Outcome {
    Passed,
    Skipped(&'static str),
}

/// In the order in which a mistake is cheapest to find.
const STAGES: &[Stage] = &[
    ("format", format),
    ("tidy", |_, _| tidy::tidy().map(|()| Outcome::Passed)),
    ("invariants", |_, _| invariants::check().map(|()| Outcome::Passed)),
    ("clippy", clippy),
    ("docs", docs),
    ("page", |sh, _| lab::build_page(sh, Build::Quick).map(|()| Outcome::Passed)),
    ("core", core),
    ("web", web),
    ("schemas", schemas),
    ("binary", binary),
    ("wasm", wasm),
    ("native", native),
    ("browser", browser),
    ("lab", lab_check),
];

pub fn test(names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| !STAGES.iter().any(|(stage, _)| stage == name)) {
        let known: Vec<&str> = STAGES.iter().map(|(name, _)| *name).collect();
        bail!("no stage {unknown}; there are {}", known.join(", "));
    }
    let started = Instant::now();
    let tools = tools::ensure_all()?;
    let sh = tools::shell()?;
    let mut times: Vec<(&str, Duration, &str)> = vec![("tools", started.elapsed(), "")];
    for (name, run) in STAGES.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|n| n == name)) {
        say(name);
        let begun = Instant::now();
        let outcome = run(&sh, &tools);
        let note = match &outcome {
            Ok(Outcome::Passed) => "",
            Ok(Outcome::Skipped(why)) => why,
            Err(_) => "FAILED",
        };
        times.push((name, begun.elapsed(), note));
        if outcome.is_err() {
            print_times(&times);
        }
        outcome?;
    }
    print_times(&times);
    println!("all stages passed in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn print_times(times: &[(&str, Duration, &str)]) {
    for (name, time, note) in times {
        println!("{name:<12} {:>7.1} s  {note}", time.as_secs_f64());
    }
}

fn format(sh: &Shell, _: &Tools) -> Result<Outcome> {
    cmd!(sh, "cargo fmt --all --check").quiet().run()?;
    Ok(Outcome::Passed)
}

fn schemas(_: &Shell, _: &Tools) -> Result<Outcome> {
    Ok(if schemas::compare(&[])? { Outcome::Passed } else { Outcome::Skipped("Kafka's jars are not here") })
}

fn clippy(sh: &Shell, _: &Tools) -> Result<Outcome> {
    cmd!(sh, "cargo clippy --quiet --workspace --exclude lab-web --all-targets -- -D warnings").quiet().run()?;
    cmd!(sh, "cargo clippy --quiet --package lab-web --target wasm32-unknown-unknown -- -D warnings").quiet().run()?;
    Ok(Outcome::Passed)
}

/// What is tested in one process: unit tests of all packages, and the tests of core and lessons.
fn core(sh: &Shell, _: &Tools) -> Result<Outcome> {
    let mut targets = vec!["--lib".to_owned(), "--bins".to_owned()];
    for package in ["core", "core/derive", "lessons", "xtask"] {
        targets.extend(test_files(package)?.iter().flat_map(|name| ["--test".to_owned(), name.clone()]));
    }
    test_host(sh, &targets).run()?;
    test_host(sh, &["--doc".to_owned()]).run()?;
    Ok(Outcome::Passed)
}

/// `cargo test` of some targets. All stages name the same packages: cargo chooses the features of a dependency by the
/// packages it is asked for, and compiles it again for each choice.
fn test_host<'a>(sh: &'a Shell, args: &[String]) -> xshell::Cmd<'a> {
    cmd!(sh, "cargo test --workspace --exclude lab-web {args...}").quiet()
}

/// The names of a package's integration tests, if it has some.
fn test_files(package: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let folder = crate::root().join(package).join("tests");
    if !folder.exists() {
        return Ok(names);
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "rs") || path.join("main.rs").exists() {
            names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

/// What of the page computes and does not draw, under Node. The rest of it is tested in a browser.
fn web(sh: &Shell, tools: &Tools) -> Result<Outcome> {
    if tools.node.is_none() {
        return Ok(Outcome::Skipped("skipped: no node"));
    }
    test_wasm(sh, &["--bin", "lab-web"]).run()?;
    Ok(Outcome::Passed)
}

/// `cargo test` of what the page is made of, compiled as the page is. As in `test_host`, always the same packages.
fn test_wasm<'a>(sh: &'a Shell, args: &[&str]) -> xshell::Cmd<'a> {
    cmd!(sh, "cargo test --profile wasm-quick --target wasm32-unknown-unknown -p lab-web -p lab-core {args...}")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
        .quiet()
}

/// The same stories as native, a session that ends in the hash that the native binary replays it to, and recordings of
/// real nodes, under Node.
fn wasm(sh: &Shell, tools: &Tools) -> Result<Outcome> {
    if tools.node.is_none() {
        return Ok(Outcome::Skipped("skipped: no node"));
    }
    let binary = crate::root().join("target/release/kafka-lab");
    let session = std::fs::read_to_string(crate::root().join("core/testdata/golden/session.txt"))?;
    let session = session.trim();
    let printed = cmd!(sh, "{binary} replay {session} --json").quiet().read()?;
    let last: serde_json::Value = serde_json::from_str(printed.lines().last().unwrap_or_default())?;
    let Some(hash) = last["hash"].as_str() else { bail!("replay printed no hash: {printed}") };
    println!("the native binary ends the session with {hash}");
    let recordings = recording::make(sh, &binary)?;
    test_wasm(sh, &["--test", "golden"]).env("LAB_GOLDEN_HASH", hash).env("LAB_RECORDINGS", recordings).run()?;
    Ok(Outcome::Passed)
}

fn binary(sh: &Shell, _: &Tools) -> Result<Outcome> {
    lab::build_binary(sh, Build::Quick)?;
    Ok(Outcome::Passed)
}

/// Real processes on loopback. The tests use the release binary: it is what people run.
fn native(sh: &Shell, tools: &Tools) -> Result<Outcome> {
    let binary = crate::root().join("target/release/kafka-lab");
    let names = test_files("native")?.into_iter().filter(|name| !BROWSER.contains(&name.as_str()));
    let targets: Vec<String> = names.flat_map(|name| ["--test".to_owned(), name]).collect();
    test_host(sh, &targets).env("KAFKA_LAB", binary).run()?;
    Ok(if tools.kcat.is_none() { Outcome::Skipped("kcat was absent: its tests were skipped") } else { Outcome::Passed })
}

/// The tests that need a browser.
const BROWSER: [&str; 3] = ["browser", "groups_page", "lessons_page"];

/// The page in real Chromium, found by role and name.
fn browser(sh: &Shell, tools: &Tools) -> Result<Outcome> {
    if tools.chromium.is_none() || tools.chromedriver.is_none() {
        return Ok(Outcome::Skipped("skipped: no chromium or chromedriver"));
    }
    let binary = crate::root().join("target/release/kafka-lab");
    let axe = tools::ensure_axe(sh);
    let targets: Vec<String> = BROWSER.iter().flat_map(|&name| ["--test".to_owned(), name.to_owned()]).collect();
    let run = test_host(sh, &targets).env("KAFKA_LAB", binary);
    match &axe {
        Some(axe) => run.env("AXE", axe).run()?,
        None => run.run()?,
    }
    Ok(if axe.is_none() { Outcome::Skipped("axe-core was absent: its test was skipped") } else { Outcome::Passed })
}

fn docs(sh: &Shell, _: &Tools) -> Result<Outcome> {
    cmd!(sh, "cargo doc --quiet --no-deps --package lab-core --package lab-derive")
        .env("RUSTDOCFLAGS", "-Dwarnings -Arustdoc::private_intra_doc_links")
        .quiet()
        .run()?;
    Ok(Outcome::Passed)
}

fn lab_check(_: &Shell, _: &Tools) -> Result<Outcome> {
    lab::lab(&["--check".to_owned()])?;
    Ok(Outcome::Passed)
}
