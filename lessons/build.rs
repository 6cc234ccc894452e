//! Puts every folder beside this file that has a `lesson.toml` into the program: a new lesson needs nothing but its folder.

use std::{env, fmt::Write as _, fs, path::PathBuf};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    println!("cargo:rerun-if-changed={}", root.display());
    let mut folders: Vec<PathBuf> = fs::read_dir(&root)
        .expect("the crate's own folder")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("lesson.toml").is_file())
        .collect();
    folders.sort();
    let mut code = String::from("&[\n");
    for folder in folders {
        let name = folder.file_name().expect("a folder has a name").to_string_lossy().into_owned();
        let file = |file: &str| {
            let path = folder.join(file);
            println!("cargo:rerun-if-changed={}", path.display());
            // A missing file is found by the check, with what to do about it.
            if path.is_file() { format!("include_str!({path:?})") } else { "\"\"".into() }
        };
        let (lesson, words, quiz) = (file("lesson.toml"), file("en.md"), file("quiz.toml"));
        writeln!(code, "Folder {{ name: {name:?}, lesson: {lesson}, words: {words}, quiz: {quiz} }},")
            .expect("text grows");
    }
    code.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("library.rs"), code).expect("the build folder can be written");
}
