//! Random faults under checkers: `FUZZ_SEEDS` seeds from `FUZZ_START` (300 from 1) in the sandbox.

#[test]
fn no_seed_breaks_a_promise() {
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (seeds, start) = (number("FUZZ_SEEDS", 300), number("FUZZ_START", 1));
    let mut broken = Vec::new();
    let mut acknowledged = 0;
    for seed in start..start + seeds {
        let outcome = lab_core::sim::fuzz::run(seed, "sandbox").expect("the sandbox is a scenario");
        assert!(outcome.faults >= 3 && outcome.sim_ms >= 90_000, "{outcome:?}");
        acknowledged += outcome.acknowledged;
        if !outcome.violations.is_empty() {
            broken.push(format!("seed {seed}:\n  {}\n  /#s={}", outcome.violations.join("\n  "), outcome.link));
        }
    }
    assert!(broken.is_empty(), "{} of {seeds} seeds broke a promise\n{}", broken.len(), broken.join("\n"));
    assert!(acknowledged as u64 > seeds * 100, "the seeds hardly produced anything: {acknowledged} batches");
}
