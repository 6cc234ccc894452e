//! The page on a phone: the same cluster as a list of partitions, time under the thumb, the rest in a sheet.

mod nodes;
mod partition;
mod scrub;

use std::rc::Rc;

use yew::prelude::*;

use crate::{
    console::Terminal,
    context::{use_choose, use_click, use_lab},
    icon::Icon,
    inspector::Inspector,
    lab::Snapshot,
    lesson::{Lesson, LessonLinks},
    model,
    settings::Settings,
    shell::share,
    stage::{
        Caption, Mirror, ProduceForm,
        groups::{GroupCard, use_groups},
    },
    timeline::TransportButtons,
    ui::{Choose, Dialog, Sheet, Ui},
};
use nodes::{Nodes, Quorum};
use partition::Partition;
use scrub::ScrubStrip;

#[derive(Properties, PartialEq)]
pub struct PhoneProps {
    pub snapshot: Rc<Snapshot>,
    pub ui: Rc<Ui>,
}

#[component]
pub fn Phone(props: &PhoneProps) -> Html {
    let (snapshot, ui) = (&props.snapshot, &props.ui);
    let view = &snapshot.view;
    let groups = use_groups(snapshot);
    // Kafka's own topics come after the groups. Where groups are the lesson, nobody should have to look for them.
    let groups_first = snapshot.course.as_ref().is_some_and(|course| course.module == "Consumers");
    let partitions = |internal: bool| {
        let headlines =
            model::headlines(view).into_iter().filter(move |h| model::is_internal(&h.partition) == internal);
        headlines.map(|headline| html! {
            <Partition key={model::name_of(&headline.partition).to_string()} view={view.clone()} big={model::name_of(&headline.partition) == ui.partition} headline={headline.clone()}>
                <Caption snapshot={snapshot.clone()} class="cap" />
            </Partition>
        })
    };
    let trouble = snapshot.live.as_ref().and_then(|live| live.trouble.clone());
    // What the sheet holds is asked for by its tabs; what a lesson has not brought in yet does not lie about.
    let hidden = snapshot.course.iter().flat_map(|course| course.hidden.iter());
    let hidden: Classes = hidden.filter(|class| ["no-faults", "no-controllers"].contains(&class.as_str())).collect();
    html! {
        <div class={classes!("app", hidden)}>
            <Top snapshot={snapshot.clone()} ui={ui.clone()} />
            <main class="stage" id="cluster" tabindex="-1" aria-label="Cluster">
                <div class="scroll">
                    <Quorum view={view.clone()} />
                    <Nodes view={view.clone()} />
                    if let Some(trouble) = trouble { <p style="padding:12px 14px" role="status">{ trouble }</p> }
                    if !groups_first { { for partitions(false) } }
                    { for groups.iter().enumerate().map(|(i, group)| html! { <GroupCard key={group.id.clone()} group={group.clone()} first={i == 0} row=true /> }) }
                    if groups_first { { for partitions(false) } }
                    { for partitions(true) }
                    <More snapshot={snapshot.clone()} />
                    <section class="pt" style="padding-bottom:8px"><ProduceForm topic={ui.partition.topic.clone()} />
                        { for model::without_group(view).iter().map(|c| html! {
                            <p key={c.id.0} class="small mid" style="padding:6px 14px 0;display:flex;gap:6px;align-items:center"><Icon name="consumer" /><b>{ &c.name }</b>
                                { format!("read {}, lag {}", c.read, c.positions.iter().map(|p| (p.high_watermark - p.position).max(0)).sum::<i64>()) }</p>
                        }) }
                    </section>
                </div>
                <Mirror view={view.clone()} />
            </main>
            <section class="scrub" role="region" aria-label="Timeline"><ScrubStrip snapshot={snapshot.clone()} /></section>
            <div class="trans"><TransportButtons playing={snapshot.playing} live={snapshot.no_rewind.is_some()} /></div>
            <Bottom snapshot={snapshot.clone()} ui={ui.clone()} />
        </div>
    }
}

