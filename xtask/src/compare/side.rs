//! One of the two clusters: a connection to its broker, and what it means by the symbols of a round.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::names::Names;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Frame(Vec<u8>),
    /// The connection was closed instead.
    Closed,
    /// Nothing until the time was over.
    Silence,
}

/// Longer than anything that is drawn may wait.
pub const PATIENCE: Duration = Duration::from_secs(6);

pub struct Side {
    address: String,
    stream: Option<TcpStream>,
    pub names: Names,
}

impl Side {
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None, names: Names::default() }
    }

    fn connected(&mut self) -> Result<&mut TcpStream> {
        if self.stream.is_none() {
            let stream =
                TcpStream::connect(&self.address).with_context(|| format!("connecting to {}", self.address))?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        Ok(self.stream.as_mut().expect("just connected"))
    }

    /// A broken connection shows when the answer is read.
    pub fn send(&mut self, frame: &[u8]) -> Result<()> {
        let mut bytes = (frame.len() as u32).to_be_bytes().to_vec();
        bytes.extend(frame);
        let _ = self.connected()?.write_all(&bytes);
        Ok(())
    }

    pub fn receive(&mut self, until: Instant) -> Result<Answer> {
        let stream = self.connected()?;
        // Whoever is asked second is looked at as well when no time is left.
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(20));
        stream.set_read_timeout(Some(left))?;
        let mut read = || {
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let mut frame = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut frame)?;
            Ok::<_, std::io::Error>(frame)
        };
        let answer = match read() {
            Ok(frame) => return Ok(Answer::Frame(frame)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Answer::Silence,
            Err(_) => Answer::Closed,
        };
        // What may still come on it would be taken for the answer to the next request.
        self.stream = None;
        Ok(answer)
    }
}
