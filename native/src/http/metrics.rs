//! `/metrics` for Prometheus: one target for all nodes, each series with a `node` label.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use lab_core::{
    id::NodeId,
    view::{ClusterView, ProcessState},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::ConstCounter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::Server;
use crate::node::channel::Report;

/// What one node's series say.
#[derive(Clone, Debug, Default)]
pub struct NodeFigures {
    node: NodeId,
    up: bool,
    report: Option<Report>,
    leaders: i64,
    under_replicated: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NodeLabel {
    node: i32,
}

/// Puts together what the nodes reported.
pub fn figures<'a>(view: &ClusterView, report: impl Fn(NodeId) -> Option<&'a Report>) -> Vec<NodeFigures> {
    let figures = view.nodes.iter().map(|node| {
        let replicas = node.broker.as_ref().map(|broker| broker.replicas.as_slice()).unwrap_or_default();
        let led = replicas.iter().filter(|replica| replica.is_leader);
        NodeFigures {
            node: node.id,
            up: matches!(node.process, ProcessState::Alive | ProcessState::Stopping),
            report: report(node.id).cloned(),
            leaders: led.clone().count() as i64,
            under_replicated: led.filter(|r| r.followers.iter().any(|f| !f.in_sync)).count() as i64,
        }
    });
    figures.collect()
}

pub(super) async fn answer(State(server): State<Server>) -> Response {
    let figures = server.cluster.map(|cluster| cluster.metrics.borrow().clone()).unwrap_or_default();
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], text(&figures)).into_response()
}

fn text(nodes: &[NodeFigures]) -> String {
    type Gauges = Family<NodeLabel, Gauge>;
    let mut registry = Registry::with_prefix("kafka_lab");
    let mut gauge = |name: &str, help: &str, value: &dyn Fn(&NodeFigures) -> Option<i64>| {
        let family = Gauges::default();
        for node in nodes {
            if let Some(value) = value(node) {
                family.get_or_create(&NodeLabel { node: node.node.0 }).set(value);
            }
        }
        registry.register(name, help, family);
    };
    let reported = |get: fn(&Report) -> i64| move |node: &NodeFigures| node.report.as_ref().map(get);
    gauge("node_up", "Whether the node's process runs and is not paused", &|node| Some(i64::from(node.up)));
    gauge("resident_memory_bytes", "Resident memory of the process", &reported(|r| r.rss_bytes as i64));
    gauge("connections", "Open connections", &reported(|r| r.counters.connections as i64));
    gauge("partitions_led", "Partitions that the broker believes it leads", &|node| {
        node.report.as_ref()?.broker.as_ref().map(|_| node.leaders)
    });
    gauge("partitions_under_replicated", "Of these, how many have a follower out of sync", &|node| {
        node.report.as_ref()?.broker.as_ref().map(|_| node.under_replicated)
    });
    gauge(
        "quorum_epoch",
        "Epoch of the metadata quorum as the controller knows it",
        &reported_controller(|c| c.epoch.into()),
    );
    gauge("quorum_high_watermark", "High watermark of the metadata log", &reported_controller(|c| c.high_watermark));
    gauge(
        "quorum_is_leader",
        "Whether the controller leads the quorum",
        &reported_controller(|c| i64::from(c.role == "leader")),
    );
    for (name, help, get) in COUNTERS {
        let labels = nodes.iter().filter_map(|node| {
            let report = node.report.as_ref()?;
            Some((NodeLabel { node: node.node.0 }, ConstCounter::new(get(report))))
        });
        registry.register(*name, *help, ConstFamily(labels.collect()));
    }
    let mut text = String::new();
    encode(&mut text, &registry).expect("a string takes all");
    text
}

fn reported_controller(get: fn(&lab_core::view::ControllerView) -> i64) -> impl Fn(&NodeFigures) -> Option<i64> {
    move |node| node.report.as_ref()?.controller.as_ref().map(get)
}

type CounterRow = (&'static str, &'static str, fn(&Report) -> u64);

const COUNTERS: &[CounterRow] = &[
    ("frames_received", "Frames read from connections", |r| r.counters.frames_in),
    ("frames_sent", "Frames written to connections", |r| r.counters.frames_out),
    ("received_bytes", "Bytes read from connections", |r| r.counters.bytes_in),
    ("sent_bytes", "Bytes written to connections", |r| r.counters.bytes_out),
    ("accepted_connections", "Connections accepted", |r| r.counters.accepted),
    ("disk_syncs", "Waits for the disk", |r| r.counters.syncs),
    ("cpu_milliseconds", "Processor time, user and system", |r| r.cpu_ms),
];

/// Counters that were counted elsewhere.
#[derive(Debug)]
struct ConstFamily(Vec<(NodeLabel, ConstCounter<u64>)>);

impl prometheus_client::encoding::EncodeMetric for ConstFamily {
    fn encode(&self, mut encoder: prometheus_client::encoding::MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (label, counter) in &self.0 {
            prometheus_client::encoding::EncodeMetric::encode(counter, encoder.encode_family(label)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> prometheus_client::metrics::MetricType {
        prometheus_client::metrics::MetricType::Counter
    }
}
