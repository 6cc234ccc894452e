//! What every lesson must have: words for all that is shown, neither more nor longer, sources, scripts and questions.

use std::collections::BTreeSet;

use super::{Goal, Script, Step, Template, reader::Reader};
use crate::{fill::holes, interview::follow_key, raw::Text, trouble::Source};

impl Reader<'_> {
    /// The words that go with something: there, short enough, and with values that are known.
    pub(super) fn section(&mut self, source: Source<'_>, of: &Text, key: &str, names: &[String]) {
        if !self.words.has(key) {
            self.report(source, of, format!("en.md has no words for {key}"), format!("write a section ## {key}: ..."));
            return;
        }
        let line = self.words.line(key);
        let paragraphs = self.words.paragraphs(key);
        let count: usize = paragraphs.iter().map(|p| p.split_whitespace().count()).sum();
        let texts: Vec<String> = paragraphs
            .iter()
            .chain(self.words.items(key))
            .map(String::as_str)
            .chain([self.words.heading(key)])
            .map(String::from)
            .collect();
        if count > 75 {
            let problem = format!("{key} has {count} words, more than fit beside a cluster");
            self.troubles.push(self.english.at_line(line, problem, "keep it to 60"));
        }
        for text in texts {
            for hole in holes(&text) {
                if !names.iter().any(|name| name == hole) {
                    let problem = format!("the value {{{hole}}} in {key} is not defined");
                    let cure = format!("define it under [facts] or [live]; there are {}", names.join(", "));
                    self.troubles.push(self.english.at_line(line, problem, cure));
                }
            }
        }
    }

    /// Sections that nothing refers to are mistakes of spelling.
    pub(super) fn words_are_used(&mut self, steps: &[Step], goals: &[Goal], templates: &[Template]) {
        let mut known: BTreeSet<String> = ["simplified", "for-real", "done"].map(String::from).into();
        known.extend(steps.iter().map(|s| format!("step.{}", s.name)));
        known.extend(goals.iter().map(|g| format!("goal.{}", g.name)));
        known.extend(templates.iter().map(|t| format!("quiz.{}", t.name)));
        known.extend(templates.iter().filter(|t| t.follow.is_some()).map(|t| follow_key(&t.name)));
        let keys: Vec<String> = self.words.keys().map(String::from).collect();
        for key in keys {
            if !known.contains(&key) && self.troubles.is_empty() {
                let all = known.iter().cloned().collect::<Vec<_>>().join(", ");
                let line = self.words.line(&key);
                self.troubles.push(self.english.at_line(
                    line,
                    format!("nothing is called {key}"),
                    format!("there are {all}"),
                ));
            }
        }
        for key in ["simplified", "for-real", "done"] {
            if !self.words.has(key) {
                self.troubles.push(self.english.at_line(
                    1,
                    format!("the section {key} is missing"),
                    format!("write ## {key}: ..."),
                ));
            }
        }
    }

    /// What every lesson must have.
    pub(super) fn enough(&mut self, sources: &[String], minutes: u32, scripts: &[Script], templates: &[Template]) {
        let mut want = |enough: bool, problem: &str, cure: &str| {
            if !enough {
                self.troubles.push(self.lesson.at_line(1, problem, cure));
            }
        };
        want(!sources.is_empty(), "no source is given", "write sources = [\"class, KIP or command\", ...]");
        want((1..=10).contains(&minutes), "a lesson takes one to ten minutes", "split it");
        let right = scripts.iter().filter(|s| s.fails.is_none()).count();
        want(right >= 2, "there are fewer than two right scripts", "write two ways to reach the goals");
        want(
            scripts.len() - right >= 2,
            "there are fewer than two wrong scripts",
            "write two that fail, each with fails = \"goal\"",
        );
        want(templates.len() >= 2, "there are fewer than two questions", "write two or more [[quiz]] in quiz.toml");
    }
}
