//! What any client may ask of a cluster, put together as a view: brokers, quorum, partitions, and what each broker says.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    time::{Duration, Instant},
};

use lab_core::{
    id::{Endpoint, NodeId},
    seam::Time,
    view::{
        ActiveView, BrokerView, ClusterView, ControllerView, NodeView, PartitionView, ProcessState, RegistrationView,
        ReplicaView,
    },
    wire::{
        describe_cluster::{DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse},
        describe_configs::{DescribeConfigsRequest, DescribeConfigsResource},
        describe_quorum::{DescribeQuorumRequest, PartitionData, ResponsePartitionData, TopicData},
        metadata::MetadataResponse,
    },
};

use super::{broker, groups};
use crate::{
    admin::{Client, endpoints, refused},
    clock::Clock,
    failure::{Failure, Outcome},
};

/// One that does not answer is left alone for this long.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// A broker that answers later than this is taken for one that does not.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// A voter that has not fetched from the leader for this long is shown as down. Its quorum counts it out after
/// `controller.quorum.fetch.timeout.ms`, 2 s by default (KIP-595).
const VOTER_SILENT_MS: i64 = 5_000;
/// Configurations of topics seldom change.
const CONFIGS_AFTER: Duration = Duration::from_secs(30);
const TOPIC: i8 = 2;

pub(super) struct Observer {
    bootstrap: String,
    clock: Clock,
    cluster_id: String,
    clients: BTreeMap<NodeId, Client>,
    /// Until when those that did not answer are left alone.
    silent: BTreeMap<NodeId, Instant>,
    /// What each broker last said, and when.
    said: BTreeMap<NodeId, (Time, BrokerView)>,
    min_insync_replicas: BTreeMap<String, i32>,
    configs_at: Option<Instant>,
}

/// What one broker said of all of them.
struct Answers {
    cluster: DescribeClusterResponse,
    metadata: MetadataResponse,
    /// Absent where the cluster is older than KRaft, or says it to nobody.
    quorum: Option<ResponsePartitionData>,
}

