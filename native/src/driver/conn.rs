//! One TCP connection: what waits to be sent, whether it may be read, and writing as much as the socket takes.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::VecDeque,
    fs::File,
    io::{self, IoSlice},
    sync::Arc,
};

use bytes::{Buf, Bytes};
use lab_core::{
    disk::FileSlice,
    id::{ConnId, NodeId},
    seam::Time,
};
use tokio::{
    io::Interest,
    net::TcpStream,
    sync::Notify,
    time::{Duration, Instant},
};

use super::{
    Passing,
    files::Files,
    links::{LinkState, Links},
};

/// Above this many queued bytes in memory a connection is congested and its machine hears `Writable` when they are gone.
const CONGESTED: usize = 1 << 20;
/// A connection whose peer lets this much pile up in memory is closed.
pub(super) const QUEUE_MAX: usize = 256 << 20;
/// One turn writes at most this much, so that one fast reader does not hold up everybody else.
const WRITE_TURN: usize = 4 << 20;
/// Pieces handed to the kernel in one call.
const PIECES: usize = 32;

/// A piece of the output queue.
#[derive(Debug)]
enum Piece {
    /// The length of the frame that follows; the second field counts what is already written.
    Length([u8; 4], u8),
    Bytes(Bytes),
    File(Arc<File>, FileSlice),
    /// A slow link: what follows waits until then.
    NotBefore(Instant),
}

/// How a write attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing is left.
    All,
    /// The socket is full, or the turn was used up.
    Later,
    /// A delayed frame comes first.
    Until(Instant),
    /// The link is cut.
    Cut,
}

/// Shared by the connection's task and the driver; both run on one thread, and no borrow lives across an await.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) id: ConnId,
    pub(super) accepted: bool,
    pub(super) remote: String,
    /// Set when connected.
    pub(super) stream: OnceCell<TcpStream>,
    queue: RefCell<VecDeque<Piece>>,
    /// Bytes in `queue` that are held in memory.
    queued: Cell<usize>,
    congested: Cell<bool>,
    pub(super) muted: Cell<bool>,
    /// Asked to close; what is queued is still sent.
    pub(super) closing: Cell<bool>,
    pub(super) failed: RefCell<Option<String>>,
    pub(super) peer: Cell<Option<NodeId>>,
    pub(super) link: Cell<LinkState>,
    /// Wakes the connection's task when any of the above changed.
    pub(super) changed: Notify,
    pub(super) last_active: Cell<Instant>,
}

impl Conn {
    pub(super) fn new(id: ConnId, accepted: bool, remote: String) -> Self {
        Self {
            id,
            accepted,
            remote,
            stream: OnceCell::new(),
            queue: RefCell::default(),
            queued: Cell::new(0),
            congested: Cell::new(false),
            muted: Cell::new(false),
            closing: Cell::new(false),
            failed: RefCell::default(),
            peer: Cell::new(None),
            link: Cell::default(),
            changed: Notify::new(),
            last_active: Cell::new(Instant::now()),
        }
    }

