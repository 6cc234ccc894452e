//! The libraries of the first act, and what each needs to run.

use std::path::PathBuf;

use anyhow::Result;

use super::install::{self, Program};

pub struct Library {
    pub name: &'static str,
    made: fn() -> Result<Program>,
}

/// Whether it can run here.
pub enum Here {
    Program(Program),
    Absent(String),
}

const LIBRARIES: [Library; 13] = [
    Library { name: "Java", made: || install::java("Peer") },
    Library { name: "kcat", made: kcat },
    Library { name: "confluent-kafka", made: || install::python("confluent.py") },
    Library { name: "kafka-python", made: || install::python("kafka_python.py") },
    Library { name: "aiokafka", made: || install::python("aio.py") },
    Library { name: "kafkajs", made: || install::node("node", "kafkajs.mjs") },
    Library { name: "@confluentinc/kafka-javascript", made: || install::node("confluent-js", "confluent.mjs") },
    Library { name: "@platformatic/kafka", made: || install::node("node", "platformatic.mjs") },
    Library { name: "franz-go", made: || install::go("franz") },
    Library { name: "sarama", made: || install::go("sarama") },
    Library { name: "kafka-go", made: || install::go("kafkago") },
    Library { name: "rdkafka (crate)", made: || install::rust("rdkafka") },
    Library { name: "krafka", made: || install::rust("krafka") },
];

/// kcat is driven by a script of the standard library's.
fn kcat() -> Result<Program> {
    install::kcat()?;
    let script = install::sources().join("python/kcat.py").display().to_string();
    Ok(Program { path: PathBuf::from("python3"), args: vec![script] })
}

/// The libraries whose names begin like one of these, or all; what they need is installed.
pub fn prepare(only: &[String]) -> Vec<(Library, Here)> {
    let wanted = LIBRARIES.into_iter().filter(|library| only.is_empty() || only.iter().any(|o| library.is_called(o)));
    wanted
        .map(|library| {
            let here = match (library.made)() {
                Ok(program) => Here::Program(program),
                Err(why) => Here::Absent(format!("{why:#}")),
            };
            (library, here)
        })
        .collect()
}

impl Library {
    fn is_called(&self, name: &str) -> bool {
        self.name.to_lowercase().contains(&name.to_lowercase())
    }
}
