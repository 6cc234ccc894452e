//! The kinds of hostile input, each as blocks that depend on their seed alone: what failed once fails again.

mod batches;
mod files;
mod lone;
#[path = "../../wire/memory.rs"]
mod memory;
#[allow(unused_imports)]
#[path = "../../wire/messages.rs"]
mod messages;
#[path = "../../wire/mutate.rs"]
mod mutate;
#[allow(dead_code)]
#[path = "../../wire/random.rs"]
mod random;
mod requests;
mod responses;
mod snapshots;

/// Inputs in a block: they share one machine, which is made anew for the next block.
pub const BLOCK: u64 = 64;

pub const NAMES: [&str; 5] = ["requests", "responses", "batches", "snapshots", "files"];

/// What runs the block of a seed.
pub fn by_name(kind: &str) -> Option<Box<dyn FnMut(u64)>> {
    Some(match kind {
        "requests" => requests::blocks(),
        "responses" => responses::blocks(),
        "batches" => batches::blocks(),
        "snapshots" => snapshots::blocks(),
        "files" => files::blocks(),
        _ => return None,
    })
}

/// Memory that `work` may take for so many bytes of input.
fn within(bytes: usize, base: usize, per_byte: usize, what: &str, work: impl FnOnce()) {
    let taken = memory::peak(work);
    assert!(taken <= base + per_byte * bytes, "{what}: {taken} bytes of memory for {bytes}");
}
