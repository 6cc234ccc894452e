//! A record of `__cluster_metadata` and its frame: frame version 1, api key, version, message
//! (Kafka: `MetadataRecordSerde`, KIP-631).

use bytes::Bytes;
use thiserror::Error;

use crate::wire::{
    message::Message,
    metadata_records::{
        AbortTransactionRecord, BeginTransactionRecord, BrokerRegistrationChangeRecord, ClearElrRecord,
        ClientQuotaRecord, ConfigRecord, EndTransactionRecord, FeatureLevelRecord, FenceBrokerRecord, NoOpRecord,
        PartitionChangeRecord, PartitionRecord, ProducerIdsRecord, RegisterBrokerRecord, RegisterControllerRecord,
        RemoveTopicRecord, RemoveUserScramCredentialRecord, TopicRecord, UnfenceBrokerRecord, UnregisterBrokerRecord,
        UserScramCredentialRecord,
    },
    primitive::{DecodeError, Reader, Writer},
};

const FRAME_VERSION: u32 = 1;

/// Why the value of a metadata record could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    #[error("the record's frame ends early or its number is too long")]
    Frame,
    #[error("metadata frame version {0} is not known (only {FRAME_VERSION} is)")]
    FrameVersion(u32),
    #[error("metadata record {api_key} is not known to the lab")]
    UnknownRecord { api_key: u32 },
    #[error("metadata record {api_key} has version {version}, which the lab does not know")]
    UnknownVersion { api_key: u32, version: u32 },
    #[error("metadata record {api_key}: {error}")]
    Body { api_key: u32, error: DecodeError },
}

macro_rules! metadata_records {
    ($($name:ident($message:ident) = $key:literal, $text:literal;)*) => {
        /// Every record the lab writes or reads.
        #[derive(Clone, Debug, PartialEq)]
        pub enum MetadataRecord {
            $($name($message),)*
        }

        $(impl From<$message> for MetadataRecord {
            fn from(message: $message) -> Self {
                Self::$name(message)
            }
        })*

        impl MetadataRecord {
            /// Kafka's key of this record type.
            pub const fn api_key(&self) -> u16 {
                match self { $(Self::$name(_) => $key,)* }
            }

            /// Kafka's name of this record type without its ending, as in `PartitionChange`.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }

            /// Two letters for the cell of a log strip.
            pub const fn mark(&self) -> &'static str {
                match self { $(Self::$name(_) => $text,)* }
            }

            fn encode_body(&self, version: i16, writer: &mut Writer) {
                match self {
                    $(Self::$name(message) => message.encode(version, writer),)*
                }
                .expect("each record is written at a version that carries its fields");
            }

            fn decode_body(api_key: u32, version: u32, reader: &mut Reader<'_>) -> Result<Self, RecordError> {
                match api_key {
                    $($key => {
                        let known = i16::try_from(version).ok().filter(|v| <$message as Message>::versions().contains(v));
                        let version = known.ok_or(RecordError::UnknownVersion { api_key, version })?;
                        let message = <$message as Message>::decode(version, reader)
                            .map_err(|error| RecordError::Body { api_key, error })?;
                        Ok(Self::$name(message))
                    })*
                    _ => Err(RecordError::UnknownRecord { api_key }),
                }
            }
        }
    };
}

metadata_records! {
    RegisterBroker(RegisterBrokerRecord) = 0, "BR";
    UnregisterBroker(UnregisterBrokerRecord) = 1, "BU";
    Topic(TopicRecord) = 2, "TO";
    Partition(PartitionRecord) = 3, "PA";
    Config(ConfigRecord) = 4, "CF";
    PartitionChange(PartitionChangeRecord) = 5, "PC";
    FenceBroker(FenceBrokerRecord) = 7, "FB";
    UnfenceBroker(UnfenceBrokerRecord) = 8, "UB";
    RemoveTopic(RemoveTopicRecord) = 9, "TR";
    UserScramCredential(UserScramCredentialRecord) = 11, "SC";
    FeatureLevel(FeatureLevelRecord) = 12, "FL";
    ClientQuota(ClientQuotaRecord) = 14, "CQ";
    ProducerIds(ProducerIdsRecord) = 15, "PI";
    BrokerRegistrationChange(BrokerRegistrationChangeRecord) = 17, "BC";
    NoOp(NoOpRecord) = 20, "NO";
    RemoveUserScramCredential(RemoveUserScramCredentialRecord) = 22, "SR";
    BeginTransaction(BeginTransactionRecord) = 23, "TB";
    EndTransaction(EndTransactionRecord) = 24, "TE";
    AbortTransaction(AbortTransactionRecord) = 25, "TA";
    RegisterController(RegisterControllerRecord) = 27, "CR";
    ClearElr(ClearElrRecord) = 28, "CE";
}

impl MetadataRecord {
    /// The version Kafka 4.3.1 writes at metadata version 4.3: the newest where the metadata version decides, and the
    /// oldest that carries the fields in use where the caller does (both seen in its log).
    pub fn version(&self) -> i16 {
        match self {
            Self::RegisterBroker(_) => 4,
            Self::Partition(_) | Self::PartitionChange(_) => 2,
            Self::BrokerRegistrationChange(change) => {
                if change.cordoned_log_dirs.is_some() {
                    3
                } else if !change.log_dirs.is_empty() {
                    2
                } else {
                    i16::from(change.in_controlled_shutdown != 0)
                }
            }
            _ => 0,
        }
    }

