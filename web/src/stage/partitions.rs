//! The Partitions layout: replicas of one partition stacked on one offset axis, so that lag is a gap to be seen.

use std::rc::Rc;

use lab_core::{
    id::{NodeId, TopicPartition},
    view::{ClusterView, ConsumerView, Headline, PositionView, ProcessState},
};
use yew::prelude::*;

use super::{
    Acts, ProduceForm,
    chip::Chip,
    consumers::lag,
    controllers::{self, HexMark},
    flights,
    groups::{GroupCard, use_groups},
    strip::{LogStrip, Size},
};
use crate::{
    context::use_choose,
    icon::{Crown, Icon},
    lab::Snapshot,
    model::{self, Role, Strip},
    ui::{Choose, Selection, Ui},
};

#[derive(Properties, PartialEq)]
pub struct PartitionsProps {
    pub snapshot: Rc<Snapshot>,
    pub ui: Rc<Ui>,
}

#[component]
pub fn Partitions(props: &PartitionsProps) -> Html {
    let (view, ui) = (&props.snapshot.view, &props.ui);
    let headlines = model::headlines(view);
    let is_picked = |h: &&Headline| model::name_of(&h.partition) == ui.partition;
    let picked = headlines.iter().find(is_picked).or(headlines.first());
    let others = headlines.iter().filter(|h| picked.is_none_or(|p| p.partition != h.partition));
    html! {
        <div class="plist">
            <Quorum view={view.clone()} />
            if let Some(headline) = picked {
                <Stacked view={view.clone()} headline={headline.clone()} background={props.snapshot.background} />
            }
            <div class="two">
                { for others.map(|headline| html! { <Little key={model::name_of(&headline.partition).to_string()} view={view.clone()} headline={headline.clone()} /> }) }
            </div>
            <Clients snapshot={props.snapshot.clone()} topic={ui.partition.topic.clone()} />
        </div>
    }
}

#[derive(Properties, PartialEq)]
pub struct ViewProps {
    pub view: Rc<ClusterView>,
}