impl Observer {
    pub(super) fn new(bootstrap: &str, clock: Clock) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            clock,
            cluster_id: String::new(),
            clients: BTreeMap::new(),
            silent: BTreeMap::new(),
            said: BTreeMap::new(),
            min_insync_replicas: BTreeMap::new(),
            configs_at: None,
        }
    }

    pub(super) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    pub(super) fn now(&self) -> Time {
        self.clock.time()
    }

    /// The cluster as it is now. An error if none of its brokers answers.
    pub(super) fn look(&mut self) -> Outcome<ClusterView> {
        let answers = self.ask_anybody()?;
        self.cluster_id.clone_from(&answers.cluster.cluster_id);
        let partitions = self.partitions(&answers.metadata);
        let mut nodes: BTreeMap<NodeId, NodeView> = BTreeMap::new();
        for broker in &answers.cluster.brokers {
            let node = self.broker(broker, &answers, &partitions);
            nodes.insert(node.id, node);
        }
        // One that holds replicas and is not told of: older clusters do not tell of fenced brokers.
        for id in partitions.iter().flat_map(|p| &p.replicas) {
            nodes.entry(*id).or_insert_with(|| self.absent(*id));
        }
        let registrations = nodes.values().filter(|node| node.broker.is_some());
        let active = ActiveView {
            brokers: registrations
                .map(|node| RegistrationView {
                    id: node.id,
                    fenced: node.broker.as_ref().is_none_or(|broker| broker.fenced),
                    broker_epoch: -1,
                    ..RegistrationView::default()
                })
                .collect(),
            partitions,
        };
        add_controllers(&mut nodes, answers.quorum, active, self.now());
        Ok(ClusterView { at: self.now(), nodes: nodes.into_values().collect(), ..ClusterView::default() })
    }

    fn ask_anybody(&mut self) -> Outcome<Answers> {
        let known: Vec<NodeId> = self.clients.keys().copied().collect();
        for id in known {
            if let Some(client) = self.clients.get_mut(&id)
                && let Ok(answers) = ask_cluster(client)
            {
                return Ok(answers);
            }
            self.clients.remove(&id);
        }
        let mut last = Failure::new(format!("--bootstrap {} names nobody", self.bootstrap));
        for endpoint in endpoints(&self.bootstrap)? {
            match Client::connect_to(&endpoint).and_then(|client| ask_cluster(&mut client.patient(ANSWER_WITHIN)?)) {
                Ok(answers) => return Ok(answers),
                Err(failure) => last = failure,
            }
        }
        Err(last.next("Is the cluster running there? --bootstrap takes the addresses of several of its brokers."))
    }

    fn partitions(&mut self, metadata: &MetadataResponse) -> Vec<PartitionView> {
        let topics: Vec<&str> = metadata.topics.iter().filter_map(|topic| topic.name.as_deref()).collect();
        self.look_up_configs(&topics);
        let mut partitions = Vec::new();
        let nodes = |ids: &[i32]| ids.iter().map(|&id| NodeId(id)).collect();
        for topic in &metadata.topics {
            let name = topic.name.clone().unwrap_or_default();
            for partition in &topic.partitions {
                partitions.push(PartitionView {
                    topic: name.clone(),
                    partition: partition.partition_index,
                    replicas: nodes(&partition.replica_nodes),
                    isr: nodes(&partition.isr_nodes),
                    elr: Vec::new(),
                    adding: Vec::new(),
                    removing: Vec::new(),
                    leader: partition.leader_id,
                    leader_epoch: partition.leader_epoch,
                    partition_epoch: -1,
                    min_insync_replicas: self.min_insync_replicas.get(&name).copied().unwrap_or(1),
                });
            }
        }
        partitions.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        partitions
    }

    fn look_up_configs(&mut self, topics: &[&str]) {
        let fresh = self.configs_at.is_some_and(|at| at.elapsed() < CONFIGS_AFTER);
        let known = topics.iter().all(|&topic| self.min_insync_replicas.contains_key(topic));
        let Some(client) = self.clients.values_mut().next() else { return };
        if (fresh && known) || topics.is_empty() {
            return;
        }
        let resource = |topic: &&str| DescribeConfigsResource {
            resource_type: TOPIC,
            resource_name: (*topic).into(),
            configuration_keys: Some(vec!["min.insync.replicas".into()]),
        };
        let request = DescribeConfigsRequest { resources: topics.iter().map(resource).collect(), ..Default::default() };
        for result in client.call(&request).map(|answer| answer.results).unwrap_or_default() {
            let value = result.configs.iter().find_map(|config| config.value.as_ref()?.parse().ok());
            self.min_insync_replicas.insert(result.resource_name, value.unwrap_or(1));
        }
        self.configs_at = Some(Instant::now());
    }

    fn broker(&mut self, told: &DescribeClusterBroker, answers: &Answers, partitions: &[PartitionView]) -> NodeView {
        let id = NodeId(told.broker_id);
        let address = Endpoint { host: told.host.clone(), port: told.port as u16 };
        let hosted: Vec<&PartitionView> = partitions.iter().filter(|p| p.replicas.contains(&id)).collect();
        let before = self.said.get(&id).map(|(_, broker)| broker.replicas.clone()).unwrap_or_default();
        let heard = self.client(id, &address).and_then(|client| {
            let replicas = broker::replicas(client, id, &hosted, &before)?;
            Ok((replicas, groups::coordinated_by(client, id)?))
        });
        let process = if heard.is_err() && told.is_fenced { ProcessState::Down } else { ProcessState::Alive };
        match heard {
            Ok((replicas, groups)) => {
                let replayed = answers.quorum.iter().flat_map(|q| q.observers.iter().chain(&q.current_voters));
                let replayed =
                    replayed.filter(|state| state.replica_id == id.0).map(|state| state.log_end_offset).max();
                let broker = BrokerView {
                    broker_epoch: -1,
                    fenced: told.is_fenced,
                    metadata_offset: replayed.unwrap_or(-1),
                    controller: answers.quorum.as_ref().map(|quorum| NodeId(quorum.leader_id)),
                    replicas,
                    groups,
                    ..BrokerView::default()
                };
                self.said.insert(id, (self.clock.time(), broker));
            }
            Err(_) => {
                self.clients.remove(&id);
                self.silent.insert(id, Instant::now() + AGAIN_AFTER);
            }
        }
        let (as_of, mut broker) = self.said.get(&id).cloned().unwrap_or_default();
        broker.fenced = told.is_fenced;
        NodeView {
            id,
            process,
            as_of,
            address: address.to_string(),
            rack: told.rack.clone(),
            broker: Some(broker),
            ..NodeView::default()
        }
    }

    fn client(&mut self, id: NodeId, address: &Endpoint) -> Outcome<&mut Client> {
        if self.silent.get(&id).is_some_and(|until| *until > Instant::now()) {
            return Err(Failure::new(format!("broker {id} does not answer")));
        }
        let client = match self.clients.entry(id) {
            Entry::Occupied(client) => client.into_mut(),
            Entry::Vacant(place) => place.insert(Client::connect_to(address)?.patient(ANSWER_WITHIN)?),
        };
        self.silent.remove(&id);
        Ok(client)
    }

    fn absent(&self, id: NodeId) -> NodeView {
        let (as_of, broker) = self.said.get(&id).cloned().unwrap_or_default();
        let broker = Some(BrokerView { fenced: true, ..broker });
        NodeView { id, process: ProcessState::Down, as_of, broker, ..NodeView::default() }
    }
}

