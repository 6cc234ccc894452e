//! `cargo xtask hammer KIND`: by the million what `core/tests/hammer` samples. Arguments: KIND INPUTS SEED.
//!
//! A panic, an input that takes more than ten seconds and memory beyond the bounds end it, with the seed that does the
//! same again: `cargo xtask hammer KIND --inputs 1 --seed SEED`.

#![allow(clippy::disallowed_types, clippy::disallowed_methods)] // It measures, and stops what hangs.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

#[path = "../tests/hammer/kinds/mod.rs"]
mod kinds;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [kind, inputs, seed] = &args[..] else { return usage() };
    let (Ok(inputs), Ok(seed)) = (inputs.parse::<u64>(), seed.parse::<u64>()) else { return usage() };
    let Some(mut run) = kinds::by_name(kind) else { return usage() };
    let at = Arc::new(AtomicU64::new(seed));
    watch(Arc::clone(&at));
    let begun = Instant::now();
    let blocks = inputs.div_ceil(kinds::BLOCK);
    for block in seed..seed + blocks {
        at.store(block, Ordering::Relaxed);
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(block))).is_err() {
            eprintln!("{kind}: seed {block} fails; again: cargo xtask hammer {kind} --inputs 1 --seed {block}");
            return ExitCode::FAILURE;
        }
    }
    println!("{kind}: {} inputs from seed {seed} in {:.0} s", blocks * kinds::BLOCK, begun.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("hammer KIND INPUTS SEED, where KIND is one of {}", kinds::NAMES.join(", "));
    ExitCode::FAILURE
}

/// Ends the process when a block does not.
fn watch(at: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        let mut last = (u64::MAX, Instant::now());
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let block = at.load(Ordering::Relaxed);
            if block != last.0 {
                last = (block, Instant::now());
            } else if last.1.elapsed() > Duration::from_secs(10) {
                eprintln!("seed {block} does not end");
                std::process::exit(1);
            }
        }
    });
}
