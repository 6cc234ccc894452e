//! AlterUserScramCredentials (key 51, KIP-554, KIP-900; Kafka: `ScramControlManager`).

use std::collections::BTreeMap;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

use super::{
    api::{ApiError, Command, Decision, State, error},
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    metadata::scram::ScramCredential,
    wire::{
        alter_user_scram_credentials::{
            AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse, AlterUserScramCredentialsResult,
            ScramCredentialUpsertion,
        },
        error::ErrorCode,
        metadata_records::RemoveUserScramCredentialRecord,
    },
};

const SHA_256: i8 = 1;
const SHA_512: i8 = 2;
/// Of both mechanisms (Kafka: `ScramMechanism.minIterations`).
const MIN_ITERATIONS: i32 = 4096;
/// Kafka: `ScramControlManager.MAX_ITERATIONS`.
const MAX_ITERATIONS: i32 = 16_384;

enum Change<'a> {
    Delete(i8),
    Upsert(&'a ScramCredentialUpsertion),
}

impl Command for AlterUserScramCredentialsRequest {
    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        if !state.authorize(Operation::Alter, Resource::Cluster) {
            return self.refuse(ErrorCode::ClusterAuthorizationFailed).into();
        }
        let deletions = self.deletions.iter().map(|d| (&d.name, Change::Delete(d.mechanism)));
        let upsertions = self.upsertions.iter().map(|u| (&u.name, Change::Upsert(u)));
        let mut changes: BTreeMap<&String, Result<Change<'_>, ApiError>> = BTreeMap::new();
        for (name, change) in deletions.chain(upsertions) {
            let result = match changes.get(name) {
                // The first error of a user stands.
                Some(Err(_)) => continue,
                Some(Ok(_)) => {
                    error(ErrorCode::DuplicateResource, "A user credential cannot be altered twice in the same request")
                }
                None => check(name, &change, state).map(|()| change),
            };
            changes.insert(name, result);
        }
        let mut batch = Batch::default();
        let (mut done, mut refused) = (Vec::new(), Vec::new());
        for (name, change) in changes {
            match change.and_then(|change| write(name, change, &mut batch)) {
                Ok(()) => done.push(result(name, ErrorCode::None, None)),
                Err((error, why)) => refused.push(result(name, error, why)),
            }
        }
        done.append(&mut refused);
        Decision { batch, response: AlterUserScramCredentialsResponse { results: done, ..Default::default() } }
    }

    fn refuse(&self, error: ErrorCode) -> AlterUserScramCredentialsResponse {
        let names = self.deletions.iter().map(|d| &d.name).chain(self.upsertions.iter().map(|u| &u.name));
        let mut names: Vec<&String> = names.collect();
        names.sort_unstable();
        names.dedup();
        let results = names.into_iter().map(|name| result(name, error, Some(error.message().into()))).collect();
        AlterUserScramCredentialsResponse { results, ..Default::default() }
    }
}

fn result(user: &str, error: ErrorCode, error_message: Option<String>) -> AlterUserScramCredentialsResult {
    AlterUserScramCredentialsResult { user: user.into(), error_code: error.code(), error_message }
}

fn check(name: &str, change: &Change<'_>, state: &State<'_>) -> Result<(), ApiError> {
    let mechanism = match change {
        Change::Delete(mechanism) => *mechanism,
        Change::Upsert(upsertion) => upsertion.mechanism,
    };
    let bad = |why| error(ErrorCode::UnacceptableCredential, why);
    if name.is_empty() {
        return bad("Username must not be empty");
    }
    if ![SHA_256, SHA_512].contains(&mechanism) {
        return error(ErrorCode::UnsupportedSaslMechanism, "Unknown SCRAM mechanism");
    }
    match change {
        Change::Delete(_) if state.image.scram_credential(name, mechanism).is_none() => {
            error(ErrorCode::ResourceNotFound, "Attempt to delete a user credential that does not exist")
        }
        Change::Upsert(upsertion) if upsertion.iterations < MIN_ITERATIONS => bad("Too few iterations"),
        Change::Upsert(upsertion) if upsertion.iterations > MAX_ITERATIONS => bad("Too many iterations"),
        _ => Ok(()),
    }
}

fn write(name: &str, change: Change<'_>, batch: &mut Batch) -> Result<(), ApiError> {
    match change {
        Change::Delete(mechanism) => batch.push(RemoveUserScramCredentialRecord { name: name.into(), mechanism }),
        Change::Upsert(upsertion) => {
            let password = &upsertion.salted_password;
            // Java has no key of no bytes, and Kafka no error of its own for that.
            if password.is_empty() {
                return Err((ErrorCode::UnknownServerError, None));
            }
            let (stored_key, server_key) = keys(upsertion.mechanism, password);
            let (salt, iterations) = (upsertion.salt.clone(), upsertion.iterations);
            let credential = ScramCredential { salt, stored_key, server_key, iterations };
            batch.push(credential.to_record(name, upsertion.mechanism));
        }
    }
    Ok(())
}

/// What the server keeps in place of the password: StoredKey and ServerKey (RFC 5802; Kafka: `ScramFormatter`).
fn keys(mechanism: i8, salted_password: &[u8]) -> (Bytes, Bytes) {
    if mechanism == SHA_256 {
        let mac = |text| mac::<Hmac<Sha256>>(salted_password, text);
        (Sha256::digest(mac(b"Client Key")).to_vec().into(), mac(b"Server Key").into())
    } else {
        let mac = |text| mac::<Hmac<Sha512>>(salted_password, text);
        (Sha512::digest(mac(b"Client Key")).to_vec().into(), mac(b"Server Key").into())
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("a key may have any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Kafka 4.3.1 wrote into its log for the salted password `password`.
    #[test]
    fn keys_are_those_that_kafka_keeps() {
        let hex = |bytes: &Bytes| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let (stored, server) = keys(SHA_256, b"password");
        assert_eq!(hex(&stored), "4c9ea20c26d87b21da5268f16f0a5bebdae177bc989bef11997975d9f9283a50");
        assert_eq!(hex(&server), "6521087318b5ff20e00576f8f5da0e32bc88452017d7027e1d4b7dc07398188e");
    }
}
