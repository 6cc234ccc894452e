//! Time as one strip: events as ticks, faults taller, the thumb where it stands.

use std::rc::Rc;

use lab_core::seam::Time;
use yew::prelude::*;

use crate::{
    context::use_lab,
    hooks::use_window_width,
    lab::Snapshot,
    timeline::{Scale, slider_text},
};

#[derive(Properties, PartialEq)]
pub struct ScrubStripProps {
    pub snapshot: Rc<Snapshot>,
}

#[component]
pub fn ScrubStrip(props: &ScrubStripProps) -> Html {
    let lab = use_lab();
    let s = &props.snapshot;
    let width = use_window_width();
    if let Some(why) = &s.no_rewind {
        return html! { <p class="small dim" style="padding:6px 14px">{ why }</p> };
    }
    let scale = lab
        .story(|story| Scale::new(story.all(), s.from, Time((s.head.0 / 500_000 + 1) * 500_000), 14.0, width - 14.0));
    let ticks = lab.story(|story| {
        let (mut plain, mut tall, mut last) = (String::new(), String::new(), -9.0);
        for event in story.all() {
            let x = scale.x(event.at);
            if event.kind.is_action() && event.at > Time::ZERO {
                tall.push_str(&format!("M{x:.1} 10v20"));
            } else if x - last >= 3.0 {
                let height = if event.kind.is_interesting() { 12 } else { 6 };
                plain.push_str(&format!("M{x:.1} {}v{height}", 30 - height));
                last = x;
            }
        }
        (plain, tall)
    });
    let oninput = {
        let (lab, scale) = (lab.clone(), scale.clone());
        Callback::from(move |event: InputEvent| {
            let input = event.target_unchecked_into::<web_sys::HtmlInputElement>();
            if let Ok(ms) = input.value().parse::<f64>() {
                // The thumb moves over the folded axis: the share of the width is what was meant.
                let share = ms / input.max().parse::<f64>().unwrap_or(1.0).max(1.0);
                lab.seek(scale.time(14.0 + share * (scale.right() - 14.0)));
            }
        })
    };
    let x = scale.x(s.now);
    let max = 1000;
    let shown = ((x - 14.0) / (scale.right() - 14.0) * max as f64) as u64;
    html! {
        <>
            <svg width={width.to_string()} height="48" aria-hidden="true">
                <path d={ticks.0} stroke="var(--ink-3)" fill="none" stroke-width="1.5" />
                <path d={ticks.1} stroke="var(--warn)" fill="none" stroke-width="2" />
                <path class="thin2" d={format!("M14 30H{}", width - 14.0)} />
                <path class="now-line" d={format!("M{x} 2V30")} /><circle cx={x.to_string()} cy="30" r="5.5" fill="var(--ink)" />
                <text class="t d" x="14" y="44">{ format!("{} of {}", crate::pace::seconds(s.now), crate::pace::seconds(s.head)) }</text>
                <text class="t d to-end" x={(width - 14.0).to_string()} y="44">{ format!("event {} of {}", s.position.0, s.position.1) }</text>
            </svg>
            <input type="range" aria-label="Time" min="0" max={max.to_string()} value={shown.to_string()} {oninput} aria-valuetext={slider_text(s)} />
        </>
    }
}
