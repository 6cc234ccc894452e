//! DescribeClientQuotas and DescribeUserScramCredentials: what the metadata log keeps
//! (Kafka: `KafkaApis.handleDescribeClientQuotasRequest`, `handleDescribeUserScramCredentialsRequest`).

use super::{Broker, Reply};
use crate::{
    authorize::{Operation, Resource, authorize},
    metadata::{quotas, scram},
    seam::Ctx,
    wire::{
        describe_client_quotas::{DescribeClientQuotasRequest, DescribeClientQuotasResponse},
        describe_user_scram_credentials::{DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse},
        error::ErrorCode,
    },
};

const DENIED: ErrorCode = ErrorCode::ClusterAuthorizationFailed;

impl Broker {
    pub(super) fn describe_client_quotas(
        &mut self,
        ctx: &mut Ctx,
        reply: &Reply,
        request: &DescribeClientQuotasRequest,
    ) {
        let allowed = authorize(&self.principal(reply.conn), Operation::DescribeConfigs, Resource::Cluster);
        let described = if allowed {
            quotas::describe(self.image.quotas(), request)
        } else {
            Err((DENIED, DENIED.message().to_owned()))
        };
        let response = match described {
            Ok(entries) => DescribeClientQuotasResponse {
                error_message: Some(String::new()),
                entries: Some(entries),
                ..Default::default()
            },
            Err((error, why)) => DescribeClientQuotasResponse {
                error_code: error.code(),
                error_message: Some(why),
                entries: None,
                ..Default::default()
            },
        };
        self.conns.answer::<DescribeClientQuotasRequest>(ctx, reply, &response);
    }

    pub(super) fn describe_user_scram_credentials(
        &mut self,
        ctx: &mut Ctx,
        reply: &Reply,
        request: DescribeUserScramCredentialsRequest,
    ) {
        let allowed = authorize(&self.principal(reply.conn), Operation::Describe, Resource::Cluster);
        let response = if allowed {
            let users: Vec<String> = request.users.unwrap_or_default().into_iter().map(|user| user.name).collect();
            DescribeUserScramCredentialsResponse {
                error_message: Some(String::new()),
                results: scram::describe(self.image.scram_credentials(), &users),
                ..Default::default()
            }
        } else {
            DescribeUserScramCredentialsResponse {
                error_code: DENIED.code(),
                error_message: Some(DENIED.message().into()),
                ..Default::default()
            }
        };
        self.conns.answer::<DescribeUserScramCredentialsRequest>(ctx, reply, &response);
    }
}
