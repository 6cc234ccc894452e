//! The log strip: one replica's records, newest right, on the axis that all replicas of the partition share.
//!
//! Solid is below this replica's own high watermark, hollow is appended above it. The frame is the role.

use yew::prelude::*;

use crate::model::{Pin, Role, Strip};

/// How many records of a replica that is far behind are drawn.
const TAIL: i64 = 8;

/// Measures of a strip. `pitch` is one record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    pub pitch: f64,
    pub cells: i64,
    /// Where the frame begins and how high it is.
    pub top: f64,
    pub height: f64,
    /// Cells leave this much of the frame free, above and below.
    pub inset: f64,
    pub labels: bool,
    pub keys: bool,
    /// From this offset on the log end stands without its name: there is no room for both.
    pub word_below: i64,
}

impl Size {
    pub const BIG: Self =
        Self { pitch: 8.0, cells: 20, top: 15.0, height: 20.0, inset: 3.0, labels: true, keys: false, word_below: 100 };
    pub const LITTLE: Self =
        Self { pitch: 7.0, cells: 26, top: 1.0, height: 12.0, inset: 2.0, labels: false, keys: false, word_below: 0 };
    pub const KEYS: Self = Self {
        pitch: 22.0,
        cells: 18,
        top: 15.0,
        height: 22.0,
        inset: 2.0,
        labels: true,
        keys: true,
        word_below: 1000,
    };
    pub const PHONE: Self = Self {
        pitch: 13.0,
        cells: 19,
        top: 8.0,
        height: 18.0,
        inset: 3.0,
        labels: true,
        keys: false,
        word_below: 1000,
    };

    pub fn width(&self) -> f64 {
        self.pitch * self.cells as f64
    }

    pub fn first(&self, strip: &Strip) -> i64 {
        if self.apart(strip) { strip.log_end - TAIL } else { strip.axis_end - self.cells }
    }

    /// Whether a replica is so far behind that its end is not on the shared axis: then its own last records are drawn,
    /// and a break that says how far away the others are.
    pub fn apart(&self, strip: &Strip) -> bool {
        strip.axis_end - strip.log_end > self.cells - TAIL
    }

    /// Left edge of an offset's cell.
    pub fn x(&self, strip: &Strip, offset: i64) -> f64 {
        (offset - self.first(strip)) as f64 * self.pitch
    }
}

#[derive(Properties, PartialEq)]
pub struct StripProps {
    pub strip: Strip,
    pub size: Size,
    #[prop_or("strip")]
    pub class: &'static str,
}

#[component]
pub fn LogStrip(props: &StripProps) -> Html {
    let (strip, size) = (&props.strip, props.size);
    let height = size.top + size.height + if size.labels { 21.0 } else { 9.0 };
    let width = size.width() + if size.labels { 36.0 } else { 2.0 };
    html! {
        <svg class={props.class} width={px(width)} height={px(height)} aria-hidden="true">
            <g class={strip.old.then_some("old")}>
                { bands(strip, size) }
                { records(strip, size) }
                { frame(strip, size) }
                { cut(strip, size) }
                { flag(strip, size) }
                { log_end(strip, size) }
                { pins(strip, size) }
                if size.apart(strip) { { gap(strip, size) } }
            </g>
        </svg>
    }
}

fn px(value: f64) -> AttrValue {
    format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_string().into()
}

/// The first offset that is drawn.
fn visible_start(strip: &Strip, size: Size) -> i64 {
    size.first(strip).max(strip.log_start).max(0)
}

