//! Settings of a consumer by the names that Kafka gives them, as text: scenarios and the command line read them so.

use super::{ApplicationConfig, ConsumerConfig, OffsetCommits, OffsetReset};
use crate::assign::Assignor;

/// Names that [`ConsumerConfig::set`] knows. The last two are the lab's own and of a simulated application.
pub const CONSUMER_SETTINGS: [&str; 11] = [
    "auto.commit.interval.ms",
    "auto.offset.reset",
    "default.api.timeout.ms",
    "enable.auto.commit",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "max.poll.records",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "processing",
    "commit",
];

impl ConsumerConfig {
    /// Sets one of [`CONSUMER_SETTINGS`]. The error says what may stand there.
    ///
    /// `processing`: milliseconds of work on a record. `commit`: when the application commits offsets, `auto`, `never`,
    /// `before`, `after`, `async` or `on-revoke`; all but the first turn `enable.auto.commit` off.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let wrong = |wanted: &str| format!("{name}={value}: {wanted} is wanted");
        let number = || value.parse::<u64>().map_err(|_| wrong("a number"));
        match name {
            "auto.commit.interval.ms" => self.auto_commit_interval_ms = number()?,
            "auto.offset.reset" => {
                let wanted = "earliest, latest, none or by_duration:PT1H30M";
                self.auto_offset_reset = OffsetReset::parse(value).ok_or_else(|| wrong(wanted))?;
            }
            "default.api.timeout.ms" => self.default_api_timeout_ms = number()?.min(i32::MAX as u64),
            "enable.auto.commit" => {
                self.enable_auto_commit = value.parse().map_err(|_| wrong("true or false"))?;
            }
            "heartbeat.interval.ms" => self.heartbeat_interval_ms = number()?.max(1),
            "max.poll.interval.ms" => self.max_poll_interval_ms = number()?.clamp(1, i32::MAX as u64),
            "max.poll.records" => self.max_poll_records = number()?.clamp(1, i32::MAX as u64) as usize,
            "partition.assignment.strategy" => {
                let assignor = Assignor::parse(value);
                let wanted = "range, roundrobin, sticky or cooperative-sticky";
                self.partition_assignment_strategy = vec![assignor.ok_or_else(|| wrong(wanted))?];
            }
            "session.timeout.ms" => self.session_timeout_ms = number()?.clamp(1, i32::MAX as u64),
            "processing" => self.simulated_application().processing_ms = number()?,
            "commit" => {
                let wanted = "auto, never, before, after, async or on-revoke";
                let by_hand = OffsetCommits::parse(value);
                self.enable_auto_commit = value == "auto";
                self.simulated_application().commits = match by_hand {
                    None if self.enable_auto_commit => OffsetCommits::Never,
                    by_hand => by_hand.ok_or_else(|| wrong(wanted))?,
                };
            }
            _ => return Err(format!("a consumer has no setting {name}; known are {}", CONSUMER_SETTINGS.join(", "))),
        }
        Ok(())
    }

    fn simulated_application(&mut self) -> &mut ApplicationConfig {
        self.application.get_or_insert_default()
    }
}

impl OffsetReset {
    /// Reads the values of `auto.offset.reset` (KIP-1106 for the last).
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "earliest" => Some(Self::Earliest),
            "latest" => Some(Self::Latest),
            "none" => Some(Self::None),
            _ => text.strip_prefix("by_duration:").and_then(duration_ms).map(Self::ByDuration),
        }
    }
}

/// An ISO 8601 duration of days, hours, minutes and whole seconds: `P1DT2H3M4S`.
fn duration_ms(text: &str) -> Option<u64> {
    let (days, time) = text.strip_prefix('P')?.split_once('T').unwrap_or((text.strip_prefix('P')?, ""));
    let (mut total, mut seen) = (0_u64, false);
    for (mut rest, units) in [(days, &[('D', 86_400_000)][..]), (time, &[('H', 3_600_000), ('M', 60_000), ('S', 1000)])]
    {
        for &(unit, ms) in units {
            if let Some((number, after)) = rest.split_once(unit) {
                total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(ms)?)?;
                (rest, seen) = (after, true);
            }
        }
        if !rest.is_empty() {
            return None;
        }
    }
    seen.then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_iso_8601() {
        assert_eq!(duration_ms("PT1H30M"), Some(5_400_000));
        assert_eq!(duration_ms("P2DT5S"), Some(172_805_000));
        assert_eq!(duration_ms("P1D"), Some(86_400_000));
        for wrong in ["", "P", "PT", "1H", "PT1", "PTH", "PT1M2H", "P1H", "PT-1S", "PT99999999999999999999S"] {
            assert_eq!(duration_ms(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_wrong_setting_says_what_is_wanted() {
        let mut config = ConsumerConfig::default();
        config.set("commit", "after").unwrap();
        assert!(!config.enable_auto_commit && config.application.as_ref().unwrap().commits == OffsetCommits::After);
        config.set("auto.offset.reset", "by_duration:PT5M").unwrap();
        assert_eq!(config.auto_offset_reset, OffsetReset::ByDuration(300_000));
        for (name, value, why) in [
            ("commit", "often", "on-revoke is wanted"),
            ("max.poll.records", "x", "a number is wanted"),
            ("auto.offset.reset", "by_duration:soon", "by_duration:PT1H30M is wanted"),
            ("acks", "all", "known are auto.commit.interval.ms"),
        ] {
            assert!(config.set(name, value).unwrap_err().contains(why), "{name}={value}");
        }
    }
}
