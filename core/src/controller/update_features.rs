//! UpdateFeatures (key 57): other finalized levels of features, all or none (KIP-584; Kafka:
//! `FeatureControlManager.updateFeatures`). A level is finalized only if every broker and controller supports it, and what
//! the lab has not built it does not support: see `metadata::features`.

use std::{collections::BTreeMap, ops::RangeInclusive};

use super::{
    api::{Command, Decision, State},
    features,
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    metadata::{
        alter_configs::is_unspeakable,
        configs,
        features::{KAFKA_FEATURES, SUPPORTED},
        registration::SupportedFeature,
    },
    node::METADATA_VERSION_LEVEL,
    wire::{
        error::ErrorCode,
        metadata_records::FeatureLevelRecord,
        update_features::{UpdatableFeatureResult, UpdateFeaturesRequest, UpdateFeaturesResponse},
    },
};

/// Kafka: `FeatureUpdate.UpgradeType`.
const UPGRADE: i8 = 1;
const SAFE_DOWNGRADE: i8 = 2;
const UNSAFE_DOWNGRADE: i8 = 3;

/// The first metadata version that Kafka can be at (3.3-IV3), and so the lowest that it refuses for its own sake.
const MINIMUM_METADATA_VERSION: i16 = 7;

/// What a node supports of a feature that it does not know.
const DISABLED: RangeInclusive<i16> = 0..=0;

impl Command for UpdateFeaturesRequest {
    fn decide(&self, version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        if !state.authorize(Operation::Alter, Resource::Cluster) {
            return self.refuse(ErrorCode::ClusterAuthorizationFailed).into();
        }
        // Said twice, the last counts.
        let updates: BTreeMap<&str, (i16, i8)> = self
            .feature_updates
            .iter()
            .map(|u| (u.feature.as_str(), (u.max_version_level, if version == 0 { UPGRADE } else { u.upgrade_type })))
            .collect();
        let mut batch = Batch::default();
        for (&name, &(level, upgrade_type)) in &updates {
            if let Err(why) = check(name, level, upgrade_type, state) {
                let message =
                    format!("The update failed for all features since the following feature had an error: {why}");
                let message = Some(message);
                return if is_unspeakable(message.as_ref()) {
                    self.refuse(ErrorCode::UnknownServerError).into()
                } else {
                    let error_code = ErrorCode::InvalidUpdateVersion.code();
                    UpdateFeaturesResponse { error_code, error_message: message, ..Default::default() }.into()
                };
            }
            // The quorum's own feature is no record of metadata.
            if name != configs::KRAFT_VERSION {
                batch.push(FeatureLevelRecord { name: name.into(), feature_level: level });
            }
            if name == configs::ELR_VERSION && level > 0 {
                batch.append(features::elr_safety(state.image, state.config));
            }
        }
        if self.validate_only {
            batch = Batch::default();
        }
        let updated = |feature: &str| UpdatableFeatureResult {
            feature: feature.into(),
            error_code: 0,
            error_message: Some(ErrorCode::None.name().into()),
        };
        let results = self.feature_updates.iter().map(|u| updated(&u.feature)).collect();
        Decision { batch, response: UpdateFeaturesResponse { error_message: None, results, ..Default::default() } }
    }

    fn refuse(&self, error: ErrorCode) -> UpdateFeaturesResponse {
        UpdateFeaturesResponse { error_code: error.code(), error_message: None, ..Default::default() }
    }
}

/// The checks, in Kafka's order and words; clients show the sentence to people.
fn check(name: &str, level: i16, upgrade_type: i8, state: &State<'_>) -> Result<(), String> {
    let invalid = |why: &str| Err(format!("Invalid update version {level} for feature {name}. {why}"));
    if !(UPGRADE..=UNSAFE_DOWNGRADE).contains(&upgrade_type) {
        return invalid("The controller does not support the given upgrade type.");
    }
    if level < 0 {
        return invalid("A feature version cannot be less than 0.");
    }
    // The lab is at one metadata version. Kafka's software knows older ones, and refuses to go back to any of them.
    let known_to_kafka = (MINIMUM_METADATA_VERSION..=METADATA_VERSION_LEVEL).contains(&level);
    if !(name == configs::METADATA_VERSION && known_to_kafka)
        && let Some(why) = not_supported(name, level, state)
    {
        return invalid(&why);
    }
    let current = state.image.feature_level(name);
    if level < current && upgrade_type == UPGRADE {
        return invalid(
            "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe \
             downgrade.",
        );
    }
    if level > current && upgrade_type != UPGRADE {
        return invalid("Can't downgrade to a newer version.");
    }
    if name == configs::METADATA_VERSION && level < current {
        let why = match upgrade_type {
            SAFE_DOWNGRADE => {
                "Refusing to perform the requested downgrade because it might delete metadata information."
            }
            _ => "Unsafe metadata downgrade is not supported in this version.",
        };
        return Err(format!("Unsupported metadata.version downgrade from {current} to {level}. {why}"));
    }
    if !KAFKA_FEATURES.contains(&name) {
        return invalid(&format!("Feature {name} not found."));
    }
    Ok(())
}

/// Who of controllers and brokers does not support the level (Kafka: `FeatureControlManager.reasonNotSupported`).
fn not_supported(name: &str, level: i16, state: &State<'_>) -> Option<String> {
    let refused = |who: String, range: RangeInclusive<i16>| {
        if range.contains(&level) {
            None
        } else if range == DISABLED {
            Some(format!("{who} does not support this feature."))
        } else {
            Some(format!("{who} only supports versions {}-{}", range.start(), range.end()))
        }
    };
    let of =
        |features: &[SupportedFeature]| features.iter().find(|f| f.name == name).map_or(DISABLED, |f| f.min..=f.max);
    let local = SUPPORTED.iter().find(|(n, ..)| *n == name).map_or(DISABLED, |(_, min, max)| *min..=*max);
    refused(format!("Local controller {}", state.config.node_id), local)
        .or_else(|| state.image.brokers().find_map(|b| refused(format!("Broker {}", b.id), of(&b.features))))
        .or_else(|| {
            let others = state.image.controllers().filter(|c| c.id != state.config.node_id);
            others.into_iter().find_map(|c| refused(format!("Controller {}", c.id), of(&c.features)))
        })
}
