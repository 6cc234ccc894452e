//! What the charts show: values over simulated time, read from the events of the branch that is on the screen.

use lab_core::{
    id::TopicPartition,
    seam::Time,
    trace::{Event, EventKind},
    view::ClusterView,
};

use crate::model;

/// Points of one line; more cannot be seen.
const MOST_POINTS: usize = 600;
/// Rows of the table beside a chart.
const MOST_ROWS: usize = 12;

/// Which ink a line is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Plain,
    Leader,
    Ok,
    Warn,
}

impl Ink {
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "ink-plain",
            Self::Leader => "ink-leader",
            Self::Ok => "ink-ok",
            Self::Warn => "ink-warn",
        }
    }

    /// The token in the styles.
    pub fn token(self) -> &'static str {
        match self {
            Self::Plain => "--ink-2",
            Self::Leader => "--leader",
            Self::Ok => "--ok",
            Self::Warn => "--warn",
        }
    }
}

/// One value over time: it holds from each point to the next. Seconds, and the unit of the chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub name: &'static str,
    pub ink: Ink,
    pub points: Vec<(f64, f64)>,
    /// The ground under the line is filled.
    pub filled: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub title: &'static str,
    pub lines: Vec<Line>,
    pub seconds: (f64, f64),
    /// The axis reaches at least so high, so that small numbers do not look large.
    pub least_top: f64,
}

/// The stretch of time to be shown, and the cluster at its end.
pub struct Past<'a> {
    pub from: Time,
    pub now: Time,
    pub view: &'a ClusterView,
}

/// Log, consumer lag, throughput and in-sync replicas of a partition. `events` end at `past.now`.
pub fn charts(events: &[Event], partition: &TopicPartition, past: &Past<'_>) -> Vec<Chart> {
    let seconds = (secs(past.from), secs(past.now).max(secs(past.from) + 0.1));
    let of_this = |event: &&Event| event.kind.partition() == Some(partition);
    let (mut end, mut high, mut read, mut lag, mut isr) = (Vec::new(), Vec::new(), 0, Vec::new(), Vec::new());
    for event in events.iter().filter(of_this) {
        let at = secs(event.at);
        match &event.kind {
            EventKind::Appended { last_offset, as_leader: true, .. } => end.push((at, (last_offset + 1) as f64)),
            EventKind::BecameLeader { start_offset, .. } => end.push((at, *start_offset as f64)),
            EventKind::HighWatermark { to, as_leader: true, .. } => {
                high.push((at, *to as f64));
                lag.push((at, (to - read).max(0) as f64));
            }
            EventKind::RecordsRead { to, .. } => {
                read = read.max(to + 1);
                let high = high.last().map_or(0, |(_, high)| *high as i64);
                lag.push((at, (high - read).max(0) as f64));
            }
            EventKind::PartitionChanged { isr: now, previous_isr, .. } => {
                if isr.is_empty() {
                    isr.push((0.0, previous_isr.len() as f64));
                }
                isr.push((at, now.len() as f64));
            }
            _ => {}
        }
    }
    let headline = model::headlines(past.view).into_iter().find(|h| model::name_of(&h.partition) == *partition);
    if let (true, Some(h)) = (isr.is_empty(), &headline) {
        isr.push((0.0, h.partition.isr.len() as f64));
    }
    let min = headline.as_ref().map_or(1, |h| h.partition.min_insync_replicas);
    let line = |name, ink, points: Vec<(f64, f64)>, filled| Line { name, ink, points: clip(points, seconds), filled };
    vec![
        Chart {
            title: "The leader's log",
            lines: vec![
                line("log end offset", Ink::Plain, end, false),
                line("high watermark", Ink::Leader, high, true),
            ],
            seconds,
            least_top: 5.0,
        },
        Chart {
            title: "Consumer lag, records",
            lines: vec![line("lag", Ink::Warn, lag, true)],
            seconds,
            least_top: 5.0,
        },
        Chart {
            title: "Acknowledged to producers, all partitions",
            lines: vec![line("records/s", Ink::Ok, acked(events), true)],
            seconds,
            least_top: 4.0,
        },
        Chart {
            title: "In-sync replicas",
            lines: vec![
                line("ISR", Ink::Ok, isr, true),
                line("min.insync.replicas", Ink::Plain, vec![(0.0, f64::from(min))], false),
            ],
            seconds,
            least_top: 3.0,
        },
    ]
}

/// Records acknowledged in each whole second.
fn acked(events: &[Event]) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut add = |second: u64, records: f64| match points.last_mut() {
        Some((at, sum)) if *at as u64 == second => *sum += records,
        _ => {
            // Silence between is a value as well.
            if let Some((last, _)) = points.last().copied()
                && (last as u64) + 1 < second
            {
                points.push((last + 1.0, 0.0));
            }
            points.push((second as f64, records));
        }
    };
    for event in events {
        if let EventKind::BatchAcked { records, .. } = event.kind {
            add(event.at.as_ms() / 1000, f64::from(records));
        }
    }
    points
}

