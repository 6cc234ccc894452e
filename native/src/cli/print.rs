//! Tables for people and JSON for programs.

use serde::Serialize;

/// Prints one JSON value on one line.
pub(super) fn json(value: &impl Serialize) {
    println!("{}", serde_json::to_string(value).expect("plain data"));
}

/// Prints rows under headings, each column as wide as its widest cell.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    };
    line(&mut headings.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
}

/// `1 2 3`, or a dash for nothing.
pub(super) fn ids(ids: &[i32]) -> String {
    let list = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    if list.is_empty() { "-".into() } else { list }
}
