//! The differences that are known: the rows of `core/src/known_differences.txt`, which `core::fidelity` shows as well.

use super::diff::Difference;

const ROWS: &str = include_str!("../../../core/src/known_differences.txt");

pub struct Row {
    api: &'static str,
    path: &'static str,
    kafka: &'static str,
    lab: &'static str,
    pub reason: &'static str,
}

pub fn rows() -> Vec<Row> {
    let lines = ROWS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let row = |line: &'static str| match line.split('|').map(str::trim).collect::<Vec<_>>()[..] {
        [api, path, kafka, lab, reason] => Row { api, path, kafka, lab, reason },
        _ => panic!("known_differences.txt: not five columns: {line}"),
    };
    lines.map(row).collect()
}

impl Row {
    pub fn covers(&self, api: &str, difference: &Difference) -> bool {
        self.api.split_whitespace().any(|pattern| matches(pattern, api))
            && self.path.split_whitespace().any(|pattern| matches(pattern, &difference.path))
            && matches(self.kafka, &difference.kafka)
            && matches(self.lab, &difference.lab)
    }
}

/// `*` stands for any text.
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            after.is_empty() || rest.char_indices().any(|(at, _)| matches(after, &rest[at..])) || matches(after, "")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in [("*", ""), ("*", "a"), ("a*c", "abc"), ("a*c", "ac"), ("*.b", "a.b"), ("a*b*", "axbx")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a", "ab"), ("a*c", "ab"), ("*b", "ba")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn every_row_has_its_columns_and_a_reason() {
        assert!(rows().iter().all(|row| !row.reason.is_empty() && !row.api.is_empty()));
    }
}
