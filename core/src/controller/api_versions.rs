//! ApiVersions (key 18) on the controller's listener (KIP-511, KIP-584; Kafka: `ControllerApis`).

use crate::{
    metadata::{features::SUPPORTED, image::MetadataImage},
    seam::Listener,
    wire::{
        api::ApiKey,
        api_versions::{ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey},
        error::ErrorCode,
    },
};

/// What this listener serves in a version of the request that is served.
pub fn describe(
    image: &MetadataImage,
    version: i16,
    request: &ApiVersionsRequest,
    listener: Listener,
) -> ApiVersionsResponse {
    if version >= 3 && !(is_valid(&request.client_software_name) && is_valid(&request.client_software_version)) {
        return ApiVersionsResponse { error_code: ErrorCode::InvalidRequest.code(), ..Default::default() };
    }
    let supported = |(name, min_version, max_version): &(&str, i16, i16)| SupportedFeatureKey {
        name: (*name).into(),
        min_version: *min_version,
        max_version: *max_version,
    };
    let finalized = |(name, level): (&str, i16)| FinalizedFeatureKey {
        name: name.into(),
        max_version_level: level,
        min_version_level: level,
    };
    ApiVersionsResponse {
        api_keys: ApiKey::all_advertised(listener)
            .map(|(key, versions)| ApiVersion {
                api_key: key.code(),
                min_version: *versions.start(),
                max_version: *versions.end(),
            })
            .collect(),
        // Clients before version 4 cannot read a lowest level of 0 (KIP-1022).
        supported_features: SUPPORTED.iter().filter(|(_, min, _)| version >= 4 || *min > 0).map(supported).collect(),
        finalized_features_epoch: image.features_epoch(),
        finalized_features: image.features().map(finalized).collect(),
        ..Default::default()
    }
}

/// The answer, in version 0, to a version that is not served: only which versions of this API are (KIP-511).
pub fn unsupported() -> ApiVersionsResponse {
    let versions = ApiKey::ApiVersions.versions().expect("it is spoken here");
    ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: vec![ApiVersion {
            api_key: ApiKey::ApiVersions.code(),
            min_version: *versions.start(),
            max_version: *versions.end(),
        }],
        ..Default::default()
    }
}

/// Letters, digits, dashes and dots, with a letter or digit at both ends (Kafka: `ApiVersionsRequest.isValid`).
fn is_valid(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    edge(name.chars().next())
        && edge(name.chars().next_back())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
}
