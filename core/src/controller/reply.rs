//! Where an answer goes, and the frame it goes in: plain, or within the answer to an envelope (KIP-590).

use bytes::Bytes;

use crate::{
    id::ConnId,
    seam::{Ctx, Output, Part},
    wire::{
        api::Request,
        envelope::{EnvelopeRequest, EnvelopeResponse},
        error::ErrorCode,
        frame::{RequestHead, response_parts},
        records::Records,
    },
};

#[derive(Clone, Debug)]
pub(super) struct ReplyTo {
    pub conn: ConnId,
    pub version: i16,
    pub principal: String,
    correlation_id: i32,
    /// Of the envelope that the request came in.
    envelope: Option<i32>,
}

impl ReplyTo {
    pub(super) fn new(conn: ConnId, head: &RequestHead, principal: String) -> Self {
        Self { conn, version: head.api_version, principal, correlation_id: head.correlation_id, envelope: None }
    }

    /// The answer to `inner`, a request that came in the envelope that `self` would answer.
    pub(super) fn within(self, inner: &RequestHead, principal: String) -> Self {
        Self {
            envelope: Some(self.correlation_id),
            version: inner.api_version,
            correlation_id: inner.correlation_id,
            principal,
            ..self
        }
    }

    pub(super) fn frame<R: Request>(&self, response: &R::Response) -> Vec<Part> {
        let parts = response_parts::<R>(self.version, self.correlation_id, response);
        match self.envelope {
            None => parts,
            Some(envelope) => sealed(envelope, Some(Records::Parts(parts).bytes()), ErrorCode::None),
        }
    }

    /// As [`Self::frame`], when this node turned out not to be the active controller. In an envelope that goes outside,
    /// where the forwarding broker looks: it then asks another controller (Kafka: `RequestChannel.Request`).
    pub(super) fn frame_not_controller<R: Request>(&self, response: &R::Response) -> Vec<Part> {
        match self.envelope {
            None => self.frame::<R>(response),
            Some(envelope) => sealed(envelope, None, ErrorCode::NotController),
        }
    }

    /// The envelope itself is refused.
    pub(super) fn frame_refused(&self, error: ErrorCode) -> Vec<Part> {
        sealed(self.envelope.unwrap_or(self.correlation_id), None, error)
    }

    pub(super) fn send(&self, ctx: &mut Ctx<'_>, parts: Vec<Part>) {
        ctx.out.send(self.conn, parts);
    }

    /// Nothing more is read from the connection until the answer is given.
    pub(super) fn park(&self, ctx: &mut Ctx<'_>) {
        ctx.out.push(Output::Mute { conn: self.conn });
    }

    pub(super) fn unpark(&self, ctx: &mut Ctx<'_>) {
        ctx.out.push(Output::Unmute { conn: self.conn });
    }
}

fn sealed(correlation_id: i32, response_data: Option<Bytes>, error: ErrorCode) -> Vec<Part> {
    let response = EnvelopeResponse { response_data, error_code: error.code() };
    response_parts::<EnvelopeRequest>(0, correlation_id, &response)
}