/// The quorum in one row, with its buttons.
#[component]
pub fn Quorum(props: &ViewProps) -> Html {
    let view = &props.view;
    let replayed: Vec<i64> = model::brokers(view).map(|(_, b)| b.metadata_offset).collect();
    let replayed = match (replayed.iter().min(), replayed.iter().max()) {
        (Some(least), Some(most)) if least == most => format!("metadata {most} on every broker"),
        (Some(least), Some(most)) => format!("metadata {least} to {most} on the brokers"),
        _ => String::new(),
    };
    html! {
        <section class="card row" role="group" aria-label="Controllers" aria-description={controllers::words(view)}>
            <h3>{ "Controllers" }</h3>
            { for model::controllers(view).map(|node| {
                let hex = controllers::hex(view, node);
                html! {
                    <span key={node.id.0} role="group" aria-label={format!("Controller {}", node.id)} aria-description={controllers::description(&hex)}
                        data-node={node.id.to_string()} data-state={hex.role.clone()} style="display:flex;align-items:center">
                        <HexMark hex={hex.clone()} picked=false width=36.0 />
                        <Acts node={node.id} kind="controller" process={node.process} />
                    </span>
                }
            }) }
            <span class="micro mid push">{ format!("quorum epoch {}", controllers::epoch(view)) }</span>
            <span class="micro dim">{ replayed }</span>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct StackedProps {
    view: Rc<ClusterView>,
    headline: Headline,
    background: bool,
}

const LEFT: f64 = 148.0;
const ROW: f64 = 88.0;
const ROWS_TOP: f64 = 56.0;
/// Each reader of the partition has a line of its own above the offsets.
const READER: f64 = 26.0;

#[component]
fn Stacked(props: &StackedProps) -> Html {
    let (view, h) = (&props.view, &props.headline);
    let p = &h.partition;
    let name = model::name_of(p);
    let strips: Vec<(usize, Strip)> =
        p.replicas.iter().enumerate().filter_map(|(i, id)| Some((i, model::strip(view, h, *id, true)?))).collect();
    let readers = readers(view, &name);
    let top = ROWS_TOP + READER * readers.len().saturating_sub(1) as f64;
    let height = top + ROW * strips.len() as f64 + 4.0;
    let leader =
        if p.leader < 0 { "no leader".into() } else { format!("leader {}, epoch {}", p.leader, p.leader_epoch) };
    let row_of = |id: NodeId| strips.iter().position(|(_, s)| s.broker == id);
    html! {
        <section class="card">
            <header>
                if p.leader >= 0 { <Crown /> }
                <h2>{ name.to_string() }</h2>
                <span class={classes!("badge", if p.leader < 0 { "fault" } else { "lead" })}>{ leader }</span>
                <span class={classes!("badge", ((p.isr.len() as i32) < p.min_insync_replicas).then_some("fault"))}>{ model::isr_words(p) }</span>
                <span class="end micro" style="padding-right:6px">{ "all replicas share one offset axis; each keeps its own HW" }</span>
            </header>
            <div style={format!("position:relative;height:{height}px")}>
                <svg width="738" height={height.to_string()} style="position:absolute;left:0;top:0" aria-hidden="true">
                    { axis(h, &strips, &readers, height) }
                    { bracket(&strips, top) }
                    { arriving(view, &row_of, props.background, top) }
                </svg>
                { for strips.iter().enumerate().map(|(row, (i, strip))| replica(view, strip, *i, top + ROW * row as f64)) }
            </div>
        </section>
    }
}

/// Offsets above the strips, and where the leader's high watermark stands for all.
fn axis(h: &Headline, strips: &[(usize, Strip)], readers: &[(ConsumerView, PositionView)], height: f64) -> Html {
    // Whoever is at the end of the axis: a replica far behind is drawn apart from it.
    let Some((_, any)) = strips.iter().max_by_key(|(_, strip)| strip.log_end) else { return Html::default() };
    let size = Size::KEYS;
    let x = |offset: i64| LEFT + size.x(any, offset);
    let from = size.first(any).max(0);
    let numbers = (from..=any.axis_end).map(|offset| {
        let class = classes!("axis", (offset == h.high_watermark).then_some("b"));
        html! { <text key={offset} {class} x={(x(offset) + 10.5).to_string()} y="40">{ offset }</text> }
    });
    let down = READER * readers.len().saturating_sub(1) as f64;
    html! {
        <>
            <g transform={format!("translate(0 {down})")}>
                <text class="t d" x="14" y="40">{ "offset" }</text>
                { for numbers }
                <path class="thin" d={format!("M{} 48H{}", LEFT - 6.0, LEFT + size.width() + 26.0)} />
            </g>
            if h.high_watermark >= from {
                <path class="guide" d={format!("M{} {}V{}", x(h.high_watermark) - 0.5, 48.0 + down, height - 8.0)} />
            }
            { for readers.iter().enumerate().map(|(i, (consumer, p))| {
                let on_axis = |offset: i64| x(offset.clamp(from, any.axis_end));
                let (at, end) = (on_axis(p.position), on_axis(h.high_watermark));
                let committed = (p.committed >= 0).then(|| on_axis(p.committed));
                let group = consumer.group_id.as_ref().map(|id| format!(" of {id}")).unwrap_or_default();
                let behind = committed.unwrap_or(at);
                let lag = (h.high_watermark - if p.committed >= 0 { p.committed } else { p.position }).max(0);
                let said = match p.committed {
                    ..0 => format!("{}, lag {lag}", p.position),
                    committed => format!("{}, committed {committed}, lag {lag}", p.position),
                };
                html! {
                    <g key={consumer.id.0} transform={format!("translate(0 {})", READER * i as f64)}>
                        <text class="t d" x="14" y="20"><tspan class="b">{ &consumer.name }</tspan>{ group }</text>
                        if end > behind { <rect class="lag" x={behind.to_string()} y="12" width={(end - behind).to_string()} height="10" /> }
                        if let Some(committed) = committed { <path class="stub" d={format!("M{committed} 24v-12")} /> }
                        <path class="pin hollow" d={format!("M{at} 24l-6-10.5a6.4 6.4 0 1 1 12 0z")} />
                        <text class="t b to-mid" x={at.to_string()} y="15.5">{ consumer.name.chars().next() }</text>
                        <text class="t" x={(end.max(at) + 12.0).to_string()} y="21">{ said }</text>
                    </g>
                }
            }) }
        </>
    }
}

/// Who reads the partition, and where each stands.
fn readers(view: &ClusterView, name: &TopicPartition) -> Vec<(ConsumerView, PositionView)> {
    let running = view.consumers.iter().filter(|c| c.process != ProcessState::Down);
    let here = |p: &&PositionView| p.topic == name.topic && p.partition == name.partition && p.position >= 0;
    running.filter_map(|c| Some((c.clone(), c.positions.iter().find(here)?.clone()))).collect()
}

/// The bracket that joins the replicas in sync.
fn bracket(strips: &[(usize, Strip)], rows_top: f64) -> Html {
    let rows: Vec<usize> =
        strips.iter().enumerate().filter(|(_, (_, s))| s.role != Role::Out).map(|(row, _)| row).collect();
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Html::default() };
    let y = |row: usize| rows_top + ROW * row as f64 + 26.0;
    let (top, bottom) = (y(*first) - 11.0, y(*last) + 11.0);
    let ticks: String = rows.iter().map(|row| format!("M{} {}h5", LEFT - 17.0, y(*row))).collect();
    html! {
        <>
            <path class="bracket" d={format!("M{} {top}H{}V{bottom}H{}", LEFT - 12.0, LEFT - 17.0, LEFT - 12.0)} />
            <path class="bracket" d={ticks} />
            if rows.len() > 1 {
                <rect x={(LEFT - 50.0).to_string()} y={((top + bottom) / 2.0 + 2.0).to_string()} width="42" height="18" fill="var(--panel)" />
                <text class="t b to-mid" x={(LEFT - 29.0).to_string()} y={((top + bottom) / 2.0 + 15.0).to_string()}>{ format!("ISR {}/{}", rows.len(), strips.len()) }</text>
            }
        </>
    }
}

/// Frames between two of these brokers, on their way from row to row.
fn arriving(view: &ClusterView, row_of: &dyn Fn(NodeId) -> Option<usize>, background: bool, rows_top: f64) -> Html {
    let frames = flights::visible(view, background).filter_map(|frame| {
        let (a, b) = (row_of(frame.facts.from)?, row_of(frame.facts.to)?);
        let (sent, arrives) = (frame.sent_at.0 as f64, frame.facts.arrives_at.0 as f64);
        let share = if arrives > sent { ((view.at.0 as f64 - sent) / (arrives - sent)).clamp(0.0, 1.0) } else { 1.0 };
        let y = |row: usize| rows_top + ROW * row as f64 + 30.0;
        let x = 600.0 + if frame.facts.response { 44.0 } else { 0.0 };
        Some((frame, x, y(a), y(a) + (y(b) - y(a)) * share, y(b)))
    });
    frames
        .map(|(frame, x, from, at, to)| {
            html! {
                <g key={frame.event.0}>
                    <path class="lane" d={format!("M{x} {from}V{to}")} />
                    <path class="lane gone hot" d={format!("M{x} {from}V{at}")} />
                    <Chip api_key={frame.facts.api_key} response={frame.facts.response} records={frame.facts.records} hot=true {x} y={at} />
                </g>
            }
        })
        .collect()
}

fn replica(view: &ClusterView, strip: &Strip, order: usize, top: f64) -> Html {
    let node = view.node(strip.broker);
    let process = node.map_or(ProcessState::Down, |node| node.process);
    let rank = ["1st", "2nd", "3rd"].get(order).map_or_else(|| format!("{}th", order + 1), |s| (*s).to_string());
    let behind = strip.axis_end - strip.log_end;
    let state = match strip.role {
        Role::Leader => "leader".to_string(),
        _ if process == ProcessState::Down => {
            if model::fenced(view, strip.broker) { "down, fenced" } else { "down" }.into()
        }
        Role::InSync if behind > 0 => format!("in sync, {behind} behind"),
        Role::InSync => "in sync".into(),
        Role::Out => format!("out of ISR, behind {behind}"),
    };
    let fault = process == ProcessState::Down || strip.role == Role::Out;
    let description = node.map(|node| model::broker_words(view, node, &model::headlines(view))).unwrap_or_default();
    html! {
        <div key={strip.broker.0} role="group" aria-label={format!("Broker {}", strip.broker)} aria-description={description}
            data-node={strip.broker.to_string()} style={format!("position:absolute;left:0;right:0;top:{top}px;height:{ROW}px")}>
            <span class="small dim" style="position:absolute;left:14px;top:16px">{ rank }</span>
            <span style="position:absolute;left:40px;top:15px;display:flex;gap:5px;align-items:center" class="small"><b>{ format!("Broker {}", strip.broker) }</b>
                if strip.role == Role::Leader { <Crown /> } if strip.was_leader { <Crown was=true /> }</span>
            <span class={classes!("micro", if fault { "warn" } else { "dim" })} style="position:absolute;left:40px;top:31px">{ state }</span>
            <span style="position:absolute;left:34px;top:46px;display:flex"><Acts node={strip.broker} kind="broker" {process} /></span>
            <span style={format!("position:absolute;left:{LEFT}px;top:0")}><LogStrip strip={strip.clone()} size={Size::KEYS} /></span>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct LittleProps {
    view: Rc<ClusterView>,
    headline: Headline,
}

/// Another partition, small.
#[component]
fn Little(props: &LittleProps) -> Html {
    let choose = use_choose();
    let h = &props.headline;
    let name = model::name_of(&h.partition);
    let pick = {
        let name = name.clone();
        Callback::from(move |_| choose.dispatch(Choose::Select(Selection::Partition(name.clone()))))
    };
    let strips = h.partition.replicas.iter().filter_map(|id| model::strip(&props.view, h, *id, false));
    html! {
        <section class="card" style="padding-bottom:6px">
            <div class="row"><button class="name" onclick={pick} aria-label={format!("Show {name} large")}>{ name.to_string() }</button>
                <span class="micro dim push">{ format!("{}, epoch {}", model::isr_words(&h.partition), h.partition.leader_epoch) }</span></div>
            { for strips.map(|strip| html! {
                <div key={strip.broker.0} style="display:flex;align-items:flex-start;gap:6px;height:25px;padding:0 12px" class="micro">
                    <b style="width:10px">{ strip.broker.0 }</b><span style="width:16px;padding-top:2px">if strip.role == Role::Leader { <Crown /> }</span>
                    <LogStrip strip={strip.clone()} size={Size::LITTLE} />
                    <span class="push dim">{ format!("HW {}\u{2002}LEO {}", strip.high_watermark, strip.log_end) }</span>
                </div>
            }) }
        </section>
    }
}

#[derive(Properties, PartialEq)]
pub struct ClientsProps {
    pub snapshot: Rc<Snapshot>,
    pub topic: String,
}

#[component]
pub fn Clients(props: &ClientsProps) -> Html {
    let view = &props.snapshot.view;
    let groups = use_groups(&props.snapshot);
    html! {
        <>
        { for groups.iter().enumerate().map(|(i, group)| html! { <GroupCard key={group.id.clone()} group={group.clone()} first={i == 0} row=true /> }) }
        <section class="card row">
            { for view.producers.iter().map(|p| html! {
                <span key={p.id.0} class="small" style="display:flex;gap:5px;align-items:center"><Icon name="producer" /><b>{ &p.name }</b>{ format!("{} acked", p.acked) }</span>
            }) }
            { for model::without_group(view).iter().map(|c| html! {
                <span key={c.id.0} class="small" style="display:flex;gap:5px;align-items:center"><Icon name="consumer" /><b>{ &c.name }</b>{ format!("lag {}", c.positions.iter().map(lag).sum::<i64>()) }</span>
            }) }
            <span class="push" style="width:260px;margin-bottom:8px"><ProduceForm topic={props.topic.clone()} /></span>
        </section>
        </>
    }
}
