//! The commands of ../../README.md, read from standard input and answered on standard output, a JSON object a line.

use std::{fmt::Display, io::BufRead};

use serde_json::{Value, json};

/// What a command came to.
pub enum Failed {
    /// The library has no such thing; says why.
    Lacks(&'static str),
    Error(String),
}

impl<E: Display> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Error(error.to_string())
    }
}

pub type Answer = Result<Value, Failed>;

/// Answers command after command until standard input ends.
pub async fn serve(library: &str, version: &str, answer: impl AsyncFn(&str, &Value) -> Answer) {
    println!("{}", json!({ "library": library, "version": version }));
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let said = match serde_json::from_str::<Value>(&line) {
            Ok(command) => match answer(command["do"].as_str().unwrap_or_default(), &command).await {
                Ok(answer) => answer,
                Err(Failed::Lacks(why)) => json!({ "lacks": why }),
                Err(Failed::Error(error)) => json!({ "error": error }),
            },
            Err(error) => json!({ "error": error.to_string() }),
        };
        println!("{said}");
    }
}

pub fn text<'a>(command: &'a Value, name: &str) -> &'a str {
    command[name].as_str().unwrap_or_default()
}

pub fn count(command: &Value) -> usize {
    command["count"].as_u64().unwrap_or_default() as usize
}

/// The records that are to be written.
pub fn records(command: &Value) -> &[Value] {
    command["records"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Name and value of each header.
pub fn headers(record: &Value) -> impl Iterator<Item = (&str, Option<&str>)> {
    let pairs = record["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    pairs.iter().map(|pair| (pair[0].as_str().unwrap_or_default(), pair[1].as_str()))
}

/// A record that was read.
pub fn read<'a>(
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>,
) -> Value {
    let text = |data: &[u8]| String::from_utf8_lossy(data).into_owned();
    let headers: Vec<_> = headers.map(|(name, value)| json!([name, value.map(text)])).collect();
    json!({ "key": key.map(text), "value": value.map(text), "headers": headers })
}
