//! Which partition of `__consumer_offsets` a group belongs to, and with it which broker
//! (`GroupCoordinatorService.partitionFor`).

/// Java's `String.hashCode`: over UTF-16 units, wrapping around.
pub fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// `Utils.abs`: the one number without a positive counterpart becomes 0.
pub fn partition_for(group_id: &str, partitions: i32) -> i32 {
    java_hash(group_id).checked_abs().unwrap_or(0) % partitions.max(1)
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
    fn groups_are_placed_as_java_places_them() {
        // As `"...".hashCode()` and `Utils.abs` give them.
        assert_eq!(java_hash(""), 0);
        assert_eq!(java_hash("billing"), -109_829_509);
        assert_eq!(java_hash("polygenelubricants"), i32::MIN);
        assert_eq!(partition_for("polygenelubricants", 50), 0);
        assert_eq!(partition_for("billing", 50), 9);
    }
}
