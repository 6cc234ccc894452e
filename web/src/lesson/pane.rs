//! A lesson beside its cluster: where you are, what to do, what is reached, what it meant.

use std::rc::Rc;

use lab_lessons::{GoalState, Lesson, Line};
use yew::prelude::*;

use super::{
    box_mark,
    words::{filled, rich},
};
use crate::{context::use_lab, icon::Icon, lab::CourseView, memory::Memory, quiz::QuestionForm};

#[derive(Properties, PartialEq)]
pub struct PaneProps {
    pub course: Rc<CourseView>,
}

#[component]
pub fn Pane(props: &PaneProps) -> Html {
    let lab = use_lab();
    let course = &props.course;
    let lesson = lab.lesson();
    let step = lesson.as_ref().and_then(|lesson| lesson.steps.get(course.step));
    let (Some(lesson), Some(step)) = (&lesson, step) else { return Html::default() };
    let key = format!("step.{}", step.name);
    let variables = &course.variables;
    let last = course.step + 1 == course.steps;
    let go = |to: usize| {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.go_to_step(to))
    };
    let hint = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.hint())
    };
    let back = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.back_to_my_run())
    };
    let offers = course.offers.iter().map(|(label, line)| {
        let (lab, line) = (lab.clone(), line.clone());
        let onclick = Callback::from(move |_: MouseEvent| match &line {
            Ok(lines) => lines.iter().for_each(|line| {
                if let Line::Act(action) = line {
                    lab.wish(action);
                }
            }),
            Err(why) => lab.say(why.clone()),
        });
        html! { <button key={label.clone()} class="btn" {onclick}>{ label }</button> }
    });
    html! {
        <aside class="lesson course" aria-label="Lesson">
            <div class="body">
                <p class="over">{ format!("Lesson {}, step {} of {}", course.number, course.step + 1, course.steps) }</p>
                <h1>{ &course.title }</h1>
                <div class="dots" aria-hidden="true">{ for (0..course.steps).map(|i| html! { <i key={i} class={if i == course.step { "now" } else if i < course.step { "past" } else { "" }}></i> }) }</div>
                if course.showing {
                    <section class="showing" role="status">
                        <p>{ "You are watching the answer on a branch of its own. Your run waits where you left it." }</p>
                        <button class="btn" onclick={back}>{ "Back to my run" }</button>
                    </section>
                }
                <h2 class="step">{ rich(lesson.words.heading(&key), variables) }</h2>
                { for lesson.words.paragraphs(&key).iter().map(|p| html! { <p class="text">{ rich(p, variables) }</p> }) }
                if lab.is_live() { <p class="small dim" style="margin-top:8px">{ "These are real processes, in real time: where a text says Play, only wait." }</p> }
                if !course.offers.is_empty() { <p class="offers">{ for offers }</p> }
                if let Some(asked) = &course.asked { <QuestionForm asked={asked.clone()} /> }
                <section>
                    <h2>{ "Goals" }</h2>
                    <Goals goals={course.goals.clone()} labels={course.goals.iter().map(|g| variables.fill(lesson.words.heading(&format!("goal.{}", g.name)))).collect::<Vec<_>>()} />
                    if !course.hints.is_empty() {
                        <ol class="hints" aria-label="Hints">{ for course.hints.iter().map(|hint| html! { <li>{ filled(hint) }</li> }) }</ol>
                    }
                </section>
                if course.passed {
                    <section class="passed">
                        <h2 role="status"><Icon name="check" />{ rich(lesson.words.heading("done"), variables) }</h2>
                        { for lesson.words.paragraphs("done").iter().map(|p| html! { <p class="text">{ rich(p, variables) }</p> }) }
                        <Questions names={lesson.quizzes.iter().map(|q| (q.name.clone(), q.concept.clone())).collect::<Vec<_>>()} />
                    </section>
                }
                <section class="aside">
                    { for ["simplified", "for-real"].iter().map(|key| html! {
                        <details key={*key}><summary>{ lesson.words.heading(key) }</summary>
                            { for lesson.words.paragraphs(key).iter().map(|p| html! { <p>{ rich(p, variables) }</p> }) }
                            if *key == "for-real" && lesson.native && !lab.is_live() {
                                <p><a href={format!("#live&lesson={}", lesson.name)}>{ "This lesson on the running cluster" }</a></p>
                            }
                        </details>
                    }) }
                    <details><summary>{ "Sources" }</summary><ul class="plain">{ for lesson.sources.iter().map(|s| html! { <li>{ s }</li> }) }</ul></details>
                </section>
            </div>
            <div class="foot">
                if last && course.passed { <NextLesson number={course.number} /> }
                if !last { <button class={classes!("btn", "tall", course.step_done.then_some("main"))} onclick={go(course.step + 1)}>{ if course.step_done { "Next step" } else { "Skip step" } }</button> }
                if course.step > 0 { <button class="btn quiet tall" onclick={go(course.step - 1)}>{ "Back" }</button> }
                if !course.passed { <button class="btn quiet tall" data-press="Hint" onclick={hint}>{ "Hint" }</button> }
                <span class="small dim push" role="status">{ if course.step_done && !last { "done" } else { "" } }</span>
            </div>
        </aside>
    }
}

