//! Feature levels (KIP-584): what nodes of this project can do.

use super::configs;
use crate::node::METADATA_VERSION_LEVEL;

/// Name, lowest and highest level, of everything that nodes of the lab support. Only what works is here: groups,
/// shares, streams and transactions follow when they are built.
pub const SUPPORTED: &[(&str, i16, i16)] = &[
    (configs::METADATA_VERSION, METADATA_VERSION_LEVEL, METADATA_VERSION_LEVEL),
    (configs::ELR_VERSION, 0, 1),
    (configs::KRAFT_VERSION, 0, 0),
];

/// All features that Kafka 4.3 knows by name: each may be set to level 0, which is off (`Feature.PRODUCTION_FEATURE_NAMES`).
pub const KAFKA_FEATURES: &[&str] = &[
    configs::METADATA_VERSION,
    configs::ELR_VERSION,
    configs::KRAFT_VERSION,
    "group.version",
    "share.version",
    "streams.version",
    "transaction.version",
];
