//! Headless Chromium for benchmarks: WebDriver over plain HTTP, as far as opening a page and running a script go.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{lab, peer};

/// How long a script may take: a benchmark blocks the page meanwhile.
const SCRIPT_MS: u64 = 300_000;

/// One browser with one page, ended with its driver when dropped.
pub struct Chromium {
    driver: Child,
    address: String,
    session: String,
    _profile: tempfile::TempDir,
}

impl Chromium {
    pub fn open(chromedriver: &Path, url: &str) -> Result<Self> {
        let port = peer::free_port()?;
        let address = format!("127.0.0.1:{port}");
        let driver = Command::new(chromedriver)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting chromedriver")?;
        let profile = tempfile::tempdir()?;
        let mut chromium = Self { driver, address, session: String::new(), _profile: profile };
        let arguments = json!([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--window-size=1440,900",
            format!("--user-data-dir={}", chromium._profile.path().display()),
        ]);
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments }, "timeouts": { "script": SCRIPT_MS },
        } } });
        lab::poll(Duration::from_secs(20), || TcpStream::connect(&chromium.address).ok())
            .context("chromedriver does not listen")?;
        let session = chromium.post("/session", &wanted)?;
        chromium.session = session["sessionId"].as_str().context("a session has an id")?.to_owned();
        chromium.post(&format!("/session/{}/url", chromium.session), &json!({ "url": url }))?;
        Ok(chromium)
    }

    /// The value that the body of an asynchronous function returns.
    pub fn eval(&self, body: &str) -> Result<Value> {
        let script =
            format!("(async () => {{ {body} }})().then(arguments[0], e => arguments[0]({{error: String(e)}}))");
        let path = format!("/session/{}/execute/async", self.session);
        let value = self.post(&path, &json!({ "script": script, "args": [] }))?;
        ensure!(value["error"].is_null(), "in the page: {}", value["error"]);
        Ok(value)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let (body, address) = (body.to_string(), &self.address);
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_millis(SCRIPT_MS)))?;
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )?;
        let answer = answer(stream)?;
        let value: Value =
            serde_json::from_slice(&answer).context("chromedriver answered something that is no JSON")?;
        let value = value["value"].clone();
        ensure!(value["stacktrace"].is_null(), "chromedriver: {}", value["message"]);
        Ok(value)
    }
}

/// The body of an answer. Chromedriver leaves the connection open whatever it was asked, so the length counts.
fn answer(stream: TcpStream) -> Result<Vec<u8>> {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        ensure!(stream.read_line(&mut line)? > 0, "chromedriver hung up");
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The driver ends its browser when the session is deleted.
        if let Ok(mut stream) = TcpStream::connect(&self.address) {
            let (session, address) = (&self.session, &self.address);
            let _ = write!(stream, "DELETE /session/{session} HTTP/1.1\r\nHost: {address}\r\n\r\n");
            let _ = answer(stream);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
