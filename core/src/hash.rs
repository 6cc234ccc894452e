//! A hash that is the same on every machine, seeds drawn from seeds, and Java's hash of strings, by which Kafka places and
//! orders.

/// Folds words and bytes, eight at a time. For telling runs apart, not for keeping secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fold(u64);

impl Fold {
    pub fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.word(u64::from_le_bytes(chunk.try_into().expect("eight bytes")));
        }
        let mut last = [0; 8];
        last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
        self.word(u64::from_le_bytes(last));
        self.word(bytes.len() as u64);
    }

    pub fn finish(self) -> u64 {
        mix(self.0)
    }
}

/// The seed of a child: `what` names it within its parent.
pub fn child_seed(seed: u64, what: u64) -> u64 {
    mix(seed ^ mix(what))
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves every bit of the output.
fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Java's `String.hashCode`: over UTF-16 units, wrapping around.
pub fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// Where a string stands in the order in which Java's `HashMap` of up to 12 entries is walked. Kafka breaks ties by it.
pub fn hash_map_slot(text: &str) -> i32 {
    let hash = java_hash(text);
    (hash ^ ((hash as u32) >> 16) as i32) & 15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_length_matter() {
        let fold = |parts: &[&[u8]]| {
            let mut fold = Fold::default();
            parts.iter().for_each(|p| fold.bytes(p));
            fold.finish()
        };
        assert_ne!(fold(&[b"ab", b"c"]), fold(&[b"a", b"bc"]));
        assert_ne!(fold(&[b"ab"]), fold(&[b"ab\0"]));
        assert_ne!(fold(&[b"a", b"b"]), fold(&[b"b", b"a"]));
        assert_eq!(fold(&[b"the same anywhere"]), 11_965_070_538_642_820_102);
    }
}
