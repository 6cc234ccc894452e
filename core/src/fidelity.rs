//! Where the lab differs from Apache Kafka 4.3.1, said once: the page and the documentation print these lists.
//!
//! Whoever simplifies something adds a line here in the same change; whoever builds it takes the line away.

use crate::{seam::Listener, wire::api::ApiKey};

/// One thing that Kafka does otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simplification {
    pub area: Area,
    /// What the lab does, and what Kafka does.
    pub text: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    Quorum,
    Controller,
    Broker,
    Replication,
    Clients,
    Configuration,
    /// Not there at all.
    Missing,
}

impl Area {
    pub const ALL: [Self; 7] = [
        Self::Quorum,
        Self::Controller,
        Self::Broker,
        Self::Replication,
        Self::Clients,
        Self::Configuration,
        Self::Missing,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Quorum => "The quorum",
            Self::Controller => "The controller",
            Self::Broker => "Brokers",
            Self::Replication => "Replication and logs",
            Self::Clients => "The lab's own clients",
            Self::Configuration => "Configuration",
            Self::Missing => "Not built yet",
        }
    }
}

const fn of(area: Area, text: &'static str) -> Simplification {
    Simplification { area, text }
}

pub const SIMPLIFICATIONS: &[Simplification] = &[
    of(
        Area::Quorum,
        "Voters are static: controller.quorum.voters, kraft.version 0. Kafka can also upgrade kraft.version, and then add and remove them at run time (KIP-853).",
    ),
    of(
        Area::Quorum,
        "An append to the metadata log is one batch and one write, so controller.quorum.append.linger.ms has no effect.",
    ),
    of(
        Area::Quorum,
        "Only observers search all voters for a leader they have lost; voters wait for an election of their own.",
    ),
    of(
        Area::Quorum,
        "Back-off after errors grows from controller.quorum.retry.backoff.ms to half a second; Kafka's stays constant.",
    ),
    of(
        Area::Quorum,
        "A controller that stops waits a bounded time for a successor. Kafka waits for as long as it takes, and hangs when the quorum is gone.",
    ),
    of(
        Area::Controller,
        "CreatePartitions beyond 10,000 in a request is refused and adds none; Kafka answers an error too and keeps the first 10,000.",
    ),
    of(
        Area::Controller,
        "A replica that a reassignment removes leaves the ELR too. Kafka can keep it there where the ISR stays below min.insync.replicas.",
    ),
    of(
        Area::Controller,
        "Supported features are metadata.version at 4.3 alone and eligible.leader.replicas.version; group.version, share.version, streams.version and transaction.version stay at 0 until what they stand for is built.",
    ),
    of(
        Area::Controller,
        "A broker whose registration is refused because its former life still has a session asks again within a second; Kafka backs off to half a session.",
    ),
    of(Area::Broker, "Between nodes every request has one fixed version. Kafka negotiates them with ApiVersions."),
    of(Area::Broker, "Everything is allowed: authorization is asked at every API and always granted."),
    of(
        Area::Broker,
        "A broker has one log directory, and DescribeLogDirs answers -1 for the size of its volume, which Kafka tells.",
    ),
    of(Area::Broker, "ListTransactions takes any transactionalIdPattern. Kafka refuses one that RE2/J cannot read."),
    of(Area::Broker, "PushTelemetry holds back nobody; Kafka throttles clients that push too often."),
    of(Area::Broker, "The list of bad records in the answer to a refused batch ends at 10,000. Kafka lists all."),
    of(
        Area::Broker,
        "A batch whose records unpack to more than 128 MiB is refused with MESSAGE_TOO_LARGE. Kafka unpacks whatever comes.",
    ),
    of(
        Area::Broker,
        "zstd and LZ4 blocks with damaged codes are refused, where Kafka's decoders now and then make other records of them.",
    ),
    of(
        Area::Broker,
        "Batches that a broker packs anew by compression.type hold the same records in other bytes than Kafka's: gzip honours its level, LZ4 and zstd have one level whatever compression.lz4.level and compression.zstd.level say.",
    ),
    of(
        Area::Replication,
        "The folder of a deleted topic is renamed and goes at once. Kafka keeps it for file.delete.delay.ms.",
    ),
    of(
        Area::Replication,
        "When the cache of fetch sessions is full, the one unused for longest makes room after two minutes. Kafka also weighs how large they are and whether a follower holds them (KIP-227).",
    ),
    of(
        Area::Replication,
        "A broker whose disk refuses writes asks to be fenced and stays up; Kafka halts with its only log directory. On a full disk the leader keeps leading and answers KAFKA_STORAGE_ERROR until there is room.",
    ),
    of(
        Area::Controller,
        "A quota of an address takes numbers and localhost. Kafka also takes a name that its controller can resolve.",
    ),
    of(
        Area::Clients,
        "What a consumer's application does is simulated: a time for each record, and when it commits offsets.",
    ),
    of(Area::Clients, "Assignors do not look at racks; Java's do where members have them."),
    of(
        Area::Configuration,
        "Keys of Kafka that the lab does not act on are kept and shown and have no effect: the node's log, the events and the documentation in DescribeConfigs say so for each.",
    ),
    of(
        Area::Configuration,
        "What a key is for is said in the lab's own words. Where several keys of one request are wrong, Kafka names any of them, the lab the first by name.",
    ),
    of(
        Area::Configuration,
        "A value that names a class may name only those of Kafka's own defaults: the lab runs no plug-ins and knows no configuration providers.",
    ),
    of(
        Area::Configuration,
        "There is one logger, root. Its level is kept until the node stops and changes nothing of what is written.",
    ),
    of(
        Area::Configuration,
        "Subscriptions of client metrics and configurations of groups are kept and shown; no client is asked for metrics, and the protocols that groups' keys are for are not built.",
    ),
    of(
        Area::Configuration,
        "An AlterConfigs that names a resource twice is refused, and a request about brokers whose answer would be too long to be said fails; Apache Kafka 4.3.1 never answers them.",
    ),
    of(
        Area::Missing,
        "Throttling of replication: leader.replication.throttled.replicas and its kin are stored and have no effect, so reassignments go as fast as they can.",
    ),
    of(
        Area::Missing,
        "Transactions: AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, TxnOffsetCommit and WriteTxnMarkers are not advertised and close the connection; whoever lists or describes them is told that there are none. Idempotent producers work.",
    ),
    of(
        Area::Missing,
        "The consumer group protocol of KIP-848, share groups, and streams groups: their APIs are not advertised and close the connection. Classic groups work.",
    ),
    of(Area::Missing, "Log compaction and tiered storage."),
    of(
        Area::Missing,
        "replica.selector.class: leaders send no consumer to a follower in its rack. Followers answer consumers that ask (KIP-392).",
    ),
    of(
        Area::Missing,
        "TLS, SASL, ACLs and delegation tokens: what is asked about them is answered as by a Kafka without them. SCRAM credentials are kept and shown, and nobody logs in with them.",
    ),
    of(
        Area::Missing,
        "Quotas hold nobody back: what is set for users, client ids and addresses is kept, shown and said in the controller's log.",
    ),
    of(
        Area::Missing,
        "Lessons other than 1, 3, 4, 11, 12, 13, 14 and 25. On a real cluster their questions are asked of a simulated one.",
    ),
];

