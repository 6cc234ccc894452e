//! The axis: moments of interest get room, long silences are folded and say so.

use lab_core::{seam::Time, trace::Event};

/// The axis is made of slices at least this long.
const SLICE_US: u64 = 50_000;
/// A silence longer than this is folded.
const SILENCE_US: u64 = 1_500_000;
/// Share of a folded slice, of an ordinary one, and of one where something notable happened.
const FOLDED: f64 = 0.1;
const PLAIN: f64 = 1.0;
const NOTABLE_SHARE: f64 = 0.35;
const MOST_NOTABLE: f64 = 14.0;
/// A real cluster's past is shown this far back.
const LONGEST_US: u64 = 180_000_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    left: f64,
    start: u64,
    slice: u64,
    /// For each slice: where it begins, in pixels; one more for the end.
    edges: Vec<f64>,
    /// Folded stretches: from, to.
    pub folds: Vec<(Time, Time)>,
}

impl Scale {
    pub fn new(events: &[Event], from: Time, end: Time, left: f64, right: f64) -> Self {
        let start = from.0.max(end.0.saturating_sub(LONGEST_US)).min(end.0);
        let events = &events[events.partition_point(|event| event.at.0 < start)..];
        let slice = SLICE_US.max((end.0 - start) / 4000);
        let slices = ((end.0 - start).div_ceil(slice) as usize).max(1);
        let index = |at: u64| ((at.saturating_sub(start) / slice) as usize).min(slices - 1);
        let mut weights = vec![FOLDED; slices];
        let mut folds = Vec::new();
        let mut last = start;
        for at in events.iter().map(|event| event.at.0).chain([end.0]) {
            if at.saturating_sub(last) > SILENCE_US {
                folds.push((Time(last), Time(at)));
            } else {
                // Processes tell of themselves in turns: what one says may be older than what another said before.
                weights[index(last.min(at))..=index(last.max(at))]
                    .iter_mut()
                    .for_each(|weight| *weight = weight.max(PLAIN));
            }
            last = last.max(at);
        }
        let notable = events.iter().filter(|e| e.kind.is_interesting() && !is_repeated(e));
        let mut notable: Vec<usize> = notable.map(|event| index(event.at.0)).collect();
        notable.dedup();
        // All of them together get this share of the axis, within bounds.
        let rest: f64 = weights.iter().sum();
        let each =
            (rest * NOTABLE_SHARE / (1.0 - NOTABLE_SHARE) / notable.len().max(1) as f64).clamp(2.0, MOST_NOTABLE);
        notable.into_iter().for_each(|i| weights[i] = each);
        let total: f64 = weights.iter().sum();
        let mut edges = Vec::with_capacity(slices + 1);
        let mut x = left;
        for weight in &weights {
            edges.push(x);
            x += weight / total * (right - left);
        }
        edges.push(right);
        Self { left, start, slice, edges, folds }
    }

    pub fn right(&self) -> f64 {
        *self.edges.last().expect("an axis has edges")
    }

    pub fn x(&self, at: Time) -> f64 {
        let since = at.0.saturating_sub(self.start);
        let index = ((since / self.slice) as usize).min(self.edges.len() - 2);
        let inside = since as f64 / self.slice as f64 - index as f64;
        let (a, b) = (self.edges[index], self.edges[index + 1]);
        a + (b - a) * inside.clamp(0.0, 1.0)
    }

    pub fn time(&self, x: f64) -> Time {
        let x = x.clamp(self.left, self.right());
        let index = self.edges.partition_point(|edge| *edge <= x).clamp(1, self.edges.len() - 1) - 1;
        let (a, b) = (self.edges[index], self.edges[index + 1]);
        let inside = if b > a { (x - a) / (b - a) } else { 0.0 };
        Time(self.start + ((index as f64 + inside) * self.slice as f64) as u64)
    }

    /// Times to be written under the axis: full seconds where there is room, tenths where it is stretched.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let mut ticks: Vec<(f64, String)> = Vec::new();
        let end = self.start + (self.edges.len() as u64 - 1) * self.slice;
        for (step, room) in [(1_000_000, 44.0), (100_000, 44.0)] {
            let mut at = self.start.next_multiple_of(step);
            while at <= end {
                let x = self.x(Time(at));
                let folded = |(from, to): &(Time, Time)| x > self.x(*from) - 20.0 && x < self.x(*to) + 6.0;
                if !self.folds.iter().any(folded) && ticks.iter().all(|(taken, _)| (taken - x).abs() >= room) {
                    let text = if at % 1_000_000 == 0 {
                        format!("{}", at / 1_000_000)
                    } else {
                        format!("{}.{}", at / 1_000_000, at / 100_000 % 10)
                    };
                    ticks.push((x, text));
                }
                at += step;
            }
        }
        ticks
    }
}

/// What repeats for seconds is not worth room each time.
pub fn is_repeated(event: &Event) -> bool {
    matches!(event.kind, lab_core::trace::EventKind::BatchRetried { .. })
}

#[cfg(test)]
mod tests {
    use lab_core::{
        id::{EventId, NodeId},
        trace::EventKind,
    };

    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn event(ms: u64, kind: EventKind) -> Event {
        Event { id: EventId::new(NodeId(1), ms), at: Time::from_ms(ms), node: NodeId(1), cause: None, kind }
    }

    #[test]
    fn the_axis_runs_forward_folds_silence_and_can_be_read_back() {
        let events =
            [event(6000, EventKind::Killed), event(15_000, EventKind::Started), event(15_200, EventKind::Paused)];
        let scale = Scale::new(&events, Time::ZERO, Time::from_ms(16_000), 100.0, 1100.0);
        assert_eq!(scale.folds, [(Time(0), Time::from_ms(6000)), (Time::from_ms(6000), Time::from_ms(15_000))]);
        let xs: Vec<f64> = (0..=160).map(|i| scale.x(Time::from_ms(i * 100))).collect();
        assert!(xs.windows(2).all(|pair| pair[0] < pair[1]) && xs[0] == 100.0 && (xs[160] - 1100.0).abs() < 1e-6);
        assert!(xs[160] - xs[150] > 3.0 * (xs[150] - xs[100]), "moments of interest get room");
        for ms in [0, 6000, 9_999, 15_100] {
            let back = scale.time(scale.x(Time::from_ms(ms)));
            assert!(back.0.abs_diff(ms * 1000) < 1000, "{ms} {back:?}");
        }
    }
}
