//! DescribeCluster (key 60) on the controller's listener: the quorum (KIP-700, KIP-919).

use crate::{
    config::NodeConfig,
    id::NodeId,
    wire::{
        describe_cluster::{DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse},
        error::ErrorCode,
    },
};

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(super) fn describe(
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
            return refused(request, ErrorCode::MismatchedEndpointType, message);
        }
        other => {
            let message = format!("Unsupported endpoint type {other}");
            return refused(request, ErrorCode::UnsupportedEndpointType, &message);
        }
    };
    DescribeClusterResponse {
        endpoint_type: request.endpoint_type,
        cluster_id: config.cluster_id.clone(),
        controller_id: leader.map_or(-1, |id| id.0),
        brokers,
        ..Default::default()
    }
}

fn refused(request: &DescribeClusterRequest, code: ErrorCode, message: &str) -> DescribeClusterResponse {
    DescribeClusterResponse {
        error_code: code.code(),
        error_message: Some(message.into()),
        endpoint_type: request.endpoint_type,
        ..Default::default()
    }
}
