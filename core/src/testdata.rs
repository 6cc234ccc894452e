//! One interpreter for the behaviour tests in `core/testdata/*`: blocks of commands, `----`, and what they printed.
//! `REWRITE=1` writes down what comes out now; read the difference before you keep it.

use std::{fs, path::PathBuf};

/// Plays every file of `core/testdata/FOLDER`, each to a story of its own, and names the first line that differs.
/// A story is given one command at a time and answers with lines, or with nothing.
pub(crate) fn play<S: FnMut(&str) -> String>(folder: &str, new_story: impl Fn() -> S) {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no stories in {}", dir.display());
    let mut wrong = Vec::new();
    for file in files {
        let expected = fs::read_to_string(&file).unwrap();
        let told = tell(&expected, new_story());
        if told == expected {
            continue;
        }
        if std::env::var_os("REWRITE").is_some() {
            fs::write(&file, told).unwrap();
            continue;
        }
        let line = told.lines().zip(expected.lines()).position(|(told, expected)| told != expected);
        let line = line.unwrap_or_else(|| told.lines().count().min(expected.lines().count()));
        let [told, expected] = [&told, &expected].map(|text| text.lines().nth(line).unwrap_or("nothing"));
        wrong.push(format!("{}:{}\n  expected {expected}\n  got      {told}", file.display(), line + 1));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The text again, with the output that its commands have now. A line that begins with `#` is a remark.
fn tell(text: &str, mut story: impl FnMut(&str) -> String) -> String {
    let mut told = String::new();
    for block in text.split("\n\n") {
        let block = block.trim_matches('\n');
        let input = block.split_once("\n----").map_or(block, |(input, _)| input);
        if !told.is_empty() {
            told.push('\n');
        }
        told.push_str(input);
        told.push('\n');
        let commands: Vec<&str> = input.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        if !commands.is_empty() {
            told.push_str("----\n");
        }
        for line in commands.iter().flat_map(|command| story(command).lines().map(str::to_owned).collect::<Vec<_>>()) {
            told.push_str(line.trim_end());
            told.push('\n');
        }
    }
    told
}

/// The words after a command: `key=value`, or plain.
pub(crate) struct Words<'a>(pub Vec<&'a str>);

impl<'a> Words<'a> {
    /// The verb of a command, and the words behind it.
    pub(crate) fn of(command: &'a str) -> (&'a str, Self) {
        let mut words = command.split_whitespace();
        (words.next().unwrap_or_default(), Self(words.collect()))
    }

    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find_map(|word| word.split_once('=').filter(|(k, _)| *k == key).map(|(_, v)| v))
    }

    pub(crate) fn number<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.text(key).map(|v| v.parse().unwrap_or_else(|_| panic!("{key}={v} is no number")))
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0.contains(&name)
    }

    pub(crate) fn plain(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().copied().filter(|word| !word.contains('='))
    }

    pub(crate) fn ids(&self) -> Vec<i32> {
        self.plain().map(|word| word.parse().unwrap()).collect()
    }

    /// Pairs with keys that are not among `known`.
    pub(crate) fn others(&self, known: &[&str]) -> Vec<(&'a str, &'a str)> {
        self.0.iter().filter_map(|word| word.split_once('=')).filter(|(k, _)| !known.contains(k)).collect()
    }
}
