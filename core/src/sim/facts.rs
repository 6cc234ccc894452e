//! What is known of a frame without opening it in the wire panel: a sentence, how many records it carries, and whether
//! it is background. Background is what moved nothing and told nobody anything new: heartbeats, polls that came back
//! empty, the quorum's idle `NoOp` records, version handshakes.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::{
    id::{NodeId, Uuid},
    metadata::record::MetadataRecord,
    seam::Time,
    trace::FrameFacts,
    wire::{
        alter_partition::{AlterPartitionRequest, AlterPartitionResponse},
        api::{ApiKey, Request},
        batch::{self, Batch},
        begin_quorum_epoch::BeginQuorumEpochRequest,
        broker_heartbeat::{BrokerHeartbeatRequest, BrokerHeartbeatResponse},
        broker_registration::{BrokerRegistrationRequest, BrokerRegistrationResponse},
        create_topics::{CreateTopicsRequest, CreateTopicsResponse},
        end_quorum_epoch::EndQuorumEpochRequest,
        error::ErrorCode,
        fetch::{FetchRequest, FetchResponse, PartitionData},
        frame::{self, decode_body, parse_response},
        init_producer_id::{InitProducerIdRequest, InitProducerIdResponse},
        list_offsets::{ListOffsetsRequest, ListOffsetsResponse},
        metadata::{MetadataRequest, MetadataResponse},
        produce::{ProduceRequest, ProduceResponse},
        records::Records,
        vote::{VoteRequest, VoteResponse},
    },
};

