//! DescribeCluster: the brokers, fenced ones too when asked for (KIP-700, KIP-1073).

use super::{Broker, Reply, metadata};
use crate::{
    replica::LISTENER,
    seam::Ctx,
    wire::{
        describe_cluster::{DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse},
        error::ErrorCode,
    },
};

const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

impl Broker {
    pub(super) fn describe_cluster(&mut self, ctx: &mut Ctx, reply: &Reply, request: &DescribeClusterRequest) {
        let mut response = DescribeClusterResponse { cluster_id: self.config.cluster_id.clone(), ..Default::default() };
        if request.endpoint_type == BROKERS {
            response.controller_id = self.any_alive_broker();
            let shown = self.image.brokers().filter(|b| !b.fenced || request.include_fenced_brokers);
            response.brokers = shown
                .filter_map(|b| {
                    let endpoint = b.endpoint(LISTENER)?;
                    Some(DescribeClusterBroker {
                        broker_id: b.id.0,
                        host: endpoint.host.clone(),
                        port: i32::from(endpoint.port),
                        rack: b.rack.clone(),
                        is_fenced: b.fenced,
                    })
                })
                .collect();
            if request.include_cluster_authorized_operations {
                response.cluster_authorized_operations = metadata::ALL_CLUSTER_OPERATIONS;
            }
        } else if request.endpoint_type != CONTROLLERS {
            response.error_code = ErrorCode::UnsupportedEndpointType.code();
            response.error_message = Some(format!("Unsupported endpoint type {}", request.endpoint_type));
        } else {
            // Controllers answer for controllers, on their own listener.
            response.error_code = ErrorCode::MismatchedEndpointType.code();
            response.error_message =
                Some("The request was sent to an endpoint of the wrong type: this is a broker".into());
        }
        response.endpoint_type = BROKERS;
        self.conns.answer::<DescribeClusterRequest>(ctx, reply, &response);
    }
}
