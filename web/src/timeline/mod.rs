//! Time: its controls, the slider, and what happened when, as lanes.

mod bar;
mod branches;
mod lanes;
mod scale;

use std::rc::Rc;

use lab_core::{id::TopicPartition, seam::Time};
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

pub use bar::{TransportButtons, slider_text};
pub use scale::Scale;

use crate::{context::use_lab, hooks::use_window_width, lab::Snapshot, model, pace};
use bar::Bar;
use branches::Branches;
use lanes::Marks;

/// Left edge of the lanes, and the margin at the right.
pub const LEFT: f64 = 104.0;
const RIGHT: f64 = 16.0;

#[derive(Properties, PartialEq)]
pub struct TimelineProps {
    pub snapshot: Rc<Snapshot>,
    pub partition: TopicPartition,
}

#[component]
pub fn Timeline(props: &TimelineProps) -> Html {
    let lab = use_lab();
    let snapshot = &props.snapshot;
    let width = use_window_width();
    let scale = {
        let lab = lab.clone();
        // The axis grows in steps of half a second, so that it does not crawl at every frame.
        let head = snapshot.branches.iter().map(|branch| branch.head).max().unwrap_or(snapshot.head).max(snapshot.head);
        let end = Time((head.0 / 500_000 + 1) * 500_000);
        use_memo((snapshot.story, end, width as i64, snapshot.from), move |(_, end, width, from)| {
            lab.story(|story| Scale::new(story.all(), *from, *end, LEFT, *width as f64 - RIGHT))
        })
    };
    let headline =
        model::headlines(&snapshot.view).into_iter().find(|h| model::name_of(&h.partition) == props.partition);
    let isr = headline.as_ref().map(|h| model::list(&h.partition.isr, " ")).unwrap_or_default();
    let leader = headline.map_or((-1, -1), |h| (h.partition.leader, h.partition.leader_epoch));
    let group = model::group::first(&snapshot.view);
    html! {
        <section class="timeline" role="region" aria-label="Timeline">
            <Bar snapshot={snapshot.clone()} />
            <div class="lanes">
                <Slider snapshot={snapshot.clone()} />
                <svg width={width.to_string()} height="100" aria-hidden="true">
                    <Marks story={snapshot.story} scale={scale.clone()} partition={props.partition.clone()} {isr} {leader} {group} {width} />
                    <Playhead now={snapshot.now} head={snapshot.head} scale={scale.clone()} />
                </svg>
                if snapshot.no_rewind.is_none() { <Scrub scale={scale.clone()} /> }
            </div>
            <Branches branches={snapshot.branches.clone()} {scale} {width} />
        </section>
    }
}

#[derive(Properties, PartialEq)]
pub struct SliderProps {
    pub snapshot: Rc<Snapshot>,
}

/// The slider of the keyboard and of screen readers; the pointer uses the picture, whose axis is folded.
#[component]
pub fn Slider(props: &SliderProps) -> Html {
    let lab = use_lab();
    let s = &props.snapshot;
    let oninput = Callback::from(move |event: InputEvent| {
        if let Ok(ms) = event.target_unchecked_into::<HtmlInputElement>().value().parse::<f64>() {
            lab.seek(Time::from_ms(ms.max(0.0) as u64));
        }
    });
    let (now, head) = (s.now.as_ms().to_string(), s.head.as_ms().max(s.now.as_ms()).to_string());
    html! {
        <input type="range" aria-label="Time" min={s.from.as_ms().to_string()} max={head} step="1" value={now} {oninput}
            aria-valuetext={slider_text(s)} style="pointer-events:none" disabled={s.no_rewind.is_some()} />
    }
}

#[derive(Properties, PartialEq)]
struct PlayheadProps {
    now: Time,
    head: Time,
    scale: Rc<Scale>,
}

#[component]
fn Playhead(props: &PlayheadProps) -> Html {
    let (x, end) = (props.scale.x(props.now), props.scale.x(props.head));
    let right = props.scale.right();
    let label = pace::seconds(props.now);
    let label_x = x.clamp(LEFT + 30.0, right - 30.0);
    html! {
        <>
            // What is right of the playhead is recorded future, right of the head nothing is known yet.
            <rect x={x.to_string()} y="0" width={(right - x).max(0.0).to_string()} height="80" fill="var(--panel)" opacity=".5" />
            <path class="thin2" stroke-dasharray="2 3" d={format!("M{end} 0V80")} />
            <path class="now-line" d={format!("M{x} 0V82")} />
            <rect class="now-label" x={(label_x - 29.0).to_string()} y="82" width="58" height="16" rx="3" />
            <text class="now-text" x={label_x.to_string()} y="94">{ label }</text>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct ScrubProps {
    scale: Rc<Scale>,
}

/// Where the pointer drags time.
#[component]
fn Scrub(props: &ScrubProps) -> Html {
    let lab = use_lab();
    let area = use_node_ref();
    let go = {
        let (area, scale) = (area.clone(), Rc::clone(&props.scale));
        move |event: &PointerEvent| {
            if let Some(element) = area.cast::<HtmlElement>() {
                let x = f64::from(event.client_x()) - element.get_bounding_client_rect().left();
                lab.seek(scale.time(x));
            }
        }
    };
    let onpointerdown = {
        let (go, area) = (go.clone(), area.clone());
        Callback::from(move |event: PointerEvent| {
            if let Some(element) = area.cast::<HtmlElement>() {
                let _ = element.set_pointer_capture(event.pointer_id());
            }
            go(&event);
        })
    };
    let onpointermove = Callback::from(move |event: PointerEvent| {
        if event.buttons() & 1 == 1 {
            go(&event);
        }
    });
    html! { <div ref={area} {onpointerdown} {onpointermove} style="position:absolute;inset:0;cursor:ew-resize;touch-action:none" /> }
}
