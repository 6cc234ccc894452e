//! Records made by the producer itself, at a rate: the load of a scenario.

use bytes::Bytes;

use super::{Producer, Record};
use crate::seam::Ctx;

#[derive(Clone, Debug)]
pub(super) struct Generator {
    pub(super) topic: String,
    pub(super) records_per_second: u64,
    pub(super) keys: u32,
    pub(super) value: Bytes,
    pub(super) began_ms: u64,
    pub(super) sent: u64,
}

impl Producer {
    /// Produces what the generators owe. When the buffer is full the rest of their debt is forgiven.
    pub(super) fn generate(&mut self, ctx: &mut Ctx<'_>) {
        for i in 0..self.generators.len() {
            let g = &self.generators[i];
            let due = (ctx.ms() - g.began_ms) * g.records_per_second / 1000;
            for _ in g.sent..due {
                let g = &self.generators[i];
                let key = (g.keys > 0).then(|| Bytes::from(format!("k{}", self.rng.u32(..g.keys))));
                let (topic, value) = (g.topic.clone(), Some(g.value.clone()));
                if self.send(ctx, Record { topic, key, value, ..Record::default() }).is_err() {
                    break;
                }
            }
            self.generators[i].sent = due;
        }
    }
}