fn secs(at: Time) -> f64 {
    at.0 as f64 / 1e6
}

/// Keeps what can be seen: one point for each sliver of the axis, and the value that held when it begins.
fn clip(points: Vec<(f64, f64)>, (from, to): (f64, f64)) -> Vec<(f64, f64)> {
    let before = points.iter().rev().find(|(at, _)| *at <= from).map(|(_, value)| (from, *value));
    let sliver = (to - from) / MOST_POINTS as f64;
    let mut kept: Vec<(f64, f64)> = before.into_iter().collect();
    for (at, value) in points.into_iter().filter(|(at, _)| *at > from && *at <= to) {
        match kept.last_mut() {
            Some(last) if at - last.0 < sliver && last.0 > from => last.1 = value,
            _ => kept.push((at, value)),
        }
    }
    kept
}

impl Line {
    fn at(&self, second: f64) -> Option<f64> {
        self.points.iter().rev().find(|(at, _)| *at <= second).map(|(_, value)| *value)
    }

    /// The newest value.
    pub fn now(&self) -> String {
        self.points.last().map_or_else(|| "–".into(), |(_, value)| format!("{value:.0}"))
    }
}

impl Chart {
    /// What the chart shows, as sentences.
    pub fn words(&self) -> String {
        let line = |line: &Line| {
            let Some((first, last)) = line.points.first().zip(line.points.last()) else {
                return format!("{}: nothing yet", line.name);
            };
            let top = line.points.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or(last);
            let (name, highest) = (line.name, format!("highest {:.0} at {:.1} s", top.1, top.0));
            format!("{name}: {:.0} at {:.1} s, {:.0} now, {highest}", first.1, first.0, last.1)
        };
        let lines: Vec<String> = self.lines.iter().map(line).collect();
        let (from, to) = self.seconds;
        format!("{} from {from:.1} s to {to:.1} s. {}.", self.title, lines.join("; "))
    }

    /// The same as a table: evenly spaced instants, the newest last.
    pub fn rows(&self) -> Vec<(String, Vec<String>)> {
        let (from, to) = self.seconds;
        let instant = |i: usize| from + (to - from) * i as f64 / (MOST_ROWS - 1) as f64;
        let value = |line: &Line, at| line.at(at).map_or_else(|| "–".into(), |value| format!("{value:.0}"));
        let row = |at: f64| (format!("{at:.1}"), self.lines.iter().map(|line| value(line, at)).collect());
        (0..MOST_ROWS).map(|i| row(instant(i))).collect()
    }

    /// Upper end of the axis of values.
    pub fn top(&self) -> f64 {
        let values = self.lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
        values.fold(self.least_top, f64::max) * 1.1
    }
}

#[cfg(test)]
mod tests {
    use lab_core::id::{EventId, NodeId};

    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn values_over_time_are_those_of_the_events() {
        let p = TopicPartition::new("orders", 0);
        let event = |ms: u64, kind: EventKind| Event {
            id: EventId::new(NodeId(1), ms),
            at: Time::from_ms(ms),
            node: NodeId(1),
            cause: None,
            kind,
        };
        let partition = || p.clone();
        let append = |base_offset, last_offset| EventKind::Appended {
            partition: partition(),
            base_offset,
            last_offset,
            leader_epoch: 0,
            as_leader: true,
        };
        let events = [
            event(500, append(0, 4)),
            event(1500, append(5, 9)),
            event(1600, EventKind::HighWatermark { partition: partition(), from: 0, to: 10, as_leader: true }),
            event(1700, EventKind::BatchAcked { partition: partition(), base_offset: 5, records: 5 }),
            event(2000, EventKind::RecordsRead { partition: partition(), from: 0, to: 6 }),
            event(4200, EventKind::BatchAcked { partition: partition(), base_offset: 10, records: 2 }),
        ];
        let view = ClusterView::default();
        let past = Past { from: Time::from_ms(1000), now: Time::from_ms(5000), view: &view };
        let charts = charts(&events, &p, &past);
        let points = |chart: usize, line: usize| charts[chart].lines[line].points.clone();
        assert_eq!(points(0, 0), [(1.0, 5.0), (1.5, 10.0)], "what held before the axis begins is known");
        assert_eq!(points(0, 1), [(1.6, 10.0)]);
        assert_eq!(points(1, 0), [(1.6, 10.0), (2.0, 3.0)]);
        assert_eq!(points(2, 0), [(1.0, 5.0), (2.0, 0.0), (4.0, 2.0)]);
        assert!(charts[1].words().contains("lag: 10 at 1.6 s, 3 now, highest 10 at 1.6 s"), "{}", charts[1].words());
        assert_eq!(charts[0].rows().last(), Some(&("5.0".into(), vec!["10".into(), "10".into()])));
    }
}