/// Leader epochs as alternating bands, each with its number above its first record.
fn bands(strip: &Strip, size: Size) -> Html {
    if !size.labels {
        return Html::default();
    }
    let from = visible_start(strip, size);
    let bands = strip.epochs.iter().enumerate().filter_map(|(i, &(epoch, start))| {
        let end = strip.epochs.get(i + 1).map_or(strip.log_end, |next| next.1).min(strip.log_end);
        let visible = start.max(from);
        if end <= visible {
            return None;
        }
        let (x, x2) = (size.x(strip, visible), size.x(strip, end));
        let class = classes!("band", (epoch % 2 == 0).then_some("even"));
        let room = x2 - x > 18.0 || i + 1 == strip.epochs.len();
        let text = if size.keys { format!("epoch {epoch}") } else { format!("e{epoch}") };
        let current = i + 1 == strip.epochs.len() && strip.role == Role::Leader;
        Some(html! {
            <g key={epoch}>
                <rect {class} x={px(x)} y={px(size.top)} width={px(x2 - x)} height={px(size.height)} />
                if room && size.top > 10.0 {
                    <text class={classes!("t", if current { "l" } else { "d" }, current.then_some("b"))} x={px(x + 1.0)} y={px(size.top - 4.0)}>{ text }</text>
                }
            </g>
        })
    });
    bands.collect()
}

fn records(strip: &Strip, size: Size) -> Html {
    let from = visible_start(strip, size);
    let solid_end = strip.high_watermark.clamp(from, strip.log_end.max(from));
    let (y, height, width) = (size.top + size.inset, size.height - 2.0 * size.inset, size.pitch - 1.0);
    let path: String = (from..solid_end)
        .map(|offset| format!("M{} {y}h{width}v{height}h-{width}z", px(size.x(strip, offset))))
        .collect();
    let hollow = (solid_end..strip.log_end).map(|offset| {
        html! {
            <rect key={offset} class="rec-o new" data-offset={offset.to_string()} x={px(size.x(strip, offset) + 0.6)}
                y={px(y + 0.6)} width={px(width - 1.2)} height={px(height - 1.2)} />
        }
    });
    html! {
        <>
            <path class="rec" d={path} />
            { for hollow }
            if size.keys { { keys(strip, size, from, solid_end) } }
        </>
    }
}

/// Three letters of each key.
fn keys(strip: &Strip, size: Size, from: i64, solid_end: i64) -> Html {
    let y = size.top + size.height / 2.0 + 4.0;
    let shown = strip.keys.iter().filter(|(offset, _)| (from..strip.log_end).contains(offset));
    shown
        .map(|(offset, key)| {
            let letters: String = key.as_deref().unwrap_or("·").chars().take(3).collect();
            let class = classes!("key", (*offset < solid_end).then_some("on"));
            let x = size.x(strip, *offset) + size.pitch / 2.0 - 0.5;
            html! { <text key={*offset} {class} x={px(x)} y={px(y)}>{ letters }</text> }
        })
        .collect()
}

/// Solid and two pixels: leader. Solid: in sync. Dashed: out, or down. Open at the left: there are older records.
fn frame(strip: &Strip, size: Size) -> Html {
    let class = match strip.role {
        Role::Leader => "frame leader",
        Role::InSync => "frame",
        Role::Out => "frame out",
    };
    let from = visible_start(strip, size);
    let (left, right) = (size.x(strip, from), size.x(strip, strip.log_end.max(from)));
    let (top, bottom) = (size.top, size.top + size.height);
    let open = from > strip.log_start;
    let left = if open { left } else { left - 2.0 };
    let close = if open { "" } else { "Z" };
    html! { <path {class} d={format!("M{left} {top}H{right}V{bottom}H{left}{close}")} /> }
}

/// Records that were cut off lately stay beside the end, struck through.
fn cut(strip: &Strip, size: Size) -> Html {
    let Some((first, last)) = strip.cut else { return Html::default() };
    let count = (last - first + 1).clamp(1, 4);
    let start = size.x(strip, strip.log_end) + 3.0;
    let (y, height) = (size.top + size.inset, size.height - 2.0 * size.inset);
    let cell = (size.pitch - 1.5).min(9.0);
    let end = start + count as f64 * (cell + 1.5);
    let text = if first == last { format!("cut {first}") } else { format!("cut {first}–{last}") };
    html! {
        <g>
            { for (0..count).map(|i| html! {
                <rect key={i} class="rec-x" x={px(start + i as f64 * (cell + 1.5))} y={px(y + 0.6)} width={px(cell)} height={px(height - 1.2)} />
            }) }
            <path class="strike" d={format!("M{} {}H{}", start - 1.5, size.top + size.height / 2.0, end + 1.0)} />
            if size.labels && size.top > 10.0 {
                <text class="t w to-end" x={px((start + 34.0).max(end))} y={px(size.top - 4.0)}>{ text }</text>
            }
        </g>
    }
}

