//! What only the active controller may decide is asked of it for the client, in an envelope with the client's own
//! request inside (KIP-590; Kafka: `ForwardingManager`). Clients need not know who the controller is.

use bytes::{Bytes, BytesMut};

use super::{
    Broker, Purpose, Reply,
    alter_configs::{Answered, merged},
    controller_channel::Question,
};
use crate::{
    controller,
    metadata::alter_configs::{AlterRequest, Refusal, ResourceResult},
    seam::{Ctx, Part},
    wire::{
        alter_configs::AlterConfigsRequest,
        api::ApiKey,
        describe_quorum::{DescribeQuorumRequest, DescribeQuorumResponse},
        envelope::EnvelopeRequest,
        error::ErrorCode,
        frame,
        incremental_alter_configs::IncrementalAlterConfigsRequest,
        primitive::{DecodeError, Writer},
    },
};

const ENVELOPE_VERSION: i16 = 0;

/// A client's request on its way to the controller.
#[derive(Clone, Debug)]
pub struct Forwarded {
    reply: Reply,
    /// For an answer of our own, if the controller gives none.
    body: Bytes,
    /// Of a change of configuration: what this broker has said itself; empty when it is all forwarded.
    answered: Answered,
}

impl Broker {
    pub(super) fn forward(&mut self, ctx: &mut Ctx, reply: Reply, frame: &Bytes, body: Bytes) {
        self.forward_some(ctx, reply, frame, body, Answered::new());
    }

    /// `body` is of the client's whole request, `frame` of what is left of it.
    pub(super) fn forward_some(&mut self, ctx: &mut Ctx, reply: Reply, frame: &Bytes, body: Bytes, answered: Answered) {
        let deadline = Some(ctx.now.mono.plus_ms(self.config.request_timeout_ms));
        if reply.api_key == ApiKey::DescribeQuorum {
            // The quorum itself answers this one, without an envelope.
            let (version, request) = (reply.version, body.clone());
            let make = |correlation_id| relayed(version, correlation_id, request);
            self.forwarding.ask_raw(ctx, make, Purpose::Relay(Forwarded { reply, body, answered }), deadline);
            return;
        }
        let connection = self.conns.get(reply.conn);
        let principal = connection.map_or("User:ANONYMOUS", |c| c.principal.as_str());
        let request = EnvelopeRequest {
            request_data: frame.clone(),
            request_principal: Some(principal_bytes(principal)),
            client_host_address: host_bytes(connection.map_or("", |c| c.peer.as_str())),
        };
        self.forwarding.ask(
            ctx,
            ENVELOPE_VERSION,
            &request,
            Purpose::Forward(Forwarded { reply, body, answered }),
            deadline,
        );
    }

    /// The controller answered an envelope.
    pub(super) fn envelope_answered(
        &mut self,
        ctx: &mut Ctx,
        question: Question<Purpose>,
        forwarded: Forwarded,
        bytes: &Bytes,
    ) {
        let Ok((_, envelope)) = frame::parse_response::<EnvelopeRequest>(ENVELOPE_VERSION, bytes) else {
            return self.forwarding.again(ctx, question);
        };
        match (ErrorCode::from_code(envelope.error_code), envelope.response_data) {
            // Inside is the whole answer, with the client's correlation id.
            (ErrorCode::None, Some(data)) if !forwarded.answered.is_empty() => {
                let merged = match forwarded.reply.api_key {
                    ApiKey::AlterConfigs => self.answer_merged::<AlterConfigsRequest>(ctx, &forwarded, &data),
                    _ => self.answer_merged::<IncrementalAlterConfigsRequest>(ctx, &forwarded, &data),
                };
                if merged.is_none() {
                    self.refuse_forwarded(ctx, forwarded, ErrorCode::UnknownServerError);
                }
            }
            (ErrorCode::None, Some(data)) => self.conns.answer_frame(ctx, &forwarded.reply, vec![Part::Bytes(data)]),
            (ErrorCode::NotController, _) => self.forwarding.again(ctx, question),
            (error, _) => self.refuse_forwarded(ctx, forwarded, error),
        }
    }

    /// `None`: the controller's answer cannot be read.
    fn answer_merged<R: AlterRequest>(&mut self, ctx: &mut Ctx, forwarded: &Forwarded, data: &Bytes) -> Option<()> {
        let Forwarded { reply, body, answered } = forwarded;
        let (_, response) = frame::parse_response::<R>(reply.version, data).ok()?;
        let request: R = frame::decode_body(reply.version, body).ok()?;
        let response = merged::<R>(&request.changes(), answered.clone(), R::results(response));
        self.conns.answer::<R>(ctx, reply, &response);
        Some(())
    }

