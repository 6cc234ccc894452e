//! Topics and partitions that a request says twice. Kafka collects most requests in maps, so that each stands in the answer
//! once; what becomes of the other word differs from API to API.

use std::collections::BTreeMap;

/// Places of topics and of their partitions, in the order in which they were first named.
#[derive(Debug)]
pub struct Once<Topic> {
    places: BTreeMap<Topic, (usize, BTreeMap<i32, usize>)>,
}

/// Where a partition stands. A place as long as what is there so far is a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub topic: usize,
    pub partition: usize,
}

impl<Topic> Default for Once<Topic> {
    fn default() -> Self {
        Self { places: BTreeMap::new() }
    }
}

impl<Topic: Ord> Once<Topic> {
    pub fn place(&mut self, topic: Topic, partition: i32) -> Place {
        let topics = self.places.len();
        let (topic, partitions) = self.places.entry(topic).or_insert_with(|| (topics, BTreeMap::new()));
        let next = partitions.len();
        Place { topic: *topic, partition: *partitions.entry(partition).or_insert(next) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_again_has_its_place_already() {
        let mut once = Once::default();
        let places = [("b", 7), ("a", 0), ("b", 3), ("b", 7), ("a", 0)].map(|(topic, p)| once.place(topic, p));
        let expected = [(0, 0), (1, 0), (0, 1), (0, 0), (1, 0)].map(|(topic, partition)| Place { topic, partition });
        assert_eq!(places, expected);
    }
}
