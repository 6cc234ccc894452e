//! Requests about topics, producers and logs.

use bytes::Bytes;
use lab_core::{
    id::Uuid,
    wire::{
        batch::BatchBuilder,
        create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic},
        create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest},
        delete_records::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic},
        delete_topics::{DeleteTopicState, DeleteTopicsRequest},
        describe_cluster::DescribeClusterRequest,
        describe_quorum::{DescribeQuorumRequest, PartitionData, TopicData},
        error::ErrorCode,
        fetch::{FetchPartition, FetchRequest, FetchTopic},
        incremental_alter_configs::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest},
        init_producer_id::InitProducerIdRequest,
        list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
        metadata::{MetadataRequest, MetadataRequestTopic},
        offset_for_leader_epoch::{OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic},
        produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
        records::Records,
    },
};

use super::{Asker, Words, name_of, split};

impl Asker {
    pub fn create(&mut self, topic: &str, words: &Words<'_>) -> Result<String, String> {
        let configs = words.others(&["partitions", "rf", "name"]);
        let topic = CreatableTopic {
            name: words.get("name").map_or(topic.into(), |length| "x".repeat(length.parse().expect("a length"))),
            num_partitions: words.number("partitions", 1),
            replication_factor: words.number("rf", 1),
            configs: configs
                .into_iter()
                .map(|(name, value)| CreatableTopicConfig { name, value: Some(value) })
                .collect(),
            ..Default::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 5000, validate_only: false };
        let name = request.topics[0].name.clone();
        let error = self.ask(7, &request)?.topics[0].error_code;
        // The broker hears of it a moment after the controller.
        let begins = Words(vec!["timestamp=-2"]);
        for _ in 0..if error == 0 { 100 } else { 1 } {
            self.cluster.wait_ms(50);
            if self.offsets(&format!("{name}-0"), &begins)?.starts_with("NONE") {
                break;
            }
        }
        Ok(name_of(error))
    }

    pub fn delete(&mut self, topic: &str) -> Result<String, String> {
        let topics = vec![DeleteTopicState { name: Some(topic.into()), ..Default::default() }];
        let response = self.ask(6, &DeleteTopicsRequest { topics, timeout_ms: 5000, ..Default::default() })?;
        Ok(name_of(response.responses[0].error_code))
    }

    pub fn partitions(&mut self, topic: &str, words: &Words<'_>) -> Result<String, String> {
        let topic = CreatePartitionsTopic { name: topic.into(), count: words.number("count", 1), assignments: None };
        let request = CreatePartitionsRequest { topics: vec![topic], timeout_ms: 5000, validate_only: false };
        Ok(name_of(self.ask(3, &request)?.results[0].error_code))
    }

    pub fn config(&mut self, topic: &str, words: &Words<'_>) -> Result<String, String> {
        let set = |(name, value)| AlterableConfig { name, config_operation: 0, value: Some(value) };
        let configs = words.others(&[]).into_iter().map(set).collect();
        let resource = AlterConfigsResource { resource_type: 2, resource_name: topic.into(), configs };
        let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
        Ok(name_of(self.ask(1, &request)?.responses[0].error_code))
    }

    pub fn init(&mut self, name: &str, words: &Words<'_>) -> Result<String, String> {
        let request = InitProducerIdRequest {
            transactional_id: words.get("txn").map(|id| id.trim_matches('"').into()),
            transaction_timeout_ms: words.number("timeout", 60_000),
            producer_id: words.get("pid").map_or(-1, |pid| self.producer(pid).0),
            producer_epoch: words.number("epoch", -1),
            ..Default::default()
        };
        let version = words.number("version", 4);
        let mut response = self.ask(version, &request)?;
        // A broker that has just started has no block of ids yet.
        let loading = ErrorCode::CoordinatorLoadInProgress as i16;
        for _ in 0..1000 {
            if response.error_code == loading {
                response = self.ask(version, &request)?;
            }
        }
        if response.error_code == 0 {
            self.producers.insert(name.into(), (response.producer_id, response.producer_epoch));
            return Ok(format!("NONE, epoch {}", response.producer_epoch));
        }
        Ok(name_of(response.error_code))
    }

    /// A name, or the number itself.
    fn producer(&self, pid: &str) -> (i64, i16) {
        self.producers.get(pid).copied().unwrap_or_else(|| (pid.parse().expect("a name or a number"), 0))
    }

    pub fn describe_cluster(&mut self, words: &Words<'_>) -> Result<String, String> {
        let request = DescribeClusterRequest { endpoint_type: words.number("endpoint", 1), ..Default::default() };
        let response = self.ask(1, &request)?;
        Ok(format!("{}, {} brokers", name_of(response.error_code), response.brokers.len()))
    }

