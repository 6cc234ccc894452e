//! One tab stop for a list, arrows inside it: whatever stands in an element with `data-roving`.
//!
//! Components render `tabindex` 0 on the item that is current and -1 on the rest; from then on the focus decides.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

/// Moves the focus if the key belongs to a list around `target`. True when it did.
pub fn handle(event: &KeyboardEvent, target: Option<&Element>) -> bool {
    let Some(list) = target.and_then(|target| target.closest("[data-roving]").ok().flatten()) else { return false };
    let across = list.get_attribute("data-roving").as_deref() == Some("horizontal");
    let grid = list.get_attribute("data-roving").as_deref() == Some("grid");
    let items = items(&list, if grid { "[data-cell]" } else { "button:not(:disabled)" });
    let count = items.len() as isize;
    let Some(at) = items.iter().position(|item| target.is_some_and(|t| item.contains(Some(t)))) else { return false };
    let at = at as isize;
    let to = match event.key().as_str() {
        "ArrowDown" if grid => below(&items, at as usize, 1),
        "ArrowUp" if grid => below(&items, at as usize, -1),
        "ArrowRight" if grid => at + 1,
        "ArrowLeft" if grid => at - 1,
        "ArrowRight" if across => (at + 1) % count,
        "ArrowLeft" if across => (at + count - 1) % count,
        "ArrowDown" if !across => at + 1,
        "ArrowUp" if !across => at - 1,
        "Home" => 0,
        "End" => count - 1,
        _ => return false,
    };
    if let Some(item) = usize::try_from(to).ok().and_then(|to| items.get(to)) {
        for other in &items {
            other.set_tab_index(-1);
        }
        item.set_tab_index(0);
        let _ = item.focus();
    }
    true
}

/// In a grid whose cells say `row,column`: the nearest one in the next row that has any, downwards (1) or upwards (-1).
fn below(items: &[HtmlElement], at: usize, by: isize) -> isize {
    let place = |item: &HtmlElement| {
        let cell = item.get_attribute("data-cell")?;
        let (row, column) = cell.split_once(',')?;
        Some((row.parse::<isize>().ok()?, column.parse::<isize>().ok()?))
    };
    let Some((row, column)) = place(&items[at]) else { return -1 };
    let places = items.iter().enumerate().filter_map(|(i, item)| Some((i, place(item)?)));
    let ahead = places.filter(|(_, (other, _))| (other - row) * by > 0);
    let nearest = ahead.min_by_key(|(_, (r, c))| ((r - row) * by, (c - column).abs()));
    nearest.map_or(-1, |(i, _)| i as isize)
}

fn items(list: &Element, which: &str) -> Vec<HtmlElement> {
    let Ok(found) = list.query_selector_all(which) else { return Vec::new() };
    (0..found.length()).filter_map(|i| found.item(i)?.dyn_into().ok()).collect()
}
