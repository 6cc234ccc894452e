//! Headless Chromium for benchmarks: WebDriver over plain HTTP, as far as opening a page and running a script go.

use std::{
    io::{Read, Write},
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
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, json) = answer.split_once("\r\n\r\n").context("chromedriver answered nothing")?;
        let value: Value = serde_json::from_str(json).with_context(|| format!("chromedriver answered {json}"))?;
        let value = value["value"].clone();
        ensure!(value["stacktrace"].is_null(), "chromedriver: {}", value["message"]);
        Ok(value)
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The driver ends its browser when the session is deleted.
        let _ = TcpStream::connect(&self.address).and_then(|mut stream| {
            write!(
                stream,
                "DELETE /session/{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
                self.session, self.address
            )?;
            stream.read_to_end(&mut Vec::new())
        });
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
