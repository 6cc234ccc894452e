//! A question and its answer over time: two life lines, the way of each message, and what happened in between.

use lab_core::{seam::Time, trace::node_name};
use yew::prelude::*;

use super::pair::{Half, Pair};
use crate::{pace, stage::chip::Chip};

const WIDTH: f64 = 1080.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 930.0;
const ASKER: f64 = 30.0;
const ASKED: f64 = 72.0;

#[derive(Properties, PartialEq)]
pub struct SequenceProps {
    pub pair: Pair,
    pub now: Time,
}

/// Instants are spread evenly: what matters is their order, and the true times are written beside them.
#[component]
pub fn Sequence(props: &SequenceProps) -> Html {
    let Pair { question, answer } = &props.pair;
    let Some(any) = question.as_ref().or(answer.as_ref()) else { return Html::default() };
    let (asker, asked) =
        if any.facts.response { (any.facts.to, any.facts.from) } else { (any.facts.from, any.facts.to) };
    let x = |step: f64| LEFT + (RIGHT - LEFT) * step / 3.0;
    let waited = question.as_ref().zip(answer.as_ref()).map(|(q, a)| a.sent_at.ms_since(q.facts.arrives_at));
    let words = words(&props.pair);
    html! {
        <svg class="sequence" viewBox={format!("0 0 {WIDTH} 92")} role="img" aria-label={words}>
            <text class="t b" x="16" y={(ASKER + 4.0).to_string()}>{ node_name(asker) }</text>
            <text class="t b" x="16" y={(ASKED + 4.0).to_string()}>{ node_name(asked) }</text>
            <path class="thin2" d={format!("M{} {ASKER}H{}M{} {ASKED}H{}", LEFT - 20.0, WIDTH - 16.0, LEFT - 20.0, WIDTH - 16.0)} />
            if let Some(q) = question { { flight(q, props.now, (x(0.0), ASKER), (x(1.0), ASKED)) } }
            if let (Some(_), Some(ms)) = (question, waited) {
                <rect x={x(1.0).to_string()} y={(ASKED - 8.0).to_string()} width={(x(2.0) - x(1.0)).to_string()} height="16" rx="3" fill="var(--panel)" stroke="var(--rule-2)" />
                <text class="t to-mid" x={((x(1.0) + x(2.0)) / 2.0).to_string()} y={(ASKED + 4.0).to_string()}>
                    { if ms > 0 { format!("held for {ms} ms") } else { "answered at once".to_string() } }</text>
            }
            if let Some(a) = answer { { flight(a, props.now, (x(2.0), ASKED), (x(3.0), ASKER)) } }
            if question.is_some() && answer.is_none() {
                <text class="t d" x={(x(1.0) + 14.0).to_string()} y={(ASKED - 7.0).to_string()}>{ "not answered yet" }</text>
            }
        </svg>
    }
}

/// One message on its way; the part it has not flown yet is dashed.
fn flight(half: &Half, now: Time, from: (f64, f64), to: (f64, f64)) -> Html {
    let arrives = half.facts.arrives_at;
    let whole = arrives.0.saturating_sub(half.sent_at.0).max(1) as f64;
    let share = (now.0.saturating_sub(half.sent_at.0) as f64 / whole).clamp(0.0, 1.0);
    let at = |share: f64| (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
    let (x, y) = at(share);
    let (chip_x, chip_y) = at(if share >= 1.0 { 0.5 } else { share });
    let hot = half.facts.response;
    let up = to.1 < from.1;
    let label_y = |y: f64| if y == ASKER { y - 8.0 } else { y + 18.0 };
    html! {
        <>
            <path class="lane" stroke-dasharray="3 3" d={format!("M{} {}L{} {}", from.0, from.1, to.0, to.1)} />
            <path class={classes!("lane", "gone", hot.then_some("hot"))} d={format!("M{} {}L{x} {y}", from.0, from.1)} />
            <circle cx={from.0.to_string()} cy={from.1.to_string()} r="2.5" fill="var(--ink-2)" />
            <circle cx={to.0.to_string()} cy={to.1.to_string()} r="2.5" fill="var(--ink-2)" />
            <text class={classes!("t", up.then_some("to-end"))} x={(from.0).to_string()} y={label_y(from.1).to_string()}>{ format!("{} sent", pace::seconds(half.sent_at)) }</text>
            <text class={classes!("t", (!up).then_some("to-end"))} x={(to.0).to_string()} y={label_y(to.1).to_string()}>{ format!("{} arrives", pace::seconds(arrives)) }</text>
            <Chip api_key={half.facts.api_key} response={half.facts.response} records={half.facts.records} {hot} x={chip_x} y={chip_y} />
        </>
    }
}

fn words(pair: &Pair) -> String {
    let say = |half: &Half, what: &str| {
        format!("{what} sent {}, arrives {}", pace::seconds(half.sent_at), pace::seconds(half.facts.arrives_at))
    };
    let question = pair.question.as_ref().map(|q| say(q, "question")).unwrap_or_else(|| "question not shown".into());
    let answer = pair.answer.as_ref().map(|a| say(a, "answer")).unwrap_or_else(|| "not answered yet".into());
    format!("{question}; {answer}")
}
