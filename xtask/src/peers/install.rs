//! Fetches and builds what the programs under `xtask/peers` need, into `target/peers`, through the ordinary clients of
//! each ecosystem and in pinned versions. What is there already is left alone, so a second run takes seconds.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::{
    peer,
    tools::{say, which},
};

/// How to start a program; `BOOTSTRAP` and more follow.
#[derive(Clone)]
pub struct Program {
    pub path: PathBuf,
    pub args: Vec<String>,
}

pub fn sources() -> PathBuf {
    crate::root().join("xtask/peers")
}

fn place() -> PathBuf {
    crate::root().join("target/peers")
}

fn shell() -> Result<Shell> {
    fs::create_dir_all(place())?;
    Ok(Shell::new()?)
}

/// Runs `install` unless it has run with these very files. How long it takes is said first.
fn once(name: &str, takes: &str, pins: &[&Path], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = place().join(format!("{name}.installed"));
    let mut wanted = String::new();
    for pin in pins {
        wanted += &fs::read_to_string(pin).with_context(|| pin.display().to_string())?;
    }
    if fs::read_to_string(&stamp).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    say(&format!("peers: installing {name} into target/peers ({takes}, once)"));
    install()?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// Debian's packages, where they can be installed; elsewhere they are named.
fn packages(names: &[&str]) -> Result<()> {
    let sh = shell()?;
    let install = format!("apt-get install {}", names.join(" "));
    let root = cmd!(sh, "id -u").quiet().read().is_ok_and(|id| id == "0");
    ensure!(which("apt-get").is_some() && root, "needs Debian's packages: {install}");
    say(&format!("peers: {install}"));
    cmd!(sh, "apt-get update -q").quiet().ignore_stdout().run()?;
    let quiet = cmd!(sh, "apt-get install -qy {names...}").env("DEBIAN_FRONTEND", "noninteractive");
    quiet.quiet().ignore_stdout().ignore_stderr().run().with_context(|| install)
}

pub fn kcat() -> Result<PathBuf> {
    if which("kcat").is_none() {
        packages(&["kcat"])?;
    }
    which("kcat").context("not found: kcat")
}

/// A script by the libraries of `requirements.txt`, in a virtual environment.
pub fn python(script: &str) -> Result<Program> {
    let sh = shell()?;
    let (venv, requirements) = (place().join("venv"), sources().join("python/requirements.txt"));
    let python = venv.join("bin/python");
    ensure!(which("python3").is_some(), "not found: python3");
    once("python", "about half a minute", &[&requirements], || {
        cmd!(sh, "python3 -m venv --clear {venv}").quiet().run()?;
        Ok(cmd!(sh, "{python} -m pip install --quiet --requirement {requirements}").quiet().run()?)
    })?;
    Ok(Program { path: python, args: vec![text(sources().join("python").join(script))] })
}

/// A script of `node/` or `confluent-js/`. It is copied beside its libraries, where node looks for them.
pub fn node(folder: &str, script: &str) -> Result<Program> {
    let sh = shell()?;
    ensure!(which("npm").is_some(), "not found: npm");
    let node = which("node").context("npm without node")?;
    for folder in ["node", "confluent-js"] {
        fs::create_dir_all(place().join(folder))?;
        for entry in fs::read_dir(sources().join(folder))? {
            let entry = entry?;
            fs::copy(entry.path(), place().join(folder).join(entry.file_name()))?;
        }
    }
    let home = place().join(folder);
    let lock = home.join("package-lock.json");
    let confluent = folder == "confluent-js";
    let takes = if confluent { "it is built from its source: 6 minutes of CPU time" } else { "about 2 minutes" };
    once(folder, takes, &[&lock], || {
        if confluent {
            // It is linked with the system's, since its own would be fetched from elsewhere.
            let headers = ["zlib.h", "openssl/ssl.h", "zstd.h"].map(|header| Path::new("/usr/include").join(header));
            if !headers.iter().all(|header| header.exists()) {
                packages(&["zlib1g-dev", "libssl-dev", "libzstd-dev"])?;
            }
        }
        let _in = sh.push_dir(&home);
        let mut npm = cmd!(sh, "npm ci --silent --no-audit --no-fund")
            // Addons of before C++17, which the headers of Node 20 ask for.
            .env("CXXFLAGS", "-std=c++17");
        if confluent {
            npm = npm
                .env("CXXFLAGS", "")
                .env("CKJS_LINKING", "dynamic")
                .env("npm_config_build_from_source", "@confluentinc/kafka-javascript");
        }
        // Node's headers where they lie beside it; otherwise node-gyp fetches them.
        let prefix = node.canonicalize()?.ancestors().nth(2).map(Path::to_path_buf);
        if let Some(prefix) = prefix.filter(|prefix| prefix.join("include/node/node.h").exists()) {
            npm = npm.env("npm_config_nodedir", prefix);
        }
        let log = place().join(format!("{folder}.log"));
        let done = npm.quiet().ignore_status().output()?;
        fs::write(&log, [done.stdout, done.stderr].concat())?;
        ensure!(done.status.success(), "npm ci failed: see {}", log.display());
        Ok(())
    })?;
    Ok(Program { path: node, args: vec![text(home.join(script))] })
}

/// A command of the Go module.
pub fn go(command: &str) -> Result<Program> {
    let sh = shell()?;
    ensure!(which("go").is_some(), "not found: go");
    let (program, package) = (place().join("go").join(command), format!("./{command}"));
    let sum = sources().join("go/go.sum");
    if !program.exists() {
        say(&format!("peers: building {command} with go (about a minute, once)"));
    }
    let _in = sh.push_dir(sources().join("go"));
    ensure!(sum.exists(), "go.sum is missing");
    cmd!(sh, "go build -o {program} {package}").quiet().run()?;
    Ok(Program { path: program, args: Vec::new() })
}

/// A program of the Rust workspace.
pub fn rust(program: &str) -> Result<Program> {
    let sh = shell()?;
    let (manifest, target) = (sources().join("rust/Cargo.toml"), place().join("rust"));
    let path = target.join("debug").join(program);
    if !path.exists() {
        say("peers: building the Rust peers with librdkafka (about 3 minutes of CPU time, once)");
    }
    cmd!(sh, "cargo build --quiet --locked --manifest-path {manifest} --target-dir {target}")
        .quiet()
        .run()
        .context("the Rust peers need rustc 1.95 or newer and a C compiler")?;
    Ok(Program { path, args: Vec::new() })
}

/// A class of Kafka's own client.
pub fn java(class: &str) -> Result<Program> {
    let sh = shell()?;
    let java = which("java").context("not found: java")?;
    let libs = peer::jars()?.context("Kafka's jars are not there")?;
    let (classes, source) = (place().join("java"), sources().join("java").join(format!("{class}.java")));
    let jars = text(libs.join("*"));
    once(&format!("java {class}"), "seconds", &[&source], || {
        Ok(cmd!(sh, "javac -cp {jars} -d {classes} {source}").quiet().run()?)
    })?;
    let quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error".to_owned();
    let path = format!("{jars}:{}", classes.display());
    Ok(Program { path: java, args: vec!["-cp".into(), path, quiet, class.to_owned()] })
}

fn text(path: PathBuf) -> String {
    path.display().to_string()
}
