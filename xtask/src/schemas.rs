//! `cargo xtask schemas [PATH]`: compares our message structs with the JSON schemas inside Apache Kafka's jars, and the
//! table of configuration keys with what Kafka's classes define (`--renew` writes the table anew).
//!
//! Every field's name, order, type, versions, nullability, tag, default and ignorability, and the key, name and first
//! flexible version of every API. The jars are taken from PATH (a folder of jars), `$PEER_DIR/libs`, Maven's local
//! repository, or fetched with Maven; without Maven the compare is skipped and says so.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::{
    peer,
    tools::{say, which},
};

/// The jars that hold schemas of ours.
const JARS: [&str; 4] = ["kafka-clients", "kafka-metadata", "kafka-raft", "kafka-group-coordinator"];

/// Whether the compare took place; `false` when there is nothing to compare with.
pub fn compare(args: &[String]) -> Result<bool> {
    let Some(jars) = find_jars(args.first().map(Path::new))? else { return Ok(false) };
    let kafka = read_jars(&jars)?;
    let sh = Shell::new()?;
    sh.change_dir(crate::root());
    // The packages of `cargo xtask test`, so that nothing is compiled twice.
    cmd!(sh, "cargo build --quiet --workspace --exclude lab-web --example schemas").quiet().run()?;
    let program = crate::root().join("target/debug/examples/schemas");
    let ours = cmd!(sh, "{program}").quiet().read()?;
    let ours: Value = serde_json::from_str(&ours)?;

    let mut differences = Vec::new();
    let mut fields = 0;
    for message in list(&ours["messages"]) {
        let name = text(&message["name"]);
        match kafka.get(name) {
            None => differences.push(format!("{name}: Kafka has no such message")),
            Some(schema) => fields += compare_message(message, schema, &mut differences),
        }
    }
    compare_apis(&ours["apis"], &kafka, &mut differences);
    ensure!(differences.is_empty(), "differs from Kafka {}:\n  {}", peer::VERSION, differences.join("\n  "));
    configuration_keys(&jars, false)?;
    let messages = list(&ours["messages"]).len();
    say(&format!("{messages} messages with {fields} fields are as in Apache Kafka {}", peer::VERSION));
    Ok(true)
}

/// The table of configuration keys against what Kafka's classes define; `renew` writes it anew. It takes Java.
fn configuration_keys(jars: &[PathBuf], renew: bool) -> Result<()> {
    let Some(folder) = jars.first().and_then(|jar| jar.parent()).filter(|_| which("java").is_some()) else {
        say("skipped: comparing configuration keys needs Java");
        return Ok(());
    };
    if !folder.join(format!("kafka-server-{}.jar", peer::VERSION)).exists() {
        say("skipped: comparing configuration keys needs a folder with all of Kafka's jars");
        return Ok(());
    }
    let file = crate::root().join("core/src/config/keys.txt");
    let program = crate::root().join("core/testdata/configs/Definitions.java");
    let classes = format!("{}/*", folder.display());
    let sh = Shell::new()?;
    let printed = cmd!(sh, "java -cp {classes} {program}").quiet().ignore_stderr().read()? + "\n";
    if renew {
        fs::write(&file, &printed)?;
    }
    let known = fs::read_to_string(&file)?;
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let differences: Vec<String> = lines(&printed).symmetric_difference(&lines(&known)).cloned().collect();
    ensure!(
        differences.is_empty(),
        "core/src/config/keys.txt differs from Kafka {}; cargo xtask schemas --renew writes it anew:\n  {}",
        peer::VERSION,
        differences.join("\n  ")
    );
    say(&format!("{} configuration keys are as in Apache Kafka {}", known.lines().count() - 2, peer::VERSION));
    Ok(())
}

