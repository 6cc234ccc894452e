//! What the fields that matter most are for, in a sentence each.

/// Kafka's name of a field, in the form of our paths, and what it does.
const MEANINGS: [(&str, &str); 20] = [
    ("fetch_offset", "is question and acknowledgement in one: who asks for this offset holds everything below it."),
    ("high_watermark", "moves the follower's own flag when this arrives, and no sooner."),
    ("last_fetched_epoch", "lets the leader see whether the two logs went different ways (KIP-595)."),
    ("current_leader_epoch", "is what the asker believes; a leader of another epoch refuses (KIP-320)."),
    ("diverging_epoch", "tells the follower where its log went another way: it cuts there."),
    ("leader_epoch", "counts the leaders of a partition; whoever shows an older one is refused."),
    ("partition_leader_epoch", "is stamped by the leader outside of the checksummed part."),
    ("base_offset", "is stamped by the leader when it appends; the producer does not know it."),
    ("base_sequence", "numbers the producer's records; a retry shows the same one and is not stored twice (KIP-98)."),
    ("producer_id", "names an idempotent producer across connections and leaders (KIP-98)."),
    ("acks", "says what is waited for: 0 nothing, 1 the leader, -1 all in-sync replicas."),
    ("max_wait_ms", "is how long the broker may hold the question when there is too little to answer."),
    ("min_bytes", "is how much the broker should have before it answers."),
    ("session_id", "names a fetch session: later questions name only what changed (KIP-227)."),
    ("correlation_id", "joins an answer to its question; answers come in the order of the questions."),
    ("error_code", "is 0 when all went well."),
    ("broker_epoch", "changes with each registration, so that an answer to an earlier life is refused."),
    ("new_isr_with_epochs", "is the set of in-sync replicas that the leader asks for (KIP-497, KIP-903)."),
    ("log_start_offset", "is the first offset that is still there."),
    ("crc", "covers everything after it; whoever receives the batch checks it."),
];

/// The sentence for the field at the end of a path, if it has one.
pub fn of(path: &str) -> Option<&'static str> {
    let leaf = leaf(path);
    MEANINGS.iter().find(|(name, _)| *name == leaf).map(|(_, sentence)| *sentence)
}

/// `fetch_offset` of `topics[0].partitions[2].fetch_offset`.
pub fn leaf(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// `topics[0].partitions[2]` of the same, and `frame` of a field that stands alone.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("message", |(parent, _)| parent)
}

/// How much a path deserves to be the one that is lit at first: higher is more.
pub fn weight(path: &str) -> usize {
    let leaf = leaf(path);
    MEANINGS.iter().position(|(name, _)| *name == leaf).map_or(0, |at| MEANINGS.len() - at)
}
