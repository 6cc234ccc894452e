//! The Fleet layout: brokers down, partitions across, one cell a replica. It stays readable where cards do not fit.

use std::rc::Rc;

use lab_core::{
    id::{NodeId, TopicPartition},
    view::{ClusterView, Headline, ProcessState},
};
use yew::prelude::*;

use super::{
    Acts,
    broker::ring,
    consumers::lag,
    groups::use_groups,
    partitions::{Clients, Quorum},
    strip::{LogStrip, Size},
};
use crate::{
    context::use_choose,
    icon::Crown,
    lab::Snapshot,
    model::{
        self, Condition, Role,
        group::{Group, Share},
    },
    ui::{Choose, Selection, Ui},
};

#[derive(Properties, PartialEq)]
pub struct FleetProps {
    pub snapshot: Rc<Snapshot>,
    pub ui: Rc<Ui>,
}

/// How a replica is drawn in its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Leader,
    InSync,
    /// In the ISR, but records behind the newest.
    Behind,
    Out,
    /// Its process is down.
    Down,
}

impl Cell {
    fn class(self) -> &'static str {
        match self {
            Self::Leader => "leads",
            Self::InSync => "in",
            Self::Behind => "in behind",
            Self::Out => "out",
            Self::Down => "dead",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::InSync => "in sync",
            Self::Behind => "in sync, behind",
            Self::Out => "out of the ISR",
            Self::Down => "down",
        }
    }
}

/// All that is drawn of a broker; equal values draw nothing anew.
#[derive(Clone, PartialEq)]
struct Line {
    row: usize,
    id: NodeId,
    process: ProcessState,
    condition: Condition,
    fenced: bool,
    description: String,
    leads: usize,
    holds: usize,
    /// For each column its replica.
    cells: Vec<Option<Cell>>,
}

#[component]
pub fn Fleet(props: &FleetProps) -> Html {
    let (view, ui) = (&props.snapshot.view, &props.ui);
    let headlines = model::headlines(view);
    let names: Rc<Vec<TopicPartition>> = Rc::new(headlines.iter().map(|h| model::name_of(&h.partition)).collect());
    let picked = names.iter().position(|name| *name == ui.partition);
    let lines = lines(view, &headlines);
    let groups = use_groups(&props.snapshot);
    let selected = picked.and_then(|at| headlines.get(at)).or(headlines.first());
    html! {
        <div class="plist fleet">
            <Quorum view={view.clone()} />
            <section class="card" style="padding:8px 12px 10px">
                <div class="matrix" role="group" aria-label="Replicas: brokers down, partitions across" data-roving="grid">
                    <Heads names={names.clone()} {picked} short={short(&headlines)} />
                    { for lines.iter().map(|line| html! { <Row key={line.id.0} line={line.clone()} names={names.clone()} {picked} /> }) }
                    { lags(view, &groups, &names) }
                </div>
                <Key />
            </section>
            if let Some(headline) = selected { { strips(view, headline) } }
            <Clients snapshot={props.snapshot.clone()} topic={ui.partition.topic.clone()} />
        </div>
    }
}

fn lines(view: &ClusterView, headlines: &[Headline]) -> Vec<Line> {
    let ends: Vec<i64> = headlines
        .iter()
        .map(|h| {
            let name = model::name_of(&h.partition);
            model::brokers(view)
                .filter_map(|(_, b)| model::replica(b, &name))
                .map(|r| r.log_end_offset)
                .max()
                .unwrap_or(0)
        })
        .collect();
    let line = |(row, (node, broker)): (usize, (&lab_core::view::NodeView, &lab_core::view::BrokerView))| {
        let down = node.process == ProcessState::Down;
        let cell = |(h, end): (&Headline, &i64)| {
            let p = &h.partition;
            p.replicas.contains(&node.id).then(|| {
                let log_end = model::replica(broker, &model::name_of(p)).map_or(0, |r| r.log_end_offset);
                match () {
                    () if down => Cell::Down,
                    () if p.leader == node.id.0 => Cell::Leader,
                    () if !p.isr.contains(&node.id) => Cell::Out,
                    () if log_end < *end => Cell::Behind,
                    () => Cell::InSync,
                }
            })
        };
        let cells: Vec<Option<Cell>> = headlines.iter().zip(&ends).map(cell).collect();
        Line {
            row,
            id: node.id,
            process: node.process,
            condition: model::condition(view, node),
            fenced: model::fenced(view, node.id),
            description: model::broker_words(view, node, headlines),
            leads: headlines.iter().filter(|h| h.partition.leader == node.id.0).count(),
            holds: cells.iter().flatten().count(),
            cells,
        }
    };
    model::brokers(view).enumerate().map(line).collect()
}

