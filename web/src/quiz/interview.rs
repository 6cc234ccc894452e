//! Interview mode: what shall be asked, question after question with a follow-up each, and what came of it.

use std::{collections::BTreeSet, rc::Rc};

use lab_lessons::interview::{LEVELS, modules};
use yew::prelude::*;

use super::QuestionForm;
use crate::{
    context::use_lab,
    lab::{InterviewView, Place},
    memory::{Answer, Memory},
};

#[derive(Properties, PartialEq)]
pub struct InterviewProps {
    pub interview: Rc<InterviewView>,
}

#[component]
pub fn InterviewPane(props: &InterviewProps) -> Html {
    let interview = &props.interview;
    let body = match &interview.place {
        Place::Choosing => html! { <Choosing /> },
        Place::Asking { .. } => html! { <Asking interview={interview.clone()} /> },
        Place::Done => html! { <Done answers={interview.answers.clone()} /> },
    };
    html! {
        <aside class="lesson course" aria-label="Lesson">
            if let Some(trouble) = &interview.trouble { <p class="small" role="status">{ trouble }</p> }
            { body }
        </aside>
    }
}

/// Level and topics.
#[component]
fn Choosing() -> Html {
    let lab = use_lab();
    let level = use_state(|| LEVELS[0].0);
    let all = use_memo((), |()| modules(&lab_lessons::lessons()));
    let chosen = {
        let all = all.clone();
        use_state(move || all.iter().cloned().collect::<BTreeSet<String>>())
    };
    let weak = use_memo((), |()| Memory::load().weak());
    let onsubmit = {
        let (lab, level, chosen) = (lab, level.clone(), chosen.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            lab.begin_interview(*level, (*chosen).clone());
        })
    };
    html! {
        <form class="question interview" aria-label="Interview" {onsubmit}>
            <div class="body">
                <p class="over">{ "Interview" }</p>
                <h1>{ "What happens next, and why?" }</h1>
                <p class="text">{ "Up to eight questions, each about a cluster that runs beside it, each with a follow-up. Say first how sure you are. After the verdict you can watch it happen." }</p>
                <fieldset>
                    <legend>{ "Level" }</legend>
                    { for LEVELS.iter().map(|(letter, name)| {
                        let level = level.clone();
                        let checked = *level == *letter;
                        let onchange = Callback::from(move |_: Event| level.set(*letter));
                        html! { <label key={*letter} class="option"><input type="radio" name="level" {checked} {onchange} /><span class="what">{ *name }</span></label> }
                    }) }
                </fieldset>
                <fieldset>
                    <legend>{ "Topics" }</legend>
                    { for all.iter().map(|module| {
                        let (chosen, name) = (chosen.clone(), module.clone());
                        let checked = chosen.contains(module);
                        let onchange = Callback::from(move |_: Event| {
                            let mut next = (*chosen).clone();
                            if !next.remove(&name) {
                                next.insert(name.clone());
                            }
                            chosen.set(next);
                        });
                        html! { <label key={module.clone()} class="option"><input type="checkbox" {checked} {onchange} /><span class="what">{ module }</span></label> }
                    }) }
                </fieldset>
                if !weak.is_empty() { <p class="small dim">{ format!("First what went wrong last time: {}.", weak.keys().cloned().collect::<Vec<_>>().join(", ")) }</p> }
            </div>
            <div class="foot"><button class="btn tall main" disabled={chosen.is_empty()}>{ "Begin" }</button></div>
        </form>
    }
}

#[component]
fn Asking(props: &InterviewProps) -> Html {
    let lab = use_lab();
    let Place::Asking { number, of, concept, says, asked, sure, showing } = &props.interview.place else {
        return Html::default();
    };
    let back = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.back_to_my_run())
    };
    let go_on = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.go_on())
    };
    let over = asked.locked || asked.error.is_some();
    let next = match (says.is_none(), number == of) {
        (true, _) => "Follow-up",
        (false, false) => "Next question",
        (false, true) => "See how it went",
    };
    html! {
        <>
            <div class="body">
                <p class="over" role="status">{ format!("Question {number} of {of}{}", if says.is_some() { ", follow-up" } else { "" }) }</p>
                <h1>{ concept }</h1>
                if *showing {
                    <section class="showing" role="status">
                        <p>{ "You are watching the answer on a branch of its own." }</p>
                        <button class="btn" onclick={back}>{ "Back to my run" }</button>
                    </section>
                }
                if let Some(says) = says { <h2 class="step">{ crate::lesson::filled(says) }</h2> }
                <QuestionForm asked={asked.clone()} sure={Some(*sure)} />
            </div>
            <div class="foot">
                <button class={classes!("btn", "tall", over.then_some("main"))} onclick={go_on}>{ if over { next } else { "Skip question" } }</button>
            </div>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct DoneProps {
    answers: Vec<Answer>,
}

/// A map of what is known and what is not: no mark.
#[component]
fn Done(props: &DoneProps) -> Html {
    let lab = use_lab();
    let again = Callback::from(move |_: MouseEvent| lab.another_interview());
    let mut concepts: Vec<&String> = props.answers.iter().map(|answer| &answer.concept).collect();
    concepts.sort();
    concepts.dedup();
    let mut rows: Vec<(u32, &String, String, &str, String)> =
        concepts.into_iter().map(|c| skill(c, &props.answers)).collect();
    rows.sort_by_key(|(rank, ..)| *rank);
    html! {
        <>
            <div class="body">
                <p class="over">{ "Interview" }</p>
                <h1 role="status">{ "How it went" }</h1>
                if rows.is_empty() { <p class="text">{ "Nothing was answered." }</p> }
                <ul class="skills" aria-label="Skills">
                    { for rows.iter().map(|(rank, concept, count, says, lesson)| html! {
                        <li key={concept.to_string()} class={if *rank < 2 { "missed" } else { "" }}>
                            <b>{ concept }</b><span class="small dim">{ count }</span>
                            <span class="small">{ *says }{ " " }if *rank < 4 { <a href={format!("#lesson={lesson}")}>{ "to its lesson" }</a> }</span>
                        </li>
                    }) }
                </ul>
                <p class="small dim">{ "Kept in this browser only. What went wrong is asked first the next time, in another cluster." }</p>
            </div>
            <div class="foot"><button class="btn tall main" onclick={again}>{ "Once more" }</button></div>
        </>
    }
}

/// Rank (what to look at first), concept, counts, what it means, and the lesson to go to.
fn skill<'a>(concept: &'a String, answers: &[Answer]) -> (u32, &'a String, String, &'static str, String) {
    let of: Vec<&Answer> = answers.iter().filter(|answer| answer.concept == *concept).collect();
    let right = of.iter().filter(|answer| answer.right).count();
    let (rank, says) = match () {
        () if of.iter().any(|a| !a.right && a.sure) => (0, "Sure, and something else happened: look at this first."),
        () if right < of.len() => (1, "Not yet."),
        () if of.iter().any(|a| !a.sure) => (3, "Right, and more than you thought."),
        () => (4, "Yours."),
    };
    let lesson = of.first().map(|answer| answer.lesson.clone()).unwrap_or_default();
    (rank, concept, format!("{right} of {} right", of.len()), says, lesson)
}
