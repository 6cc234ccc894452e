//! Where things stand on the stage and which way a message takes: the one place that knows coordinates.

use lab_core::{
    id::NodeId,
    view::{ClusterView, ProcessState},
};

use super::groups;
use crate::model::{self, group::Group};

pub const CARD_WIDTH: f64 = 220.0;
pub const CARD_GAP: f64 = 40.0;
pub const TOP: f64 = 8.0;
pub const CONTROLLERS_HEIGHT: f64 = 76.0;
pub const BROKERS_TOP: f64 = TOP + CONTROLLERS_HEIGHT + 32.0;
pub const CLIENTS_HEIGHT: f64 = 138.0;
pub const PRODUCERS_WIDTH: f64 = 262.0;
pub const CONSUMERS_LEFT: f64 = PRODUCERS_WIDTH + 18.0;
pub const HEX_LEFT: f64 = 134.0;
pub const HEX_PITCH: f64 = 62.0;

pub type Point = (f64, f64);

/// How much is drawn of what there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Density {
    /// Replicas on a broker's card.
    pub replicas: usize,
    /// Groups have one line a member.
    pub rows: bool,
    /// Between brokers and clients, for the lanes.
    lanes: f64,
}

/// From all that there is room for on a large screen to what a small one can show at one time.
const DENSITIES: [Density; 5] = [
    Density { replicas: 3, rows: false, lanes: 94.0 },
    Density { replicas: 3, rows: true, lanes: 94.0 },
    Density { replicas: 2, rows: true, lanes: 94.0 },
    Density { replicas: 2, rows: true, lanes: 76.0 },
    Density { replicas: 1, rows: true, lanes: 76.0 },
];

impl Density {
    fn brokers_height(&self) -> f64 {
        114.0 + 44.0 * self.replicas as f64
    }

    fn clients_top(&self) -> f64 {
        BROKERS_TOP + self.brokers_height() + self.lanes
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    pub width: f64,
    pub height: f64,
    /// What is left out at the top: the controllers, until a lesson brings them in.
    pub above: f64,
    pub density: Density,
    brokers: Vec<NodeId>,
    controllers: Vec<NodeId>,
    producers: Vec<NodeId>,
    consumers: Vec<NodeId>,
}

/// One connection's way over the stage, from who opened it to who accepted it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    pub points: Vec<Point>,
}

impl Geometry {
    /// As much as fits into `room` pixels of height. What does not fit even so is scrolled to.
    pub fn new(view: &ClusterView, groups: &[Group], has_controllers: bool, room: f64) -> Self {
        let brokers: Vec<_> = model::brokers(view).map(|(node, _)| node.id).collect();
        let count = brokers.len().max(3) as f64;
        let width = count * CARD_WIDTH + (count - 1.0) * CARD_GAP;
        let alone = if model::without_group(view).is_empty() { 0.0 } else { CLIENTS_HEIGHT };
        let height = |density: &Density| {
            let card = |group| groups::height(group, density.rows, width - CONSUMERS_LEFT) + groups::GAP;
            let readers = groups.iter().map(card).sum::<f64>() + alone;
            density.clients_top() + readers.max(CLIENTS_HEIGHT) + 6.0
        };
        let above = if has_controllers { 0.0 } else { BROKERS_TOP - TOP };
        let fits = DENSITIES.into_iter().find(|density| height(density) - above <= room);
        let density = fits.unwrap_or(DENSITIES[DENSITIES.len() - 1]);
        Self {
            width,
            height: height(&density),
            above,
            density,
            brokers,
            controllers: model::controllers(view).map(|node| node.id).collect(),
            producers: view.producers.iter().map(|p| p.id).collect(),
            consumers: view.consumers.iter().filter(|c| c.process != ProcessState::Down).map(|c| c.id).collect(),
        }
    }

    pub fn brokers_height(&self) -> f64 {
        self.density.brokers_height()
    }

    fn brokers_bottom(&self) -> f64 {
        BROKERS_TOP + self.brokers_height()
    }

    pub fn clients_top(&self) -> f64 {
        self.density.clients_top()
    }

    /// Fewer brokers than the picture has room for stand in its middle.
    pub fn broker_left(&self, index: usize) -> f64 {
        let taken = self.brokers.len() as f64 * (CARD_WIDTH + CARD_GAP) - CARD_GAP;
        (self.width - taken).max(0.0) / 2.0 + index as f64 * (CARD_WIDTH + CARD_GAP)
    }

    fn broker(&self, id: NodeId) -> Option<usize> {
        self.brokers.iter().position(|b| *b == id)
    }

    /// The way of the connection that `from` opened to `to`.
    pub fn lane(&self, from: NodeId, to: NodeId) -> Option<Lane> {
        let controller = |id| self.controllers.iter().position(|c| *c == id);
        if let (Some(a), Some(b)) = (self.broker(from), self.broker(to)) {
            return Some(self.between_brokers(a, b));
        }
        if let (Some(a), Some(b)) = (controller(from), controller(to)) {
            let x = |i: usize| HEX_LEFT + HEX_PITCH * (i as f64 + 0.5);
            let shift = if a < b { -5.0 } else { 5.0 };
            let points = vec![
                (x(a) + shift, TOP + 10.0),
                (x(a) + shift, TOP - 1.0),
                (x(b) + shift, TOP - 1.0),
                (x(b) + shift, TOP + 10.0),
            ];
            return Some(Lane { points });
        }
        if let (Some(b), Some(c)) = (self.broker(from), controller(to)) {
            let x = self.broker_left(b) + 110.0 + (c as f64 - (self.controllers.len() as f64 - 1.0) / 2.0) * 30.0;
            return Some(Lane { points: vec![(x, BROKERS_TOP), (x, TOP + CONTROLLERS_HEIGHT)] });
        }
        let clients = || self.producers.iter().chain(&self.consumers);
        let client = clients().position(|c| *c == from)?;
        self.broker(to).map(|b| self.client_lane(client, b))
    }

