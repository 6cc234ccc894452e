//! DescribeClientQuotas (key 48, KIP-546).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 48, versions = "0-1", flexible = "1+")]
pub struct DescribeClientQuotasRequest {
    #[wire(versions = "0+")]
    pub components: Vec<ComponentData>,
    #[wire(versions = "0+")]
    pub strict: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ComponentData {
    #[wire(versions = "0+")]
    pub entity_type: String,
    #[wire(versions = "0+")]
    pub match_type: i8,
    #[wire(versions = "0+", nullable = "0+")]
    pub match_: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 48, versions = "0-1", flexible = "1+")]
pub struct DescribeClientQuotasResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0+", nullable = "0+")]
    pub entries: Option<Vec<EntryData>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct EntryData {
    #[wire(versions = "0+")]
    pub entity: Vec<EntityData>,
    #[wire(versions = "0+")]
    pub values: Vec<ValueData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct EntityData {
    #[wire(versions = "0+")]
    pub entity_type: String,
    #[wire(versions = "0+", nullable = "0+")]
    pub entity_name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ValueData {
    #[wire(versions = "0+")]
    pub key: String,
    #[wire(versions = "0+")]
    pub value: f64,
}