#[component]
fn Top(props: &PhoneProps) -> Html {
    let (choose, lab) = (use_choose(), use_lab());
    let theme = {
        let (choose, theme) = (choose.clone(), props.ui.settings.theme.next());
        Callback::from(move |_| choose.dispatch(Choose::Settings(Settings { theme, ..Settings::load() })))
    };
    let settings = Callback::from(move |_| choose.dispatch(Choose::Dialog(Some(Dialog::Settings))));
    let onshare = Callback::from(move |_| share(&lab));
    html! {
        <header class="topbar" role="banner">
            <span class="brand"><svg width="20" height="18" aria-hidden="true"><use href="#logo" /></svg>{ "Kafka Lab" }</span>
            <nav aria-label="Lessons">
                if let Some(course) = &props.snapshot.course { <b>{ format!("{} {}", course.number, course.title) }</b> } else if props.snapshot.interview.is_some() { <b>{ "Interview" }</b> } else { <LessonLinks /> }
            </nav>
            <span class="tools" style="gap:0">
                <button class="hit" aria-label="Share" onclick={onshare}><Icon name="share" /></button>
                <button class="hit" aria-label={format!("Theme: {}", props.ui.settings.theme.name())} onclick={theme}><Icon name="theme" /></button>
                <button class="hit" aria-label="Settings" onclick={settings}><Icon name="sliders" /></button>
            </span>
        </header>
    }
}

#[derive(Properties, PartialEq)]
struct MoreProps {
    snapshot: Rc<Snapshot>,
}

#[component]
fn More(props: &MoreProps) -> Html {
    let lab = use_lab();
    let shown = props.snapshot.background;
    let background = {
        let lab = lab.clone();
        Callback::from(move |_| lab.set_background(!shown))
    };
    let fork = {
        let lab = lab.clone();
        Callback::from(move |_| lab.fork())
    };
    let branches = &props.snapshot.branches;
    let switch = Callback::from(move |event: Event| {
        if let Ok(branch) = event.target_unchecked_into::<web_sys::HtmlSelectElement>().value().parse() {
            lab.switch(branch);
        }
    });
    let compare = use_click(|| Choose::Dialog(Some(Dialog::Compare)));
    html! {
        <div class="strip-row">
            <button class="btn" aria-pressed={if shown { "true" } else { "false" }} onclick={background}>{ "Background traffic" }</button>
            if props.snapshot.no_rewind.is_none() { <button class="btn" onclick={fork}><Icon name="fork" />{ "Fork here" }</button> }
            if branches.len() > 1 {
                <select class="field" aria-label="Branch" onchange={switch}>
                    { for branches.iter().enumerate().map(|(i, branch)| html! {
                        <option key={i} value={i.to_string()} selected={branch.current}>{ &branch.name }</option>
                    }) }
                </select>
                <button class="btn" onclick={compare}>{ "Compare" }</button>
            }
        </div>
    }
}

/// Lesson, inspector and console, one at a time, pulled up when wanted.
#[component]
fn Bottom(props: &PhoneProps) -> Html {
    let choose = use_choose();
    let (snapshot, ui) = (&props.snapshot, &props.ui);
    let tab = |sheet: Sheet, name: &'static str| {
        let choose = choose.clone();
        let onclick = Callback::from(move |_| choose.dispatch(Choose::Sheet(sheet)));
        let on = ui.sheet == sheet;
        html! { <button role="tab" aria-selected={if on { "true" } else { "false" }} tabindex={if on { "0" } else { "-1" }} {onclick}>{ name }</button> }
    };
    let places = [use_node_ref(), use_node_ref(), use_node_ref()];
    {
        let places = places.clone();
        use_effect_with((ui.sheet, ui.sheet_up), move |(sheet, _)| {
            if let Some(place) = places[*sheet as usize].cast::<web_sys::Element>() {
                place.scroll_into_view();
            }
        });
    }
    let pull = {
        let (choose, up) = (choose.clone(), !ui.sheet_up);
        Callback::from(move |_| choose.dispatch(Choose::SheetUp(up)))
    };
    html! {
        <section class={classes!("sheet", ui.sheet_up.then_some("up"))} aria-label="Panels">
            <button class="grab" onclick={pull} aria-label={if ui.sheet_up { "Make the sheet smaller" } else { "Make the sheet larger" }}><i></i></button>
            <div class="tabs" role="tablist" aria-label="Panels" data-roving="horizontal">{ tab(Sheet::Lesson, "Lesson") }{ tab(Sheet::Inspect, "Inspect") }{ tab(Sheet::Console, "Console") }</div>
            // All three are there, one after the other; the tabs scroll to them.
            <div class="in">
                <div ref={places[0].clone()}><Lesson step={ui.settings.tour_step} settings={ui.settings.clone()} snapshot={snapshot.clone()} /></div>
                <div ref={places[1].clone()}><Inspector snapshot={snapshot.clone()} ui={ui.clone()} /></div>
                <section ref={places[2].clone()} role="region" aria-label="Console"><Terminal focus=false /></section>
            </div>
        </section>
    }
}
