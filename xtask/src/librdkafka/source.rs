//! Where the suite comes from: the npm package `@confluentinc/kafka-javascript` holds librdkafka's whole source, tests
//! included. It is fetched and built once, under `target/librdkafka`.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use super::suite::Suite;
use crate::{
    peer,
    tools::{say, which},
};

/// It brings librdkafka 2.15.1.
const PACKAGE: &str = "@confluentinc/kafka-javascript@1.10.1";

/// Fetches and builds what is not there yet.
pub fn prepare() -> Result<Suite> {
    let place = crate::root().join("target/librdkafka");
    let source = place.join("package/deps/librdkafka");
    fs::create_dir_all(&place)?;
    let sh = Shell::new()?;
    if !source.join("tests/test.c").exists() {
        if which("npm").is_none() {
            bail!("librdkafka's source comes with npm, which is not installed (Debian: apt-get install npm)");
        }
        say(&format!("fetching {PACKAGE}"));
        let _in = sh.push_dir(&place);
        let archive = cmd!(sh, "npm pack --silent {PACKAGE}").quiet().read()?;
        cmd!(sh, "tar xzf {archive}").quiet().run()?;
    }
    if !source.join("tests/test-runner").exists() {
        say("building librdkafka and its tests; this takes some minutes");
        let log = place.join("build.log");
        let configure = "./configure --disable-ssl --disable-curl --disable-gssapi --disable-zstd";
        let script = format!("({configure} && make libs && make -C tests build) >{} 2>&1", log.display());
        let _in = sh.push_dir(&source);
        let built = cmd!(sh, "sh -c {script}").quiet().run();
        built.with_context(|| format!("librdkafka cannot be built; {} says why", log.display()))?;
    }
    let kafka_path = kafka_path(&place)?;
    Suite::read(&source.join("tests"), kafka_path)
}

/// A few tests call Kafka's own scripts, from `$KAFKA_PATH/bin`. Made where Java is present.
fn kafka_path(place: &Path) -> Result<Option<std::path::PathBuf>> {
    let Some(libs) = peer::jars()? else { return Ok(None) };
    let bin = place.join("kafka/bin");
    fs::create_dir_all(&bin)?;
    for (name, class) in [
        ("kafka-topics", "org.apache.kafka.tools.TopicCommand"),
        ("kafka-configs", "kafka.admin.ConfigCommand"),
        ("kafka-acls", "kafka.admin.AclCommand"),
    ] {
        let script = bin.join(format!("{name}.sh"));
        let quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error";
        fs::write(&script, format!("#!/bin/sh\nexec java -cp '{}/*' {quiet} {class} \"$@\"\n", libs.display()))?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    }
    Ok(Some(place.join("kafka")))
}
