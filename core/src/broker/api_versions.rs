//! ApiVersions: what this broker speaks. The one request that is answered in any version (KIP-511).

use bytes::Bytes;

use crate::{
    metadata::image::MetadataImage,
    seam::Listener,
    wire::{
        api::ApiKey,
        api_versions::{ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey},
        error::ErrorCode,
        frame::{self, FrameError},
    },
};

/// Features this broker can work with, and up to which level. Only what is built is offered.
pub const SUPPORTED_FEATURES: &[(&str, i16, i16)] =
    &[("metadata.version", 7, crate::node::METADATA_VERSION_LEVEL), (crate::metadata::configs::ELR_VERSION, 0, 1)];

/// The answer and the version it is written in. A version that is not known gets version 0, so that the client can read
/// what to use instead.
pub fn answer(version: i16, body: &Bytes, image: &MetadataImage) -> Result<(i16, ApiVersionsResponse), FrameError> {
    let own = ApiKey::ApiVersions.versions().expect("it is spoken here");
    if !own.contains(&version) {
        let (min_version, max_version) = (*own.start(), *own.end());
        let api_keys = vec![ApiVersion { api_key: ApiKey::ApiVersions.code(), min_version, max_version }];
        let error_code = ErrorCode::UnsupportedVersion.code();
        return Ok((0, ApiVersionsResponse { error_code, api_keys, ..Default::default() }));
    }
    let request: ApiVersionsRequest = frame::decode_body(version, body)?;
    if version >= 3
        && !(is_software_name(&request.client_software_name) && is_software_name(&request.client_software_version))
    {
        let error_code = ErrorCode::InvalidRequest.code();
        return Ok((version, ApiVersionsResponse { error_code, ..Default::default() }));
    }
    let api_keys = ApiKey::all_advertised(Listener::Broker).map(|(key, versions)| ApiVersion {
        api_key: key.code(),
        min_version: *versions.start(),
        max_version: *versions.end(),
    });
    // Clients before version 4 do not expect a feature whose lowest level is 0 (KIP-1022).
    let shown = SUPPORTED_FEATURES.iter().filter(|(_, min, _)| version >= 4 || *min > 0);
    let supported_features = shown
        .map(|&(name, min_version, max_version)| SupportedFeatureKey { name: name.into(), min_version, max_version })
        .collect();
    let finalized_features = image
        .features()
        .map(|(name, level)| FinalizedFeatureKey {
            name: name.into(),
            max_version_level: level,
            min_version_level: level,
        })
        .collect();
    let response = ApiVersionsResponse {
        api_keys: api_keys.collect(),
        supported_features,
        finalized_features_epoch: image.features_epoch(),
        finalized_features,
        ..Default::default()
    };
    Ok((version, response))
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`, as `ApiVersionsRequest` demands.
fn is_software_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_from_the_future_is_answered_in_version_0() {
        let garbage = Bytes::from_static(&[0xff; 40]);
        let (version, response) = answer(9, &garbage, &MetadataImage::default()).unwrap();
        assert_eq!((version, response.error_code), (0, ErrorCode::UnsupportedVersion.code()));
        assert_eq!(response.api_keys, [ApiVersion { api_key: 18, min_version: 0, max_version: 4 }]);
    }

    #[test]
    fn names_of_software_are_checked() {
        for good in ["librdkafka", "apache-kafka-java", "4.3.1", "a"] {
            assert!(is_software_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a b", "ä", "a_b"] {
            assert!(!is_software_name(bad), "{bad}");
        }
    }
}
