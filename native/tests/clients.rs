//! Clients that other people wrote, against a running cluster.

#[path = "cluster/lab.rs"]
#[allow(dead_code, reason = "the tests of a cluster use the rest")]
mod lab;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use lab::Cluster;

/// Pinned, so that a failure is ours.
const CONFLUENT_KAFKA: &str = "confluent-kafka==2.16.1";

/// A Python that has the client: made once in the target folder, or why there is none.
fn python() -> Result<PathBuf, String> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("venv");
    let python = venv.join("bin/python3");
    let run = |program: &Path, args: &[&str]| -> Result<(), String> {
        let output = Command::new(program).args(args).output().map_err(|e| format!("{}: {e}", program.display()))?;
        let said = || String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
        if output.status.success() { Ok(()) } else { Err(format!("{} {}: {}", program.display(), args[0], said())) }
    };
    if run(&python, &["-c", "import confluent_kafka"]).is_ok() {
        return Ok(python);
    }
    run(Path::new("python3"), &["-m", "venv", &venv.to_string_lossy()])?;
    run(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", CONFLUENT_KAFKA])?;
    Ok(python)
}

#[test]
fn confluent_kafka_does_what_an_application_does() {
    let python = match python() {
        Ok(python) => python,
        Err(why) => {
            eprintln!("SKIPPED: no Python with confluent-kafka: {why}");
            return;
        }
    };
    let cluster = Cluster::up(&["--brokers", "3", "--controllers", "1"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/confluent.py");
    let output = Command::new(python).arg(script).arg(cluster.bootstrap()).output().expect("python runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
    print!("{}", said(&output.stdout));
}
