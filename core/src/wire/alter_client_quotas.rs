//! AlterClientQuotas (key 49, KIP-546).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 49, versions = "0-1", flexible = "1+")]
pub struct AlterClientQuotasRequest {
    #[wire(versions = "0+")]
    pub entries: Vec<EntryData>,
    #[wire(versions = "0+")]
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct EntryData {
    #[wire(versions = "0+")]
    pub entity: Vec<EntityData>,
    #[wire(versions = "0+")]
    pub ops: Vec<OpData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct EntityData {
    #[wire(versions = "0+")]
    pub entity_type: String,
    #[wire(versions = "0+", nullable = "0+")]
    pub entity_name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OpData {
    #[wire(versions = "0+")]
    pub key: String,
    #[wire(versions = "0+")]
    pub value: f64,
    #[wire(versions = "0+")]
    pub remove: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 49, versions = "0-1", flexible = "1+")]
pub struct AlterClientQuotasResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub entries: Vec<ResponseEntryData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ResponseEntryData {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub entity: Vec<ResponseEntityData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ResponseEntityData {
    #[wire(versions = "0+")]
    pub entity_type: String,
    #[wire(versions = "0+", nullable = "0+")]
    pub entity_name: Option<String>,
}
