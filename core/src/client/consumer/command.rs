//! What an application does with its consumer besides polling: it seeks, and pauses partitions. Simulated ones may be told
//! to, in the words of links and scripts.

use serde::{Deserialize, Serialize};

use super::Consumer;
use crate::{client::OffsetReset, id::TopicPartition, seam::Ctx};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsumerCommand {
    /// From now on it works so long on each record.
    Processing {
        ms: u64,
    },
    /// `KafkaConsumer.seek`, `seekToBeginning`, `seekToEnd`.
    Seek {
        partition: TopicPartition,
        to: OffsetReset,
    },
    /// `KafkaConsumer.pause`: the partition stays its own, and it reads nothing of it.
    PausePartition {
        partition: TopicPartition,
    },
    ResumePartition {
        partition: TopicPartition,
    },
}

impl ConsumerCommand {
    /// As [`Self::parse`] reads it: `["seek", "orders-0", "5"]`.
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Processing { ms } => vec!["processing".into(), ms.to_string()],
            Self::Seek { partition, to } => {
                let to = match to {
                    OffsetReset::Offset(offset) => offset.to_string(),
                    OffsetReset::Earliest => "beginning".into(),
                    _ => "end".into(),
                };
                vec!["seek".into(), partition.to_string(), to]
            }
            Self::PausePartition { partition } => vec!["pause".into(), partition.to_string()],
            Self::ResumePartition { partition } => vec!["resume".into(), partition.to_string()],
        }
    }

    /// The error completes the sentence "the action ...".
    pub fn parse(words: &[&str]) -> Result<Self, String> {
        let partition = |text: &str| {
            let (topic, index) = text.rsplit_once('-').filter(|(topic, _)| !topic.is_empty())?;
            Some(TopicPartition::new(topic, index.parse().ok()?))
        };
        let partition = |text| partition(text).ok_or_else(|| format!("has {text:?} where a partition belongs"));
        Ok(match words {
            ["processing", ms] => {
                let ms = ms.parse().map_err(|_| format!("has {ms:?} where a number of ms belongs"))?;
                Self::Processing { ms }
            }
            ["seek", at, "beginning"] => Self::Seek { partition: partition(at)?, to: OffsetReset::Earliest },
            ["seek", at, "end"] => Self::Seek { partition: partition(at)?, to: OffsetReset::Latest },
            ["seek", at, offset] => {
                let number = offset.parse().ok().filter(|offset: &i64| *offset >= 0);
                let offset =
                    number.ok_or_else(|| format!("has {offset:?} where an offset, beginning or end belongs"))?;
                Self::Seek { partition: partition(at)?, to: OffsetReset::Offset(offset) }
            }
            ["pause", at] => Self::PausePartition { partition: partition(at)? },
            ["resume", at] => Self::ResumePartition { partition: partition(at)? },
            _ => {
                return Err("tells a consumer something other than processing MS, seek PARTITION OFFSET, \
                            pause PARTITION or resume PARTITION"
                    .into());
            }
        })
    }
}

impl Consumer {
    /// Goes on reading elsewhere: at an offset, the beginning, the end, a time (`seek`, `seekToBeginning`, `seekToEnd`).
    ///
    /// # Errors
    /// The partition is not assigned to this consumer.
    pub fn seek(&mut self, ctx: &mut Ctx<'_>, partition: &TopicPartition, to: OffsetReset) -> Result<(), String> {
        let position = self.positions.get_mut(partition).ok_or_else(|| format!("{partition} is not assigned"))?;
        position.seek(to, ctx.now.wall_ms);
        self.move_on(ctx);
        Ok(())
    }

    /// Stops giving out records of a partition that it keeps, or goes on (`pause`, `resume`).
    ///
    /// # Errors
    /// The partition is not assigned to this consumer.
    pub fn pause(&mut self, ctx: &mut Ctx<'_>, partition: &TopicPartition, paused: bool) -> Result<(), String> {
        let position = self.positions.get_mut(partition).ok_or_else(|| format!("{partition} is not assigned"))?;
        position.paused = paused;
        self.move_on(ctx);
        Ok(())
    }

    /// What its simulated application is told.
    pub(super) fn command(&mut self, ctx: &mut Ctx<'_>, command: ConsumerCommand) {
        let done = match command {
            ConsumerCommand::Processing { ms } => {
                self.application.iter_mut().for_each(|a| a.set_processing_ms(ms));
                Ok(())
            }
            ConsumerCommand::Seek { partition, to } => self.seek(ctx, &partition, to),
            ConsumerCommand::PausePartition { partition } => self.pause(ctx, &partition, true),
            ConsumerCommand::ResumePartition { partition } => self.pause(ctx, &partition, false),
        };
        self.last_error = done.err().or(self.last_error.take());
    }
}