    /// What this broker said itself, and the error to the rest.
    fn refuse_merged<R: AlterRequest>(
        &mut self,
        ctx: &mut Ctx,
        forwarded: &Forwarded,
        error: &Refusal,
    ) -> Result<(), DecodeError> {
        let Forwarded { reply, body, answered } = forwarded;
        let request: R = frame::decode_body(reply.version, body)?;
        let changes = request.changes();
        let rest = changes.iter().map(|change| ResourceResult::new(change, Err(error.clone()))).collect();
        self.conns.answer::<R>(ctx, reply, &merged::<R>(&changes, answered.clone(), rest));
        Ok(())
    }

    /// The controller answered a request that went without an envelope: only the correlation id is another.
    pub(super) fn relay_answered(
        &mut self,
        ctx: &mut Ctx,
        question: Question<Purpose>,
        forwarded: Forwarded,
        bytes: &Bytes,
    ) {
        let Ok((_, response)) = frame::parse_response::<DescribeQuorumRequest>(forwarded.reply.version, bytes) else {
            return self.refuse_forwarded(ctx, forwarded, ErrorCode::UnknownServerError);
        };
        let not_leader =
            |code| matches!(ErrorCode::from_code(code), ErrorCode::NotLeaderOrFollower | ErrorCode::NotController);
        let parts = response.topics.iter().flat_map(|t| &t.partitions);
        if not_leader(response.error_code) || parts.into_iter().any(|p| not_leader(p.error_code)) {
            return self.forwarding.again(ctx, question);
        }
        self.conns.answer::<DescribeQuorumRequest>(ctx, &forwarded.reply, &response);
    }

    /// Answers in the controller's place that it could not be done: the same error for everything that was asked.
    pub(super) fn refuse_forwarded(&mut self, ctx: &mut Ctx, forwarded: Forwarded, error: ErrorCode) {
        let mine = match forwarded.reply.api_key {
            _ if forwarded.answered.is_empty() => None,
            ApiKey::AlterConfigs => Some(self.refuse_merged::<AlterConfigsRequest>(ctx, &forwarded, &(error, None))),
            _ => Some(self.refuse_merged::<IncrementalAlterConfigsRequest>(ctx, &forwarded, &(error, None))),
        };
        if let Some(refused) = mine {
            if refused.is_err() {
                self.close(ctx, forwarded.reply.conn);
            }
            return;
        }
        let Forwarded { reply, body, .. } = forwarded;
        if reply.api_key == ApiKey::DescribeQuorum {
            let (error_code, error_message) = (error.code(), Some(error.message().to_owned()));
            let response = DescribeQuorumResponse { error_code, error_message, ..Default::default() };
            return self.conns.answer::<DescribeQuorumRequest>(ctx, &reply, &response);
        }
        match controller::refusal(reply.api_key, reply.version, reply.correlation_id, &body, error) {
            Some(parts) => self.conns.answer_frame(ctx, &reply, parts),
            // It cannot be read, so nobody could answer it.
            None => self.close(ctx, reply.conn),
        }
    }
}

/// The same body under a header of ours.
fn relayed(version: i16, correlation_id: i32, body: Bytes) -> Vec<Part> {
    let mut head = BytesMut::new();
    head.extend_from_slice(&ApiKey::DescribeQuorum.code().to_be_bytes());
    head.extend_from_slice(&version.to_be_bytes());
    head.extend_from_slice(&correlation_id.to_be_bytes());
    // No client id, no tagged fields.
    head.extend_from_slice(&(-1_i16).to_be_bytes());
    head.extend_from_slice(&[0]);
    vec![Part::Bytes(head.freeze()), Part::Bytes(body)]
}

/// Kafka's `DefaultPrincipalData`, version 0: type, name, no delegation token.
fn principal_bytes(principal: &str) -> Bytes {
    let (kind, name) = principal.split_once(':').unwrap_or(("User", principal));
    let mut writer = Writer::new();
    writer.i16(0);
    for text in [kind, name] {
        writer.uvarint(text.len() as u32 + 1);
        writer.put(text.as_bytes());
    }
    writer.put(&[0, 0]);
    writer.into_bytes()
}

/// The client's address as 4 or 16 bytes; that of no host at all for a peer that has none (in the simulator).
fn host_bytes(peer: &str) -> Bytes {
    use std::net::{IpAddr, Ipv4Addr};
    let host = peer.rsplit_once(':').map_or(peer, |(host, _)| host).trim_matches(['[', ']']);
    match host.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) {
        IpAddr::V4(v4) => Bytes::copy_from_slice(&v4.octets()),
        IpAddr::V6(v6) => Bytes::copy_from_slice(&v6.octets()),
    }
}
