//! A page in headless Chromium whose elements are found as a screen reader finds them: by role and name.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, wd::WebDriverCompatibleCommand};
use serde_json::{Value, json};

#[path = "../cluster/ports.rs"]
mod ports;

pub use ports::free_ports;

/// How long an element or a state may take to appear before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(40);

pub struct Page {
    client: Client,
    driver: Child,
    profile: tempfile::TempDir,
}

/// An element, by the id that the developer tools give it.
pub struct Element<'a> {
    page: &'a Page,
    object: String,
    pub description: String,
}

impl Page {
    pub async fn open(url: &str, width: u32, height: u32) -> Self {
        let port = free_ports();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let capabilities = json!({
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                format!("--window-size={width},{height}"),
                format!("--user-data-dir={}", profile.path().display()),
            ]}
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object was written above") };
        let begun = Instant::now();
        let client = loop {
            let connected = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
                .capabilities(capabilities.clone())
                .connect(&format!("http://127.0.0.1:{port}"))
                .await;
            match connected {
                Ok(client) => break client,
                Err(error) if begun.elapsed() > PATIENCE => panic!("no session with Chromium: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let page = Self { client, driver, profile };
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        page.cdp("Emulation.setDeviceMetricsOverride", size).await;
        page.goto(url).await;
        page
    }

    /// Another address. One that differs only behind the `#` does not load the page again, as when a link is followed.
    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.expect("the page loads");
        self.ready().await;
    }

    /// The document is there before the program that draws it.
    async fn ready(&self) {
        self.until("the page's program", "typeof window.lab", |kind| kind == "object").await;
    }

    /// The one element of that role whose accessible name is exactly `name`.
    pub async fn find(&self, role: &str, name: &str) -> Element<'_> {
        let begun = Instant::now();
        loop {
            if let Some(element) = self.try_find(role, name).await {
                return element;
            }
            if begun.elapsed() > PATIENCE {
                let tree = self.names().await;
                panic!("no {role} named {name:?}. The page holds:\n{tree}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn try_find(&self, role: &str, name: &str) -> Option<Element<'_>> {
        let document = self.cdp("DOM.getDocument", json!({ "depth": 0 })).await;
        let root = document["root"]["nodeId"].clone();
        let query = json!({ "nodeId": root, "role": role, "accessibleName": name });
        let found = self.cdp("Accessibility.queryAXTree", query).await;
        let nodes: Vec<&Value> = found["nodes"].as_array()?.iter().filter(|n| n["ignored"] != json!(true)).collect();
        assert!(nodes.len() <= 1, "{} elements are {role} {name:?}; names must be unique", nodes.len());
        self.element(nodes.first()?).await
    }

    /// The first element of that role whose name begins so: a broker's goes on with its state.
    pub async fn try_find_begins(&self, role: &str, begin: &str) -> Option<Element<'_>> {
        let tree = self.cdp("Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree["nodes"].as_array()?;
        let wanted = |n: &&Value| {
            n["role"]["value"] == role && n["name"]["value"].as_str().is_some_and(|s| s.starts_with(begin))
        };
        self.element(nodes.iter().find(wanted)?).await
    }

    async fn element(&self, node: &Value) -> Option<Element<'_>> {
        let resolved = self.cdp("DOM.resolveNode", json!({ "backendNodeId": node["backendDOMNodeId"] })).await;
        let object = resolved["object"]["objectId"].as_str()?.to_owned();
        let description = node["description"]["value"].as_str().unwrap_or_default().to_owned();
        Some(Element { page: self, object, description })
    }

    /// Waits until `ready` holds of what the expression gives.
    pub async fn until(&self, what: &str, expression: &str, ready: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let value = self.eval(expression).await;
            if ready(&value) {
                return value;
            }
            assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}; last: {value}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the system prefers: a dark page or a light one.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        self.client.refresh().await.expect("the page loads again");
        self.ready().await;
    }

    /// The value of a JavaScript expression.
    pub async fn eval(&self, expression: &str) -> Value {
        let answer = self
            .cdp("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true, "awaitPromise": true }))
            .await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// A key as a person presses it: "Enter", " ", "k", "ArrowRight", "Tab".
    pub async fn press(&self, key: &str) {
        let text = match key {
            "Enter" => "\r",
            key if key.chars().count() == 1 => key,
            _ => "",
        };
        let code = match key {
            "Enter" => 13,
            "Backspace" => 8,
            "Tab" => 9,
            "Escape" => 27,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "Home" => 36,
            "End" => 35,
            key => key.chars().next().map_or(0, |c| c.to_ascii_uppercase() as u32),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            self.cdp("Input.dispatchKeyEvent", event).await;
        }
    }

    /// What axe-core finds serious or critical on the page as it is; nothing where `AXE` names no axe.min.js.
    pub async fn serious(&self) -> Vec<String> {
        let Some(axe) = std::env::var_os("AXE").and_then(|path| std::fs::read_to_string(path).ok()) else {
            return Vec::new();
        };
        self.eval(&axe).await;
        let run = "axe.run().then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact)) \
            .map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120)).join(' | ')))";
        let found = self.eval(run).await;
        found.as_array().into_iter().flatten().map(ToString::to_string).collect()
    }

    /// Errors and warnings that reached the console.
    pub async fn console_errors(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Log).await.expect("the console log");
        let entries = log.as_array().cloned().unwrap_or_default();
        entries.iter().filter(|e| e["level"] == "SEVERE").map(|e| e["message"].to_string()).collect()
    }

    pub async fn screenshot(&self, name: &str) {
        let picture = self.client.screenshot().await.expect("a screenshot");
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&folder).expect("a folder for screenshots");
        std::fs::write(folder.join(format!("{name}.png")), picture).expect("the screenshot is written");
    }

    pub async fn close(mut self) {
        let _ = self.client.clone().close().await;
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }

    /// Roles and names of all that has one: what a failed search should show.
    async fn names(&self) -> String {
        let tree = self.cdp("Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree["nodes"].as_array().cloned().unwrap_or_default();
        let named = nodes.iter().filter(|n| n["name"]["value"].as_str().is_some_and(|s| !s.is_empty()));
        let lines = named.filter(|n| n["role"]["value"] != "StaticText" && n["role"]["value"] != "InlineTextBox");
        lines.map(|n| format!("  {} {}", n["role"]["value"], n["name"]["value"])).collect::<Vec<_>>().join("\n")
    }

    async fn cdp(&self, command: &str, params: Value) -> Value {
        let call = Cdp { body: json!({ "cmd": command, "params": params }).to_string() };
        self.client.issue_cmd(call).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = &self.profile;
    }
}

impl Element<'_> {
    pub async fn focus(&self) {
        self.call("function() { this.focus(); }").await;
    }

    pub async fn call(&self, function: &str) -> Value {
        let params = json!({ "objectId": self.object, "functionDeclaration": function, "returnByValue": true });
        let answer = self.page.cdp("Runtime.callFunctionOn", params).await;
        assert!(answer["exceptionDetails"].is_null(), "{function}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }
}

/// Chromium's developer tools through chromedriver.
#[derive(Debug)]
struct Cdp {
    body: String,
}

impl WebDriverCompatibleCommand for Cdp {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.clone()))
    }
}

/// What the page wrote to the console.
#[derive(Debug)]
struct Log;

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}
