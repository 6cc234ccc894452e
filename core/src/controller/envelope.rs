//! Envelope (key 58): a broker forwards what a client asked of it, with the client's own header and principal
//! (KIP-590; Kafka: `EnvelopeUtils`).

use bytes::Bytes;

use crate::wire::{
    api::ApiKey,
    envelope::EnvelopeRequest,
    error::ErrorCode,
    frame::{RequestHead, decode_body, parse_request},
    primitive::Reader,
};

/// What was in the envelope.
pub(super) struct Opened {
    pub head: RequestHead,
    pub body: Bytes,
    /// `User:alice`.
    pub principal: String,
}

/// `Err`: the error of the envelope. `None`: the envelope itself cannot be read.
pub(super) fn open(version: i16, body: &Bytes) -> Option<Result<Opened, ErrorCode>> {
    let envelope: EnvelopeRequest = decode_body(version, body).ok()?;
    Some(unwrap(&envelope))
}

fn unwrap(envelope: &EnvelopeRequest) -> Result<Opened, ErrorCode> {
    let (head, body) = parse_request(&envelope.request_data).map_err(|_| ErrorCode::InvalidRequest)?;
    if !is_forwardable(head.api_key) {
        return Err(ErrorCode::InvalidRequest);
    }
    if !head.api_key.versions().is_some_and(|versions| versions.contains(&head.api_version)) {
        return Err(ErrorCode::UnsupportedVersion);
    }
    let principal = match &envelope.request_principal {
        Some(bytes) => principal(bytes).ok_or(ErrorCode::PrincipalDeserializationFailure)?,
        None => "User:ANONYMOUS".into(),
    };
    Ok(Opened { head, body, principal })
}

/// What brokers forward of what the lab serves (Kafka: `ApiKeys.forwardable`).
pub(super) const fn is_forwardable(key: ApiKey) -> bool {
    use ApiKey::{
        AddRaftVoter, AlterClientQuotas, AlterConfigs, AlterPartitionReassignments, AlterUserScramCredentials,
        CreatePartitions, CreateTopics, DeleteTopics, ElectLeaders, IncrementalAlterConfigs,
        ListPartitionReassignments, RemoveRaftVoter, UnregisterBroker, UpdateFeatures,
    };
    matches!(
        key,
        AlterConfigs
            | CreateTopics
            | DeleteTopics
            | CreatePartitions
            | IncrementalAlterConfigs
            | AlterClientQuotas
            | AlterUserScramCredentials
            | ElectLeaders
            | AlterPartitionReassignments
            | ListPartitionReassignments
            | UpdateFeatures
            | UnregisterBroker
            | AddRaftVoter
            | RemoveRaftVoter
    )
}

/// Kafka's `DefaultPrincipalData`: version 0, type, name, whether a token authenticated it.
fn principal(bytes: &Bytes) -> Option<String> {
    let mut reader = Reader::new(bytes);
    if reader.i16().ok()? != 0 {
        return None;
    }
    let mut text = || {
        let len = reader.uvarint().ok()?.checked_sub(1)?;
        let bytes = reader.take(len as usize).ok()?;
        std::str::from_utf8(bytes).ok()
    };
    let (kind, name) = (text()?, text()?);
    Some(format!("{kind}:{name}"))
}
