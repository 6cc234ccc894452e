//! What the clients of a scenario are told to do while the world runs.

use super::{World, queue::What};
use crate::{id::Command, seam::Input};

impl World {
    pub(super) fn traffic(&mut self, i: usize) {
        let scenario = self.scenario.clone();
        let traffic = &scenario.traffic[i];
        let count = self.traffic_count;
        self.traffic_count += 1;
        let keys = &traffic.keys;
        let key = (!keys.is_empty()).then(|| keys[crate::random::index(&mut self.traffic_rng, keys.len())].clone());
        let producer = traffic.producers[count as usize % traffic.producers.len()];
        if let Some(node) = self.index(producer) {
            let topic = traffic.topic.clone();
            let value = format!("order {}", count + 1);
            self.answer(node, Input::Command(Command::Produce { topic, partition: None, key, value }));
        }
        self.plan(self.now.plus_ms(traffic.every_ms), What::Traffic(i));
    }
}
