//! FindCoordinator: the leader of the group's partition of `__consumer_offsets`, which is created when somebody first asks
//! (`KafkaApis.getCoordinator`, `AutoTopicCreationManager`). Transactions are not built yet, and this says so.

use super::{Broker, Reply};
use crate::{
    authorize::Operation,
    group::{OFFSETS_TOPIC, placement},
    id::{NodeId, Uuid},
    replica::LISTENER,
    seam::Ctx,
    wire::{
        create_topics::{CreatableTopic, CreatableTopicConfig},
        error::ErrorCode,
        find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse},
    },
};

const BATCHED_SINCE: i16 = 4;
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;
/// First version that may ask for a share coordinator (KIP-932).
const SHARE_SINCE: i16 = 6;

impl Broker {
    pub(super) fn find_coordinator(&mut self, ctx: &mut Ctx, reply: &Reply, request: FindCoordinatorRequest) {
        let batched = reply.version >= BATCHED_SINCE;
        let keys = if batched { request.coordinator_keys } else { vec![request.key] };
        let mut coordinators: Vec<Coordinator> = Vec::with_capacity(keys.len());
        for key in keys {
            coordinators.push(self.coordinator_of(ctx, reply, request.key_type, key));
        }
        let response = if batched {
            FindCoordinatorResponse { coordinators, ..Default::default() }
        } else {
            let Coordinator { node_id, host, port, error_code, error_message, .. } =
                coordinators.pop().unwrap_or_default();
            FindCoordinatorResponse { node_id, host, port, error_code, error_message, ..Default::default() }
        };
        self.conns.answer::<FindCoordinatorRequest>(ctx, reply, &response);
    }

    fn coordinator_of(&mut self, ctx: &mut Ctx, reply: &Reply, key_type: i8, key: String) -> Coordinator {
        let refused = |key: String, error: ErrorCode, why: &str| Coordinator {
            key,
            node_id: -1,
            port: -1,
            error_code: error.code(),
            error_message: Some(why.to_owned()),
            ..Default::default()
        };
        // With several keys in an answer the error of one says all.
        let said = |error: ErrorCode| if reply.version < BATCHED_SINCE { error.message() } else { "" };
        match key_type {
            GROUP => {}
            TRANSACTION => {
                let why = "transactions are not built yet in the lab";
                return refused(key, ErrorCode::CoordinatorNotAvailable, why);
            }
            SHARE if reply.version < SHARE_SINCE || !is_share_key(&key) => {
                return refused(key, ErrorCode::InvalidRequest, said(ErrorCode::InvalidRequest));
            }
            SHARE => {
                let why = "share groups are not built yet in the lab";
                return refused(key, ErrorCode::CoordinatorNotAvailable, why);
            }
            _ => return refused(key, ErrorCode::InvalidRequest, ErrorCode::InvalidRequest.message()),
        }
        if !self.may(reply, Operation::Describe, &key) {
            let error = ErrorCode::GroupAuthorizationFailed;
            return refused(key, error, error.message());
        }
        let unavailable = |key| {
            let error = ErrorCode::CoordinatorNotAvailable;
            refused(key, error, said(error))
        };
        let Some(topic) = self.image.topic(OFFSETS_TOPIC) else {
            self.create_offsets_topic(ctx);
            return unavailable(key);
        };
        let partition = placement::partition_for(&key, topic.partitions.len() as i32);
        let leader = topic.partitions.get(&partition).map(|p| NodeId(p.leader));
        let alive = leader.and_then(|id| self.image.broker(id)).filter(|b| !b.fenced);
        match alive.and_then(|b| Some((b.id, b.endpoint(LISTENER)?))) {
            Some((id, endpoint)) => Coordinator {
                key,
                node_id: id.0,
                host: endpoint.host.clone(),
                port: i32::from(endpoint.port),
                error_code: 0,
                // So Kafka calls it where there is but one (`FindCoordinatorResponse.prepareOldResponse`).
                error_message: Some(if reply.version < BATCHED_SINCE {
                    ErrorCode::None.name().into()
                } else {
                    String::new()
                }),
            },
            None => unavailable(key),
        }
    }

    /// Compacted, since only the newest word on each key counts (`GroupCoordinator.groupMetadataTopicConfigs`).
    fn create_offsets_topic(&mut self, ctx: &mut Ctx) {
        let config = &self.config;
        let set = |name: &str, value: String| CreatableTopicConfig { name: name.into(), value: Some(value) };
        let topic = CreatableTopic {
            name: OFFSETS_TOPIC.to_owned(),
            num_partitions: config.offsets_topic_num_partitions,
            replication_factor: config.offsets_topic_replication_factor,
            configs: vec![
                set("cleanup.policy", "compact".into()),
                set("compression.type", "producer".into()),
                set("segment.bytes", config.offsets_topic_segment_bytes.to_string()),
            ],
            ..Default::default()
        };
        self.create_topics(ctx, vec![topic]);
    }
}

/// `group:topic-id:partition` (`SharePartitionKey.validate`).
fn is_share_key(key: &str) -> bool {
    let mut parts = key.rsplitn(3, ':');
    let (partition, topic_id, group) = (parts.next(), parts.next(), parts.next());
    let is_id = |id: &str| Uuid::parse(id).is_some();
    group.is_some_and(|g| !g.is_empty())
        && topic_id.is_some_and(is_id)
        && partition.is_some_and(|p| p.parse::<i32>().is_ok())
}