    /// Places along the lower edge of a broker: connections with brokers at the outside, clients in the middle.
    fn port(&self, broker: usize, slot: usize) -> f64 {
        let clients = self.producers.len() + self.consumers.len();
        let others = self.brokers.len().saturating_sub(1) * 2;
        let slots = (clients + others).max(2) as f64;
        self.broker_left(broker) + 14.0 + (CARD_WIDTH - 28.0) * (slot as f64 + 0.5) / slots
    }

    fn between_brokers(&self, from: usize, to: usize) -> Lane {
        let clients = self.producers.len() + self.consumers.len();
        let (low, high) = (from.min(to), from.max(to));
        // Left neighbours first, then the clients, then right neighbours; two places a pair, one each direction. The
        // nearest neighbour is outermost, so that ways nest instead of crossing.
        let way = usize::from(from > to);
        let slot = |at: usize, other: usize| {
            if other < at {
                2 * (at - other - 1) + way
            } else {
                2 * at + clients + 2 * (self.brokers.len() - 1 - other) + (1 - way)
            }
        };
        let (x1, x2) = (self.port(from, slot(from, to)), self.port(to, slot(to, from)));
        let depth = (high - low - 1) as f64 * 22.0 + if way == 1 { 14.0 } else { 25.0 };
        let bottom = self.brokers_bottom();
        let y = bottom + depth;
        Lane { points: vec![(x1, bottom), (x1, y), (x2, y), (x2, bottom)] }
    }

    fn client_lane(&self, client: usize, broker: usize) -> Lane {
        let x2 = self.port(broker, 2 * broker + client);
        let brokers = self.brokers.len().max(1);
        let x1 = match client.checked_sub(self.producers.len()) {
            None => 40.0 + client as f64 * 96.0 + broker as f64 * 20.0,
            Some(consumer) => {
                // As far apart as there is room for.
                let room = self.width - CONSUMERS_LEFT - 60.0;
                let pitch = (room / self.consumers.len() as f64).min(96.0);
                let step = (pitch / (brokers as f64 + 0.8)).min(20.0);
                CONSUMERS_LEFT + 40.0 + consumer as f64 * pitch + broker as f64 * step
            }
        };
        let all = (self.producers.len() + self.consumers.len()) * brokers;
        let level = (client * brokers + broker) as f64 / all.max(2) as f64;
        let top = self.clients_top();
        // Above them, ways between brokers turn.
        let y = top - 8.0 - level * (self.density.lanes - 58.0);
        Lane { points: vec![(x1, top), (x1, y), (x2, y), (x2, self.brokers_bottom())] }
    }
}

impl Lane {
    pub fn reversed(mut self) -> Self {
        self.points.reverse();
        self
    }

    fn length(&self) -> f64 {
        self.points.windows(2).map(|p| distance(p[0], p[1])).sum()
    }

    /// The point at this share of the way, and the points passed to get there.
    pub fn at(&self, share: f64) -> (Point, Vec<Point>) {
        let mut left = self.length() * share.clamp(0.0, 1.0);
        let mut passed = vec![self.points[0]];
        for pair in self.points.windows(2) {
            let step = distance(pair[0], pair[1]);
            if left <= step {
                let part = if step > 0.0 { left / step } else { 0.0 };
                let point = (pair[0].0 + (pair[1].0 - pair[0].0) * part, pair[0].1 + (pair[1].1 - pair[0].1) * part);
                passed.push(point);
                return (point, passed);
            }
            left -= step;
            passed.push(pair[1]);
        }
        (*passed.last().expect("a lane has points"), passed)
    }
}

fn distance(a: Point, b: Point) -> f64 {
    (a.0 - b.0).abs() + (a.1 - b.1).abs()
}

/// An SVG path with rounded corners.
pub fn path(points: &[Point]) -> String {
    let mut text = String::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        let corner = (i > 0).then(|| points.get(i + 1)).flatten();
        match corner {
            _ if i == 0 => text.push_str(&format!("M{x:.1} {y:.1}")),
            Some(&next) => {
                let before = points[i - 1];
                let radius = 6f64.min(distance(before, (x, y)) / 2.0).min(distance((x, y), next) / 2.0);
                let toward = |p: Point| (x + (p.0 - x).clamp(-radius, radius), y + (p.1 - y).clamp(-radius, radius));
                let (a, b) = (toward(before), toward(next));
                text.push_str(&format!("L{:.1} {:.1}Q{x:.1} {y:.1} {:.1} {:.1}", a.0, a.1, b.0, b.1));
            }
            None => text.push_str(&format!("L{x:.1} {y:.1}")),
        }
    }
    text
}
