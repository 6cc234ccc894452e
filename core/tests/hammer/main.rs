//! A sample of what `cargo xtask hammer` does by the million: hostile requests, responses, batches, snapshots and files
//! end in an answer, a closed connection or an error; never in a panic, and never in more memory than they carry.

mod kinds;

/// In blocks, see `kinds::BLOCK`.
fn sample(kind: &str, blocks: u64) {
    assert!(kinds::NAMES.contains(&kind));
    let run = kinds::by_name(kind).expect("a kind");
    (0..blocks).for_each(run);
}

#[test]
fn requests_are_answered_or_closed() {
    sample("requests", 150);
}

#[test]
fn responses_are_taken_or_refused() {
    sample("responses", 150);
}

#[test]
fn batches_are_read_or_refused() {
    sample("batches", 150);
}

#[test]
fn snapshots_are_loaded_or_refused() {
    sample("snapshots", 150);
}

#[test]
fn files_are_recovered_or_refused() {
    sample("files", 100);
}
