//! The tasks of sockets: accepting, connecting, and moving the bytes of one connection.

use std::{io, net::SocketAddr, ops::ControlFlow, rc::Rc, time::Duration};

use lab_core::{
    id::{ConnId, Endpoint},
    seam::{Input, Listener, Machine},
};
use tokio::{
    io::Interest,
    net::{TcpListener, TcpSocket, TcpStream},
    select,
    task::yield_now,
    time::{Instant, sleep, sleep_until, timeout},
};
use tracing::{debug, warn};

use super::{
    Driver, Files,
    conn::{Conn, Flushed},
    frame::FrameBuffer,
};

/// A connection that is being opened gives up after this (Kafka's `socket.connection.setup.timeout.ms`).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What was queued before a close may take this long to leave.
const LINGER: Duration = Duration::from_secs(5);
/// One turn takes at most this many frames, so that one busy client does not hold up everybody else.
const FRAMES_TURN: usize = 64;
/// Without authentication everybody is this (Kafka's `KafkaPrincipal.ANONYMOUS`).
const ANONYMOUS: &str = "User:ANONYMOUS";

/// Takes a port. Nobody listens there yet, so that connections are refused.
pub fn take(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of the process that was here before may still be ending.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl<M: Machine + 'static, D: Files + 'static> Driver<M, D> {
    pub(super) async fn accept(self, listener: TcpListener, kind: Listener) {
        loop {
            match listener.accept().await {
                Ok((stream, remote)) => {
                    self.spawn(self.clone().accepted(stream, remote, kind));
                }
                Err(error) => {
                    // Usually too many open files: those that are open go on, and some will close.
                    warn!("cannot accept a connection: {error}");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn accepted(self, stream: TcpStream, remote: SocketAddr, kind: Listener) {
        let conn = {
            let mut state = self.0.state.borrow_mut();
            state.accepted += 1;
            state.counters.accepted += 1;
            let conn = Rc::new(Conn::new(ConnId(state.accepted), true, remote.to_string()));
            state.conns.insert(conn.id, conn.clone());
            conn
        };
        self.talk(conn, stream, Some(kind)).await;
    }

    pub(super) async fn open(self, conn: Rc<Conn>, to: Endpoint) {
        let connect = async {
            // A link that is cut in either direction lets no handshake through.
            while conn.link.get().cut_in || conn.link.get().cut_out {
                conn.changed.notified().await;
                if conn.closing.get() {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            }
            select! {
                stream = TcpStream::connect((to.host.as_str(), to.port)) => stream,
                () = conn.asked_to_close() => Err(io::ErrorKind::ConnectionAborted.into()),
            }
        };
        match timeout(CONNECT_TIMEOUT, connect).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => self.talk(conn, stream, None).await,
            Err(error) => {
                debug!("cannot connect to {to}: {error}");
                self.close(&conn);
            }
        }
    }

    /// The whole life of a connected connection.
    async fn talk(&self, conn: Rc<Conn>, stream: TcpStream, listener: Option<Listener>) {
        if let Err(error) = stream.set_nodelay(true) {
            debug!(remote = conn.remote, "no TCP_NODELAY: {error}");
        }
        conn.stream.set(stream).expect("a connection is connected once");
        let (peer, principal) = (conn.remote.clone(), ANONYMOUS.to_owned());
        self.step(Input::Opened { conn: conn.id, listener, peer, principal });
        if let Err(why) = self.move_bytes(&conn).await {
            // What a stranger sends is worth a line; that a peer went away is not.
            match why {
                End::Refused(why) => warn!(remote = conn.remote, "closing the connection: {why}"),
                End::Broken(why) => debug!(remote = conn.remote, "connection lost: {why}"),
            }
        }
        self.close(&conn);
    }

    fn close(&self, conn: &Conn) {
        let known = self.0.state.borrow_mut().conns.remove(&conn.id).is_some();
        // As in the simulator: a machine that closed a connection itself hears no more of it.
        if known && !conn.closing.get() {
            self.step(Input::Closed { conn: conn.id });
        }
    }

    async fn move_bytes(&self, conn: &Conn) -> Result<(), End> {
        let stream = conn.stream.get().expect("connected");
        let mut buffer = FrameBuffer::new(self.0.limits.frame_max);
        let mut linger: Option<Instant> = None;
        loop {
            if let Some(why) = conn.failed.take() {
                return Err(End::Broken(why));
            }
            // Frames first that arrived while the connection was muted.
            let mut more = conn.may_read() && self.take_frames(conn, &mut buffer)?.is_break();
            let flushed = conn.flush(&self.0.state.borrow().disk).map_err(|error| End::Broken(error.to_string()))?;
            if conn.take_relief() {
                self.step(Input::Writable { conn: conn.id });
            }
            if conn.closing.get() {
                let until = *linger.get_or_insert_with(|| Instant::now() + LINGER);
                if flushed == Flushed::All || flushed == Flushed::Cut || Instant::now() >= until {
                    return Ok(());
                }
            }
            if !more && conn.may_read() {
                more = self.receive(conn, &mut buffer)?.is_break();
            }
            if more {
                yield_now().await;
                continue;
            }
            let interest = match (conn.may_read(), flushed == Flushed::Later && conn.has_output()) {
                (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
                (true, false) => Some(Interest::READABLE),
                (false, true) => Some(Interest::WRITABLE),
                (false, false) => None,
            };
            let ready = async {
                match interest {
                    Some(interest) => stream.ready(interest).await.map(|_| ()),
                    None => std::future::pending().await,
                }
            };
            let until = match flushed {
                Flushed::Until(at) => Some(at),
                _ => linger,
            };
            let later = async {
                match until {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            select! {
                biased;
                () = conn.changed.notified() => {}
                result = ready => result.map_err(|error| End::Broken(error.to_string()))?,
                () = later => {}
            }
        }
    }

    /// Reads what has arrived and hands over whole frames. `Break`: there may be more, let others have a turn first.
    fn receive(&self, conn: &Conn, buffer: &mut FrameBuffer) -> Result<ControlFlow<()>, End> {
        let stream = conn.stream.get().expect("connected");
        match stream.try_read_buf(buffer.room()) {
            Ok(0) => Err(End::Broken("the peer closed it".into())),
            Ok(n) => {
                conn.last_active.set(Instant::now());
                self.0.state.borrow_mut().counters.bytes_in += n as u64;
                let _ = self.take_frames(conn, buffer)?;
                Ok(ControlFlow::Break(()))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                buffer.rest();
                Ok(ControlFlow::Continue(()))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(ControlFlow::Break(())),
            Err(error) => Err(End::Broken(error.to_string())),
        }
    }

    fn take_frames(&self, conn: &Conn, buffer: &mut FrameBuffer) -> Result<ControlFlow<()>, End> {
        for _ in 0..FRAMES_TURN {
            if !conn.may_read() {
                return Ok(ControlFlow::Continue(()));
            }
            let Some(bytes) = buffer.next().map_err(|error| End::Refused(error.to_string()))? else {
                return Ok(ControlFlow::Continue(()));
            };
            self.0.state.borrow_mut().counters.frames_in += 1;
            self.step(Input::Frame { conn: conn.id, bytes, cause: None });
        }
        Ok(ControlFlow::Break(()))
    }
}

/// Why a connection ended.
enum End {
    /// We did not like what came.
    Refused(String),
    Broken(String),
}
