//! The words of a lesson, one file a language: `# Title`, then sections `## key: heading` with their text.
//!
//! A section's text is paragraphs, and items that begin with `- ` or `1. `. Inside stand `code`, **strong** words and
//! {values}. Numbers belong in braces, so that none can contradict the cluster.

use crate::trouble::{Source, Trouble};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    pub title: String,
    /// One sentence.
    pub summary: String,
    sections: Vec<Section>,
}

#[derive(Clone, Debug, PartialEq)]
struct Section {
    key: String,
    heading: String,
    paragraphs: Vec<String>,
    items: Vec<String>,
    line: usize,
}

impl Words {
    pub(crate) fn read(text: &str) -> Self {
        let mut words = Self::default();
        let mut open = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(rest) = line.strip_prefix("## ") {
                let (key, heading) = rest.split_once(':').unwrap_or((rest, ""));
                let (key, heading) = (key.trim().to_string(), heading.trim().to_string());
                let section = Section { key, heading, paragraphs: Vec::new(), items: Vec::new(), line: number + 1 };
                words.sections.push(section);
                open = false;
            } else if let Some(title) = line.strip_prefix("# ") {
                words.title = title.to_string();
            } else if line.is_empty() {
                open = false;
            } else if let Some(section) = words.sections.last_mut() {
                let numbered = line.split_once(". ").filter(|(n, _)| n.parse::<u8>().is_ok()).map(|(_, text)| text);
                if let Some(item) = line.strip_prefix("- ").or(numbered) {
                    section.items.push(item.to_string());
                    open = true;
                } else if open && !section.items.is_empty() {
                    extend(section.items.last_mut(), line);
                } else if open {
                    extend(section.paragraphs.last_mut(), line);
                } else {
                    section.paragraphs.push(line.to_string());
                    open = true;
                }
            } else {
                extend(Some(&mut words.summary), line);
            }
        }
        words
    }

    fn section(&self, key: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.key == key)
    }

    pub fn has(&self, key: &str) -> bool {
        self.section(key).is_some()
    }

    /// What stands after the key. Empty where there is nothing.
    pub fn heading(&self, key: &str) -> &str {
        self.section(key).map_or("", |section| &section.heading)
    }

    pub fn paragraphs(&self, key: &str) -> &[String] {
        self.section(key).map_or(&[], |section| &section.paragraphs)
    }

    pub fn items(&self, key: &str) -> &[String] {
        self.section(key).map_or(&[], |section| &section.items)
    }

    pub(crate) fn line(&self, key: &str) -> usize {
        self.section(key).map_or(1, |section| section.line)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.key.as_str())
    }
}

fn extend(text: Option<&mut String>, line: &str) {
    if let Some(text) = text {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(line);
    }
}

/// A piece of a text with its dress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inline {
    Plain(String),
    Code(String),
    Strong(String),
}

/// Takes a text apart at its backticks and double stars.
pub fn inline(text: &str) -> Vec<Inline> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let next = ["`", "**"].iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min();
        let Some((at, mark)) = next else { break };
        let Some(end) = rest[at + mark.len()..].find(mark) else { break };
        if at > 0 {
            pieces.push(Inline::Plain(rest[..at].into()));
        }
        let inner = rest[at + mark.len()..at + mark.len() + end].to_string();
        pieces.push(if mark == "`" { Inline::Code(inner) } else { Inline::Strong(inner) });
        rest = &rest[at + end + 2 * mark.len()..];
    }
    if !rest.is_empty() {
        pieces.push(Inline::Plain(rest.into()));
    }
    pieces
}

/// Numbers written by hand: in the state they may be others. Code, values in braces and names (KIP-848, Kafka 4.3.1) are
/// no such numbers.
pub(crate) fn loose_numbers(source: &Source<'_>) -> Vec<Trouble> {
    let mut found = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        if line.starts_with("## ") && !line.contains(": ") {
            continue;
        }
        let line = line.strip_prefix("## ").and_then(|l| l.split_once(": ")).map_or(line, |(_, heading)| heading);
        let item = line.trim_start().split_once(". ").filter(|(n, _)| n.parse::<u8>().is_ok());
        let line = item.map_or(line, |(_, text)| text);
        let mut plain = String::new();
        let mut until = None;
        for c in line.chars() {
            match (until, c) {
                (None, '`') => until = Some('`'),
                (None, '{') => until = Some('}'),
                (Some(end), c) if c == end => until = None,
                (None, c) => plain.push(c),
                (Some(_), _) => {}
            }
        }
        for word in plain.split_whitespace() {
            let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
            let named = word.starts_with("KIP-") || word == "4.3.1" || word.starts_with(|c: char| c.is_alphabetic());
            if word.contains(|c: char| c.is_ascii_digit()) && !named {
                let cure = "name the value under [facts] or [live] and write {its_name}, or spell it out as a word";
                found.push(source.at_line(
                    number + 1,
                    format!("{word:?} is a number that may contradict the state"),
                    cure,
                ));
            }
        }
    }
    found
}