/// The high watermark's flag hangs under the strip, between the cells.
fn flag(strip: &Strip, size: Size) -> Html {
    let from = visible_start(strip, size);
    let x = size.x(strip, strip.high_watermark.clamp(from, strip.log_end.max(from)));
    let bottom = size.top + size.height;
    let (pole, cloth) = if size.labels { (13.0, 7.0) } else { (8.0, 5.5) };
    let half = cloth * 0.485;
    let label_left = x > 44.0;
    html! {
        <g class="flag" style={format!("transform: translateX({x}px)")}>
            <path class="pole" d={format!("M-.25 {bottom}v{pole}")} />
            <path class="hw" d={format!("M-.25 {}l-{cloth} {half}l{cloth} {half}z", bottom + 3.0)} />
            if size.labels {
                if label_left {
                    <text class="t b to-end" x="-10" y={px(bottom + 11.0)}>{ format!("HW {}", strip.high_watermark) }</text>
                } else {
                    <text class="t b to-end" x="-10" y={px(bottom + 11.0)}>{ strip.high_watermark }</text>
                }
            }
        </g>
    }
}

fn log_end(strip: &Strip, size: Size) -> Html {
    let x = size.x(strip, strip.log_end.max(visible_start(strip, size)));
    let bottom = size.top + size.height;
    let drop = if size.labels { 13.0 } else { 7.0 };
    html! {
        <>
            <path class="leo" d={format!("M{x} {}V{}", size.top - 3.0, bottom + drop)} />
            if size.labels {
                <text class="t" x={px(x + 4.0)} y={px(bottom + 11.0)}>
                    { if strip.log_end < size.word_below { format!("LEO {}", strip.log_end) } else { strip.log_end.to_string() } }
                </text>
            }
        </>
    }
}

/// Who reads here: a pin over the record that comes next, with the reader's letter; a stub where its offset is committed.
fn pins(strip: &Strip, size: Size) -> Html {
    // Where keys are drawn, readers have lines of their own above the axis.
    if !size.labels || size.keys {
        return Html::default();
    }
    let at = |offset: i64| {
        let from = visible_start(strip, size);
        size.x(strip, offset.clamp(from, strip.log_end.max(from)))
    };
    let pin = |(i, pin): (usize, &Pin)| {
        let (x, y) = (at(pin.position), size.top - 1.0);
        html! {
            <g key={i}>
                if pin.committed >= 0 { <path class="stub" d={format!("M{} {}v-6", at(pin.committed), size.top - 1.0)} /> }
                <path class="pin" d={format!("M{x} {y}l-3 -4.5h6z")} />
                if size.top > 10.0 { <text class="t b pin-name to-mid" x={px(x)} y={px(y - 6.5)}>{ &pin.names }</text> }
            </g>
        }
    };
    html! { <>{ for strip.pins.iter().enumerate().map(pin) }</> }
}

/// The axis is broken between this replica's end and where the others are.
fn gap(strip: &Strip, size: Size) -> Html {
    let (x, middle) = (size.x(strip, strip.log_end), size.top + size.height / 2.0);
    html! {
        <g>
            <path class="thin" stroke-dasharray="2 3" d={format!("M{} {middle}H{}", x + 6.0, size.width())} />
            if size.labels {
                <text class="t d" x={px(x + 8.0)} y={px(middle - 4.0)}>{ format!("{} behind", strip.axis_end - strip.log_end) }</text>
            }
        </g>
    }
}
