//! The axis: moments of interest get room, long silences are folded and say so.

use lab_core::{seam::Time, trace::Event};

/// The axis is made of slices this long.
const SLICE_US: u64 = 50_000;
/// A silence longer than this is folded.
const SILENCE_US: u64 = 1_500_000;
/// Share of a folded slice, of an ordinary one, and of one where something notable happened.
const FOLDED: f64 = 0.1;
const PLAIN: f64 = 1.0;
const NOTABLE: f64 = 7.0;

#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    left: f64,
    /// For each slice: where it begins, in pixels; one more for the end.
    edges: Vec<f64>,
    /// Folded stretches: from, to.
    pub folds: Vec<(Time, Time)>,
}

impl Scale {
    pub fn new(events: &[Event], end: Time, left: f64, right: f64) -> Self {
        let slices = (end.0.div_ceil(SLICE_US) as usize).clamp(1, 20_000);
        let mut weights = vec![FOLDED; slices];
        let slice = |at: u64| ((at / SLICE_US) as usize).min(slices - 1);
        let mut folds = Vec::new();
        let mut last = 0;
        let mut mark = |from: u64, to: u64, folds: &mut Vec<(Time, Time)>| {
            if to.saturating_sub(from) > SILENCE_US {
                folds.push((Time(from), Time(to)));
            } else {
                for weight in &mut weights[slice(from)..=slice(to)] {
                    *weight = weight.max(PLAIN);
                }
            }
        };
        for event in events {
            mark(last, event.at.0, &mut folds);
            last = event.at.0;
        }
        mark(last, end.0, &mut folds);
        // Starting up is notable all along: it is told, but not spread out.
        for event in events.iter().filter(|e| e.kind.is_interesting() && !is_repeated(e) && e.at.0 > 4_500_000) {
            weights[slice(event.at.0)] = NOTABLE;
        }
        let total: f64 = weights.iter().sum();
        let mut edges = Vec::with_capacity(slices + 1);
        let mut x = left;
        for weight in &weights {
            edges.push(x);
            x += weight / total * (right - left);
        }
        edges.push(right);
        Self { left, edges, folds }
    }

    pub fn right(&self) -> f64 {
        *self.edges.last().expect("an axis has edges")
    }

    pub fn x(&self, at: Time) -> f64 {
        let slice = ((at.0 / SLICE_US) as usize).min(self.edges.len() - 2);
        let inside = (at.0 as f64 - slice as f64 * SLICE_US as f64) / SLICE_US as f64;
        let (a, b) = (self.edges[slice], self.edges[slice + 1]);
        a + (b - a) * inside.clamp(0.0, 1.0)
    }

    pub fn time(&self, x: f64) -> Time {
        let x = x.clamp(self.left, self.right());
        let slice = self.edges.partition_point(|edge| *edge <= x).clamp(1, self.edges.len() - 1) - 1;
        let (a, b) = (self.edges[slice], self.edges[slice + 1]);
        let inside = if b > a { (x - a) / (b - a) } else { 0.0 };
        Time(((slice as f64 + inside) * SLICE_US as f64) as u64)
    }

    /// Times to be written under the axis: full seconds where there is room, tenths where it is stretched.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let mut ticks: Vec<(f64, String)> = Vec::new();
        let end = (self.edges.len() as u64 - 1) * SLICE_US;
        for (step, room) in [(1_000_000, 44.0), (100_000, 44.0)] {
            let mut at = 0;
            while at <= end {
                let x = self.x(Time(at));
                if ticks.iter().all(|(taken, _)| (taken - x).abs() >= room) {
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
