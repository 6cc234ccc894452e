//! Which partition of `__consumer_offsets` a group belongs to, and with it which broker
//! (`GroupCoordinatorService.partitionFor`).

use crate::hash::java_hash;

/// `Utils.abs`: the one number without a positive counterpart becomes 0.
pub fn partition_for(group_id: &str, partitions: i32) -> i32 {
    java_hash(group_id).checked_abs().unwrap_or(0) % partitions.max(1)
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
