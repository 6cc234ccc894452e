//! The clients of a real cluster, as its brokers see them: who produces, who consumes, and who is which member of which
//! group.
//!
//! Clients choose their `client.id`, and many programs leave it at their library's: a name is no identity. What tells two
//! members of one name apart is what Kafka gave them: a member fetches what it was assigned and nothing else, each
//! partition from its leader, on a connection of its own.

use crate::view::{
    ClientView, ClusterView, ConnectionView, ConsumerView, GroupView, MemberView, PositionView, ProducerView,
};

/// Adds to the lab's own clients, which tell of themselves, those of everybody else.
pub fn add_clients(view: &mut ClusterView) {
    let ours =
        |name: &str| view.producers.iter().any(|p| p.name == name) || view.consumers.iter().any(|c| c.name == name);
    let (groups, clients) = (view.groups(), view.clients());
    let known: Vec<String> = view.consumers.iter().filter_map(|c| c.member_id.clone()).collect();
    let (mut producers, mut consumers) = (Vec::new(), Vec::new());
    for client in clients.into_iter().filter(|client| !ours(&client.client_id)) {
        let all = groups.iter().flat_map(|group| group.members.iter().map(move |member| (group, member)));
        let named = all.filter(|(_, m)| m.client_id == client.client_id && !known.contains(&m.id));
        let members: Vec<(&GroupView, &MemberView)> = named.collect();
        if client.positions.is_empty() && members.is_empty() {
            producers.extend(producer(&client));
        } else {
            consumers.extend(consumers_of(view, client, &members));
        }
    }
    view.producers.extend(producers);
    view.consumers.extend(consumers);
}

/// A client that has produced, as far as its brokers can tell.
fn producer(client: &ClientView) -> Option<ProducerView> {
    client.versions.iter().any(|(api, _)| api == "Produce").then(|| ProducerView {
        id: client.id,
        name: name(client),
        producer_id: -1,
        ..ProducerView::default()
    })
}

fn name(client: &ClientView) -> String {
    if client.client_id.is_empty() { "unnamed".into() } else { client.client_id.clone() }
}

/// One for each member of that name; without members, one that reads what it chose itself.
fn consumers_of(view: &ClusterView, client: ClientView, members: &[(&GroupView, &MemberView)]) -> Vec<ConsumerView> {
    let whole = |positions: Vec<PositionView>| ConsumerView {
        id: client.id,
        name: name(&client),
        read: positions.iter().map(|p| p.position.max(0) as u64).sum(),
        positions,
        generation: -1,
        ..ConsumerView::default()
    };
    let consumer = |i: usize, (group, member): (&GroupView, &MemberView), positions| ConsumerView {
        // Frames are known by name and host only, and end at the first of that name.
        id: if i == 0 { client.id } else { ClientView::id_of(&member.id, &client.host) },
        group_id: Some(group.id.clone()),
        member_id: Some(member.id.clone()),
        generation: group.generation,
        ..whole(positions)
    };
    match members {
        [] => vec![whole(client.positions.clone())],
        [only] => vec![consumer(0, *only, client.positions.clone())],
        several => {
            let settled = settled(view, &client, several);
            let own = |i: usize| {
                settled.iter().filter(move |(member, _)| *member == i).flat_map(|(_, c)| c.positions.clone())
            };
            several.iter().enumerate().map(|(i, member)| consumer(i, *member, own(i).collect())).collect()
        }
    }
}

