//! Which partition a record goes to: by its key, or, without one, where batches fill best (`BuiltInPartitioner`).

/// Kafka's murmur2 (`Utils.murmur2`): the hash that decides where keys live, so it can never change.
pub fn murmur2(data: &[u8]) -> i32 {
    const M: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    let mut hash = SEED ^ data.len() as u32;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes(word.try_into().expect("four bytes")).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u32::from_le_bytes(last)).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    (hash ^ (hash >> 15)) as i32
}

/// The partition of a key among `partitions`, over all of them whether or not they have a leader.
pub fn partition_for_key(key: &[u8], partitions: usize) -> usize {
    (murmur2(key) & 0x7fff_ffff) as usize % partitions
}

/// Records without a key stay with one partition until a batch's worth of bytes went there, then move on (KIP-794).
/// Kafka also weighs partitions by the length of their queues; here all that have a leader are equal.
#[derive(Clone, Debug, Default)]
pub(super) struct Sticky {
    partition: Option<usize>,
    bytes: usize,
}

impl Sticky {
    /// Chooses for a record of `size` bytes among `count` partitions; `has_leader` tells which can be written to now.
    pub(super) fn choose(
        &mut self,
        count: usize,
        size: usize,
        batch_size: usize,
        rng: &mut fastrand::Rng,
        has_leader: impl Fn(usize) -> bool,
    ) -> usize {
        if self.bytes >= batch_size {
            self.partition = None;
        }
        let partition = *self.partition.get_or_insert_with(|| {
            self.bytes = 0;
            let available = (0..count).filter(|&p| has_leader(p)).count();
            if available == 0 {
                return crate::random::index(rng, count);
            }
            let nth = crate::random::index(rng, available);
            (0..count).filter(|&p| has_leader(p)).nth(nth).expect("counted above")
        });
        self.bytes += size;
        partition.min(count - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by `org.apache.kafka.common.utils.Utils.murmur2` of Kafka 4.3.1.
    const KAFKA: [(&str, i32, usize); 14] = [
        ("", 275_646_681, 0),
        ("a", -1_563_381_124, 1),
        ("ab", 316_155_434, 2),
        ("abc", 479_470_107, 0),
        ("abcd", -1_323_649_548, 2),
        ("21", -973_932_308, 0),
        ("foobar", -790_332_482, 0),
        ("ana", 1_401_504_040, 1),
        ("bob", -2_048_144_690, 0),
        ("eve", -1_571_261_868, 2),
        ("k0", -704_538_303, 2),
        ("k999", -1_058_834_708, 0),
        ("order-1234567", -728_454_695, 0),
        ("\u{e9}\u{1f600}", 1_501_228_757, 2),
    ];

    #[test]
    fn hashes_and_partitions_are_kafkas() {
        for (key, hash, of_three) in KAFKA {
            assert_eq!(murmur2(key.as_bytes()), hash, "{key:?}");
            assert_eq!(partition_for_key(key.as_bytes(), 3), of_three, "{key:?}");
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(murmur2(&all), -1_948_347_274);
    }

    #[test]
    fn sticks_until_a_batch_is_full_and_avoids_partitions_without_leader() {
        let mut sticky = Sticky::default();
        let mut rng = fastrand::Rng::with_seed(1);
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for _ in 0..1000 {
            let partition = sticky.choose(3, 100, 1000, &mut rng, |p| p != 1);
            match runs.last_mut() {
                Some((last, length)) if *last == partition => *length += 1,
                _ => runs.push((partition, 1)),
            }
        }
        assert!(runs.iter().all(|(partition, length)| *partition != 1 && length % 10 == 0), "{runs:?}");
        assert!(runs.len() > 20, "it moves on: {runs:?}");
        let alone = sticky.choose(3, 2000, 1000, &mut rng, |_| false);
        assert!(alone < 3);
    }
}
