//! A real broker on loopback: one connection for each request, so that none suffers from the one before.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use bytes::Bytes;
use lab_core::sim::Answer;

pub struct Peer {
    address: String,
}

impl Peer {
    pub fn new(address: String) -> Self {
        Self { address }
    }

    /// Kafka does some things a moment after it has answered.
    pub fn wait_ms(&self, ms: u64) {
        std::thread::sleep(Duration::from_millis(ms));
    }

    pub fn ask(&self, frame: &Bytes) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("KAFKA_PEER is reachable");
        stream.set_read_timeout(Some(Duration::from_secs(3))).expect("a timeout");
        stream.write_all(&(frame.len() as u32).to_be_bytes()).expect("a length is sent");
        stream.write_all(frame).expect("a request is sent");
        let mut length = [0; 4];
        match stream.read_exact(&mut length) {
            Ok(()) => {
                let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
                stream.read_exact(&mut bytes).expect("the whole answer");
                Answer::Frame(bytes.into())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Answer::Nothing,
            Err(_) => Answer::Closed,
        }
    }
}
