//! Consumer groups on the page, in real Chromium and by keyboard: members come and go, the generation rises, every
//! partition keeps one owner, and a member that is killed leaves a lag.

#[path = "browser/page.rs"]
#[allow(dead_code, reason = "other tests of the page use the rest")]
mod page;
#[path = "browser/server.rs"]
#[allow(dead_code, reason = "other tests of the page use the rest")]
mod server;

use page::Page;
use serde_json::Value;
use server::Server;

/// What the page draws of the group: its attributes, and for each member its name and partitions.
const DRAWN: &str = "(() => { const g = document.querySelector('[role=group][aria-label=\"Group billing\"]'); \
    if (!g) return null; const members = [...g.querySelectorAll('li')] \
        .map(li => [li.getAttribute('aria-label'), li.dataset.partitions.split(',').filter(p => p)]); \
    return { state: g.dataset.state, generation: +g.dataset.generation, lag: +g.dataset.lag, \
        coordinator: +g.dataset.coordinator, members: Object.fromEntries(members) }; })()";

/// The same group as its coordinator has it in the page's data: generation, and each member's number of partitions.
const HELD: &str = "(() => { const groups = lab.view().nodes.flatMap(n => n.broker && n.process !== 'down' \
        ? n.broker.groups.map(g => [n.id, g]) : []).filter(([, g]) => g.id === 'billing') \
        .sort((a, b) => b[1].generation - a[1].generation); if (!groups.length) return null; const [id, g] = groups[0]; \
    return { state: g.state, generation: g.generation, coordinator: id, \
        members: Object.fromEntries(g.members.map(m => ['Consumer ' + m.client_id, \
            m.partitions.map(p => p.topic + '-' + p.partition).sort()])) }; })()";

/// By how many pixels the picture is higher than the place that it has.
const OVER: &str =
    "(() => { const s = document.querySelector('.stage .scroll'); return s.scrollHeight - s.clientHeight; })()";

fn owners(drawn: &Value) -> Vec<(String, usize)> {
    let members = drawn["members"].as_object().into_iter().flatten();
    members.map(|(name, partitions)| (name.clone(), partitions.as_array().map_or(0, Vec::len))).collect()
}

fn settled(drawn: &Value, wanted: &[(&str, usize)]) -> bool {
    let wanted: Vec<(String, usize)> = wanted.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    drawn["state"] == "Stable" && owners(drawn) == wanted
}

async fn press(page: &Page, name: &str) {
    page.find("button", name).await.focus().await;
    page.press("Enter").await;
}

#[tokio::test]
async fn browser_members_come_and_go_by_keyboard() {
    let Some(server) = Server::serve() else { return };
    let page = Page::open(&server.url("/#scenario=groups"), 1440, 900).await;
    let two = [("Consumer A", 3), ("Consumer B", 3)];
    let before = page.until("two members that share six partitions", DRAWN, |drawn| settled(drawn, &two)).await;
    let coordinator = page.find("group", &format!("Broker {}", before["coordinator"])).await;
    assert!(coordinator.description.contains("coordinates group billing"), "{}", coordinator.description);
    assert_eq!(page.serious().await, Vec::<String>::new());

    assert_eq!(page.eval(OVER).await, 0);

    press(&page, "Add consumer").await;
    press(&page, "Play").await;
    let rebalancing = |drawn: &Value| drawn["state"] != "Stable";
    page.until("the rebalance", DRAWN, rebalancing).await;
    press(&page, "Pause").await;
    page.screenshot("groups-rebalance").await;
    press(&page, "Play").await;
    let three = [("Consumer A", 2), ("Consumer B", 2), ("Consumer C", 2)];
    let shared = page.until("three members with two partitions each", DRAWN, |drawn| settled(drawn, &three)).await;
    assert!(shared["generation"].as_i64() > before["generation"].as_i64(), "{before} {shared}");
    press(&page, "Pause").await;
    page.find("listitem", "Consumer C").await;
    page.screenshot("groups-three").await;
    assert_eq!(page.eval(OVER).await, 0);
    // Bytes take the picture's place: the group stays in words.
    page.press("x").await;
    page.find("complementary", "Inspector").await;
    page.find("group", "Group billing").await;
    let member = page.find("listitem", "Consumer C").await;
    let read = member.call("function() { return this.innerText; }").await;
    assert!(read.as_str().is_some_and(|text| text.contains("reads orders-")), "{read}");
    page.find("group", "Broker 2").await;
    page.press("Escape").await;
    page.find("button", "Add consumer").await;
    // The page draws what the coordinator holds.
    let (drawn, held) = (page.eval(DRAWN).await, page.eval(HELD).await);
    for key in ["state", "generation", "coordinator", "members"] {
        assert_eq!(drawn[key], held[key], "{key}");
    }

    press(&page, "Remove consumer C").await;
    press(&page, "Play").await;
    let again = page.until("two members again", DRAWN, |drawn| settled(drawn, &two)).await;
    assert!(again["generation"].as_i64() > shared["generation"].as_i64(), "{shared} {again}");
    assert!(page.try_find("listitem", "Consumer C").await.is_none());

    // Killed, it says no goodbye: the group counts on it, and what it read stays behind.
    press(&page, "Kill consumer B").await;
    page.find("button", "Start consumer B").await;
    let lag = |drawn: &Value| drawn["lag"].as_i64().is_some_and(|lag| lag > 20);
    let behind = page.until("a lag of the partitions nobody reads", DRAWN, lag).await;
    assert_eq!(behind["generation"], again["generation"], "its session has not ended");
    let member = page.find("listitem", "Consumer B").await;
    assert!(member.description.contains("down; its session ends in"), "{}", member.description);
    press(&page, "Pause").await;
    page.screenshot("groups-killed").await;
    for layout in ["Partitions", "Fleet"] {
        press(&page, layout).await;
        page.find("group", "Group billing").await;
        page.find("listitem", "Consumer A").await;
        page.screenshot(&format!("groups-{layout}")).await;
        assert_eq!(page.serious().await, Vec::<String>::new(), "{layout}");
    }
    assert_eq!(page.console_errors().await, Vec::<String>::new());
    page.close().await;
}

#[tokio::test]
async fn browser_groups_on_a_phone_and_in_the_console() {
    let Some(server) = Server::serve() else { return };
    let page = Page::open(&server.url("/#scenario=fan-out"), 390, 844).await;
    page.until("one member", DRAWN, |drawn| settled(drawn, &[("Consumer A", 4)])).await;
    assert_eq!(page.serious().await, Vec::<String>::new());
    page.screenshot("groups-phone").await;
    press(&page, "Add consumer").await;
    press(&page, "Play").await;
    page.until("two members", DRAWN, |drawn| settled(drawn, &[("Consumer A", 2), ("Consumer B", 2)])).await;
    page.find("textbox", "Command").await.focus().await;
    for letter in "remove-consumer A".chars() {
        page.press(&letter.to_string()).await;
    }
    page.press("Enter").await;
    page.until("one member", DRAWN, |drawn| settled(drawn, &[("Consumer B", 4)])).await;
    page.find("group", "Group billing").await.call("function() { this.scrollIntoView(); }").await;
    page.screenshot("groups-phone-one").await;
    assert_eq!(page.console_errors().await, Vec::<String>::new());
    page.close().await;
}
