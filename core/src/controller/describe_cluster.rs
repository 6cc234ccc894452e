//! DescribeCluster (key 60) on the controller's listener: the quorum (KIP-700, KIP-919).

use crate::{
    config::NodeConfig,
    id::NodeId,
    wire::{
        describe_cluster::{DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse},
        error::ErrorCode,
    },
};

/// Bits of what anybody may do while all is allowed (`AclEntry.supportedOperations`).
const ALL_CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(super) fn describe(
    version: i16,
    request: &DescribeClusterRequest,
    config: &NodeConfig,
    leader: Option<NodeId>,
) -> DescribeClusterResponse {
    let brokers = match request.endpoint_type {
        CONTROLLERS => config
            .voters
            .iter()
            .map(|voter| DescribeClusterBroker {
                broker_id: voter.id.0,
                host: voter.endpoint.host.clone(),
                port: voter.endpoint.port.into(),
                ..Default::default()
            })
            .collect(),
        BROKERS => {
            let message =
                "The request was sent to an endpoint of type CONTROLLER, but we wanted an endpoint of type BROKER";
            // A client of version 0 has not heard of types of endpoints (KIP-919).
            let code = if version == 0 { ErrorCode::InvalidRequest } else { ErrorCode::MismatchedEndpointType };
            return refused(code, message);
        }
        other => {
            let message = format!("Unsupported endpoint type {other}");
            return refused(ErrorCode::UnsupportedEndpointType, &message);
        }
    };
    DescribeClusterResponse {
        endpoint_type: request.endpoint_type,
        cluster_id: config.cluster_id.clone(),
        controller_id: leader.map_or(-1, |id| id.0),
        brokers,
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            ALL_CLUSTER_OPERATIONS
        } else {
            i32::MIN
        },
        ..Default::default()
    }
}

fn refused(code: ErrorCode, message: &str) -> DescribeClusterResponse {
    DescribeClusterResponse { error_code: code.code(), error_message: Some(message.into()), ..Default::default() }
}
