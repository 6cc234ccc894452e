//! The simulator's stories: `core/testdata/sim/*.txt`, in the language of `lab_core::sim::script`.
//! `SIM_REWRITE=1` writes what was printed in place of what was expected.

use std::{fs, path::PathBuf};

#[test]
fn stories_end_as_they_are_written() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/sim");
    let only = std::env::var("SIM_ONLY").ok();
    let rewrite = std::env::var("SIM_REWRITE").is_ok();
    let mut files: Vec<PathBuf> =
        fs::read_dir(&dir).expect("testdata/sim is there").map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no stories in {}", dir.display());
    let mut different = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| !name.contains(only)) {
            continue;
        }
        let expected = fs::read_to_string(&file).unwrap();
        let printed = lab_core::sim::script::run(&expected).unwrap_or_else(|why| panic!("{name}: {why}"));
        if printed == expected {
            continue;
        }
        if rewrite {
            fs::write(&file, &printed).unwrap();
        } else {
            let line = printed.lines().zip(expected.lines()).position(|(p, e)| p != e).unwrap_or_default();
            let show = |text: &str| text.lines().skip(line).take(8).collect::<Vec<_>>().join("\n   ");
            different.push(format!(
                "{name}, line {}\n  got\n   {}\n  expected\n   {}",
                line + 1,
                show(&printed),
                show(&expected)
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}
