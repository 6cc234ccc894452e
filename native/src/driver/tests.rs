//! The driver against a toy machine and real sockets on loopback.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
};

use bytes::Bytes;
use lab_core::{
    id::{ConnId, Endpoint},
    job::JobResult,
};
use tokio::{runtime::Builder, task::LocalSet};

use super::*;

/// Answers each frame with itself. A frame that begins with `!` is parked, its connection muted, until a wake 20 ms later.
/// One of `*` is answered with 64 MiB; one of `i` says that the peer is node 2.
#[derive(Default)]
struct Echo {
    parked: Vec<(Time, ConnId, Bytes)>,
    open: BTreeSet<ConnId>,
    call: Option<Endpoint>,
    heard: Vec<Bytes>,
}

impl Machine for Echo {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        match input {
            Input::Opened { conn, listener, .. } => {
                assert!(self.open.insert(conn), "opened once");
                if listener.is_none() {
                    ctx.out.send(
                        conn,
                        vec![Part::Bytes(Bytes::from_static(b"hel")), Part::Bytes(Bytes::from_static(b"lo"))],
                    );
                }
            }
            Input::Closed { conn } => {
                self.open.remove(&conn);
                self.parked.retain(|(_, parked, _)| *parked != conn);
            }
            Input::Frame { conn, bytes, .. } if conn.is_outbound() => self.heard.push(bytes),
            Input::Frame { conn, bytes, .. } => match bytes.first() {
                Some(b'!') => {
                    assert!(
                        !self.parked.iter().any(|(_, parked, _)| *parked == conn),
                        "a muted connection is not read"
                    );
                    ctx.out.push(Output::Mute { conn });
                    self.parked.push((ctx.now.mono.plus_ms(20), conn, bytes));
                }
                Some(b'*') => ctx.out.send(conn, vec![Part::Bytes(vec![0; 64 << 20].into())]),
                Some(b'x') => ctx.out.push(Output::Close { conn }),
                first => {
                    if first == Some(&b'i') {
                        ctx.out.push(Output::Identified { conn, peer: NodeId(2) });
                    }
                    ctx.out.send(conn, vec![Part::Bytes(bytes)]);
                }
            },
            Input::Wake => {
                if let Some(to) = self.call.take() {
                    ctx.out.open(to);
                }
                let now = ctx.now.mono;
                for (_, conn, bytes) in self.parked.extract_if(.., |(at, ..)| *at <= now) {
                    ctx.out.send(conn, vec![Part::Bytes(bytes)]);
                    ctx.out.push(Output::Unmute { conn });
                }
            }
            Input::Writable { conn } => assert!(self.open.contains(&conn)),
            Input::Shutdown => ctx.out.push(Output::Exit),
            other => panic!("not expected: {other:?}"),
        }
    }

    fn deadline(&self) -> Option<Time> {
        if self.call.is_some() { Some(Time::ZERO) } else { self.parked.iter().map(|(at, ..)| *at).min() }
    }
}

/// Runs an echo server on this thread while `client` runs on another with its address and a way to change its links.
fn with_echo(
    limits: Limits,
    call: Option<Endpoint>,
    client: impl FnOnce(SocketAddr, Links2) + Send + 'static,
) -> Counters {
    let port = take(([127, 0, 0, 1], 0).into()).unwrap();
    let address = port.local_addr().unwrap();
    let (orders, mut inbox) = tokio::sync::mpsc::unbounded_channel::<LinkTable>();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let echo = Echo { call, ..Echo::default() };
        let outbox = Outbox::new(NodeId(1), 0, false);
        let start = |_: &mut Ctx<'_>| Ok::<_, Infallible>(echo);
        let driver = Driver::start(NodeId(1), NoFiles, outbox, Clock::start(), limits, no_jobs, start).unwrap();
        driver.serve(port, Listener::Broker);
        assert!(TcpStream::connect(address).is_err(), "refused until the machine listens");
        driver.with(|_, ctx| ctx.out.push(Output::Listen));
        let client = std::thread::spawn(move || client(address, Links2(orders)));
        loop {
            select! {
                table = inbox.recv() => match table {
                    Some(table) => driver.set_links(&table),
                    None => break,
                },
                () = driver.exited() => unreachable!("nobody asked it to"),
            }
        }
        client.join().unwrap();
        driver.step(Input::Shutdown);
        driver.exited().await;
        driver.counters()
    })
}

/// The client's way to the links; the server ends when it is dropped.
struct Links2(tokio::sync::mpsc::UnboundedSender<LinkTable>);

fn no_jobs(_: Job) -> JobResult {
    unreachable!("the toy has no jobs")
}

