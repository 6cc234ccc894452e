//! The metadata log's newest records, as the active controller (or else the most advanced voter) holds them.

use std::rc::Rc;

use lab_core::view::{ClusterView, ControllerView, MetadataRecordView};
use yew::prelude::*;

use crate::model;

/// Widths of a record with and without its letters.
const WIDE: f64 = 28.0;
const NARROW: f64 = 8.0;
/// Records at the end that are drawn with letters.
const LETTERED: usize = 5;

#[derive(Properties, PartialEq)]
pub struct MetadataLogProps {
    pub view: Rc<ClusterView>,
    pub left: f64,
    pub width: f64,
}

#[component]
pub fn MetadataLog(props: &MetadataLogProps) -> Html {
    let Some(log) = holder(&props.view) else { return Html::default() };
    if log.tail.is_empty() {
        return only_numbers(props, log);
    }
    // Records that only mark the passing of time are ticks, whatever their place.
    let notable: Vec<&MetadataRecordView> = log.tail.iter().filter(|r| r.mark != "NO").collect();
    let lettered_from = notable.iter().rev().nth(LETTERED - 1).or(notable.first()).map_or(i64::MAX, |r| r.offset);
    let room = (props.width - 14.0 - 118.0).max(60.0);
    let mut cells: Vec<(&MetadataRecordView, f64)> = Vec::new();
    let mut used = 0.0;
    for record in log.tail.iter().rev() {
        let width = if record.offset >= lettered_from && record.mark != "NO" { WIDE } else { NARROW };
        if used + width > room {
            break;
        }
        used += width;
        cells.push((record, width));
    }
    cells.reverse();
    let left = 14.0;
    let mut x = left;
    let mut flag = left;
    let drawn: Vec<Html> = cells
        .iter()
        .map(|(record, width)| {
            let at = x;
            x += width;
            let committed = record.offset < log.high_watermark;
            if committed {
                flag = x;
            }
            cell(record, at, *width, committed)
        })
        .collect();
    let end = x;
    let last = notable.last().map(|r| r.text.clone()).unwrap_or_default();
    let style = format!("position:absolute;left:{}px;top:0", props.left);
    html! {
        <svg width={props.width.to_string()} height="76" {style} aria-hidden="true">
            <path class="thin" d="M.5 0V75" />
            <text class="t b" x="14" y="20">{ "Metadata log" }</text>
            <text class="t d" x="94" y="20">{ shorten(&last, ((props.width - 104.0) / 5.9) as usize) }</text>
            { for drawn }
            <path class="frame" d={format!("M{} 29.5H{end}V48.5H{}", left - 2.0, left - 2.0)} />
            <g class="flag" style={format!("transform:translateX({flag}px)")}>
                <path class="pole" d="M-.25 49v13" /><path class="hw" d="M-.25 52l-7 3.4l7 3.4z" />
                <text class="t b to-end" x="-10" y="61">{ format!("HW {}", log.high_watermark) }</text>
            </g>
            <path class="leo" d={format!("M{end} 26V62")} />
            <text class="t" x={(end + 5.0).to_string()} y="61">{ format!("LEO {}", log.log_end_offset) }</text>
            <text class="t d" x={(end + 5.0).to_string()} y="43">{ held_by(&props.view, log) }</text>
        </svg>
    }
}

/// Of a cluster whose metadata log cannot be read from outside.
fn only_numbers(props: &MetadataLogProps, log: &ControllerView) -> Html {
    let style = format!("position:absolute;left:{}px;top:0", props.left);
    html! {
        <svg width={props.width.to_string()} height="76" {style} aria-hidden="true">
            <path class="thin" d="M.5 0V75" />
            <text class="t b" x="14" y="20">{ "Metadata log" }</text>
            <text class="t" x="14" y="43">{ format!("HW {}, LEO {}", log.high_watermark, log.log_end_offset) }</text>
            <text class="t d" x="14" y="61">{ held_by(&props.view, log) }</text>
        </svg>
    }
}

fn cell(record: &MetadataRecordView, x: f64, width: f64, committed: bool) -> Html {
    let wide = width > NARROW;
    let class = match (committed, wide) {
        (false, _) => "rec-o",
        (true, true) => "meta-cell",
        (true, false) => "rec",
    };
    let (dx, dw) = if committed { (0.0, 1.0) } else { (0.6, 2.2) };
    html! {
        <g key={record.offset}>
            <title>{ format!("{}: {}", record.offset, record.text) }</title>
            <rect {class} x={(x + dx).to_string()} y="32" width={(width - dw).to_string()} height="14" />
            if wide {
                <text class={if committed { "t on to-mid" } else { "t b to-mid" }} x={(x + width / 2.0 - 0.5).to_string()} y="43">{ &record.mark }</text>
            }
        </g>
    }
}

fn holder(view: &ClusterView) -> Option<&ControllerView> {
    let active = view.active_controller().and_then(|n| n.controller.as_ref());
    let furthest = || {
        let all = model::controllers(view).filter_map(|n| n.controller.as_ref());
        all.max_by_key(|c| (c.epoch, c.log_end_offset))
    };
    active.or_else(furthest)
}

/// Which voters hold the whole log.
fn held_by(view: &ClusterView, log: &ControllerView) -> String {
    let whole = |n: &&lab_core::view::NodeView| {
        n.controller.as_ref().is_some_and(|c| c.log_end_offset >= log.log_end_offset && c.epoch == log.epoch)
    };
    let ids: Vec<String> = model::controllers(view).filter(whole).map(|n| n.id.to_string()).collect();
    if ids.is_empty() { String::new() } else { format!("held by {}", ids.join(", ")) }
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        text.into()
    } else {
        text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
    }
}
