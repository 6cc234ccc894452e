//! GetTelemetrySubscriptions and PushTelemetry while nobody wants metrics (KIP-714; Kafka: `ClientMetricsManager` without a
//! plug-in). Like Kafka's, this broker does not advertise them, so that no client asks; who asks all the same is answered.

use super::{Broker, Reply};
use crate::{
    id::Uuid,
    seam::Ctx,
    wire::{
        error::ErrorCode,
        get_telemetry_subscriptions::{GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse},
        push_telemetry::{PushTelemetryRequest, PushTelemetryResponse},
    },
};

const PUSH_INTERVAL_MS: i32 = 300_000;
/// `telemetry.max.bytes`.
const MAX_BYTES: i32 = 1 << 20;
/// zstd, lz4, gzip, snappy; none is always taken.
const COMPRESSION_TYPES: [i8; 4] = [4, 3, 1, 2];
/// Checksum of a subscription to nothing at that interval.
const NOTHING: u32 = 0xd4c7_5bde;

impl Broker {
    pub(super) fn get_telemetry_subscriptions(
        &mut self,
        ctx: &mut Ctx,
        reply: &Reply,
        request: &GetTelemetrySubscriptionsRequest,
    ) {
        let asked = request.client_instance_id;
        let client_instance_id = if asked.is_zero() { random_uuid(&mut self.rng) } else { asked };
        let response = GetTelemetrySubscriptionsResponse {
            client_instance_id,
            subscription_id: subscription_id(client_instance_id),
            accepted_compression_types: COMPRESSION_TYPES.into(),
            push_interval_ms: PUSH_INTERVAL_MS,
            telemetry_max_bytes: MAX_BYTES,
            delta_temporality: true,
            ..Default::default()
        };
        self.conns.answer::<GetTelemetrySubscriptionsRequest>(ctx, reply, &response);
    }

    pub(super) fn push_telemetry(&mut self, ctx: &mut Ctx, reply: &Reply, request: &PushTelemetryRequest) {
        let known = request.compression_type == 0 || COMPRESSION_TYPES.contains(&request.compression_type);
        let error = if request.client_instance_id.is_zero() {
            ErrorCode::InvalidRequest
        } else if request.subscription_id != subscription_id(request.client_instance_id) {
            ErrorCode::UnknownSubscriptionId
        } else if !known {
            ErrorCode::UnsupportedCompressionType
        } else if request.metrics.len() > MAX_BYTES as usize {
            ErrorCode::TelemetryTooLarge
        } else {
            ErrorCode::None
        };
        let response = PushTelemetryResponse { error_code: error.code(), ..Default::default() };
        self.conns.answer::<PushTelemetryRequest>(ctx, reply, &response);
    }
}

/// Of version 4, as Java draws them.
fn random_uuid(rng: &mut fastrand::Rng) -> Uuid {
    let mut bytes = rng.u128(..).to_be_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Uuid(bytes)
}

/// Kafka: `ClientMetricsManager.computeSubscriptionId`, with Java's hash of the id.
fn subscription_id(client_instance_id: Uuid) -> i32 {
    let words = client_instance_id.0.chunks_exact(4).map(|word| u32::from_be_bytes(word.try_into().expect("4 bytes")));
    words.fold(NOTHING, |hash, word| hash ^ word) as i32
}
