//! The same assignments as the Java client's: `core/testdata/assign/kafka.txt`, which its own assignors wrote
//! (`core/testdata/assign/Cases.java`).

use std::collections::BTreeMap;

use super::{Assignor, Member};
use crate::id::TopicPartition;

fn partition(text: &str) -> TopicPartition {
    let (topic, partition) = text.rsplit_once('-').unwrap();
    TopicPartition::new(topic, partition.parse().unwrap())
}

#[test]
fn partitions_go_where_the_java_client_sends_them() {
    let cases = include_str!("../../testdata/assign/kafka.txt");
    let mut count = 0;
    for case in cases.split("\n\n").filter(|c| !c.trim().is_empty() && !c.starts_with('#')) {
        let (input, expected) = case.split_once("\n----\n").unwrap();
        let mut lines = input.lines();
        let assignor = Assignor::parse(lines.next().unwrap()).unwrap();
        let mut topics = BTreeMap::new();
        let mut members = Vec::new();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            if words[0] == "topics" {
                topics.extend(words[1..].iter().map(|w| {
                    let (name, count) = w.split_once('=').unwrap();
                    (name.to_owned(), count.parse().unwrap())
                }));
                continue;
            }
            let mut member = Member { id: words[1].into(), ..Member::default() };
            for (key, value) in words[2..].iter().filter_map(|w| w.split_once('=')).filter(|(_, v)| !v.is_empty()) {
                match key {
                    "topics" => member.topics = value.split(',').map(str::to_owned).collect(),
                    "owned" => member.owned = value.split(',').map(partition).collect(),
                    "generation" => member.generation = Some(value.parse().unwrap()),
                    _ => member.instance_id = Some(value.to_owned()),
                }
            }
            // Through the wire and back, as it comes to a leader.
            let subscription = assignor.subscription(&member.topics, &member.owned, member.generation.unwrap_or(-1));
            let back = assignor.member(&member.id, member.instance_id.as_deref(), &subscription);
            assert_eq!((&back.topics, back.owned.len()), (&member.topics, member.owned.len()), "{case}");
            members.push(back);
        }
        let assigned = assignor.assign(&topics, &members);
        let mut printed = String::new();
        for (member, partitions) in assigned {
            let mut all: Vec<String> = partitions.iter().map(ToString::to_string).collect();
            all.sort();
            printed += format!("{member} {}", all.join(" ")).trim_end();
            printed.push('\n');
        }
        assert_eq!(printed.trim_end(), expected.trim_end(), "{input}");
        count += 1;
    }
    assert!(count >= 300, "only {count} cases");
}
