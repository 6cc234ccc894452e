//! A question, read: its values, its lines, its options, and the case that Apache Kafka has answered.

use std::collections::BTreeSet;

use lab_core::sim::Scenario;
use toml::Spanned;

use super::{Choice, Pinned, Template, reader::Reader};
use crate::{interview::follow_key, raw::RawQuiz};

impl Reader<'_> {
    pub(super) fn template(
        &mut self,
        raw: RawQuiz,
        scenario: &str,
        facts: &[String],
        quizzes: &BTreeSet<String>,
    ) -> Option<Template> {
        let source = self.quiz;
        let draw = self.definitions(source, &raw.draw, facts);
        let mut names: Vec<String> = facts.iter().cloned().chain(draw.iter().map(|(n, _)| n.clone())).collect();
        let lets = self.definitions(source, &raw.lets, &names);
        names.extend(lets.iter().map(|(n, _)| n.clone()));
        for line in &raw.lines {
            self.line(source, line, &names, quizzes);
        }
        let answer = raw.answer.as_ref().and_then(|answer| self.expr(source, answer, &names));
        let key = format!("quiz.{}", raw.name.get_ref());
        let mut with_value = names.clone();
        with_value.push("value".into());
        self.section(source, &raw.name, &key, &with_value);
        let mut options = Vec::new();
        let mut labels: Vec<&str> = raw.options.iter().map(|o| o.name.get_ref().as_str()).collect();
        if raw.answer.is_some() {
            labels.push("answer");
        }
        for label in labels {
            if self.words.has(&key) && crate::quiz::label(&self.words, &key, label).is_none() {
                let line = self.words.line(&key);
                let problem = format!("option {label:?} has no words");
                let cure = format!("write an item \"- {label}: what it says | why it is right or wrong\"");
                self.troubles.push(self.english.at_line(line, problem, cure));
            }
        }
        for option in raw.options {
            if option.value.is_some() == option.holds.is_some() {
                let cure = if raw.answer.is_some() { "give it a value" } else { "say when it holds" };
                self.report(source, &option.name, "the option has not exactly one of value and holds", cure);
            }
            let value = option.value.as_ref().and_then(|e| self.expr(source, e, &names));
            let holds = option.holds.as_ref().and_then(|e| self.expr(source, e, &names));
            options.push(Choice { name: option.name.into_inner(), value, holds, because: option.because });
        }
        let at_end = match raw.at.as_ref().map(|at| at.get_ref().as_str()) {
            None | Some("start") => false,
            Some("end") => true,
            Some(other) => {
                let at = raw.at.as_ref()?;
                self.report(source, at, format!("a question cannot be asked at {other:?}"), "write start or end");
                false
            }
        };
        if !["B", "I", "A"].contains(&raw.level.get_ref().as_str()) {
            self.report(source, &raw.level, format!("there is no level {:?}", raw.level.get_ref()), "write B, I or A");
        }
        if let Some(follow) = &raw.follow {
            self.section(source, follow, &follow_key(raw.name.get_ref()), &[]);
            if let Err(error) = Scenario::parse(&format!("{scenario},{}", follow.get_ref())) {
                self.report(source, follow, error, "write one of those");
            }
            if at_end {
                let cure = "ask it at the start, or leave follow away";
                self.report(source, follow, "what was done in a lesson cannot be done in another cluster", cure);
            }
        }
        for right in &raw.pinned.right {
            let known = options.iter().any(|o| o.name == *right.get_ref()) || right.get_ref() == "answer";
            if !known {
                let problem = format!("there is no option {:?}", right.get_ref());
                self.report(source, right, problem, "name an option, or answer");
            }
        }
        let is_where = self.expr(source, &raw.pinned.is_where, &names)?;
        Some(Template {
            name: raw.name.into_inner(),
            concept: raw.concept,
            level: raw.level.into_inner(),
            at_end,
            draw,
            lets,
            lines: raw.lines.into_iter().map(Spanned::into_inner).collect(),
            follow: raw.follow.map(Spanned::into_inner),
            answer,
            many: raw.many,
            options,
            pinned: Pinned {
                is_where,
                right: raw.pinned.right.into_iter().map(Spanned::into_inner).collect(),
                text: raw.pinned.text,
                asked: raw.pinned.asked,
                said: raw.pinned.said,
            },
        })
    }
}