/// Which partitions have fewer in-sync replicas than replicas (1) or than the minimum, or no leader (2).
fn short(headlines: &[Headline]) -> Vec<u8> {
    let degree = |h: &Headline| {
        let p = &h.partition;
        let isr = p.isr.len();
        u8::from(isr < p.replicas.len()) + u8::from((isr as i32) < p.min_insync_replicas || p.leader < 0)
    };
    headlines.iter().map(degree).collect()
}

#[derive(Properties, PartialEq)]
struct HeadsProps {
    names: Rc<Vec<TopicPartition>>,
    picked: Option<usize>,
    short: Vec<u8>,
}

/// Whether another topic begins with this column.
fn begins(names: &[TopicPartition], column: usize) -> bool {
    column > 0 && names[column - 1].topic != names[column].topic
}

/// The topics, the numbers of their partitions, and beside these whether replicas are missing.
#[component]
fn Heads(props: &HeadsProps) -> Html {
    let topics = props.names.chunk_by(|a, b| a.topic == b.topic).map(|run| {
        let topic = run[0].topic.to_string();
        let style = format!("width:{}px", run.len() * 20 - 2);
        html! { <span key={topic.clone()} class="topic" {style} title={topic.clone()}>{ topic }</span> }
    });
    html! {
        <div aria-hidden="true">
        <div class="line topics"><span class="who dim">{ "topic" }</span>{ for topics }</div>
        <div class="line heads">
            <span class="who dim">{ "partition" }</span>
            { for props.names.iter().zip(&props.short).enumerate().map(|(i, (name, short))| {
                let class = classes!("cell", (props.picked == Some(i)).then_some("picked"), begins(&props.names, i).then_some("begins"));
                html! { <span key={i} {class}>{ name.partition }{ match short { 0 => "", 1 => "▾", _ => "!" } }</span> }
            }) }
        </div>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct RowProps {
    line: Line,
    names: Rc<Vec<TopicPartition>>,
    picked: Option<usize>,
}

#[component]
fn Row(props: &RowProps) -> Html {
    let choose = use_choose();
    let line = &props.line;
    let pick = {
        let (choose, id) = (choose.clone(), line.id);
        Callback::from(move |_: MouseEvent| choose.dispatch(Choose::Select(Selection::Node(id))))
    };
    let condition = line.condition.word();
    let cells = line.cells.iter().enumerate().map(|(i, cell)| {
        let picked = classes!((props.picked == Some(i)).then_some("picked"), begins(&props.names, i).then_some("begins"));
        let Some(cell) = cell else { return html! { <span key={i} class={classes!("cell", "none", picked)}></span> } };
        let name = props.names[i].clone();
        let label = format!("{name} on broker {}, {}", line.id, cell.word());
        let (choose, row) = (choose.clone(), line.row);
        let onclick = Callback::from(move |_: MouseEvent| {
            choose.dispatch(Choose::Select(Selection::Partition(name.clone())));
        });
        // The first cell is the tab stop of the whole matrix; from there arrows go on.
        let tabindex = if row == 0 && line.cells[..i].iter().all(Option::is_none) { "0" } else { "-1" };
        html! {
            <button key={i} class={classes!("cell", cell.class(), picked)} {onclick} {tabindex} data-cell={format!("{row},{i}")} aria-label={label.clone()} title={label}>
                if *cell == Cell::Leader { <Crown /> }
            </button>
        }
    });
    html! {
        <section class={classes!("line", condition)} role="group" aria-label={format!("Broker {}", line.id)} aria-description={line.description.clone()}
            data-node={line.id.to_string()} data-state={condition}>
            <span class="who">{ ring(line.condition) }
                <button class="name" onclick={pick} aria-label={format!("Inspect broker {}", line.id)}>{ format!("Broker {}", line.id) }</button>
                if line.fenced { <span class="badge line">{ "FENCED" }</span> }
                else if line.condition != Condition::Alive { <span class="badge fault">{ condition.to_uppercase() }</span> }
                <span class="push"></span>
                <Acts node={line.id} kind="broker" process={line.process} />
            </span>
            { for cells }
            <span class="micro dim count">{ format!("{} of {}", line.leads, line.holds) }</span>
        </section>
    }
}

/// How far consumers are behind, as bars under the columns: groups from what they have committed, as their cards say.
fn lags(view: &ClusterView, groups: &[Group], names: &[TopicPartition]) -> Html {
    let alone = model::without_group(view);
    let of = |name: &TopicPartition| -> i64 {
        let alone = alone.iter().flat_map(|c| &c.positions);
        let alone = alone.filter(|p| p.topic == name.topic && p.partition == name.partition).map(lag);
        let read = groups.iter().flat_map(|g| g.members.iter().flat_map(|m| &m.shares).chain(&g.unread));
        alone.chain(read.filter(|share| share.partition == *name).map(Share::lag)).sum()
    };
    let lags: Vec<i64> = names.iter().map(of).collect();
    let most = lags.iter().copied().max().unwrap_or(0).max(10) as f64;
    let total: i64 = lags.iter().sum();
    html! {
        <div class="line lags" role="img" aria-label={format!("Consumers lag {total} records behind in all")}>
            <span class="who dim">{ format!("consumer lag {total}") }</span>
            { for lags.iter().enumerate().map(|(i, lag)| {
                let height = (*lag as f64 / most * 20.0).ceil();
                html! { <span key={i} class={classes!("cell", begins(names, i).then_some("begins"))}><i style={format!("height:{height}px")}></i></span> }
            }) }
        </div>
    }
}

/// What the cells mean.
#[component]
fn Key() -> Html {
    let sample = |cell: Cell, word: &'static str| {
        html! { <span><i class={classes!("cell", cell.class())}>if cell == Cell::Leader { <Crown /> }</i>{ word }</span> }
    };
    html! {
        <p class="key-line micro" aria-hidden="true">
            { sample(Cell::Leader, "leader") }{ sample(Cell::InSync, "in sync") }{ sample(Cell::Behind, "records behind") }
            { sample(Cell::Out, "out of ISR") }{ sample(Cell::Down, "process down") }
            <span>{ "▾ replicas missing" }</span><span>{ "! under min.insync.replicas, or no leader" }</span>
        </p>
    }
}

/// The replicas of the partition that is inspected, on one axis.
fn strips(view: &ClusterView, h: &Headline) -> Html {
    let strips = h.partition.replicas.iter().filter_map(|id| model::strip(view, h, *id, false));
    html! {
        <section class="card" style="padding-bottom:6px">
            <div class="row"><h3>{ model::name_of(&h.partition).to_string() }</h3>
                <span class="micro dim push">{ format!("{}, epoch {}", model::isr_words(&h.partition), h.partition.leader_epoch) }</span></div>
            { for strips.map(|strip| html! {
                <div key={strip.broker.0} class="rowed micro">
                    <b>{ format!("broker {}", strip.broker) }</b><span class="mark">if strip.role == Role::Leader { <Crown /> }</span>
                    <span class="dim state">{ &strip.isr }</span>
                    <LogStrip strip={strip.clone()} size={Size::BIG} />
                </div>
            }) }
        </section>
    }
}