#[derive(Properties, PartialEq)]
struct GoalsProps {
    goals: Vec<GoalState>,
    labels: Vec<String>,
}

#[component]
fn Goals(props: &GoalsProps) -> Html {
    html! {
        <ul class="steps" aria-label="Goals">
            { for props.goals.iter().zip(&props.labels).map(|(goal, label)| html! {
                <li key={goal.name.clone()} data-met={if goal.met { "true" } else { "false" }}>
                    { box_mark(goal.met) }<span>{ filled(label) }<span class="hide">{ if goal.met { ", met" } else { ", not yet" } }</span></span>
                </li>
            }) }
        </ul>
    }
}

#[derive(Properties, PartialEq)]
struct QuestionsProps {
    names: Vec<(String, String)>,
}

/// The lesson's questions about the cluster as it is now, with other numbers each time.
#[component]
fn Questions(props: &QuestionsProps) -> Html {
    let lab = use_lab();
    html! {
        <div class="offers"><span class="small dim">{ "Ask me about" }</span>
            { for props.names.iter().map(|(name, concept)| {
                let (lab, name) = (lab.clone(), name.clone());
                let onclick = Callback::from(move |_: MouseEvent| lab.ask(&name));
                html! { <button key={concept.clone()} class="btn low" {onclick}>{ concept }</button> }
            }) }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct NextProps {
    number: u32,
}

#[component]
fn NextLesson(props: &NextProps) -> Html {
    let next = use_memo(props.number, |number| {
        lab_lessons::lessons().into_iter().find(|l| l.number > *number).map(|l| (l.name, l.number, l.words.title))
    });
    match &*next {
        Some((name, number, title)) => {
            html! { <a class="btn tall main" href={format!("#lesson={name}")}>{ format!("Next: {number} {title}") }</a> }
        }
        None => html! { <a class="btn tall main" href="#interview">{ "Now be asked" }</a> },
    }
}

/// The lesson to take next and the interview, for the page's navigation.
#[component]
pub fn LessonLinks() -> Html {
    let next = use_memo((), |()| {
        let memory = Memory::load();
        let taken = |lesson: &Lesson| memory.lessons.get(&lesson.name).copied().unwrap_or_default();
        let next = lab_lessons::lessons().into_iter().find(|lesson| !taken(lesson).passed)?;
        let word = if memory.lessons.is_empty() { "begin" } else { "next" };
        Some((next.name.clone(), format!("{word}: {}", next.words.title)))
    });
    html! {
        <>
            if let Some((name, title)) = &*next { <a href={format!("#lesson={name}")} class="small">{ title }</a> }
            <a href="#interview" class="small">{ "interview" }</a>
        </>
    }
}

/// Every lesson with its number and length, and how far it was taken.
#[component]
pub fn LessonList() -> Html {
    let lessons = use_memo((), |()| {
        let memory = Memory::load();
        let row = |lesson: Lesson| {
            let state = match memory.lessons.get(&lesson.name) {
                Some(taken) if taken.passed => "done".to_owned(),
                Some(taken) if taken.step > 0 => format!("step {} of {}", taken.step + 1, lesson.steps.len()),
                _ => format!("{} min", lesson.minutes),
            };
            (lesson.name, lesson.number, lesson.words.title, state)
        };
        lab_lessons::lessons().into_iter().map(row).collect::<Vec<_>>()
    });
    html! {
        <ul class="lessons" aria-label="All lessons">
            { for lessons.iter().map(|(name, number, title, state)| html! {
                <li key={name.clone()}><a href={format!("#lesson={name}")}><span class="n">{ number }</span>{ title }</a><span class="small dim">{ state }</span></li>
            }) }
            <li key="interview"><a href="#interview"><span class="n">{ "?" }</span>{ "Interview" }</a><span class="small dim">{ "12 min" }</span></li>
        </ul>
    }
}
