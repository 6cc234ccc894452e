//! A machine for testing the world itself: it says "ping" to its neighbour once a second and answers pings.

use bytes::Bytes;

use crate::{
    id::{ConnId, Endpoint, NodeId},
    seam::{Ctx, Input, Machine, Output, Part, Time},
};

#[derive(Clone, Debug)]
pub struct Toy {
    id: NodeId,
    conn: Option<ConnId>,
    usable: bool,
    next_ms: u64,
    pub sent: i32,
    pub answers: Vec<i32>,
    pub closed: u32,
}

impl Toy {
    pub fn start(id: NodeId, ctx: &mut Ctx<'_>) -> Self {
        ctx.out.push(Output::Listen);
        Self { id, conn: None, usable: false, next_ms: ctx.ms() + 1000, sent: 0, answers: Vec::new(), closed: 0 }
    }

    /// A BrokerHeartbeat header in version 0, without a body: enough for the world to know what it is.
    fn request(correlation_id: i32) -> Vec<Part> {
        let mut frame = vec![0, 63, 0, 0];
        frame.extend(correlation_id.to_be_bytes());
        vec![Part::Bytes(Bytes::from(frame))]
    }
}

impl Machine for Toy {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        match input {
            Input::Wake if ctx.ms() >= self.next_ms => {
                self.next_ms += 1000;
                if let Some(conn) = self.conn.filter(|_| self.usable) {
                    self.sent += 1;
                    ctx.out.send(conn, Self::request(self.sent));
                } else if self.conn.is_none() {
                    let host = format!("broker-{}", self.id.0 % 2 + 1);
                    self.conn = Some(ctx.out.open(Endpoint { host, port: 9092 }));
                }
            }
            Input::Opened { conn, .. } => self.usable |= Some(conn) == self.conn,
            Input::Frame { conn, bytes, .. } if Some(conn) == self.conn => {
                self.answers.push(i32::from_be_bytes(bytes[..4].try_into().unwrap()));
            }
            Input::Frame { conn, bytes, .. } => ctx.out.send(conn, vec![Part::Bytes(bytes.slice(4..8))]),
            Input::Closed { conn } => {
                self.closed += 1;
                if Some(conn) == self.conn {
                    (self.conn, self.usable) = (None, false);
                }
            }
            Input::Shutdown => ctx.out.push(Output::Exit),
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Time> {
        Some(Time::from_ms(self.next_ms))
    }
}
