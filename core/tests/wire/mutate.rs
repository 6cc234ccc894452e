//! Makes bytes lie.

use fastrand::Rng;

/// Turns a valid message into one that lies: bits, lengths, cuts, insertions.
pub fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.u8(1..4) {
        let at = rng.usize(..=bytes.len());
        match rng.u8(..6) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
            2 if at < bytes.len() => bytes[at] = rng.u8(..),
            // Lengths that claim two gigabytes, in both encodings.
            3 if at < bytes.len() => drop(bytes.splice(at..(at + 4).min(bytes.len()), [0x7f, 0xff, 0xff, 0xff])),
            4 => drop(bytes.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0x07])),
            _ => drop(bytes.splice(at..at, [rng.u8(..)])),
        }
    }
}
