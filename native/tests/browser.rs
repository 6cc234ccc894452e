//! The page in real Chromium: found by role and name, driven by keyboard, compared with what the engine says.
//!
//! Without chromium or chromedriver these tests say so and pass; `cargo xtask test` installs both on Debian.

#[path = "browser/page.rs"]
mod page;
#[path = "browser/server.rs"]
mod server;

use std::process::Command;

use page::Page;
use serde_json::Value;
use server::{Server, binary};

/// Leader of a partition of `orders`, as the page's own data says it.
const LEADER: &str = "(() => { const v = window.lab && JSON.parse(JSON.stringify(window.lab.view())); if (!v) return null; \
    const view = typeof v === 'string' ? JSON.parse(v) : v; \
    const active = view.nodes.map(n => n.controller && n.process !== 'down' ? n.controller : null) \
      .filter(c => c && c.active).sort((a, b) => b.epoch - a.epoch)[0]; \
    if (!active) return null; \
    const p = active.active.partitions.find(p => p.topic === 'orders' && p.partition === 0); return p ? p.leader : null; })()";

#[tokio::test]
async fn browser_kill_by_keyboard_elects_and_rewind_restores() {
    let Some(server) = Server::serve() else { return };
    let page = Page::open(&server.url("/"), 1440, 900).await;
    let before = page
        .until("a leader of orders-0", LEADER, |v| v.as_i64().is_some_and(|l| l > 0))
        .await
        .as_i64()
        .unwrap_or_default();
    let time_before = page.eval("window.lab.view().at").await;

    // By keyboard alone: focus the button, press Enter.
    let kill = page.find("button", &format!("Kill broker {before}")).await;
    kill.focus().await;
    page.press("Enter").await;
    page.find("button", &format!("Start broker {before}")).await;
    if let Some(play) = page.try_find("button", "Play").await {
        play.focus().await;
        page.press("Enter").await;
    }
    page.until("another leader", LEADER, |v| v.as_i64().is_some_and(|l| l > 0 && l != before)).await;
    if let Some(pause) = page.try_find("button", "Pause").await {
        pause.focus().await;
        page.press("Enter").await;
    }
    page.find("group", "Partition orders-0").await;
    let drawn = "Number(document.querySelector('[aria-label=\"Partition orders-0\"]')?.dataset.leader ?? -1)";
    let same = format!("[{drawn}, {LEADER}]");
    page.until("a drawing of what the engine says", &same, |v| v[0] == v[1] && v[1].as_i64() != Some(before)).await;

    // Rewind with the slider's own keys: Home is the beginning of the recording.
    let slider = page.find("slider", "Time").await;
    slider.focus().await;
    page.press("Home").await;
    page.until("the old leader after the rewind", LEADER, |v| v.as_i64() == Some(before)).await;
    let rewound = page.eval("window.lab.view().at").await;
    assert!(rewound.as_u64() <= time_before.as_u64(), "time went back: {rewound} against {time_before}");
    page.until("the old leader in the drawing", drawn, |v| v.as_i64() == Some(before)).await;
    assert_eq!(page.console_errors().await, Vec::<String>::new());
    page.close().await;
}

#[tokio::test]
async fn browser_landmarks_and_names_of_the_contract() {
    let Some(server) = Server::serve() else { return };
    for (width, height, name) in [(1440, 900, "wide"), (390, 844, "narrow")] {
        let page = Page::open(&server.url("/"), width, height).await;
        page.until("a leader of orders-0", LEADER, |v| v.as_i64().is_some_and(|l| l > 0)).await;
        for (role, name) in [
            ("navigation", "Lessons"),
            ("main", "Cluster"),
            ("complementary", "Inspector"),
            ("region", "Timeline"),
            ("slider", "Time"),
            ("button", "Produce"),
            ("button", "Play"),
            ("button", "Next event"),
            ("button", "Previous event"),
            ("tab", "State"),
            ("tab", "Why"),
            ("tab", "Wire"),
            ("group", "Partition orders-0"),
        ] {
            page.find(role, name).await;
        }
        let broker = page.try_find_begins("group", "Broker 1").await.expect("a group for broker 1");
        assert!(broker.description.contains("alive"), "its description says its state: {:?}", broker.description);
        page.screenshot(name).await;
        // The tour tells of the partition that is drawn with a crown on broker 1.
        for button in ["Start the cluster", "Next step"] {
            page.find("button", button).await.focus().await;
            page.press("Enter").await;
        }
        let told = page
            .until("the second step", "document.querySelector('.lesson .text').innerText", |text| {
                text.as_str().is_some_and(|text| text.contains("It leads "))
            })
            .await;
        let led = told.as_str().and_then(|text| text.strip_prefix("It leads ")?.split(':').next()).unwrap_or_default();
        let drawn = format!("document.querySelector('[aria-label=\"Partition {led}\"]')?.dataset.leader");
        assert_eq!(page.eval(&drawn).await, "1", "{told}");
        assert_eq!(page.console_errors().await, Vec::<String>::new());
        page.close().await;
    }
}

