//! Consumers without a group: where each stands in every partition it reads, and how far the high watermark is ahead.

use lab_core::view::{ConsumerView, PositionView};
use yew::prelude::*;

use super::geometry::CLIENTS_HEIGHT;
use crate::icon::Icon;

#[derive(Properties, PartialEq)]
pub struct ConsumersProps {
    pub consumers: Vec<ConsumerView>,
    /// Where clients of one's own connect, if this cluster is real.
    pub bootstrap: Option<String>,
    pub width: f64,
}

pub fn lag(position: &PositionView) -> i64 {
    (position.high_watermark - position.position).max(0)
}

#[component]
pub fn Consumers(props: &ConsumersProps) -> Html {
    let style = format!("min-height:{CLIENTS_HEIGHT}px");
    let total: i64 = props.consumers.iter().flat_map(|c| &c.positions).map(lag).sum();
    let read: u64 = props.consumers.iter().map(|c| c.read).sum();
    html! {
        <section class="card clients" role="group" aria-label="Consumers" data-lag={total.to_string()} {style}>
            <header><h2>{ "Consumers" }</h2>
                if !props.consumers.is_empty() { <span class="badge" title="Without a group a consumer reads the partitions that it names itself, and commits nothing">{ "without a group" }</span> }
                <span class="end micro" style="padding-right:6px;gap:10px"><span>{ format!("{read} read") }</span><b style="color:var(--ink)">{ format!("lag {total}") }</b></span></header>
            if let (true, Some(bootstrap)) = (props.consumers.is_empty(), &props.bootstrap) {
                <p class="mid" style="padding:10px 12px">{ "Any Kafka client may read and write here. Bootstrap servers:" }</p>
                <p class="mono" style="padding:0 12px">{ bootstrap }</p>
            } else {
            <table style={format!("margin:2px 12px 0;width:{}px", props.width - 26.0)}>
                <thead><tr style="height:18px"><td></td><td></td><th class="n">{ "position" }</th><th class="n">{ "HW told" }</th><th style="padding-left:14px">{ "position to HW" }</th><th class="n">{ "lag" }</th></tr></thead>
                <tbody>{ for props.consumers.iter().map(rows) }</tbody>
            </table>
            }
        </section>
    }
}

fn rows(consumer: &ConsumerView) -> Html {
    let row = |(i, p): (usize, &PositionView)| {
        html! {
            <tr key={format!("{}-{}", p.topic, p.partition)}>
                <td style="width:52px">if i == 0 { <span class="who"><Icon name="consumer" />{ &consumer.name }</span> }</td>
                <td>{ format!("{}-{}", p.topic, p.partition) }</td>
                <td class="n">{ p.position }</td>
                <td class="n">{ p.high_watermark }</td>
                <td style="padding-left:14px">{ gauge(&consumer.name, p) }</td>
                <td class="n"><b>{ lag(p) }</b></td>
            </tr>
        }
    };
    consumer.positions.iter().enumerate().take(4).map(row).collect()
}

/// The pin is the position, the flag the high watermark, the shade between them the lag.
fn gauge(name: &str, p: &PositionView) -> Html {
    let lag = lag(p);
    let shown = lag.min(6);
    let (flag, pin) = (108.0, 108.0 - shown as f64 * 16.0);
    let ticks: String = (0..7).map(|i| format!("M{} 8v4.5", 12 + i * 16)).collect();
    html! {
        <svg width="124" height="20" aria-label={format!("{name} lags {lag}")}>
            <path class="thin2" d="M4 12.5H108" fill="none" /><path class="thin2" d={ticks} />
            if lag > 0 { <rect class="lag" x={pin.to_string()} y="6" width={(flag - pin).to_string()} height="6.5" /> }
            <path d={format!("M{pin} 12.5l-3.5-6.4a3.5 3.5 0 1 1 7 0z")} fill="var(--panel)" stroke="var(--ink)" stroke-width="1.25" />
            <path class="pole" d={format!("M{flag} 6v14")} /><path class="hw" d={format!("M{flag} 13.5l-6 2.8l6 2.8z")} />
        </svg>
    }
}