/// The lines of one area, in order.
pub fn of_area(area: Area) -> impl Iterator<Item = &'static str> {
    SIMPLIFICATIONS.iter().filter(move |s| s.area == area).map(|s| s.text)
}

/// The differences between answers that `cargo xtask compare` knows: the APIs, and why. Its table is the one source.
pub fn known_differences() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = KNOWN_DIFFERENCES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| Some((line.split_once('|')?.0.trim(), line.rsplit_once('|')?.1.trim())))
}

const KNOWN_DIFFERENCES: &str = include_str!("known_differences.txt");

/// Every request that this kind of listener answers, with its versions: `Fetch 4-18`. From the tables the server uses.
pub fn served(listener: Listener) -> Vec<String> {
    let name = |(key, versions): (ApiKey, std::ops::RangeInclusive<i16>)| {
        format!("{key:?} {}-{}", versions.start(), versions.end())
    };
    ApiKey::all_advertised(listener).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_be_missing_is_not_served() {
        let missing: String = of_area(Area::Missing).collect();
        let named =
            ApiKey::ALL.iter().filter(|key| missing.split(|c: char| !c.is_alphanumeric()).any(|w| w == key.name()));
        for key in named {
            assert!(key.advertised(Listener::Broker).is_none(), "{} is served: say so", key.name());
        }
    }

    #[test]
    fn every_known_difference_has_a_reason() {
        assert!(known_differences().count() > 0);
        assert!(known_differences().all(|(apis, reason)| !apis.is_empty() && reason.ends_with('.')));
    }

    #[test]
    fn every_area_has_something_to_say() {
        assert!(Area::ALL.iter().all(|area| of_area(*area).next().is_some()));
    }
}