/// Every state that looks different, wide and narrow, light and dark. Without `AXE` (see `cargo xtask test`) it says so.
#[tokio::test]
async fn browser_axe_finds_nothing_serious() {
    if std::env::var_os("AXE").is_none() {
        println!("skipped: AXE names no axe.min.js");
        return;
    }
    let Some(server) = Server::serve() else { return };
    let mut found = Vec::new();
    for (width, height) in [(1440, 900), (390, 844)] {
        let page = Page::open(&server.url("/"), width, height).await;
        for scheme in ["light", "dark"] {
            page.prefer(scheme).await;
            page.until("a leader of orders-0", LEADER, |v| v.as_i64().is_some_and(|l| l > 0)).await;
            let keys = if width > 900 { ["", "v", "v", "x", "m", "c", "?"].as_slice() } else { &[""] };
            page.eval("lab.act('kill 1')").await;
            for key in keys {
                if !key.is_empty() {
                    page.press("Escape").await;
                    page.press(key).await;
                }
                found.extend(page.serious().await.iter().map(|v| format!("{width} {scheme} {key}: {v}")));
            }
        }
        page.close().await;
    }
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn browser_another_past_is_another_branch_and_both_are_compared() {
    let Some(server) = Server::serve() else { return };
    let page = Page::open(&server.url("/"), 1440, 900).await;
    page.until("a leader of orders-0", LEADER, |v| v.as_i64().is_some_and(|l| l > 0)).await;
    page.eval("lab.act('kill 1')").await;
    page.press("ArrowRight").await;
    page.find("slider", "Time").await.focus().await;
    page.press("Home").await;
    page.eval("lab.act('stop 1')").await;
    let first = page.find("radio", "first run").await;
    page.press("c").await;
    let table = "document.querySelector('[aria-label=\"Compare branches\"]')?.innerText ?? ''";
    page.until("what happened in one only", table, |v| {
        v.as_str().is_some_and(|t| t.contains("was killed") && t.contains("was asked to stop"))
    })
    .await;
    // The other branch is still there, and it is the one where broker 1 was killed.
    first.focus().await;
    page.press("Enter").await;
    let process = "window.lab.view().nodes.find(n => n.id === 1).process";
    page.until("the first branch", process, |v| v == "down").await;
    assert_eq!(page.console_errors().await, Vec::<String>::new());
    page.close().await;
}

#[tokio::test]
async fn browser_wire_has_room_and_its_fields_are_reached_by_keyboard() {
    let Some(server) = Server::serve() else { return };
    let page = Page::open(&server.url("/"), 1440, 900).await;
    page.until("a leader of orders-0", LEADER, |v| v.as_i64().is_some_and(|l| l > 0)).await;
    page.press("x").await;
    page.find("tab", "Wire").await;
    page.find("group", "Fields of the response").await;
    let lit = "document.querySelector('.half:last-child .hexview .bytes .on')?.innerText ?? ''";
    page.eval("document.querySelector('.half:last-child .fields [tabindex=\"0\"]').focus()").await;
    page.press("Home").await;
    page.press("ArrowDown").await;
    let focused =
        "document.activeElement.closest('[role=group]').querySelectorAll('button')[1] === document.activeElement";
    page.until("the arrow has moved to the next field", focused, |v| v == true).await;
    page.until("the bytes of the focused field", lit, |v| v.as_str().is_some_and(|t| !t.is_empty())).await;
    page.press("Escape").await;
    page.find("button", "Kill broker 1").await;
    assert_eq!(page.console_errors().await, Vec::<String>::new());
    page.close().await;
}

#[tokio::test]
async fn browser_broken_link_says_what_is_wrong() {
    let Some(server) = Server::serve() else { return };
    let page = Page::open(&server.url("/#s=this-is-no-session"), 1440, 900).await;
    page.until("the sandbox", LEADER, |v| v.as_i64().is_some_and(|l| l > 0)).await;
    let said = page
        .until("a message about the link", "document.body.innerText", |v| {
            v.as_str().is_some_and(|t| t.contains("link"))
        })
        .await;
    assert!(said.is_string());
    assert_eq!(page.console_errors().await, Vec::<String>::new());
    page.close().await;
}

#[tokio::test]
async fn browser_live_page_shows_and_makes_a_real_kill() {
    let Some(cluster) = Server::up() else { return };
    let page = Page::open(&cluster.url("/#live"), 1440, 900).await;
    let process = |id: i32| {
        format!(
            "(() => {{ const n = window.lab.view().nodes.find(n => n.id === {id}); return n ? n.process : null; }})()"
        )
    };
    page.until("broker 2 alive", &process(2), |v| v == "alive").await;
    // What cannot be done says why to whoever asked.
    let refused = "window.lab.act({ action: 'kill', node: 9 })";
    page.until("a refusal", refused, |v| v.as_str().is_some_and(|why| why.contains("there is no node 9"))).await;
    let kill = page.find("button", "Kill broker 2").await;
    kill.focus().await;
    page.press("Enter").await;
    page.until("broker 2 down", &process(2), |v| v == "down").await;
    let status = cluster.status();
    let node =
        status["nodes"].as_array().and_then(|nodes| nodes.iter().find(|n| n["id"] == 2)).cloned().unwrap_or_default();
    assert_eq!(node["state"], "down", "the process itself is gone: {node}");
    assert_eq!(page.console_errors().await, Vec::<String>::new());
    page.close().await;
}

/// A recording of a real broker has the same hash in the browser as natively, and a damaged one is refused.
#[tokio::test]
async fn browser_replays_what_a_real_node_did() {
    let Some(cluster) = Server::up_with(&["--brokers", "1", "--controllers", "1", "--record"]) else { return };
    let page = Page::open(&cluster.url("/#live"), 1440, 900).await;
    let fenced = "(() => { const n = window.lab.view().nodes.find(n => n.id === 1); \
        return n && n.broker ? n.broker.fenced : null; })()";
    page.until("broker 1 unfenced", fenced, |v| v == false).await;
    // What it answered is on its tape: the request came before the answer.
    let dir = cluster.dir.as_ref().expect("a cluster has a folder").path();
    let mut create = Command::new(binary());
    create.args(["topics", "create", "on-the-tape", "--bootstrap"]).arg(cluster.bootstrap.as_ref().expect("its port"));
    assert!(create.status().expect("topics runs").success());
    // It goes on; what is copied here was cut off as by a kill.
    let recording = std::fs::read(dir.join("node-1/recording")).expect("the broker is recorded");
    assert!(recording.windows(11).any(|bytes| bytes == b"on-the-tape"), "{} bytes", recording.len());
    let copy = dir.join("copy");
    std::fs::write(&copy, &recording).expect("room for a copy");
    let out = Command::new(binary()).arg("replay").arg(&copy).arg("--json").output().expect("replay runs");
    let native: Value = serde_json::from_slice(&out.stdout).expect("replay --json prints JSON");
    let replay = |bytes: &[u8]| format!("window.lab.replay('{}')", base64(bytes));
    let here = page.eval(&replay(&recording)).await;
    assert_eq!(here["matches"], true, "{here}");
    assert_eq!((&here["hash"], &here["inputs"]), (&native["hash"], &native["inputs"]));

    let mut damaged = recording;
    damaged[40] ^= 1;
    let refused = format!("(() => {{ try {{ return {}; }} catch (e) {{ return e.message; }} }})()", replay(&damaged));
    let refused = page.eval(&refused).await;
    assert!(refused.as_str().is_some_and(|why| why.contains("no header that can be read")), "{refused}");
    assert_eq!(page.console_errors().await, Vec::<String>::new());
    page.close().await;
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().enumerate().fold(0, |bits, (i, &byte)| bits | (u32::from(byte) << (16 - 8 * i)));
        for i in 0..4 {
            let sextet = ALPHABET[(bits >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= three.len() { sextet as char } else { '=' });
        }
    }
    text
}
