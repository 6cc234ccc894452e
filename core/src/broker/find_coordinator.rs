//! FindCoordinator: groups and transactions are not built yet, and this says so. (librdkafka wants to see the API
//! advertised before it uses lz4.)

use super::{Broker, Reply};
use crate::{
    seam::Ctx,
    wire::{
        error::ErrorCode,
        find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse},
    },
};

const BATCHED_SINCE: i16 = 4;

impl Broker {
    pub(super) fn find_coordinator(&mut self, ctx: &mut Ctx, reply: &Reply, request: FindCoordinatorRequest) {
        let (error_code, message) = (ErrorCode::CoordinatorNotAvailable.code(), not_built(request.key_type));
        let (node_id, port) = (-1, -1);
        let response = if reply.version >= BATCHED_SINCE {
            let unavailable = |key| Coordinator {
                key,
                node_id,
                port,
                error_code,
                error_message: Some(message.to_owned()),
                ..Default::default()
            };
            let coordinators = request.coordinator_keys.into_iter().map(unavailable).collect();
            FindCoordinatorResponse { coordinators, ..Default::default() }
        } else {
            FindCoordinatorResponse {
                node_id,
                port,
                error_code,
                error_message: Some(message.to_owned()),
                ..Default::default()
            }
        };
        self.conns.answer::<FindCoordinatorRequest>(ctx, reply, &response);
    }
}

fn not_built(key_type: i8) -> &'static str {
    match key_type {
        0 => "consumer groups are not built yet in the lab: assign partitions instead of subscribing",
        1 => "transactions are not built yet in the lab",
        _ => "the lab has no such coordinator yet",
    }
}
