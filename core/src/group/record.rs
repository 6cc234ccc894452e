//! A record of `__consumer_offsets`: its key, its value or tombstone, as bytes and back
//! (`GroupCoordinatorRecordHelpers`, `GroupCoordinatorRecordSerde`).

use bytes::Bytes;

use crate::wire::{
    group_records::{GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue},
    message::Message,
    primitive::{DecodeError, Reader, Writer},
};

const OFFSET_COMMIT: i16 = 1;
/// How Kafka up to 0.8.2 numbered the same.
const LEGACY_OFFSET_COMMIT: i16 = 0;
const GROUP_METADATA: i16 = 2;

/// What Kafka 4.3.1 writes. Version 1 of an offset is the only one that can carry when it expires.
const OFFSET_VERSION: i16 = 4;
const EXPIRING_OFFSET_VERSION: i16 = 1;
const GROUP_VERSION: i16 = 3;

#[derive(Clone, Debug, PartialEq)]
pub enum GroupRecord {
    Offset(OffsetCommitKey, Option<OffsetCommitValue>),
    Group(GroupMetadataKey, Option<GroupMetadataValue>),
    /// Of a kind of group that the lab does not have; kept in the log, otherwise left alone.
    Unknown(i16),
}

impl GroupRecord {
    pub fn encode_key(&self) -> Bytes {
        fn key(kind: i16, message: &impl Message) -> Bytes {
            let mut writer = Writer::new();
            writer.i16(kind);
            message.encode(0, &mut writer).expect("a key has one version");
            writer.into_bytes()
        }
        match self {
            Self::Offset(message, _) => key(OFFSET_COMMIT, message),
            Self::Group(message, _) => key(GROUP_METADATA, message),
            Self::Unknown(kind) => kind.to_be_bytes().to_vec().into(),
        }
    }

    pub fn encode_value(&self) -> Option<Bytes> {
        fn value(version: i16, message: &impl Message) -> Bytes {
            let mut writer = Writer::new();
            writer.i16(version);
            message.encode(version, &mut writer).expect("what does not fit is ignorable");
            writer.into_bytes()
        }
        match self {
            Self::Offset(_, message) => message.as_ref().map(|m| {
                let expires = m.expire_timestamp != -1;
                value(if expires { EXPIRING_OFFSET_VERSION } else { OFFSET_VERSION }, m)
            }),
            Self::Group(_, message) => message.as_ref().map(|m| value(GROUP_VERSION, m)),
            Self::Unknown(_) => None,
        }
    }

    pub fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Self, DecodeError> {
        fn read<M: Message>(value: &Bytes) -> Result<M, DecodeError> {
            let mut reader = Reader::new(value);
            let version = reader.i16()?;
            M::decode(version, &mut reader)
        }
        let mut reader = Reader::new(key);
        Ok(match reader.i16()? {
            OFFSET_COMMIT | LEGACY_OFFSET_COMMIT => {
                Self::Offset(OffsetCommitKey::decode(0, &mut reader)?, value.map(read).transpose()?)
            }
            GROUP_METADATA => Self::Group(GroupMetadataKey::decode(0, &mut reader)?, value.map(read).transpose()?),
            other => Self::Unknown(other),
        })
    }
}