fn send(stream: &mut TcpStream, frame: &[u8]) {
    stream.write_all(&(frame.len() as i32).to_be_bytes()).unwrap();
    stream.write_all(frame).unwrap();
}

fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut len = [0; 4];
    stream.read_exact(&mut len)?;
    let mut frame = vec![0; i32::from_be_bytes(len) as usize];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

#[test]
fn pipelined_frames_are_answered_in_order_and_a_muted_connection_waits() {
    let counters = with_echo(Limits::default(), None, |address, _links| {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let frames: Vec<Vec<u8>> = (0..300usize)
            .map(|i| {
                let mut frame = if i % 50 == 7 { vec![b'!'] } else { Vec::new() };
                frame.resize(i * i % 5000 + 1, b'a' + (i % 26) as u8);
                if frame[0] == b'x' || frame[0] == b'i' {
                    frame[0] = b'-'
                }
                frame
            })
            .collect();
        let sent = frames.clone();
        let sender = std::thread::spawn(move || sent.iter().for_each(|frame| send(&mut writer, frame)));
        for frame in &frames {
            assert!(receive(&mut stream).unwrap() == *frame);
        }
        sender.join().unwrap();
    });
    assert_eq!((counters.frames_in, counters.frames_out), (300, 300));
}

#[test]
fn a_hostile_length_closes_that_connection_alone() {
    with_echo(Limits::default(), None, |address, _links| {
        let mut good = TcpStream::connect(address).unwrap();
        for hostile in [i32::MAX, -1, (100 << 20) + 1] {
            let mut bad = TcpStream::connect(address).unwrap();
            bad.write_all(&hostile.to_be_bytes()).unwrap();
            assert!(receive(&mut bad).is_err(), "closed");
            send(&mut good, b"still here");
            assert_eq!(receive(&mut good).unwrap(), b"still here");
        }
    });
}

#[test]
fn who_never_reads_is_closed_and_holds_up_nobody() {
    let limits = Limits { stalled: Duration::from_millis(300), ..Limits::default() };
    with_echo(limits, None, |address, _links| {
        let mut deaf = TcpStream::connect(address).unwrap();
        send(&mut deaf, b"*");
        let mut good = TcpStream::connect(address).unwrap();
        send(&mut good, b"hello");
        assert_eq!(receive(&mut good).unwrap(), b"hello");
        // The server gives up, which a reader who begins late sees as a stream that ends early.
        std::thread::park_timeout(Duration::from_millis(900));
        assert!(receive(&mut deaf).is_err(), "closed before 64 MiB came");
        send(&mut good, b"again");
        assert_eq!(receive(&mut good).unwrap(), b"again");
    });
}

#[test]
fn what_was_sent_before_a_close_arrives() {
    with_echo(Limits::default(), None, |address, _links| {
        let mut stream = TcpStream::connect(address).unwrap();
        send(&mut stream, b"*");
        assert_eq!(receive(&mut stream).unwrap().len(), 64 << 20);
        send(&mut stream, b"first");
        send(&mut stream, b"x");
        assert_eq!(receive(&mut stream).unwrap(), b"first");
        assert!(receive(&mut stream).is_err());
    });
}

#[test]
fn a_cut_link_stalls_and_a_healed_one_delivers() {
    with_echo(Limits::default(), None, |address, links| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        send(&mut stream, b"i am node 2");
        assert_eq!(receive(&mut stream).unwrap(), b"i am node 2");
        for (from, to) in [(1, 2), (2, 1)] {
            let fault = LinkFault { from: NodeId(from), to: NodeId(to), cut: true, delay_ms: 0 };
            links.0.send(LinkTable { faults: vec![fault], endpoints: Vec::new() }).unwrap();
            // A cut takes effect while the frame is on its way or before: wait until an answer stays out.
            let mut waiting = 0;
            loop {
                send(&mut stream, b"frame");
                waiting += 1;
                if receive(&mut stream).is_err() {
                    break;
                }
                waiting -= 1;
            }
            links.0.send(LinkTable::default()).unwrap();
            for _ in 0..waiting {
                assert_eq!(receive(&mut stream).unwrap(), b"frame");
            }
        }
    });
}

#[test]
fn the_machine_connects_and_hears_the_answer() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = Endpoint { host: "127.0.0.1".into(), port: server.local_addr().unwrap().port() };
    let counters = with_echo(Limits::default(), Some(to), move |_, _links| {
        let (mut stream, _) = server.accept().unwrap();
        assert_eq!(receive(&mut stream).unwrap(), b"hello");
        send(&mut stream, b"good day");
        // Read to the end of the stream: the driver has taken the answer when it ends the connection with the process.
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(receive(&mut stream).is_err());
    });
    assert_eq!(counters.frames_in, 1);
}
