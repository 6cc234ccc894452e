//! Draws that are the same on 32 and 64 bits. `fastrand` draws a `usize` from as many bits as the machine has, so that
//! one seed would give wasm32 and native different clusters; the golden session found that out.

/// A place in a list of `len` (not 0).
pub fn index(rng: &mut fastrand::Rng, len: usize) -> usize {
    rng.u64(..len as u64) as usize
}

/// Every order is as likely (Fisher and Yates).
pub fn shuffle<T>(rng: &mut fastrand::Rng, list: &mut [T]) {
    for i in 1..list.len() {
        list.swap(i, index(rng, i + 1));
    }
}