    /// The value of the record in the log.
    pub fn encode(&self) -> Bytes {
        let mut writer = Writer::new();
        writer.uvarint(FRAME_VERSION);
        writer.uvarint(u32::from(self.api_key()));
        let version = self.version();
        writer.uvarint(version as u32);
        self.encode_body(version, &mut writer);
        writer.into_bytes()
    }

    /// Reads what [`Self::encode`] or Kafka wrote. Bytes behind the message are refused, as Kafka does.
    pub fn decode(value: &Bytes) -> Result<Self, RecordError> {
        let mut reader = Reader::new(value);
        let mut number = || reader.uvarint().map_err(|_| RecordError::Frame);
        let frame_version = number()?;
        if frame_version != FRAME_VERSION {
            return Err(RecordError::FrameVersion(frame_version));
        }
        let (api_key, version) = (number()?, number()?);
        let record = Self::decode_body(api_key, version, &mut reader)?;
        if reader.remaining() != 0 {
            return Err(RecordError::Frame);
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::Uuid, wire::metadata_records::EntityData};

    fn bytes(hex: &str) -> Bytes {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect::<Vec<_>>().into()
    }

    /// Read from the bootstrap checkpoint of Kafka 4.3.1.
    #[test]
    fn a_feature_level_is_written_as_kafka_writes_it() {
        let kafka = bytes("01 0c 00 11 6d65746164617461 2e76657273696f6e 001e 00");
        let record = MetadataRecord::from(FeatureLevelRecord { name: "metadata.version".into(), feature_level: 30 });
        assert_eq!(record.encode(), kafka);
        assert_eq!(MetadataRecord::decode(&kafka), Ok(record));
    }

    /// Read from the metadata log of Kafka 4.3.1.
    #[test]
    fn quotas_and_credentials_are_written_as_kafka_writes_them() {
        let part = |kind: &str, name: Option<&str>| EntityData {
            entity_type: kind.into(),
            entity_name: name.map(String::from),
        };
        let quota =
            |entity, value, remove| ClientQuotaRecord { entity, key: "producer_byte_rate".into(), value, remove };
        let both = vec![part("client-id", Some("c1")), part("user", Some("u1"))];
        let stored_key = bytes("4c9ea20c26d87b21da5268f16f0a5bebdae177bc989bef11997975d9f9283a50");
        let server_key = bytes("6521087318b5ff20e00576f8f5da0e32bc88452017d7027e1d4b7dc07398188e");
        let credential = UserScramCredentialRecord {
            name: "u".into(),
            mechanism: 1,
            salt: Bytes::from_static(b"salt"),
            stored_key,
            server_key,
            iterations: 4096,
        };
        let kafka: [(MetadataRecord, &str); 4] = [
            (
                quota(both, 5.0, false).into(),
                "010e00030a636c69656e742d6964036331000575736572037531001370726f64756365725f627974655f726174654014000000000000\
                 0000",
            ),
            (
                quota(vec![part("user", Some("u1"))], 0.0, true).into(),
                "010e00020575736572037531001370726f64756365725f627974655f7261746500000000000000000100",
            ),
            (
                credential.into(),
                "010b000275010573616c74214c9ea20c26d87b21da5268f16f0a5bebdae177bc989bef11997975d9f9283a5021652108\
                 7318b5ff20e00576f8f5da0e32bc88452017d7027e1d4b7dc07398188e0000100000",
            ),
            (RemoveUserScramCredentialRecord { name: "u".into(), mechanism: 1 }.into(), "01160002750100"),
        ];
        for (record, hex) in kafka {
            assert_eq!(record.encode(), bytes(hex), "{record:?}");
            assert_eq!(MetadataRecord::decode(&bytes(hex)), Ok(record));
        }
    }

    #[test]
    fn records_round_trip_at_the_version_they_are_written() {
        let records: Vec<MetadataRecord> = vec![
            PartitionRecord { partition_id: 3, topic_id: Uuid([7; 16]), ..Default::default() }.into(),
            PartitionChangeRecord {
                eligible_leader_replicas: Some(vec![1]),
                last_known_elr: Some(vec![]),
                ..Default::default()
            }
            .into(),
            BrokerRegistrationChangeRecord { broker_id: 1, in_controlled_shutdown: 1, ..Default::default() }.into(),
            NoOpRecord {}.into(),
        ];
        for record in records {
            assert_eq!(MetadataRecord::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn hostile_values_are_refused() {
        for hex in ["", "01", "02 0c 00", "01 63 00", "01 0c 09 00", "01 0c 00 11 6d", "ff ff ff ff ff ff"] {
            assert!(MetadataRecord::decode(&bytes(hex)).is_err(), "{hex}");
        }
        let trailing = bytes("01 14 00 00 00");
        assert_eq!(MetadataRecord::decode(&trailing), Err(RecordError::Frame));
    }
}
