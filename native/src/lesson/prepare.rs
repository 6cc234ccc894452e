//! What a lesson needs on a real cluster before its clients start: the topics of its scenario, and groups without a past.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use lab_core::{
    id::Endpoint,
    sim::Scenario,
    view::Action,
    wire::{delete_groups::DeleteGroupsRequest, error::ErrorCode, list_groups::ListGroupsRequest},
};

use crate::{
    admin::{self, Client, refused},
    failure::{Failure, Outcome},
};

/// A member that was killed in an earlier run of the lesson is missed within this: `session.timeout.ms` and a moment.
const LEFT_WITHIN: Duration = Duration::from_secs(50);
/// How often it is looked whether they have left.
const AGAIN: Duration = Duration::from_millis(200);

/// Makes the topics of a scenario that are not there yet. It blocks.
pub fn create_topics(bootstrap: &str, scenario: &Scenario) -> Outcome {
    for topic in &scenario.topics {
        let action = Action::CreateTopic {
            topic: topic.name.clone(),
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            configs: topic.configs.clone(),
        };
        match admin::perform(bootstrap, action) {
            Err(failure) if failure.cause().contains("TOPIC_ALREADY_EXISTS") => {}
            result => result?,
        }
    }
    Ok(())
}

/// Deletes what the groups of a scenario committed when the lesson was taken before: its consumers have committed nothing
/// when they start. It blocks until earlier members are gone.
///
/// # Errors
/// Somebody else is in such a group and stays.
pub fn forget_groups(bootstrap: &str, scenario: &Scenario) -> Outcome {
    let ours: BTreeSet<&str> = scenario.consumers.iter().filter_map(|consumer| consumer.group_id.as_deref()).collect();
    if ours.is_empty() {
        return Ok(());
    }
    let began = Instant::now();
    loop {
        let occupied = forget_empty(bootstrap, &ours)?;
        let Some(group) = occupied.first() else { return Ok(()) };
        if began.elapsed() > LEFT_WITHIN {
            let cause = format!("the group {group} has members that are no part of this lesson");
            return Err(Failure::new(cause).next("End them, or take the lesson on a cluster of its own."));
        }
        std::thread::park_timeout(AGAIN);
    }
}

/// Each broker is asked for the groups that it coordinates. Returns those that have members.
fn forget_empty(bootstrap: &str, ours: &BTreeSet<&str>) -> Outcome<Vec<String>> {
    let mut occupied = Vec::new();
    for broker in Client::connect(bootstrap)?.metadata(Some(&[]))?.brokers {
        let mut client = Client::connect_to(&Endpoint { host: broker.host, port: broker.port as u16 })?;
        let listed = client.call(&ListGroupsRequest::default())?.groups.into_iter().map(|group| group.group_id);
        for group in listed.filter(|group| ours.contains(group.as_str())) {
            let answer = client.call(&DeleteGroupsRequest { groups_names: vec![group.clone()] })?;
            match answer.results.first().map_or(0, |result| result.error_code) {
                0 => {}
                code if code == ErrorCode::GroupIdNotFound.code() => {}
                code if code == ErrorCode::NonEmptyGroup.code() => occupied.push(group),
                code => return Err(refused(&format!("cannot delete what group {group} committed"), code, None)),
            }
        }
    }
    Ok(occupied)
}
