//! The whole page: opens the cluster that the address names, and lays out its regions.

use std::rc::Rc;

use gloo::{events::EventListener, timers::callback::Timeout};
use lab_core::id::TopicPartition;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::{
    bridge,
    console::DockBar,
    context::Handles,
    hooks::{use_animation_frame, use_keys, use_window_width},
    inspector::{Inspector, WireRoom},
    keys,
    lab::{Lab, Snapshot},
    lesson::Lesson,
    model,
    phone::Phone,
    shell::{Announcer, Dialogs, TopBar},
    stage::{Stage, WholeMirror},
    timeline::Timeline,
    ui::{Choose, Layout, Ui},
};

/// How long a message to the person stays.
const SAID_MS: u32 = 9000;
/// Narrower than this the page is laid out for a phone.
const PHONE_PX: f64 = 900.0;

#[component]
pub fn App() -> Html {
    let address = use_state(fragment);
    {
        let address = address.clone();
        use_effect_with((), move |()| {
            let window = web_sys::window().expect("a page has a window");
            let listener = EventListener::new(&window, "hashchange", move |_| address.set(fragment()));
            move || drop(listener)
        });
    }
    // Another address is another cluster: everything below starts anew.
    html! { <Cluster key={address.to_string()} address={(*address).clone()} /> }
}

/// The partition that broker 1 leads, since that is the one people are asked to kill.
fn opening_partition(snapshot: &Snapshot) -> Option<TopicPartition> {
    let headlines = model::headlines(&snapshot.view);
    // Lessons speak of the first partition.
    let led = headlines
        .iter()
        .find(|h| h.partition.leader == 1 && snapshot.course.is_none() && !model::is_internal(&h.partition));
    led.or(headlines.first()).map(|h| model::name_of(&h.partition))
}

/// Cards for a cluster that fits on a screen, else the matrix.
fn opening_layout(snapshot: &Snapshot) -> Layout {
    let ours = model::headlines(&snapshot.view).iter().filter(|h| !model::is_internal(&h.partition)).count();
    let large = model::brokers(&snapshot.view).count() > 4 || ours > 8;
    if large { Layout::Fleet } else { Layout::Brokers }
}

fn fragment() -> AttrValue {
    web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default().into()
}

#[derive(Properties, PartialEq)]
struct ClusterProps {
    address: AttrValue,
}

#[component]
fn Cluster(props: &ClusterProps) -> Html {
    let said = use_state(|| None::<AttrValue>);
    let lab = {
        let (address, said) = (props.address.clone(), said.clone());
        use_memo((), move |()| {
            let (lab, trouble) = Lab::open(&address);
            if let Some(trouble) = trouble {
                said.set(Some(trouble.into()));
            }
            lab
        })
    };
    let lab: Lab = (*lab).clone();
    let snapshot = {
        let lab = lab.clone();
        use_state(move || lab.snapshot())
    };
    let first = opening_partition(&snapshot);
    let ui = use_reducer(|| {
        Ui::new(first.clone().unwrap_or_else(|| TopicPartition::new("orders", 0)), opening_layout(&snapshot))
    });
    {
        // The partition that was looked at may not exist: in a cluster just connected to, or on another branch.
        let gone = !model::headlines(&snapshot.view).iter().any(|h| model::name_of(&h.partition) == ui.partition);
        let dispatch = ui.dispatcher();
        use_effect_with((gone, first), move |(gone, first)| {
            if let (true, Some(first)) = (gone, first) {
                dispatch.dispatch(Choose::Large(first.clone()));
            }
        });
    }
    {
        // What was said leaves by itself.
        let said = said.clone();
        use_effect_with(said.clone(), move |text| {
            let timer = text.is_some().then(|| Timeout::new(SAID_MS, move || said.set(None)));
            move || drop(timer)
        });
    }
    {
        let (publish, say) = (snapshot.setter(), said.setter());
        use_effect_with(lab.clone(), move |lab| {
            let say = Callback::from(move |text: String| say.set(Some(text.into())));
            lab.listen(Callback::from(move |snapshot: Rc<Snapshot>| publish.set(snapshot)), say);
            bridge::install(lab);
        });
    }
    use_effect_with(ui.settings.clone(), |settings| {
        settings.apply();
        settings.store();
    });
    {
        let lab = lab.clone();
        let tick = use_callback(lab, |elapsed, lab: &Lab| lab.tick(elapsed));
        use_animation_frame(snapshot.playing, tick);
    }
    {
        let (lab, ui, snapshot) = (lab.clone(), ui.clone(), (*snapshot).clone());
        use_keys(Callback::from(move |event| keys::handle(&event, &lab, &ui, &snapshot)));
    }
    let narrow = use_window_width() < PHONE_PX;
    let handles = Handles { lab, choose: ui.dispatcher() };
    let snapshot = Rc::clone(&snapshot);
    let state = Rc::new((*ui).clone());
    let dismiss = {
        let said = said.setter();
        Callback::from(move |_| said.set(None))
    };
    // By hand: the address is the name of the cluster, and a link to a fragment would change it.
    let skip = Callback::from(|event: MouseEvent| {
        event.prevent_default();
        let document = web_sys::window().and_then(|window| window.document());
        let cluster = document.and_then(|d| d.get_element_by_id("cluster")?.dyn_into::<HtmlElement>().ok());
        if let Some(cluster) = cluster {
            let _ = cluster.focus();
        }
    });
    // A lesson brings the parts of the page in when it needs them.
    let hidden = snapshot.course.as_ref().map(|course| course.hidden.clone()).unwrap_or_default();
    let body = if narrow {
        html! { <Phone snapshot={snapshot.clone()} ui={state.clone()} /> }
    } else {
        html! {
            <div class={classes!("app", hidden)}>
                <TopBar snapshot={snapshot.clone()} theme={ui.settings.theme} />
                <Lesson step={ui.settings.tour_step} settings={ui.settings.clone()} snapshot={snapshot.clone()} />
                if ui.wide {
                    // The cluster stays in words while its picture makes room.
                    <main class="hide" id="cluster" tabindex="-1" aria-label="Cluster"><WholeMirror snapshot={snapshot.clone()} /></main>
                    <WireRoom snapshot={snapshot.clone()} ui={state.clone()} />
                } else {
                    <Stage snapshot={snapshot.clone()} ui={state.clone()} />
                    <Inspector snapshot={snapshot.clone()} ui={state.clone()} />
                }
                <Timeline snapshot={snapshot.clone()} partition={ui.partition.clone()} />
                <DockBar snapshot={snapshot.clone()} dock={ui.dock} partition={ui.partition.clone()} theme={ui.settings.theme} />
            </div>
        }
    };
    html! {
        <ContextProvider<Handles> context={handles}>
            <a class="skip" href="#cluster" onclick={skip}>{ "Skip to the cluster" }</a>
            { body }
            <Announcer snapshot={snapshot.clone()} />
            if let Some(text) = &*said {
                <div class="say" role="alert"><span>{ text }</span>
                    <button class="btn low push" onclick={dismiss}>{ "Dismiss" }</button></div>
            }
            <Dialogs ui={state} snapshot={snapshot} />
        </ContextProvider<Handles>>
    }
}
