//! `/metrics` for Prometheus, with the names that Kafka's JMX beans have behind the usual exporter: of a cluster one target
//! for all nodes, each series with a `node` label; of a node its own.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use lab_core::{
    id::NodeId,
    view::{ControllerView, ReplicaView},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, text::encode},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

use super::Server;
use crate::node::channel::Report;

/// What one node's series say.
#[derive(Clone, Debug, Default)]
pub struct NodeFigures {
    pub node: NodeId,
    pub up: bool,
    pub report: Option<Report>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NodeLabel {
    node: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabel {
    node: i32,
    request: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QuantileLabel {
    node: i32,
    request: String,
    quantile: &'static str,
}

pub(super) async fn answer(State(server): State<Server>) -> Response {
    let figures = match server.cluster {
        Some(cluster) => cluster.figures().await,
        None => Vec::new(),
    };
    response(&figures)
}

/// The figures in Prometheus' text format.
pub fn response(nodes: &[NodeFigures]) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], text(nodes)).into_response()
}

type Row<T> = (&'static str, &'static str, fn(&Report) -> Option<T>);

/// Gauges.
const GAUGES: &[Row<i64>] = &[
    ("process_resident_memory_bytes", "Resident memory of the process", |r| Some(r.rss_bytes as i64)),
    ("kafka_server_socketserver_connections", "Open connections", |r| Some(r.counters.connections as i64)),
    ("kafka_server_replicamanager_partitioncount", "Replicas that the broker holds", |r| count(r, |_| true)),
    ("kafka_server_replicamanager_leadercount", "Partitions that the broker believes it leads", |r| {
        count(r, |p| p.is_leader)
    }),
    ("kafka_server_replicamanager_underreplicatedpartitions", "Of these, with a follower out of sync", |r| {
        count(r, |p| p.is_leader && p.followers.iter().any(|f| !f.in_sync))
    }),
    ("kafka_server_replicafetchermanager_maxlag", "Records by which a follower is behind, at most", |r| {
        let lag = |p: &ReplicaView| p.followers.iter().map(|f| p.log_end_offset - f.end_offset.max(0)).max();
        r.broker.as_ref().map(|b| b.replicas.iter().filter(|p| p.is_leader).filter_map(lag).max().unwrap_or(0))
    }),
    ("kafka_server_kafkaserver_brokerstate", "3: running. 1: starting, or fenced", |r| {
        r.broker.as_ref().map(|b| if b.fenced { 1 } else { 3 })
    }),
    ("kafka_server_brokermetadatametrics_lastappliedrecordoffset", "How far the metadata log was replayed", |r| {
        r.broker.as_ref().map(|b| b.metadata_offset)
    }),
    ("kafka_server_raftmetrics_currentepoch", "Quorum epoch as the controller knows it", |r| {
        quorum(r, |c| c.epoch.into())
    }),
    ("kafka_server_raftmetrics_currentleader", "Leader of the quorum; -1: unknown", |r| {
        quorum(r, |c| c.leader.map_or(-1, |leader| leader.0.into()))
    }),
    ("kafka_server_raftmetrics_highwatermark", "High watermark of the metadata log", |r| {
        quorum(r, |c| c.high_watermark)
    }),
    ("kafka_server_raftmetrics_logendoffset", "End of the metadata log", |r| quorum(r, |c| c.log_end_offset)),
    ("kafka_controller_kafkacontroller_activecontrollercount", "1: this is the active controller", |r| {
        quorum(r, |c| i64::from(c.active.is_some()))
    }),
    ("kafka_controller_kafkacontroller_activebrokercount", "Brokers that are not fenced", |r| {
        active(r).map(|a| a.brokers.iter().filter(|b| !b.fenced).count() as i64)
    }),
    ("kafka_controller_kafkacontroller_fencedbrokercount", "Brokers that are fenced", |r| {
        active(r).map(|a| a.brokers.iter().filter(|b| b.fenced).count() as i64)
    }),
    ("kafka_controller_kafkacontroller_globalpartitioncount", "Partitions of the cluster", |r| {
        active(r).map(|a| a.partitions.len() as i64)
    }),
    ("kafka_controller_kafkacontroller_offlinepartitionscount", "Partitions without a leader", |r| {
        active(r).map(|a| a.partitions.iter().filter(|p| p.leader < 0).count() as i64)
    }),
];

/// Counters; Prometheus adds `_total`.
const COUNTERS: &[Row<u64>] = &[
    ("kafka_server_socketserver_bytesin", "Bytes read from connections", |r| Some(r.counters.bytes_in)),
    ("kafka_server_socketserver_bytesout", "Bytes written to connections", |r| Some(r.counters.bytes_out)),
    ("kafka_server_socketserver_framesin", "Frames read from connections", |r| Some(r.counters.frames_in)),
    ("kafka_server_socketserver_framesout", "Frames written to connections", |r| Some(r.counters.frames_out)),
    ("kafka_server_socketserver_connectionsaccepted", "Connections accepted", |r| Some(r.counters.accepted)),
    ("kafka_log_logflushstats_logflush", "Waits for the disk", |r| Some(r.counters.syncs)),
    ("kafka_server_replicamanager_isrshrinks", "Times that an ISR was asked to shrink", |r| {
        r.broker.as_ref().map(|_| r.isr_shrinks)
    }),
    ("kafka_server_replicamanager_isrexpands", "Times that an ISR was asked to grow", |r| {
        r.broker.as_ref().map(|_| r.isr_expands)
    }),
    ("kafka_controller_controllerstats_leaderelections", "Elections of the quorum that this member won", |r| {
        r.controller.as_ref().map(|_| r.elections)
    }),
    ("process_cpu_milliseconds", "Processor time, user and system", |r| Some(r.cpu_ms)),
];

