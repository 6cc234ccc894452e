//! The lesson's place. Without a lesson it offers a free tour of the sandbox and the list of lessons.

mod attached;
mod pane;
mod tour;
mod words;

use std::rc::Rc;

use yew::prelude::*;

use crate::{
    context::use_choose,
    icon::Icon,
    lab::Snapshot,
    quiz::InterviewPane,
    settings::Settings,
    ui::{Choose, Dialog},
};
pub use pane::LessonLinks;
use pane::Pane;
use tour::{STEPS, done, perform};
pub use words::filled;

#[derive(Clone, Properties, PartialEq)]
pub struct LessonProps {
    pub step: usize,
    pub settings: Settings,
    pub snapshot: Rc<Snapshot>,
}

#[component]
pub fn Lesson(props: &LessonProps) -> Html {
    match (&props.snapshot.interview, &props.snapshot.course) {
        (Some(interview), _) => html! { <InterviewPane interview={interview.clone()} /> },
        (None, Some(course)) => html! { <Pane course={course.clone()} /> },
        (None, None) if props.snapshot.no_faults.is_some() => html! { <attached::Attached /> },
        (None, None) => html! { <Tour ..props.clone() /> },
    }
}

/// Without a lesson: a walk through the sandbox.
#[component]
fn Tour(props: &LessonProps) -> Html {
    let choose = use_choose();
    let lab = crate::context::use_lab();
    let step = props.step.min(STEPS.len() - 1);
    let current = &STEPS[step];
    let met = done(step, &lab, &props.snapshot);
    let go = |to: usize| {
        let (choose, settings) = (choose.clone(), props.settings.clone());
        Callback::from(move |_: MouseEvent| {
            choose.dispatch(Choose::Settings(Settings { tour_step: to.min(STEPS.len() - 1), ..settings.clone() }));
        })
    };
    let open = |dialog: Dialog| {
        let choose = choose.clone();
        Callback::from(move |_| choose.dispatch(Choose::Dialog(Some(dialog))))
    };
    let live = props.snapshot.live.is_some();
    let act = {
        let (lab, choose) = (lab.clone(), choose.clone());
        Callback::from(move |_: MouseEvent| perform(step, &lab, &choose, live))
    };
    html! {
        <aside class="lesson" aria-label="Lesson">
            <div class="body">
                <p class="over">{ format!("Free tour, step {} of {}", step + 1, STEPS.len()) }</p>
                <h1>{ current.title }</h1>
                <p class="text">{ current.words(&props.snapshot) }</p>
                <section>
                    <h2>{ "Steps" }</h2>
                    <ol class="steps">
                        { for STEPS.iter().enumerate().map(|(i, s)| html! {
                            <li key={i} class={(i == step).then_some("now")} aria-current={(i == step).then_some("step")}>
                                { box_mark(i < step || (i == step && met)) }<span>{ s.title }</span>
                            </li>
                        }) }
                    </ol>
                </section>
                <section>
                    <h2>{ "Lessons" }</h2>
                    <pane::LessonList />
                    <p class="links" style="margin-top:6px">
                        <button onclick={open(Dialog::Fidelity)}><Icon name="chevron" class="xs" />{ "What is simplified" }</button>
                        <button onclick={open(Dialog::Help)}><Icon name="chevron" class="xs" />{ "Keys and commands" }</button>
                    </p>
                </section>
            </div>
            <div class="foot">
                if !met || step == 3 {
                    <button class="btn tall main" onclick={act}>{ current.button }</button>
                }
                if step + 1 < STEPS.len() {
                    <button class={classes!("btn", "tall", met.then_some("main"), (!met).then_some("quiet"))} onclick={go(step + 1)}>{ if met { "Next step" } else { "Skip" } }</button>
                } else if met {
                    <button class="btn tall" onclick={go(0)}>{ "Begin again" }</button>
                }
                if step > 0 { <button class="btn quiet tall" onclick={go(step - 1)}>{ "Back" }</button> }
                <span class="small dim push" role="status">{ if met { "done" } else { "" } }</span>
            </div>
        </aside>
    }
}

fn box_mark(met: bool) -> Html {
    if met {
        html! { <svg class="box" viewBox="0 0 18 18" aria-label="done"><rect x="1" y="1" width="16" height="16" rx="4" fill="var(--ok)" /><path d="m5 9.2 2.8 2.8L13 6.4" fill="none" stroke="var(--panel)" stroke-width="2" /></svg> }
    } else {
        html! { <svg class="box" viewBox="0 0 18 18" aria-hidden="true"><rect x="1.75" y="1.75" width="14.5" height="14.5" rx="3.5" fill="none" stroke="var(--rec-old)" stroke-width="1.5" /></svg> }
    }
}
