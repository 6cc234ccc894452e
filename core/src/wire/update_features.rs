//! UpdateFeatures (key 57): other finalized levels of features (KIP-584).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 57, versions = "0-2", flexible = "0+")]
pub struct UpdateFeaturesRequest {
    #[wire(versions = "0+", default = "60000")]
    pub timeout_ms: i32,
    #[wire(versions = "0+")]
    pub feature_updates: Vec<FeatureUpdateKey>,
    #[wire(versions = "1+", default = "false")]
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct FeatureUpdateKey {
    #[wire(versions = "0+")]
    pub feature: String,
    #[wire(versions = "0+")]
    pub max_version_level: i16,
    #[wire(versions = "0")]
    pub allow_downgrade: bool,
    #[wire(versions = "1+", default = "1")]
    pub upgrade_type: i8,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 57, versions = "0-2", flexible = "0+")]
pub struct UpdateFeaturesResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0-1", ignorable)]
    pub results: Vec<UpdatableFeatureResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct UpdatableFeatureResult {
    #[wire(versions = "0+")]
    pub feature: String,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
}