    /// A frame that passes here, for those who watch.
    pub(super) fn passing<'a>(
        &'a self,
        sent: bool,
        at: Time,
        len: usize,
        head: &'a [u8],
        bytes: &'a dyn Fn(usize) -> Bytes,
    ) -> Passing<'a> {
        Passing { conn: self.id, peer: self.peer.get(), remote: &self.remote, sent, at, len, head, bytes }
    }

    /// Queues the length prefix of a frame; its parts follow.
    pub(super) fn begin_frame(&self, len: usize) {
        let mut queue = self.queue.borrow_mut();
        let delay = self.link.get().delay;
        if delay > Duration::ZERO {
            queue.push_back(Piece::NotBefore(Instant::now() + delay));
        }
        let len = i32::try_from(len).expect("a machine never sends a frame of 2 GiB");
        queue.push_back(Piece::Length(len.to_be_bytes(), 0));
    }

    pub(super) fn push_bytes(&self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        self.queued.set(self.queued.get() + bytes.len());
        if self.queued.get() > CONGESTED {
            self.congested.set(true);
        }
        self.queue.borrow_mut().push_back(Piece::Bytes(bytes));
    }

    pub(super) fn push_file(&self, file: Arc<File>, slice: FileSlice) {
        if slice.len > 0 {
            self.queue.borrow_mut().push_back(Piece::File(file, slice));
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.queued.get()
    }

    pub(super) fn has_output(&self) -> bool {
        !self.queue.borrow().is_empty()
    }

    /// Whether the next frame may be taken. An accepted connection is not read while an answer waits to leave: whoever
    /// does not read gets no further request served, and holds one answer at most.
    pub(super) fn may_read(&self) -> bool {
        !self.muted.get() && !self.closing.get() && !self.link.get().cut_in && (!self.accepted || !self.has_output())
    }

    /// The connection cannot go on; its task ends it.
    pub(super) fn fail(&self, why: impl Into<String>) {
        self.failed.borrow_mut().get_or_insert_with(|| why.into());
        self.changed.notify_one();
    }

    /// Who is at the other end, and what the link to it does.
    pub(super) fn identify(&self, peer: Option<NodeId>, links: &Links) {
        self.peer.set(peer);
        self.link.set(links.state(peer));
        self.changed.notify_one();
    }

    /// Waits until it is closed by the machine or by a failure.
    pub(super) async fn asked_to_close(&self) {
        while !self.closing.get() && self.failed.borrow().is_none() {
            self.changed.notified().await;
        }
    }

    /// Writes at once what can be written; what cannot is left to the connection's task.
    pub(super) fn flush_now(&self, files: &impl Files) {
        match self.flush(files) {
            Ok(Flushed::All) => {}
            Ok(_) => self.changed.notify_one(),
            Err(error) => self.fail(error.to_string()),
        }
    }

    /// True once after a congested queue has drained.
    pub(super) fn take_relief(&self) -> bool {
        !self.has_output() && self.congested.replace(false)
    }

    /// Writes what the socket takes now. `files` says whether a slice of a file still is what it was.
    pub(super) fn flush(&self, files: &impl Files) -> io::Result<Flushed> {
        let Some(stream) = self.stream.get() else { return Ok(Flushed::Later) };
        let mut queue = self.queue.borrow_mut();
        let mut written = 0;
        loop {
            if self.link.get().cut_out && !queue.is_empty() {
                return Ok(Flushed::Cut);
            }
            let result = match queue.front() {
                None => return Ok(Flushed::All),
                Some(Piece::NotBefore(at)) => {
                    if *at > Instant::now() {
                        return Ok(Flushed::Until(*at));
                    }
                    queue.pop_front();
                    continue;
                }
                Some(Piece::File(file, slice)) => {
                    if files.generation(slice.file) != slice.generation {
                        return Err(io::Error::other("the file was truncated while it was being sent"));
                    }
                    send_file(stream, file, slice.position, slice.len as usize)
                }
                Some(_) => write_memory(stream, &queue),
            };
            match result {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.last_active.set(Instant::now());
                    self.advance(&mut queue, n);
                    written += n;
                    if written > WRITE_TURN {
                        return Ok(if queue.is_empty() { Flushed::All } else { Flushed::Later });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Flushed::Later),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes `n` written bytes off the queue.
    fn advance(&self, queue: &mut VecDeque<Piece>, mut n: usize) {
        while n > 0 {
            let whole = match queue.front_mut().expect("only what was queued is written") {
                Piece::Length(_, done) => {
                    let step = n.min(4 - *done as usize);
                    *done += step as u8;
                    n -= step;
                    *done == 4
                }
                Piece::Bytes(bytes) => {
                    let step = n.min(bytes.len());
                    bytes.advance(step);
                    self.queued.set(self.queued.get() - step);
                    n -= step;
                    bytes.is_empty()
                }
                Piece::File(_, slice) => {
                    let step = n.min(slice.len as usize);
                    slice.position += step as u64;
                    slice.len -= step as u32;
                    n -= step;
                    slice.len == 0
                }
                Piece::NotBefore(_) => unreachable!("a marker holds no bytes"),
            };
            if whole {
                queue.pop_front();
            }
        }
    }
}

fn write_memory(stream: &TcpStream, queue: &VecDeque<Piece>) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); PIECES];
    let mut count = 0;
    for piece in queue.iter().take(PIECES) {
        slices[count] = match piece {
            Piece::Length(bytes, done) => IoSlice::new(&bytes[*done as usize..]),
            Piece::Bytes(bytes) => IoSlice::new(bytes),
            Piece::File(..) | Piece::NotBefore(_) => break,
        };
        count += 1;
    }
    stream.try_write_vectored(&slices[..count])
}

/// From page cache to socket without passing through this process.
#[cfg(target_os = "linux")]
fn send_file(stream: &TcpStream, file: &File, position: u64, len: usize) -> io::Result<usize> {
    stream.try_io(Interest::WRITABLE, || {
        let mut offset = position;
        Ok(rustix::fs::sendfile(stream, file, Some(&mut offset), len.min(WRITE_TURN))?)
    })
}

#[cfg(not(target_os = "linux"))]
fn send_file(stream: &TcpStream, file: &File, position: u64, len: usize) -> io::Result<usize> {
    let mut buffer = vec![0; len.min(256 << 10)];
    let n = rustix::io::pread(file, &mut buffer, position)?;
    if n == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    stream.try_write(&buffer[..n])
}