fn count(report: &Report, which: fn(&ReplicaView) -> bool) -> Option<i64> {
    report.broker.as_ref().map(|broker| broker.replicas.iter().filter(|p| which(p)).count() as i64)
}

fn quorum(report: &Report, get: fn(&ControllerView) -> i64) -> Option<i64> {
    report.controller.as_ref().map(get)
}

fn active(report: &Report) -> Option<&lab_core::view::ActiveView> {
    report.controller.as_ref()?.active.as_ref()
}

fn text(nodes: &[NodeFigures]) -> String {
    let mut registry = Registry::default();
    let label = |node: &NodeFigures| NodeLabel { node: node.node.0 };
    let up = nodes.iter().map(|node| (label(node), ConstGauge::new(i64::from(node.up))));
    let up = Series(MetricType::Gauge, up.collect::<Vec<_>>());
    registry.register("kafka_lab_node_up", "Whether the node's process runs and is not paused", up);
    for (name, help, get) in GAUGES {
        let values = nodes.iter().filter_map(|node| Some((label(node), ConstGauge::new(get(node.report.as_ref()?)?))));
        registry.register(*name, *help, Series(MetricType::Gauge, values.collect::<Vec<_>>()));
    }
    for (name, help, get) in COUNTERS {
        let values =
            nodes.iter().filter_map(|node| Some((label(node), ConstCounter::new(get(node.report.as_ref()?)?))));
        registry.register(*name, *help, Series(MetricType::Counter, values.collect::<Vec<_>>()));
    }
    let requests = || {
        let of = |node: &NodeFigures| {
            let (id, report) = (node.node.0, node.report.clone().unwrap_or_default());
            report.requests.into_iter().map(move |request| (id, request))
        };
        nodes.iter().flat_map(of).collect::<Vec<_>>()
    };
    let by = |node, request: &str| RequestLabel { node, request: request.into() };
    let counts = requests().into_iter().map(|(node, r)| (by(node, &r.request), ConstCounter::new(r.count)));
    let help = "Requests answered";
    registry.register("kafka_network_requestmetrics_requests", help, Series(MetricType::Counter, counts.collect()));
    let times = requests().into_iter().map(|(node, r)| (by(node, &r.request), ConstCounter::new(r.total_ms)));
    let help = "Milliseconds from the arrival of requests to their answers, summed up";
    registry.register("kafka_network_requestmetrics_timems", help, Series(MetricType::Counter, times.collect()));
    let quantiles = requests().into_iter().flat_map(|(node, r)| {
        [("0.5", r.p50_ms), ("0.99", r.p99_ms), ("1", r.max_ms)]
            .map(|(quantile, ms)| (QuantileLabel { node, request: r.request.clone(), quantile }, ConstGauge::new(ms)))
    });
    let help = "Milliseconds from a request's arrival to its answer, of the last half minute";
    registry.register("kafka_network_requestmetrics_totaltimems", help, Series(MetricType::Gauge, quantiles.collect()));
    let mut text = String::new();
    encode(&mut text, &registry).expect("a string takes all");
    text
}

/// Values that were counted elsewhere.
#[derive(Debug)]
struct Series<L, M>(MetricType, Vec<(L, M)>);

impl<L, M> EncodeMetric for Series<L, M>
where
    L: EncodeLabelSet + std::fmt::Debug,
    M: EncodeMetric + std::fmt::Debug,
{
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (label, value) in &self.1 {
            value.encode(encoder.encode_family(label)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use lab_core::view::{ActiveView, BrokerView, FollowerView};

    use super::*;
    use crate::node::channel::RequestFigures;

    #[test]
    fn figures_have_kafkas_names_and_a_label_of_the_node() {
        let follower = |in_sync| FollowerView { in_sync, end_offset: 40, ..FollowerView::default() };
        let replica = |is_leader, in_sync| ReplicaView {
            is_leader,
            log_end_offset: 42,
            followers: vec![follower(in_sync)],
            ..ReplicaView::default()
        };
        let broker = BrokerView { replicas: vec![replica(true, true), replica(true, false)], ..BrokerView::default() };
        let request = RequestFigures { request: "Produce".into(), count: 3, p99_ms: 1.5, ..RequestFigures::default() };
        let one = Report { broker: Some(broker), isr_shrinks: 2, requests: vec![request], ..Report::default() };
        let active = Some(ActiveView::default());
        let controller = Some(ControllerView { epoch: 5, active, ..ControllerView::default() });
        let other = Report { controller, ..Report::default() };
        let figures = |node, report| NodeFigures { node: NodeId(node), up: true, report: Some(report) };
        let text = text(&[figures(1, one), figures(101, other), NodeFigures { node: NodeId(2), ..Default::default() }]);
        for line in [
            "kafka_lab_node_up{node=\"2\"} 0",
            "kafka_server_replicamanager_leadercount{node=\"1\"} 2",
            "kafka_server_replicamanager_underreplicatedpartitions{node=\"1\"} 1",
            "kafka_server_replicafetchermanager_maxlag{node=\"1\"} 2",
            "kafka_server_replicamanager_isrshrinks_total{node=\"1\"} 2",
            "kafka_controller_kafkacontroller_activecontrollercount{node=\"101\"} 1",
            "kafka_server_raftmetrics_currentepoch{node=\"101\"} 5",
            "kafka_network_requestmetrics_requests_total{node=\"1\",request=\"Produce\"} 3",
            "kafka_network_requestmetrics_totaltimems{node=\"1\",request=\"Produce\",quantile=\"0.99\"} 1.5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in:\n{text}");
        }
        assert!(!text.contains("leadercount{node=\"101\"}"), "a controller leads no partitions");
        assert!(text.ends_with("# EOF\n"));
    }
}
