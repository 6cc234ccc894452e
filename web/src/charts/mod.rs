//! Charts over simulated time, computed from the events and drawn with plotters; each says in words what it shows.

mod plot;
mod series;

use std::rc::Rc;

use lab_core::{id::TopicPartition, seam::Time};
use yew::prelude::*;

use crate::{context::use_lab, lab::Snapshot, settings::Theme};
use plot::Look;
use series::{Chart, Past};

/// A chart is drawn anew when time has moved by this share of its width.
const STEPS: u64 = 200;

#[derive(Properties, PartialEq)]
pub struct MetricsProps {
    pub snapshot: Rc<Snapshot>,
    pub partition: TopicPartition,
    /// Colours are read from the styles; another theme means drawing again.
    pub theme: Theme,
}

/// All charts, side by side.
#[component]
pub fn Metrics(props: &MetricsProps) -> Html {
    let charts = use_charts(&props.snapshot, &props.partition, props.theme);
    html! {
        <div class="metrics" role="group" aria-label={format!("Metrics of {}", props.partition)} tabindex="0">
            { for charts.iter().map(|(chart, svg)| figure(chart, svg)) }
        </div>
    }
}

/// The log of one partition, small, for the inspector.
#[component]
pub fn Spark(props: &MetricsProps) -> Html {
    let s = &props.snapshot;
    let lab = use_lab();
    let partition = props.partition.clone();
    let drawn = use_memo((instant(s), s.story, partition, props.theme), move |(now, _, partition, _)| {
        let past = Past { from: s.from, now: *now, view: &s.view };
        let charts = lab.story(|story| series::charts(story.until(*now), partition, &past));
        let svg = charts.first().map(|chart| plot::draw(chart, Look::SPARK)).unwrap_or_default();
        (charts.into_iter().next(), svg)
    });
    let (Some(chart), svg) = (&drawn.0, &drawn.1) else { return Html::default() };
    html! {
        <section class="block">
            <h3>{ chart.title }</h3>
            <div role="img" aria-label={chart.words()}>{ Html::from_html_unchecked(svg.clone()) }</div>
            { legend(chart) }
        </section>
    }
}

#[hook]
fn use_charts(s: &Rc<Snapshot>, partition: &TopicPartition, theme: Theme) -> Rc<Vec<(Chart, AttrValue)>> {
    let lab = use_lab();
    use_memo((instant(s), s.story, partition.clone(), theme), move |(now, _, partition, _)| {
        let past = Past { from: s.from, now: *now, view: &s.view };
        let charts = lab.story(|story| series::charts(story.until(*now), partition, &past));
        let draw = |chart: Chart| {
            let svg = plot::draw(&chart, Look::FULL);
            (chart, svg)
        };
        charts.into_iter().map(draw).collect::<Vec<_>>()
    })
}

/// The present, in steps too small to see.
fn instant(s: &Snapshot) -> Time {
    let step = (s.now.0.saturating_sub(s.from.0) / STEPS).max(50_000);
    Time((s.now.0 / step) * step)
}

fn figure(chart: &Chart, svg: &AttrValue) -> Html {
    html! {
        <figure key={chart.title}>
            <figcaption><h3>{ chart.title }</h3>{ legend(chart) }</figcaption>
            <div role="img" aria-label={chart.words()}>{ Html::from_html_unchecked(svg.clone()) }</div>
            <details><summary>{ "In numbers" }</summary>
                <p class="small">{ chart.words() }</p>
                <table class="small"><thead><tr><th>{ "seconds" }</th>{ for chart.lines.iter().map(|line| html! { <th class="n">{ line.name }</th> }) }</tr></thead>
                    <tbody>{ for chart.rows().into_iter().map(|(at, values)| html! {
                        <tr key={at.clone()}><td>{ at.clone() }</td>{ for values.into_iter().map(|v| html! { <td class="n">{ v }</td> }) }</tr>
                    }) }</tbody></table>
            </details>
        </figure>
    }
}

/// What each line is, with its value now: a word and a mark, never colour alone.
fn legend(chart: &Chart) -> Html {
    html! {
        <p class="keys small">{ for chart.lines.iter().map(|line| html! {
            <span key={line.name}><i class={line.ink.class()}></i>{ line.name }{ " " }<b>{ line.now() }</b></span>
        }) }</p>
    }
}
