//! Requests of a machine's listeners, counted by API with the time from arrival to answer (Kafka: `RequestMetrics`).

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, VecDeque},
    rc::Rc,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use lab_core::{id::ConnId, wire::api::ApiKey};
use serde::{Deserialize, Serialize};

use crate::driver::Passing;

/// Percentiles are those of the window that runs and the one before it.
const WINDOW: Duration = Duration::from_secs(30);
/// Connections whose requests wait for an answer; a driver bounds what each may send ahead.
const CONNS_MOST: usize = 20_000;

/// One API's figures since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestFigures {
    /// "Produce"
    pub request: String,
    pub count: u64,
    pub total_ms: f64,
    /// Of the last half minute or so.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl RequestFigures {
    /// Of two machines of one node: the slower one's percentiles.
    pub fn merge(all: &mut Vec<Self>, more: Vec<Self>) {
        for other in more {
            match all.iter_mut().find(|known| known.request == other.request) {
                Some(known) => {
                    known.count += other.count;
                    known.total_ms += other.total_ms;
                    known.p50_ms = known.p50_ms.max(other.p50_ms);
                    known.p99_ms = known.p99_ms.max(other.p99_ms);
                    known.max_ms = known.max_ms.max(other.max_ms);
                }
                None => all.push(other),
            }
        }
    }
}

#[derive(Default)]
pub(super) struct Requests {
    /// Correlation id, API and arrival of what is not answered yet.
    open: HashMap<ConnId, VecDeque<(i32, i16, Instant)>>,
    apis: BTreeMap<i16, Figures>,
}

struct Figures {
    count: u64,
    total: Duration,
    /// Microseconds.
    window: Histogram<u32>,
    before: Histogram<u32>,
    since: Instant,
}

impl Requests {
    pub(super) fn shared() -> Rc<RefCell<Self>> {
        Rc::default()
    }

    /// A frame of a connection that others opened. The heads of requests and answers are all that is read.
    pub(super) fn see(&mut self, passing: &Passing<'_>) {
        if passing.conn.is_outbound() {
            return;
        }
        let now = Instant::now();
        let int = |at: usize| passing.head.get(at..)?.first_chunk::<4>().map(|bytes| i32::from_be_bytes(*bytes));
        if !passing.sent {
            // api key, api version, correlation id
            if let (Some(head), Some(correlation_id)) = (int(0), int(4)) {
                if self.open.len() >= CONNS_MOST {
                    self.open.clear();
                }
                self.open.entry(passing.conn).or_default().push_back((correlation_id, (head >> 16) as i16, now));
            }
            return;
        }
        let Some(correlation_id) = int(0) else { return };
        let Some(open) = self.open.get_mut(&passing.conn) else { return };
        // Answers come in order; what stands before this one is not answered at all (acks=0).
        while let Some((asked, api, at)) = open.pop_front() {
            if asked == correlation_id {
                self.apis.entry(api).or_insert_with(|| Figures::new(now)).took(now, now - at);
                break;
            }
        }
        if self.open.get(&passing.conn).is_some_and(VecDeque::is_empty) {
            self.open.remove(&passing.conn);
        }
    }

    pub(super) fn figures(&self) -> Vec<RequestFigures> {
        let figures = self.apis.iter().map(|(key, figures)| {
            let mut both = figures.before.clone();
            both.add(&figures.window).expect("both have the same precision");
            let at = |percentile: f64| both.value_at_percentile(percentile) as f64 / 1000.0;
            RequestFigures {
                request: ApiKey::from_code(*key).map_or_else(|| key.to_string(), |key| key.name().to_string()),
                count: figures.count,
                total_ms: figures.total.as_secs_f64() * 1000.0,
                p50_ms: at(50.0),
                p99_ms: at(99.0),
                max_ms: at(100.0),
            }
        });
        figures.collect()
    }
}

impl Figures {
    fn new(now: Instant) -> Self {
        // Up to an hour: what takes longer is an hour.
        let empty = || Histogram::new_with_bounds(1, 3_600_000_000, 2).expect("these bounds are allowed");
        Self { count: 0, total: Duration::ZERO, window: empty(), before: empty(), since: now }
    }

    fn took(&mut self, now: Instant, time: Duration) {
        if now - self.since > WINDOW {
            std::mem::swap(&mut self.before, &mut self.window);
            self.window.reset();
            self.since = now;
        }
        self.count += 1;
        self.total += time;
        self.window.saturating_record(time.as_micros() as u64);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use lab_core::seam::Time;

    use super::*;

    fn see(requests: &mut Requests, sent: bool, head: &[u8]) {
        let bytes = |_: usize| Bytes::new();
        let (conn, at) = (ConnId(7), Time::ZERO);
        requests.see(&Passing { conn, peer: None, remote: "", sent, at, len: head.len(), head, bytes: &bytes });
    }

    #[test]
    fn answers_are_counted_by_the_api_of_their_question() {
        let mut requests = Requests::default();
        // Produce with acks=0 and correlation id 1, Fetch with 2, and the answer to the Fetch.
        see(&mut requests, false, &[0, 0, 0, 9, 0, 0, 0, 1, 0xff, 0xff]);
        see(&mut requests, false, &[0, 1, 0, 12, 0, 0, 0, 2, 0xff, 0xff]);
        see(&mut requests, true, &[0, 0, 0, 2, 0]);
        see(&mut requests, true, &[0, 0, 0, 9, 0]);
        see(&mut requests, false, &[0, 1]);
        for figures in requests.apis.values_mut() {
            figures.took(Instant::now(), Duration::from_millis(80));
        }
        let figures = requests.figures();
        assert!((79.0..81.0).contains(&figures[0].max_ms), "{figures:?}");
        assert_eq!(figures.len(), 1);
        assert_eq!((figures[0].request.as_str(), figures[0].count), ("Fetch", 2));
        assert!(requests.open.is_empty());
    }
}
