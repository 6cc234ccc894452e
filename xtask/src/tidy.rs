//! Checks of the files themselves: what review should not have to say twice.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

pub fn tidy() -> Result<()> {
    let mut complaints = Vec::new();
    let files = files(&crate::root())?;
    ensure!(!files.is_empty(), "git lists no files");
    for file in files {
        let Ok(text) = std::fs::read_to_string(crate::root().join(&file)) else { continue };
        complaints.extend(check(&file, &text).into_iter().map(|complaint| format!("{}: {complaint}", file.display())));
    }
    if complaints.is_empty() { Ok(()) } else { bail!("tidy:\n  {}", complaints.join("\n  ")) }
}

/// Everything git tracks or would track.
pub fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let out = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()?;
    ensure!(out.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&out.stderr));
    Ok(String::from_utf8_lossy(&out.stdout).lines().map(PathBuf::from).filter(|f| root.join(f).is_file()).collect())
}

/// The rules, one file at a time.
fn check(file: &Path, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let name = file.to_string_lossy();
    if name.ends_with(".rs") {
        if !text.starts_with("//!") {
            complaints.push("a file opens with `//!` and says what it is for".into());
        }
        for (number, line) in text.lines().enumerate() {
            for (banned, instead) in BANNED {
                // The table of banned words is the one place that may hold them.
                if line.contains(banned) && !name.ends_with("tidy.rs") {
                    complaints.push(format!("line {}: `{banned}`: {instead}", number + 1));
                }
            }
        }
    }
    if name.ends_with(".md") && text.lines().filter(|line| line.starts_with("# ")).count() != 1 && !in_code_only(text) {
        complaints.push("a document has one `# Title`".into());
    }
    if !text.is_empty() && !text.ends_with('\n') && TEXT.iter().any(|ending| name.ends_with(ending)) {
        complaints.push("the last line has no line break".into());
    }
    complaints
}

/// A `# ` at the start of a line inside a fence is a shell comment, not a title.
fn in_code_only(text: &str) -> bool {
    let mut fenced = false;
    let mut titles = 0;
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced && line.starts_with("# ") {
            titles += 1;
        }
    }
    titles == 1
}

const TEXT: &[&str] = &[".rs", ".md", ".toml", ".css", ".html", ".txt"];

const BANNED: &[(&str, &str)] = &[
    ("FIXME", "mend it or say in an issue what is missing"),
    ("todo!(", "build it or answer with an error that says it is not built"),
    ("unimplemented!(", "build it or answer with an error that says it is not built"),
    ("#[ignore", "a test that does not run is not a test"),
    ("/work/shared", "a clone does not have it"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        if let Err(error) = tidy() {
            panic!("{error}");
        }
    }

    #[test]
    fn each_rule_finds_its_breach() {
        let rs = |text: &str| check(Path::new("a.rs"), text).len();
        assert_eq!(rs("//! Fine.\n"), 0);
        assert_eq!(rs("fn a() {}\n"), 1);
        assert_eq!(rs("//! No end."), 1);
        assert_eq!(rs("//! x\nfn a() { todo!() }\n"), 1);
        assert_eq!(check(Path::new("a.md"), "# One\n# Two\n").len(), 1);
        assert_eq!(check(Path::new("a.md"), "# One\n```\n# not a title\n```\n").len(), 0);
    }
}