/// What a connection remembers to explain its frames.
#[derive(Clone, Debug, Default)]
pub struct ConnFacts {
    /// Requests that were sent and not answered, oldest first.
    pub pending: VecDeque<Pending>,
    /// The last fetch came back with nothing new, so the next one asks nothing new either.
    idle: bool,
    /// Highest high watermark told, by partition, and end of the records worth showing that were carried.
    told: BTreeMap<(Uuid, i32), Told>,
    /// A vote that the last frame granted for good: epoch and candidate.
    pub granted: Option<(i32, i32)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Told {
    high_watermark: i64,
    shown_end: i64,
}

#[derive(Clone, Copy, Debug)]
pub struct Pending {
    correlation_id: i32,
    pub api_key: i16,
    api_version: i16,
    /// Produce with acks=0 is never answered.
    unanswered: bool,
    /// Vote requests that are no pre-votes: epoch and candidate.
    vote: Option<(i32, i32)>,
    pub arrives_at: Time,
}

/// Names of topics by id, learned from the frames themselves.
pub type TopicNames = BTreeMap<Uuid, String>;

/// Where a frame goes and when.
pub struct Sent {
    pub from: NodeId,
    pub to: NodeId,
    pub response: bool,
    pub arrives_at: Time,
}

/// Follows the connection by one frame and, if somebody watches, says what it is. The error is a broken promise: an
/// answer to no question, or out of order.
pub fn describe(
    conn: &mut ConnFacts,
    names: &mut TopicNames,
    sent: &Sent,
    frame: &Bytes,
    watched: bool,
) -> Result<Option<FrameFacts>, String> {
    let int16 = |at: usize| frame.get(at..at + 2).map_or(-1, |b| i16::from_be_bytes([b[0], b[1]]));
    let int32 = |at: usize| frame.get(at..at + 4).map_or(-1, |b| i32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    let request = if sent.response {
        let correlation_id = int32(0);
        while conn.pending.front().is_some_and(|p| p.unanswered && p.correlation_id != correlation_id) {
            conn.pending.pop_front();
        }
        match conn.pending.pop_front() {
            Some(request) if request.correlation_id == correlation_id => {
                conn.granted = request.vote.filter(|_| grants(request.api_version, frame));
                request
            }
            Some(expected) => {
                return Err(format!(
                    "{} answered correlation id {correlation_id} to {} while {} waits first",
                    sent.from, sent.to, expected.correlation_id
                ));
            }
            None => return Err(format!("{} answered {} without being asked", sent.from, sent.to)),
        }
    } else {
        let (api_key, api_version, correlation_id) = (int16(0), int16(2), int32(4));
        let unanswered = api_key == ApiKey::Produce.code() && acks_zero(frame);
        let vote = (api_key == ApiKey::Vote.code()).then(|| vote_asked(frame)).flatten();
        let arrives_at = sent.arrives_at;
        let request = Pending { correlation_id, api_key, api_version, unanswered, vote, arrives_at };
        conn.pending.push_back(request);
        request
    };
    if !watched {
        return Ok(None);
    }
    let told = match ApiKey::from_code(request.api_key) {
        Some(key) if sent.response => response(conn, names, key, request.api_version, frame),
        Some(key) => self::request(conn, names, key, request.api_version, frame),
        None => None,
    };
    let Said { label, records, background } = told.unwrap_or_else(|| {
        let name = ApiKey::from_code(request.api_key).map_or("an unknown API", ApiKey::name);
        if sent.response { said(format!("answers {name}")) } else { said(name.to_string()) }
    });
    let facts = FrameFacts {
        api_key: request.api_key,
        api_version: request.api_version,
        correlation_id: request.correlation_id,
        background,
        records,
        label,
        ..unknown(sent, frame.len())
    };
    Ok(Some(facts))
}

/// Facts of a frame of which nothing else is known.
pub fn unknown(sent: &Sent, bytes: usize) -> FrameFacts {
    FrameFacts {
        from: sent.from,
        to: sent.to,
        api_key: -1,
        api_version: -1,
        correlation_id: -1,
        response: sent.response,
        bytes: bytes as u32,
        arrives_at: sent.arrives_at,
        background: false,
        records: 0,
        label: "an unreadable frame".into(),
    }
}

struct Said {
    label: String,
    records: u32,
    background: bool,
}

fn said(label: String) -> Said {
    Said { label, records: 0, background: false }
}

fn quietly(label: String) -> Said {
    Said { label, records: 0, background: true }
}

/// Epoch and candidate of a Vote request that is no pre-vote.
fn vote_asked(frame: &Bytes) -> Option<(i32, i32)> {
    let (head, body) = frame::parse_request(frame).ok()?;
    let request: VoteRequest = decode_body(head.api_version, &body).ok()?;
    let vote = request.topics.first()?.partitions.first()?;
    (!vote.pre_vote).then_some((vote.replica_epoch, vote.replica_id))
}

fn grants(version: i16, frame: &Bytes) -> bool {
    let Ok((_, response)) = parse_response::<VoteRequest>(version, frame) else { return false };
    let vote: Option<&crate::wire::vote::ResponsePartitionData> =
        response.topics.first().and_then(|topic| topic.partitions.first());
    vote.is_some_and(|vote| vote.vote_granted)
}

fn acks_zero(frame: &Bytes) -> bool {
    frame::parse_request(frame)
        .ok()
        .and_then(|(head, body)| decode_body::<ProduceRequest>(head.api_version, &body).ok())
        .is_some_and(|request| request.acks == 0)
}

fn request(conn: &ConnFacts, names: &TopicNames, key: ApiKey, version: i16, frame: &Bytes) -> Option<Said> {
    let (_, body) = frame::parse_request(frame).ok()?;
    Some(match key {
        ApiKey::Produce => {
            let request: ProduceRequest = decode_body(version, &body).ok()?;
            let mut parts = Vec::new();
            let mut records = 0;
            for topic in &request.topic_data {
                let name = topic_name(names, &topic.name, topic.topic_id);
                for partition in &topic.partition_data {
                    let counted = count(&partition.records);
                    records += counted.records;
                    let first = counted.first_sequence.filter(|s| *s >= 0);
                    let sequence = first.map(|s| format!(", sequence {s}")).unwrap_or_default();
                    parts.push(format!("{name}-{}: {}{sequence}", partition.index, plural(counted.records)));
                }
            }
            let acks = if request.acks == -1 { "all".into() } else { request.acks.to_string() };
            Said { label: format!("Produce {} (acks={acks})", parts.join("; ")), records, background: false }
        }
        ApiKey::Fetch => {
            let request: FetchRequest = decode_body(version, &body).ok()?;
            let mut parts = Vec::new();
            for topic in &request.topics {
                let name = topic_name(names, &topic.topic, topic.topic_id);
                for partition in &topic.partitions {
                    parts.push(format!("{name}-{} from {}", partition.partition, partition.fetch_offset));
                }
            }
            let label =
                if parts.is_empty() { "Fetch, nothing changed".into() } else { format!("Fetch {}", parts.join(", ")) };
            Said { label, records: 0, background: conn.idle || parts.is_empty() }
        }
        ApiKey::ListOffsets => {
            let request: ListOffsetsRequest = decode_body(version, &body).ok()?;
            let mut parts = Vec::new();
            for topic in &request.topics {
                for partition in &topic.partitions {
                    let what = match partition.timestamp {
                        -1 => "end".into(),
                        -2 => "beginning".into(),
                        at => format!("offset at {at}"),
                    };
                    parts.push(format!("{what} of {}-{}", topic.name, partition.partition_index));
                }
            }
            said(format!("ListOffsets: {}", parts.join(", ")))
        }
        ApiKey::Metadata => {
            let request: MetadataRequest = decode_body(version, &body).ok()?;
            let topics: Vec<_> = request.topics.iter().flatten().filter_map(|t| t.name.clone()).collect();
            said(if topics.is_empty() { "Metadata".into() } else { format!("Metadata of {}", topics.join(", ")) })
        }
        ApiKey::InitProducerId => {
            let request: InitProducerIdRequest = decode_body(version, &body).ok()?;
            said(match request.producer_id {
                -1 => "InitProducerId".into(),
                id => format!("InitProducerId, now {id} epoch {}", request.producer_epoch),
            })
        }
        ApiKey::CreateTopics => {
            let request: CreateTopicsRequest = decode_body(version, &body).ok()?;
            let topics: Vec<_> = request.topics.iter().map(|t| t.name.as_str()).collect();
            said(format!("CreateTopics {}", topics.join(", ")))
        }
        ApiKey::Vote => {
            let request: VoteRequest = decode_body(version, &body).ok()?;
            let vote = request.topics.first()?.partitions.first()?;
            let kind = if vote.pre_vote { "Pre-vote" } else { "Vote" };
            let end = format!("log ends at {} of epoch {}", vote.last_offset, vote.last_offset_epoch);
            said(format!("{kind} for {} in epoch {}? {end}", vote.replica_id, vote.replica_epoch))
        }
        ApiKey::BeginQuorumEpoch => {
            let request: BeginQuorumEpochRequest = decode_body(version, &body).ok()?;
            let epoch = request.topics.first()?.partitions.first()?;
            said(format!("BeginQuorumEpoch {}: leader {}", epoch.leader_epoch, epoch.leader_id))
        }
        ApiKey::EndQuorumEpoch => {
            let request: EndQuorumEpochRequest = decode_body(version, &body).ok()?;
            let epoch = request.topics.first()?.partitions.first()?;
            said(format!("EndQuorumEpoch {}: {} resigns", epoch.leader_epoch, epoch.leader_id))
        }
        ApiKey::BrokerRegistration => {
            let request: BrokerRegistrationRequest = decode_body(version, &body).ok()?;
            said(format!("BrokerRegistration of {}", request.broker_id))
        }
        ApiKey::BrokerHeartbeat => {
            let request: BrokerHeartbeatRequest = decode_body(version, &body).ok()?;
            let label = format!("BrokerHeartbeat of {}", request.broker_id);
            match (request.want_shut_down, request.want_fence) {
                (true, _) => said(format!("{label}: wants to shut down")),
                (_, true) => quietly(format!("{label}, fenced")),
                _ => quietly(label),
            }
        }
        ApiKey::AlterPartition => {
            let request: AlterPartitionRequest = decode_body(version, &body).ok()?;
            let mut parts = Vec::new();
            for topic in &request.topics {
                let name = topic_name(names, "", topic.topic_id);
                for p in &topic.partitions {
                    let isr: Vec<_> =
                        p.new_isr_with_epochs.iter().map(|b| b.broker_id).chain(p.new_isr.clone()).collect();
                    parts.push(format!("{name}-{} in-sync {isr:?}", p.partition_index));
                }
            }
            said(format!("AlterPartition {}", parts.join(", ")))
        }
        ApiKey::ApiVersions => quietly("ApiVersions".into()),
        _ => return None,
    })
}

fn response(conn: &mut ConnFacts, names: &mut TopicNames, key: ApiKey, version: i16, frame: &Bytes) -> Option<Said> {
    fn parse<R: Request>(version: i16, frame: &Bytes) -> Option<R::Response> {
        parse_response::<R>(version, frame).ok().map(|(_, response)| response)
    }
    Some(match key {
        ApiKey::Produce => {
            let response: ProduceResponse = parse::<ProduceRequest>(version, frame)?;
            let mut parts = Vec::new();
            for topic in &response.responses {
                let name = topic_name(names, &topic.name, topic.topic_id);
                for p in &topic.partition_responses {
                    let what =
                        if p.error_code == 0 { format!("offset {}", p.base_offset) } else { error(p.error_code) };
                    parts.push(format!("{name}-{} {what}", p.index));
                }
            }
            said(format!("answers Produce: {}", parts.join("; ")))
        }
        ApiKey::Fetch => fetch_response(conn, names, &parse::<FetchRequest>(version, frame)?),
        ApiKey::ListOffsets => {
            let response: ListOffsetsResponse = parse::<ListOffsetsRequest>(version, frame)?;
            let mut parts = Vec::new();
            for topic in &response.topics {
                for p in &topic.partitions {
                    let what = if p.error_code == 0 { p.offset.to_string() } else { error(p.error_code) };
                    parts.push(format!("{}-{} {what}", topic.name, p.partition_index));
                }
            }
            said(format!("answers ListOffsets: {}", parts.join(", ")))
        }
        ApiKey::Metadata => {
            let response: MetadataResponse = parse::<MetadataRequest>(version, frame)?;
            let mut parts = Vec::new();
            for topic in &response.topics {
                let name = topic.name.clone().unwrap_or_default();
                if !topic.topic_id.is_zero() {
                    names.insert(topic.topic_id, name.clone());
                }
                if topic.error_code != 0 {
                    parts.push(format!("{name} {}", error(topic.error_code)));
                }
                parts.extend(
                    topic.partitions.iter().map(|p| format!("{name}-{} leader {}", p.partition_index, p.leader_id)),
                );
            }
            said(format!("answers Metadata: {}", parts.join(", ")))
        }
        ApiKey::InitProducerId => {
            let response: InitProducerIdResponse = parse::<InitProducerIdRequest>(version, frame)?;
            said(match response.error_code {
                0 => format!("answers InitProducerId: {} epoch {}", response.producer_id, response.producer_epoch),
                code => format!("answers InitProducerId: {}", error(code)),
            })
        }
        ApiKey::CreateTopics => {
            let response: CreateTopicsResponse = parse::<CreateTopicsRequest>(version, frame)?;
            let topics = response.topics.iter().map(|t| format!("{} {}", t.name, error(t.error_code)));
            said(format!("answers CreateTopics: {}", topics.collect::<Vec<_>>().join(", ")))
        }
        ApiKey::Vote => {
            let response: VoteResponse = parse::<VoteRequest>(version, frame)?;
            let vote = response.topics.first()?.partitions.first()?;
            let verdict = if vote.vote_granted { "granted" } else { "refused" };
            said(format!("answers Vote: {verdict} in epoch {}", vote.leader_epoch))
        }
        ApiKey::BrokerRegistration => {
            let response: BrokerRegistrationResponse = parse::<BrokerRegistrationRequest>(version, frame)?;
            said(match response.error_code {
                0 => format!("answers BrokerRegistration: broker epoch {}", response.broker_epoch),
                code => format!("answers BrokerRegistration: {}", error(code)),
            })
        }
        ApiKey::BrokerHeartbeat => {
            let response: BrokerHeartbeatResponse = parse::<BrokerHeartbeatRequest>(version, frame)?;
            match (response.error_code, response.should_shut_down) {
                (0, true) => said("answers BrokerHeartbeat: shut down now".into()),
                (0, false) if response.is_fenced => quietly("answers BrokerHeartbeat: fenced".into()),
                (0, false) => quietly("answers BrokerHeartbeat".into()),
                (code, _) => said(format!("answers BrokerHeartbeat: {}", error(code))),
            }
        }
        ApiKey::AlterPartition => {
            let response: AlterPartitionResponse = parse::<AlterPartitionRequest>(version, frame)?;
            let mut parts = Vec::new();
            for topic in &response.topics {
                let name = topic_name(names, "", topic.topic_id);
                for p in &topic.partitions {
                    let what = match p.error_code {
                        0 => format!("in-sync {:?}, partition epoch {}", p.isr, p.partition_epoch),
                        code => error(code),
                    };
                    parts.push(format!("{name}-{} {what}", p.partition_index));
                }
            }
            if response.error_code != 0 {
                parts.push(error(response.error_code));
            }
            said(format!("answers AlterPartition: {}", parts.join(", ")))
        }
        ApiKey::ApiVersions => quietly("answers ApiVersions".into()),
        _ => return None,
    })
}

fn fetch_response(conn: &mut ConnFacts, names: &mut TopicNames, response: &FetchResponse) -> Said {
    let mut parts = Vec::new();
    let mut records = 0;
    let mut news = response.error_code != 0;
    if news {
        parts.push(error(response.error_code));
    }
    for topic in &response.responses {
        let quorum = topic.topic_id == Uuid::METADATA_TOPIC || topic.topic == "__cluster_metadata";
        for p in &topic.partitions {
            let counted = if quorum { count_metadata(names, &p.records) } else { count(&p.records) };
            records += counted.records;
            let told = conn.told.entry((topic.topic_id, p.partition_index)).or_default();
            // A high watermark is news when it passes records that were worth showing.
            let passes = told.high_watermark < told.shown_end && p.high_watermark > told.high_watermark;
            told.high_watermark = p.high_watermark;
            if counted.worth_showing {
                told.shown_end = counted.end;
            }
            let name = format!("{}-{}", topic_name(names, &topic.topic, topic.topic_id), p.partition_index);
            let (part, mut is_news) = partition_part(&name, p, &counted, passes);
            // Looking for the quorum's leader is a poll like any other, until it is found.
            is_news &= !(quorum && p.error_code == ErrorCode::NotLeaderOrFollower as i16);
            news |= is_news;
            parts.extend(part);
        }
    }
    conn.idle = !news;
    let label = if parts.is_empty() {
        "answers Fetch: nothing new".into()
    } else {
        format!("answers Fetch: {}", parts.join("; "))
    };
    Said { label, records, background: !news }
}

fn partition_part(name: &str, p: &PartitionData, counted: &Counted, passes: bool) -> (Option<String>, bool) {
    let watermark = format!("high watermark {}", p.high_watermark);
    if p.error_code != 0 {
        (Some(format!("{name} {}", error(p.error_code))), true)
    } else if p.diverging_epoch.epoch >= 0 {
        let (epoch, end) = (p.diverging_epoch.epoch, p.diverging_epoch.end_offset);
        (Some(format!("{name} logs differ, epoch {epoch} ends at {end}")), true)
    } else if p.snapshot_id.end_offset >= 0 {
        (Some(format!("{name} fetch the snapshot at {}", p.snapshot_id.end_offset)), true)
    } else if counted.records > 0 {
        let last = counted.end - 1;
        let range =
            if counted.first == last { format!("record {last}") } else { format!("records {}-{last}", counted.first) };
        (Some(format!("{name} {range}, {watermark}")), counted.worth_showing || passes)
    } else {
        (Some(format!("{name} {watermark}")), passes)
    }
}

struct Counted {
    records: u32,
    first: i64,
    end: i64,
    first_sequence: Option<i32>,
    worth_showing: bool,
}

fn batches(records: &Records) -> impl Iterator<Item = Batch> {
    batch::batches(&records.bytes()).map_while(Result::ok)
}

fn count(records: &Records) -> Counted {
    let mut counted = Counted { records: 0, first: -1, end: -1, first_sequence: None, worth_showing: false };
    for batch in batches(records) {
        let header = batch.header;
        if counted.records == 0 {
            (counted.first, counted.first_sequence) = (header.base_offset, Some(header.base_sequence));
        }
        counted.records += header.record_count as u32;
        counted.end = header.next_offset();
        counted.worth_showing = true;
    }
    counted
}

/// As [`count`]; the quorum's `NoOp` records (KIP-835) are not worth showing. Learns the names of topics on the way.
fn count_metadata(names: &mut TopicNames, records: &Records) -> Counted {
    let mut counted = Counted { worth_showing: false, ..count(records) };
    for batch in batches(records) {
        if batch.header.is_control() {
            counted.worth_showing = true;
            continue;
        }
        for record in batch.records().map_while(Result::ok) {
            match record.value.as_ref().map(MetadataRecord::decode) {
                Some(Ok(MetadataRecord::NoOp(_))) => {}
                Some(Ok(MetadataRecord::Topic(topic))) => {
                    names.insert(topic.topic_id, topic.name);
                    counted.worth_showing = true;
                }
                _ => counted.worth_showing = true,
            }
        }
    }
    counted
}

fn topic_name(names: &TopicNames, name: &str, id: Uuid) -> String {
    if !name.is_empty() {
        name.into()
    } else if id == Uuid::METADATA_TOPIC {
        "__cluster_metadata".into()
    } else {
        names.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}

fn plural(records: u32) -> String {
    if records == 1 { "1 record".into() } else { format!("{records} records") }
}

fn error(code: i16) -> String {
    if code == 0 { "done".into() } else { ErrorCode::from_code(code).name().into() }
}
