//! SaslHandshake and SaslAuthenticate where no login is asked for: a client that has come this far has passed, as far as
//! the broker is concerned (Kafka: `KafkaApis.handleSaslHandshakeRequest`, `handleSaslAuthenticateRequest`).

use crate::wire::{
    error::ErrorCode,
    sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse},
    sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse},
};

pub(super) fn handshake(_: &SaslHandshakeRequest) -> Option<SaslHandshakeResponse> {
    Some(SaslHandshakeResponse { error_code: ErrorCode::IllegalSaslState.code(), ..Default::default() })
}

pub(super) fn authenticate(_: &SaslAuthenticateRequest) -> Option<SaslAuthenticateResponse> {
    Some(SaslAuthenticateResponse {
        error_code: ErrorCode::IllegalSaslState.code(),
        error_message: Some("SaslAuthenticate request received after successful authentication".into()),
        ..Default::default()
    })
}