    pub fn describe_quorum(&mut self, partition: &str) -> Result<String, String> {
        let topics = if partition.is_empty() {
            Vec::new()
        } else {
            let (topic_name, partition_index) = split(partition);
            vec![TopicData { topic_name, partitions: vec![PartitionData { partition_index }] }]
        };
        let response = self.ask(1, &DescribeQuorumRequest { topics })?;
        let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
        let partitions: Vec<String> = partitions.map(|partition| name_of(partition.error_code)).collect();
        Ok(format!("{}, partitions {partitions:?}", name_of(response.error_code)).replace('"', ""))
    }

    pub fn produce(&mut self, partition: &str, words: &Words<'_>) -> Result<String, String> {
        let (name, index) = split(partition);
        let version = words.number("version", 9);
        let topic_id = if version >= 13 { self.topic_id(&name) } else { Uuid::ZERO };
        let is_batch = |word: &&&str| {
            ["null", "empty", "garbage"].contains(*word) || word.starts_with("records=") || word.starts_with("hex=")
        };
        let batches: Vec<&str> = words.0.iter().filter(is_batch).copied().collect();
        let records = match batches[..] {
            ["null"] => Records::Null,
            _ => Bytes::from(batches.iter().flat_map(|batch| self.batch(batch)).collect::<Vec<u8>>()).into(),
        };
        let data = TopicProduceData { name, topic_id, partition_data: vec![PartitionProduceData { index, records }] };
        let request = ProduceRequest {
            transactional_id: words.get("txn").map(String::from),
            acks: words.number("acks", -1),
            timeout_ms: 1500,
            topic_data: vec![data],
        };
        let response = self.ask(version, &request)?;
        let part = &response.responses[0].partition_responses[0];
        let (offset, start) = (part.base_offset, part.log_start_offset);
        let bad: Vec<i32> = part.record_errors.iter().map(|e| e.batch_index).collect();
        let bad = if bad.is_empty() { String::new() } else { format!(", bad records {bad:?}") };
        Ok(format!("{}, base offset {offset}, log start {start}{bad}", name_of(part.error_code)))
    }

    pub fn batch(&self, text: &str) -> Vec<u8> {
        if text == "empty" {
            return Vec::new();
        } else if text == "garbage" {
            return vec![7; 70];
        } else if let Some(digits) = text.strip_prefix("hex=") {
            let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
            return (0..digits.len()).step_by(2).map(byte).collect();
        }
        let words = Words(text.split(',').collect());
        let (pid, epoch) = words.get("pid").map_or((-1, -1), |pid| self.producer(pid));
        let epoch = words.number("producer-epoch", epoch);
        let mut builder = BatchBuilder::new().producer(pid, epoch, words.number("seq", -1));
        builder = builder.at(words.number("at", 0), -1);
        if words.flag("transactional") {
            builder = builder.transactional();
        }
        if words.flag("control") {
            builder = builder.control();
        }
        // 2026-01-01; Kafka compares with its clock only what is in the future.
        let time = words.number("time", 1_767_225_600_000_i64);
        for i in 0..words.number("records", 1) {
            builder.push(
                time,
                if words.flag("keyless") { None } else { Some(b"k".as_slice()) },
                Some(format!("v{i}").as_bytes()),
                &[],
            );
        }
        let mut bytes = builder.build().to_vec();
        if let Some(count) = words.get("count") {
            bytes[57..61].copy_from_slice(&count.parse::<i32>().expect("a count").to_be_bytes());
            let crc = crc32c::crc32c(&bytes[21..]);
            bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        }
        if let Some(magic) = words.get("magic") {
            bytes[16] = magic.parse().expect("a magic");
        }
        if words.get("crc") == Some("wrong") {
            bytes[17] ^= 1;
        }
        bytes
    }

    pub fn fetch(&mut self, partition: &str, words: &Words<'_>) -> Result<String, String> {
        let (topic, partition) = split(partition);
        let version = words.number("version", 12);
        let topic_id = if version >= 13 { self.topic_id(&topic) } else { Uuid::ZERO };
        let asked = FetchPartition {
            partition,
            current_leader_epoch: words.number("epoch", -1),
            fetch_offset: words.number("offset", 0),
            last_fetched_epoch: words.number("fetched", -1),
            partition_max_bytes: 1 << 20,
            ..Default::default()
        };
        let request = FetchRequest {
            max_wait_ms: 100,
            min_bytes: words.number("min-bytes", 1),
            max_bytes: 1 << 20,
            session_id: words.number("session", 0),
            session_epoch: words.number("session-epoch", -1),
            topics: vec![FetchTopic { topic, topic_id, partitions: vec![asked] }],
            ..Default::default()
        };
        let response = self.ask(version, &request)?;
        let Some(topic) = response.responses.first() else {
            return Ok(format!("{} for all of it", name_of(response.error_code)));
        };
        let p = &topic.partitions[0];
        let mut text =
            format!("{}, high watermark {}, log start {}", name_of(p.error_code), p.high_watermark, p.log_start_offset);
        if p.diverging_epoch.epoch >= 0 {
            text += &format!(", epoch {} ends at {}", p.diverging_epoch.epoch, p.diverging_epoch.end_offset);
        }
        let batches = lab_core::wire::batch::batches(&p.records.bytes()).map_while(Result::ok);
        for batch in batches {
            let h = batch.header;
            text += &format!(", records {}-{} of epoch {}", h.base_offset, h.last_offset(), h.partition_leader_epoch);
        }
        Ok(text)
    }