/// Of a cluster that no longer answers.
pub(super) fn nobody_answers(view: &mut ClusterView) {
    for node in &mut view.nodes {
        node.process = ProcessState::Down;
    }
}

fn ask_cluster(client: &mut Client) -> Outcome<Answers> {
    let cluster = client.call(&DescribeClusterRequest {
        endpoint_type: 1,
        include_fenced_brokers: true,
        ..Default::default()
    })?;
    if cluster.error_code != 0 {
        return Err(refused(
            "the cluster does not describe itself",
            cluster.error_code,
            cluster.error_message.as_deref(),
        ));
    }
    let metadata = client.metadata(None)?;
    let of_quorum =
        TopicData { topic_name: "__cluster_metadata".into(), partitions: vec![PartitionData { partition_index: 0 }] };
    let quorum = client.call(&DescribeQuorumRequest { topics: vec![of_quorum] }).ok();
    let quorum = quorum.and_then(|mut answer| answer.topics.pop()?.partitions.pop()).filter(|q| q.error_code == 0);
    Ok(Answers { cluster, metadata, quorum })
}

/// The voters with what the leader says of them, and the leader with what it holds true of the cluster. Without a quorum
/// that can be asked, the truth still has to be somebody's: node 0 stands for whoever told it.
fn add_controllers(
    nodes: &mut BTreeMap<NodeId, NodeView>,
    quorum: Option<ResponsePartitionData>,
    active: ActiveView,
    now: Time,
) {
    let Some(quorum) = quorum else {
        let controller = ControllerView { role: "leader".into(), active: Some(active), ..ControllerView::default() };
        let node = NodeView { id: NodeId(0), as_of: now, controller: Some(controller), ..NodeView::default() };
        nodes.insert(node.id, node);
        return;
    };
    let leader = NodeId(quorum.leader_id);
    let voters: BTreeSet<NodeId> = quorum.current_voters.iter().map(|voter| NodeId(voter.replica_id)).collect();
    let newest = quorum.current_voters.iter().map(|voter| voter.last_fetch_timestamp).max().unwrap_or(-1);
    let mut active = Some(active);
    for voter in &quorum.current_voters {
        let id = NodeId(voter.replica_id);
        let leads = id == leader;
        let controller = ControllerView {
            role: if leads { "leader" } else { "follower" }.into(),
            epoch: quorum.leader_epoch,
            leader: Some(leader),
            voters: voters.iter().copied().collect(),
            log_end_offset: voter.log_end_offset,
            high_watermark: quorum.high_watermark,
            active: if leads { active.take() } else { None },
            ..ControllerView::default()
        };
        // A node with both roles answers as a broker.
        let node = nodes.entry(id).or_insert_with(|| {
            let silent = newest - voter.last_fetch_timestamp > VOTER_SILENT_MS;
            let process = if silent && !leads { ProcessState::Down } else { ProcessState::Alive };
            NodeView { id, process, as_of: now, ..NodeView::default() }
        });
        node.controller = Some(controller);
    }
}

/// The replica of this partition among those a broker told of.
pub(super) fn find<'a>(replicas: &'a [ReplicaView], topic: &str, partition: i32) -> Option<&'a ReplicaView> {
    replicas.iter().find(|replica| replica.topic == topic && replica.partition == partition)
}