/// The jars, from the first place that has them all.
fn find_jars(given: Option<&Path>) -> Result<Option<Vec<PathBuf>>> {
    let complete = |jars: &[PathBuf; 4]| jars.iter().all(|jar| jar.exists());
    if let Some(folder) = given {
        let jars = in_folder(folder);
        ensure!(complete(&jars), "{} does not hold {}", folder.display(), jars.map(|jar| file_name(&jar)).join(", "));
        return Ok(Some(jars.to_vec()));
    }
    let mut places = Vec::new();
    if let Some(peer) = env::var_os("PEER_DIR") {
        places.push(in_folder(&Path::new(&peer).join("libs")));
    }
    if let Some(home) = env::var_os("HOME") {
        let repository = Path::new(&home).join(".m2/repository/org/apache/kafka");
        let version = peer::VERSION;
        places.push(JARS.map(|jar| repository.join(jar).join(version).join(format!("{jar}-{version}.jar"))));
    }
    if let Some(jars) = places.into_iter().find(complete) {
        return Ok(Some(jars.to_vec()));
    }
    if which("mvn").is_none() {
        say("skipped: comparing schemas needs Kafka's jars. Install Maven, or give a folder: cargo xtask schemas PATH");
        return Ok(None);
    }
    Ok(peer::jars()?.map(|libs| in_folder(&libs).to_vec()))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The jars of a folder that hold schemas.
pub fn in_folder(folder: &Path) -> [PathBuf; 4] {
    JARS.map(|jar| folder.join(format!("{jar}-{}.jar", peer::VERSION)))
}

/// All schemas in the jars, by message name.
pub fn read_jars(jars: &[PathBuf]) -> Result<BTreeMap<String, Value>> {
    let mut schemas = BTreeMap::new();
    for jar in jars {
        let mut archive = zip::ZipArchive::new(fs::File::open(jar)?).with_context(|| jar.display().to_string())?;
        for index in 0..archive.len() {
            let mut file = archive.by_index(index)?;
            let name = file.name().to_owned();
            if !name.starts_with("common/") || !name.ends_with(".json") {
                continue;
            }
            let mut content = String::new();
            file.read_to_string(&mut content)?;
            let schema: Value = serde_json::from_str(&without_comments(&content)).with_context(|| name.clone())?;
            schemas.insert(text(&schema["name"]).to_owned(), schema);
        }
    }
    ensure!(!schemas.is_empty(), "no schemas in {jars:?}");
    Ok(schemas)
}

/// Kafka's schema files have comments up to the end of a line, which JSON has not.
fn without_comments(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for line in json.lines() {
        let mut in_text = false;
        let mut previous = ' ';
        let comment = line.char_indices().find(|&(at, c)| {
            in_text ^= c == '"' && previous != '\\';
            previous = c;
            !in_text && line[at..].starts_with("//")
        });
        out.push_str(comment.map_or(line, |(at, _)| &line[..at]));
        out.push('\n');
    }
    out
}

/// Number of fields compared.
fn compare_message(ours: &Value, kafka: &Value, differences: &mut Vec<String>) -> usize {
    let name = text(&ours["name"]);
    for property in ["apiKey", "validVersions", "flexibleVersions"] {
        note(name, property, &ours[property], &kafka[property], differences);
    }
    compare_fields(name, list(&ours["fields"]), list(&kafka["fields"]), kafka, differences)
}

fn compare_fields(
    path: &str,
    ours: &[Value],
    kafka: &[Value],
    message: &Value,
    differences: &mut Vec<String>,
) -> usize {
    let names = |fields: &[Value]| fields.iter().map(|field| snake_case(text(&field["name"]))).collect::<Vec<_>>();
    if names(ours) != names(kafka) {
        differences.push(format!("{path}: fields {:?}, Kafka has {:?}", names(ours), names(kafka)));
        return 0;
    }
    let mut count = 0;
    for (ours, kafka) in ours.iter().zip(kafka) {
        let path = format!("{path}.{}", text(&ours["name"]));
        count += 1;
        // Kafka leaves out what is so by default.
        let absent =
            |property: &str, value: Value| if kafka[property].is_null() { value } else { kafka[property].clone() };
        note(&path, "versions", &ours["versions"], &kafka["versions"], differences);
        note(
            &path,
            "nullableVersions",
            &ours["nullableVersions"],
            &absent("nullableVersions", json!("none")),
            differences,
        );
        note(&path, "taggedVersions", &ours["taggedVersions"], &absent("taggedVersions", json!("none")), differences);
        note(&path, "ignorable", &ours["ignorable"], &absent("ignorable", json!(false)), differences);
        for property in ["tag", "flexibleVersions", "default"] {
            note(&path, property, &as_text(&ours[property]), &as_text(&kafka[property]), differences);
        }
        compare_types(&path, text(&ours["type"]), text(&kafka["type"]), differences);
        // A struct used twice is described once, under the message's commonStructs.
        let element = text(&kafka["type"]).trim_start_matches("[]");
        let common = list(&message["commonStructs"]).iter().find(|common| common["name"] == element);
        let nested = if kafka["fields"].is_null() { common.unwrap_or(kafka) } else { kafka };
        count += compare_fields(&path, list(&ours["fields"]), list(&nested["fields"]), message, differences);
    }
    count
}

/// Ours may have the message's name, or a part of it, before a struct's, where two messages of one file have structs of
/// one name.
fn compare_types(path: &str, ours: &str, kafka: &str, differences: &mut Vec<String>) {
    let arrays = |name: &str| name.matches("[]").count();
    let (element, expected) = (ours.trim_start_matches("[]"), kafka.trim_start_matches("[]"));
    let is_struct = expected.starts_with(|c: char| c.is_uppercase());
    let same = element == expected || is_struct && element.ends_with(expected);
    if !same || arrays(ours) != arrays(kafka) {
        differences.push(format!("{path}: type {ours}, Kafka has {kafka}"));
    }
}

/// Every API of Kafka's is in our table, under its name, and its requests are flexible from the same version on.
fn compare_apis(ours: &Value, kafka: &BTreeMap<String, Value>, differences: &mut Vec<String>) {
    let requests: Vec<&Value> =
        kafka.values().filter(|schema| schema["name"].as_str().is_some_and(is_request)).collect();
    for request in &requests {
        let name = text(&request["name"]).trim_end_matches("Request");
        let Some(api) = list(ours).iter().find(|api| api["apiKey"] == request["apiKey"]) else {
            differences.push(format!("API {} ({name}) is missing", request["apiKey"]));
            continue;
        };
        note(name, "name", &api["name"], &json!(name), differences);
        let flexible = request["flexibleVersions"].as_str().and_then(|versions| versions.strip_suffix('+'));
        let flexible = flexible.and_then(|version| version.parse::<i64>().ok());
        note(name, "first flexible version", &api["flexibleFrom"], &json!(flexible), differences);
    }
    if requests.len() != list(ours).len() {
        differences.push(format!("{} APIs, Kafka has {}", list(ours).len(), requests.len()));
    }
}

/// A request with a key, as opposed to the header of requests.
fn is_request(name: &str) -> bool {
    name.ends_with("Request")
}

fn note(path: &str, property: &str, ours: &Value, kafka: &Value, differences: &mut Vec<String>) {
    if ours != kafka {
        differences.push(format!("{path}: {property} {ours}, Kafka has {kafka}"));
    }
}

/// Kafka writes some numbers and booleans as texts and some not.
fn as_text(value: &Value) -> Value {
    match value {
        Value::Null | Value::String(_) => value.clone(),
        other => Value::String(other.to_string()),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// `LastKnownELR` is `last_known_elr`, `KRaftVersion` is `k_raft_version`. Leaves snake case as it is.
pub fn snake_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, &c) in chars.iter().enumerate() {
        let after_lower = i > 0 && (chars[i - 1].is_lowercase() || chars[i - 1].is_ascii_digit());
        let before_lower = chars.get(i + 1).is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && i > 0 && (after_lower || before_lower && chars[i - 1].is_uppercase()) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

pub fn run(args: &[String]) -> Result<()> {
    if let [renew, rest @ ..] = args
        && renew == "--renew"
        && rest.len() <= 1
    {
        let jars = find_jars(rest.first().map(Path::new))?.context("Kafka's jars are needed")?;
        return configuration_keys(&jars, true);
    }
    if args.len() > 1 {
        bail!("usage: cargo xtask schemas [--renew] [PATH]");
    }
    compare(args).map(drop)
}
