//! Fetch: from consumers, and from the replicas that follow this broker.

use bytes::Bytes;

use super::{Broker, Reply};
use crate::{
    authorize::{Operation, Resource, authorize},
    id::NodeId,
    replica::{
        fetch::{FetchPlan, Replica},
        session,
    },
    seam::Ctx,
    wire::{
        error::ErrorCode,
        fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchableTopicResponse, PartitionData},
        records::Records,
    },
};

const BY_ID_SINCE: i16 = 13;
/// The replica's identity moved into a struct of its own (KIP-903).
const REPLICA_STATE_SINCE: i16 = 15;

impl Broker {
    pub(super) fn fetch(&mut self, ctx: &mut Ctx, reply: Reply, request: FetchRequest) {
        let version = reply.version;
        let replica = match version {
            REPLICA_STATE_SINCE.. => {
                Replica { id: NodeId(request.replica_state.replica_id), epoch: request.replica_state.replica_epoch }
            }
            _ => Replica { id: NodeId(request.replica_id), epoch: -1 },
        };
        let replica = (replica.id.0 >= 0).then_some(replica);
        if let Some(replica) = replica {
            self.conns.identify(ctx, reply.conn, replica.id);
        }
        let operation = if replica.is_some() { Operation::ClusterAction } else { Operation::Read };
        if !authorize(&self.principal(reply.conn), operation, Resource::Cluster) {
            return self.fetch_failed(ctx, &reply, ErrorCode::ClusterAuthorizationFailed, 0, Vec::new());
        }
        let session_id = request.session_id;
        if !session::has_shard(session_id) {
            return self.fetch_failed(ctx, &reply, ErrorCode::UnknownServerError, session_id, request.topics);
        }
        let size = |bytes: i32| usize::try_from(bytes).unwrap_or(0);
        let max_bytes = request.max_bytes.min(self.config.fetch_max_bytes);
        let min_bytes = size(request.min_bytes).min(size(max_bytes));
        let read_committed = request.isolation_level == 1;
        let max_wait_ms = u64::try_from(request.max_wait_ms).unwrap_or(0);
        let now = ctx.now.mono;
        let unknown_isolation = !(0..=1).contains(&request.isolation_level);
        let asked = if unknown_isolation { request.topics.clone() } else { Vec::new() };
        match self.replicas.sessions_mut().unfold(request, version, &self.image, now) {
            // `IsolationLevel.forId` knows no other, which comes out when there is something to read.
            Ok((session, partitions)) if unknown_isolation && partitions.iter().any(|p| p.key.is_ok()) => {
                if !session.incremental {
                    self.replicas.sessions_mut().close(session.id);
                }
                self.fetch_failed(ctx, &reply, ErrorCode::UnknownServerError, session_id, asked);
            }
            Ok((session, partitions)) => {
                if let Some(client) = self.conns.client_mut(reply.conn).filter(|_| replica.is_none()) {
                    client.fetches(&partitions);
                }
                let by_id = version >= BY_ID_SINCE;
                let plan =
                    FetchPlan { replica, min_bytes, max_bytes, read_committed, by_id, version, partitions, session };
                self.replicas.fetch(ctx, &self.image, plan, reply, max_wait_ms);
            }
            Err(error) => self.fetch_failed(ctx, &reply, error, 0, Vec::new()),
        }
    }

    /// `asked`: each of them fails, which an answer says only while topics have names, and the session is called as it was
    /// asked for (`FetchRequest.getErrorResponse`).
    fn fetch_failed(
        &mut self,
        ctx: &mut Ctx,
        reply: &Reply,
        error: ErrorCode,
        session_id: i32,
        asked: Vec<FetchTopic>,
    ) {
        let partition = |asked: FetchPartition| PartitionData {
            partition_index: asked.partition,
            error_code: error.code(),
            high_watermark: -1,
            records: Records::Bytes(Bytes::new()),
            ..Default::default()
        };
        let topic = |asked: FetchTopic| FetchableTopicResponse {
            topic: asked.topic,
            partitions: asked.partitions.into_iter().map(partition).collect(),
            ..Default::default()
        };
        let responses = asked.into_iter().filter(|_| reply.version < BY_ID_SINCE).map(topic).collect();
        let response = FetchResponse { error_code: error.code(), session_id, responses, ..Default::default() };
        self.conns.answer::<FetchRequest>(ctx, reply, &response);
    }
}
