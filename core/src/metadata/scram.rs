//! SCRAM credentials as the metadata log has them (KIP-554, KIP-900; Kafka: `ScramImage`). They are kept and shown, and
//! nobody logs in with them while there is no SASL.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::wire::{
    describe_user_scram_credentials::{CredentialInfo, DescribeUserScramCredentialsResult},
    error::ErrorCode,
    metadata_records::UserScramCredentialRecord,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramCredential {
    pub salt: Bytes,
    pub stored_key: Bytes,
    pub server_key: Bytes,
    pub iterations: i32,
}

impl ScramCredential {
    pub fn from_record(record: &UserScramCredentialRecord) -> Self {
        Self {
            salt: record.salt.clone(),
            stored_key: record.stored_key.clone(),
            server_key: record.server_key.clone(),
            iterations: record.iterations,
        }
    }

    pub fn to_record(&self, user: &str, mechanism: i8) -> UserScramCredentialRecord {
        UserScramCredentialRecord {
            name: user.into(),
            mechanism,
            salt: self.salt.clone(),
            stored_key: self.stored_key.clone(),
            server_key: self.server_key.clone(),
            iterations: self.iterations,
        }
    }
}

/// By user and mechanism (1: SCRAM-SHA-256, 2: SCRAM-SHA-512).
pub type ScramCredentials = BTreeMap<String, BTreeMap<i8, ScramCredential>>;

/// Those users, or all when none is named (Kafka: `ScramImage.describe`).
pub fn describe(credentials: &ScramCredentials, users: &[String]) -> Vec<DescribeUserScramCredentialsResult> {
    if users.is_empty() {
        return credentials.keys().map(|user| describe_user(credentials, user)).collect();
    }
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for user in users {
        *times.entry(user).or_default() += 1;
    }
    let mut results = Vec::with_capacity(times.len());
    for user in users {
        // Once each, in the order of their first mention.
        match times.remove(user.as_str()) {
            None => {}
            Some(1) => results.push(describe_user(credentials, user)),
            Some(_) => {
                let why =
                    format!("Cannot describe SCRAM credentials for the same user twice in a single request: {user}");
                results.push(refused(user, ErrorCode::DuplicateResource, why));
            }
        }
    }
    results
}

fn describe_user(credentials: &ScramCredentials, user: &str) -> DescribeUserScramCredentialsResult {
    let Some(mechanisms) = credentials.get(user) else {
        let why = format!("Attempt to describe a user credential that does not exist: {user}");
        return refused(user, ErrorCode::ResourceNotFound, why);
    };
    let info = |(&mechanism, credential): (&i8, &ScramCredential)| CredentialInfo {
        mechanism,
        iterations: credential.iterations,
    };
    DescribeUserScramCredentialsResult {
        user: user.into(),
        error_message: Some(String::new()),
        credential_infos: mechanisms.iter().map(info).collect(),
        ..Default::default()
    }
}

fn refused(user: &str, error: ErrorCode, why: String) -> DescribeUserScramCredentialsResult {
    DescribeUserScramCredentialsResult {
        user: user.into(),
        error_code: error.code(),
        error_message: Some(why),
        ..Default::default()
    }
}
