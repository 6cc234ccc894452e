//! The tests of the suite: which there are, and what one does on a cluster.

use std::{
    fmt,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::lab;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    Default,
    NoAutoCreate,
}

/// A test that needs a broker.
#[derive(Clone, Debug)]
pub struct Test {
    pub name: String,
    scenario: Scenario,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

pub struct Suite {
    folder: PathBuf,
    kafka_path: Option<PathBuf>,
    tests: Vec<Test>,
}

impl Scenario {
    pub const ALL: [Self; 2] = [Self::Default, Self::NoAutoCreate];

    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::NoAutoCreate => "noautocreate",
        }
    }
}

impl Test {
    pub fn number(&self) -> String {
        self.name.chars().take(4).collect()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => write!(f, "passes"),
            Self::Failed(why) => write!(f, "FAILS: {why}"),
            Self::Skipped(why) => write!(f, "skips itself: {why}"),
        }
    }
}

impl Suite {
    /// The list in `test.c`: entries `_TEST(name, flags, ...)`. Left out are tests without a broker, those to be run by
    /// hand, and those of share groups (KIP-932).
    pub fn read(folder: &Path, kafka_path: Option<PathBuf>) -> Result<Self> {
        let text = fs::read_to_string(folder.join("test.c"))?;
        let list = text.split_once("struct test tests[] = {").context("test.c has no list of tests")?.1;
        let list = list.split_once("{NULL}").context("the list of tests does not end")?.0;
        let mut tests = Vec::new();
        for entry in list.split("_TEST(").skip(1) {
            let name = entry.split(',').next().unwrap_or_default().trim().to_owned();
            let aside = ["TEST_F_LOCAL", "TEST_F_MANUAL"].iter().any(|flag| entry.contains(flag));
            if aside || name.contains("_share_") {
                continue;
            }
            let scenario = if entry.contains("noautocreate") { Scenario::NoAutoCreate } else { Scenario::Default };
            tests.push(Test { name, scenario });
        }
        Ok(Self { folder: folder.to_owned(), kafka_path, tests })
    }

    pub fn tests(&self, scenario: Scenario) -> impl Iterator<Item = Test> + '_ {
        self.tests.iter().filter(move |test| test.scenario == scenario).cloned()
    }

    /// Runs the tests of one number; name and outcome of each.
    pub fn run(
        &self,
        number: &str,
        scenario: Scenario,
        bootstrap: &str,
        limit: Duration,
    ) -> Result<Vec<(String, Outcome)>> {
        let config = self.folder.join("kafka-lab.conf");
        fs::write(&config, format!("bootstrap.servers={bootstrap}\n"))?;
        let log = self.folder.join(format!("kafka-lab-{number}.log"));
        let output = File::create(&log)?;
        let mut command = Command::new("./test-runner");
        command.current_dir(&self.folder).args(["-p1", "-Q", "-L", "-s", scenario.name()]);
        command.env("LD_LIBRARY_PATH", "../src:../src-cpp").env("RDKAFKA_TEST_CONF", &config).env("TESTS", number);
        // Tests look at the version to know what a broker can do.
        command.env("TEST_KAFKA_VERSION", crate::peer::VERSION).env("BROKERS", bootstrap);
        if let Some(path) = &self.kafka_path {
            command.env("KAFKA_PATH", path);
        }
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut child = command.spawn().context("test-runner does not start")?;
        let ended = lab::poll(limit, || child.try_wait().ok().flatten());
        if ended.is_none() {
            child.kill()?;
            child.wait()?;
        }
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let tests = self.tests.iter().filter(|test| test.scenario == scenario && test.number() == number);
        Ok(tests.map(|test| outcome(test, &said)).collect())
    }
}

/// From the summary, whose lines are `| NAME | STATE | SECONDSs | why`. A run that ended by an abort has none.
fn outcome(test: &Test, said: &str) -> (String, Outcome) {
    let plain = plain(said);
    let mut row = plain.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        (cells.next()? == test.name).then(|| (cells.next().unwrap_or_default(), cells.collect::<Vec<_>>()))
    });
    let failure = || {
        let mut lines = plain.lines().skip_while(|line| !line.starts_with("### Test \"0"));
        let head = lines.next().unwrap_or("### it ended without a summary");
        let place = head.split(" failed at ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        format!("{} {place}", lines.next().unwrap_or(head)).trim().chars().take(160).collect::<String>()
    };
    let Some((state, rest)) = row.next_back() else { return (test.name.clone(), Outcome::Failed(failure())) };
    let outcome = match state {
        "PASSED" => Outcome::Passed,
        "SKIPPED" => Outcome::Skipped(rest.get(1).copied().unwrap_or_default().to_owned()),
        _ => Outcome::Failed(failure()),
    };
    (test.name.clone(), outcome)
}

/// Without the colours of a terminal.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(c);
        }
    }
    out
}
