//! ApiVersions (key 18): what this broker speaks, and the finalized features (KIP-511, KIP-584).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 18, versions = "0-4", flexible = "3+")]
pub struct ApiVersionsRequest {
    #[wire(versions = "3+", ignorable)]
    pub client_software_name: String,
    #[wire(versions = "3+", ignorable)]
    pub client_software_version: String,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 18, versions = "0-4", flexible = "3+")]
pub struct ApiVersionsResponse {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub api_keys: Vec<ApiVersion>,
    #[wire(versions = "1+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "3+", tag = 0, ignorable)]
    pub supported_features: Vec<SupportedFeatureKey>,
    #[wire(versions = "3+", default = "-1", tag = 1, ignorable)]
    pub finalized_features_epoch: i64,
    #[wire(versions = "3+", tag = 2, ignorable)]
    pub finalized_features: Vec<FinalizedFeatureKey>,
    #[wire(versions = "3+", default = "false", tag = 3, ignorable)]
    pub zk_migration_ready: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ApiVersion {
    #[wire(versions = "0+")]
    pub api_key: i16,
    #[wire(versions = "0+")]
    pub min_version: i16,
    #[wire(versions = "0+")]
    pub max_version: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct SupportedFeatureKey {
    #[wire(versions = "3+")]
    pub name: String,
    #[wire(versions = "3+")]
    pub min_version: i16,
    #[wire(versions = "3+")]
    pub max_version: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct FinalizedFeatureKey {
    #[wire(versions = "3+")]
    pub name: String,
    #[wire(versions = "3+")]
    pub max_version_level: i16,
    #[wire(versions = "3+")]
    pub min_version_level: i16,
}