/// Which member's each connection of that name can only be. It is one's who was assigned all that it fetches; and since
/// nobody fetches from one broker on two connections, whoever is known to have one has no other there. The newest are
/// settled first: who lost a partition in a rebalance may have fetched it before.
fn settled<'a>(
    view: &'a ClusterView,
    client: &ClientView,
    members: &[(&GroupView, &MemberView)],
) -> Vec<(usize, &'a ConnectionView)> {
    let assigned = |member: &MemberView, wanted: &PositionView| {
        member.partitions.iter().any(|p| p.partition == wanted.partition && p.topic == wanted.topic)
    };
    let is_its =
        |c: &&ConnectionView| ClientView::id_of(&c.client_id, &c.address) == client.id && !c.positions.is_empty();
    let mut settled = Vec::new();
    for broker in view.nodes.iter().filter_map(|node| node.broker.as_ref()) {
        let may_be = |c: &ConnectionView| {
            let whole = |i: &usize| c.positions.iter().all(|p| assigned(members[*i].1, p));
            (0..members.len()).filter(whole).collect::<Vec<usize>>()
        };
        let mut open: Vec<_> = broker.clients.iter().filter(is_its).map(|c| (c, may_be(c))).collect();
        open.sort_by_key(|(c, _)| std::cmp::Reverse(c.last_at));
        while let Some(at) = open.iter().position(|(_, owners)| owners.len() == 1) {
            let (connection, owners) = open.remove(at);
            settled.push((owners[0], connection));
            open.iter_mut().for_each(|(_, others)| others.retain(|other| *other != owners[0]));
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::NodeId,
        seam::Time,
        view::{BrokerView, NodeView},
    };

    fn at(partitions: &[(i32, i64)]) -> Vec<PositionView> {
        let position =
            |&(partition, position)| PositionView { topic: "orders".into(), partition, position, ..Default::default() };
        partitions.iter().map(position).collect()
    }

    fn connection(port: u16, at_ms: u64, partitions: &[(i32, i64)]) -> ConnectionView {
        ConnectionView {
            client_id: "rdkafka".into(),
            address: format!("127.0.0.1:{port}"),
            versions: vec![("Fetch".into(), 11)],
            last_at: Time::from_ms(at_ms),
            positions: at(partitions),
            ..ConnectionView::default()
        }
    }

    fn group(id: &str, members: &[(&str, &[(i32, i64)])]) -> GroupView {
        let member = |&(id, partitions): &(&str, &[(i32, i64)])| MemberView {
            id: id.into(),
            client_id: "rdkafka".into(),
            partitions: at(partitions),
            ..MemberView::default()
        };
        GroupView { id: id.into(), generation: 3, members: members.iter().map(member).collect(), ..Default::default() }
    }

    /// A partition and an offset.
    type Place = (i32, i64);

    /// Member id and what it is known to have read, of each consumer.
    fn told(groups: Vec<GroupView>, brokers: Vec<Vec<ConnectionView>>) -> Vec<(Option<String>, Vec<Place>)> {
        let mut groups = Some(groups);
        let node = |(id, clients)| NodeView {
            id: NodeId(id),
            broker: Some(BrokerView { clients, groups: groups.take().unwrap_or_default(), ..BrokerView::default() }),
            ..NodeView::default()
        };
        let mut view = ClusterView { nodes: (1..).zip(brokers).map(node).collect(), ..ClusterView::default() };
        add_clients(&mut view);
        let ids: std::collections::BTreeSet<NodeId> = view.consumers.iter().map(|c| c.id).collect();
        assert_eq!(ids.len(), view.consumers.len(), "each has an id of its own");
        let read = |c: ConsumerView| (c.member_id, c.positions.iter().map(|p| (p.partition, p.position)).collect());
        view.consumers.into_iter().map(read).collect()
    }

    #[test]
    fn members_of_one_name_are_told_apart_by_what_they_were_assigned() {
        let billing = group("billing", &[("a", &[(0, -1), (1, -1)]), ("b", &[(2, -1)]), ("c", &[])]);
        let first = vec![connection(1, 9, &[(0, 40)]), connection(2, 9, &[(2, 60)])];
        // The member that idles read orders-1 before it was the first one's.
        let second = vec![connection(3, 9, &[(1, 50)]), connection(4, 5, &[(1, 45)])];
        let wanted = [
            (Some("a".to_owned()), vec![(0, 40), (1, 50)]),
            (Some("b".to_owned()), vec![(2, 60)]),
            (Some("c".to_owned()), vec![]),
        ];
        assert_eq!(told(vec![billing], vec![first, second]), wanted);
    }

    #[test]
    fn two_groups_that_read_the_same_are_told_apart_where_they_differ() {
        let groups = || {
            let billing = group("billing", &[("a", &[(0, -1), (1, -1), (2, -1)])]);
            vec![billing, group("audit", &[("z", &[(1, -1), (2, -1)])])]
        };
        // Who fetches orders-0 is billing, so the other on that broker is not.
        let first = vec![connection(1, 9, &[(0, 40), (1, 50)]), connection(2, 9, &[(1, 7)])];
        // Of these two nobody can tell.
        let second = vec![connection(3, 9, &[(2, 60)]), connection(4, 9, &[(2, 8)])];
        let wanted = [(Some("z".to_owned()), vec![(1, 7)]), (Some("a".to_owned()), vec![(0, 40), (1, 50)])];
        assert_eq!(told(groups(), vec![first, second]), wanted);
    }

    #[test]
    fn one_member_has_all_that_its_client_reads_and_none_has_no_group() {
        let clients = || vec![connection(1, 9, &[(0, 40), (1, 50)])];
        let all = vec![(0, 40), (1, 50)];
        let one = told(vec![group("billing", &[("a", &[(0, -1)])])], vec![clients()]);
        assert_eq!(one, [(Some("a".to_owned()), all.clone())]);
        assert_eq!(told(Vec::new(), vec![clients()]), [(None, all)]);
    }

    #[test]
    fn whoever_only_produces_is_a_producer() {
        let mut client = connection(1, 9, &[]);
        client.versions = vec![("Produce".into(), 13)];
        let broker = BrokerView { clients: vec![client], ..BrokerView::default() };
        let node = NodeView { id: NodeId(1), broker: Some(broker), ..NodeView::default() };
        let mut view = ClusterView { nodes: vec![node], ..ClusterView::default() };
        add_clients(&mut view);
        assert_eq!((view.producers.len(), view.consumers.len()), (1, 0));
        assert_eq!((view.producers[0].name.as_str(), view.producers[0].producer_id), ("rdkafka", -1));
    }
}