    /// The header of the batch that was stored at an offset, and its records when they are plain.
    pub fn stored(&mut self, partition: &str, words: &Words<'_>) -> Result<String, String> {
        let (topic, partition) = split(partition);
        let fetch_offset = words.number("offset", 0);
        let asked = FetchPartition { partition, fetch_offset, partition_max_bytes: 1 << 20, ..Default::default() };
        let request = FetchRequest {
            max_bytes: 1 << 20,
            session_epoch: -1,
            topics: vec![FetchTopic { topic, partitions: vec![asked], ..Default::default() }],
            ..Default::default()
        };
        let response = self.ask(12, &request)?;
        let records = response.responses[0].partitions[0].records.bytes();
        let batch = lab_core::wire::batch::batches(&records).find_map(Result::ok).ok_or("nothing")?;
        let h = &batch.header;
        let (codec, count, last) = (h.codec().map_err(|e| e.to_string())?.name(), h.record_count, h.last_offset_delta);
        let max = if h.is_log_append_time() { "the broker's".into() } else { h.max_timestamp.to_string() };
        let (attributes, base_time, epoch) = (h.attributes, h.base_timestamp, h.partition_leader_epoch);
        let plain = if h.is_compressed() {
            String::new()
        } else {
            format!(", {}", batch.records_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        };
        Ok(format!(
            "offset {}, {codec}, attributes {attributes}, {count} records, last delta {last}, time {base_time} to {max}, \
             leader epoch {epoch}, producer {} {} {}{plain}",
            h.base_offset, h.producer_id, h.producer_epoch, h.base_sequence
        ))
    }

    pub fn offsets(&mut self, partition: &str, words: &Words<'_>) -> Result<String, String> {
        let (name, partition_index) = split(partition);
        let asked = ListOffsetsPartition {
            partition_index,
            current_leader_epoch: words.number("epoch", -1),
            timestamp: words.number("timestamp", -1),
        };
        let topics = vec![ListOffsetsTopic { name, partitions: vec![asked] }];
        let request = ListOffsetsRequest { replica_id: -1, topics, ..Default::default() };
        let response = self.ask(words.number("version", 7), &request)?;
        let p = &response.topics[0].partitions[0];
        let (time, offset, epoch) = (p.timestamp, p.offset, p.leader_epoch);
        Ok(format!("{}, offset {offset}, timestamp {time}, epoch {epoch}", name_of(p.error_code)))
    }

    pub fn epoch_end(&mut self, partition: &str, words: &Words<'_>) -> Result<String, String> {
        let (topic, partition) = split(partition);
        let asked = OffsetForLeaderPartition {
            partition,
            current_leader_epoch: words.number("epoch", -1),
            leader_epoch: words.number("of", 0),
        };
        let topics = vec![OffsetForLeaderTopic { topic, partitions: vec![asked] }];
        let request = OffsetForLeaderEpochRequest { replica_id: -1, topics };
        let response = self.ask(4, &request)?;
        let p = &response.topics[0].partitions[0];
        Ok(format!("{}, epoch {} ends at {}", name_of(p.error_code), p.leader_epoch, p.end_offset))
    }

    pub fn delete_records(&mut self, partition: &str, words: &Words<'_>) -> Result<String, String> {
        let (name, partition_index) = split(partition);
        let asked = DeleteRecordsPartition { partition_index, offset: words.number("offset", -1) };
        let topic = DeleteRecordsTopic { name, partitions: vec![asked] };
        let request = DeleteRecordsRequest { topics: vec![topic], timeout_ms: 1500 };
        let response = self.ask(2, &request)?;
        let part = &response.topics[0].partitions[0];
        Ok(format!("{}, low watermark {}", name_of(part.error_code), part.low_watermark))
    }

    pub fn metadata(&mut self, topic: &str, words: &Words<'_>) -> Result<String, String> {
        let topic = MetadataRequestTopic { name: Some(topic.into()), ..Default::default() };
        let request = MetadataRequest { topics: Some(vec![topic]), ..Default::default() };
        let request = MetadataRequest { allow_auto_topic_creation: false, ..request };
        let response = self.ask_trailing(words.number("version", 12), &request, words.number("trailing", 0))?;
        let topic = &response.topics[0];
        Ok(format!("{}, {} partitions", name_of(topic.error_code), topic.partitions.len()))
    }

    /// An id that no topic has, when there is none of that name.
    pub fn topic_id(&mut self, topic: &str) -> Uuid {
        let topic = MetadataRequestTopic { name: Some(topic.into()), ..Default::default() };
        let request =
            MetadataRequest { topics: Some(vec![topic]), allow_auto_topic_creation: false, ..Default::default() };
        let id = self.ask(12, &request).expect("an answer").topics[0].topic_id;
        if id.is_zero() { Uuid([9; 16]) } else { id }
    }
}
