//! What is answered to requests about security while there is none: no authorizer, no SASL, no delegation tokens. Brokers
//! and controllers answer the same, as Kafka's do with their defaults on a PLAINTEXT listener.

mod acls;
mod delegation_tokens;
mod sasl;

use bytes::Bytes;

use crate::{
    seam::{Listener, Part},
    wire::{
        api::{ApiKey, Request},
        create_acls::CreateAclsRequest,
        create_delegation_token::CreateDelegationTokenRequest,
        delete_acls::DeleteAclsRequest,
        describe_acls::DescribeAclsRequest,
        describe_delegation_token::DescribeDelegationTokenRequest,
        expire_delegation_token::ExpireDelegationTokenRequest,
        frame::{decode_body, response_parts},
        renew_delegation_token::RenewDelegationTokenRequest,
        sasl_authenticate::SaslAuthenticateRequest,
        sasl_handshake::SaslHandshakeRequest,
    },
};

/// Who asks for what, and where.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub api_key: ApiKey,
    pub version: i16,
    pub correlation_id: i32,
    /// `User:alice`.
    pub principal: &'a str,
    pub listener: Listener,
}

/// `None`: the request cannot be read, or contradicts itself so that Kafka closes the connection, or is another API's.
pub fn answer(asked: Asked<'_>, body: &Bytes) -> Option<Vec<Part>> {
    match asked.api_key {
        ApiKey::SaslHandshake => of::<SaslHandshakeRequest>(asked, body, sasl::handshake),
        ApiKey::SaslAuthenticate => of::<SaslAuthenticateRequest>(asked, body, sasl::authenticate),
        ApiKey::DescribeAcls => of::<DescribeAclsRequest>(asked, body, acls::describe),
        ApiKey::CreateAcls => of::<CreateAclsRequest>(asked, body, acls::create),
        ApiKey::DeleteAcls => of::<DeleteAclsRequest>(asked, body, acls::delete),
        ApiKey::CreateDelegationToken => {
            of::<CreateDelegationTokenRequest>(asked, body, |r| delegation_tokens::create(r, asked.principal))
        }
        ApiKey::RenewDelegationToken => of::<RenewDelegationTokenRequest>(asked, body, delegation_tokens::renew),
        ApiKey::ExpireDelegationToken => of::<ExpireDelegationTokenRequest>(asked, body, delegation_tokens::expire),
        ApiKey::DescribeDelegationToken => {
            of::<DescribeDelegationTokenRequest>(asked, body, |_| delegation_tokens::describe(asked.listener))
        }
        _ => None,
    }
}

fn of<R: Request>(asked: Asked<'_>, body: &Bytes, answer: impl FnOnce(&R) -> Option<R::Response>) -> Option<Vec<Part>> {
    let request: R = decode_body(asked.version, body).ok()?;
    Some(response_parts::<R>(asked.version, asked.correlation_id, &answer(&request)?))
}
