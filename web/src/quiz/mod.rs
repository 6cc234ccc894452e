//! A question about the cluster on screen: choose, lock in, see what happened, why each option is right or wrong.

mod interview;

use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

pub use interview::InterviewPane;

use crate::{context::use_lab, lab::Asked};

#[derive(Properties, PartialEq)]
pub struct QuestionFormProps {
    pub asked: Asked,
    /// An interview also asks how sure one is; the answer to that, once there is one.
    #[prop_or_default]
    pub sure: Option<Option<bool>>,
}

/// Whether what happened was what was answered, and to which cluster.
fn verdict(asked: &Asked) -> &'static str {
    match (asked.is_right(), asked.instead.is_some()) {
        (true, false) => " The fork of your cluster did the same.",
        (false, false) => " The fork of your cluster did something else: read why, or watch it.",
        (true, true) => " The simulated cluster did the same.",
        (false, true) => " The simulated cluster did something else: read why, or watch it.",
    }
}

#[component]
pub fn QuestionForm(props: &QuestionFormProps) -> Html {
    let lab = use_lab();
    let asked = &props.asked;
    let question = &asked.question;
    let onsubmit = {
        let lab = lab.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            lab.lock_in();
        })
    };
    let show = {
        let lab = lab.clone();
        Callback::from(move |_: MouseEvent| lab.show_me())
    };
    let next = use_node_ref();
    {
        // Lock in is gone: the focus goes on to what follows, and with it the view.
        let next = next.clone();
        use_effect_with(asked.locked, move |locked| {
            if let Some(next) = next.cast::<HtmlElement>().filter(|_| *locked) {
                let _ = next.focus();
                next.scroll_into_view_with_bool(false);
            }
        });
    }
    if let Some(error) = &asked.error {
        return html! { <p class="small" role="status">{ format!("This question cannot be asked now: {error}") }</p> };
    }
    let many = question.many;
    let options = question.options.iter().enumerate().map(|(i, option)| {
        let lab = lab.clone();
        let chosen = asked.chosen.contains(&i);
        let onchange = Callback::from(move |event: Event| {
            // The box itself is drawn from the state, so that both always agree.
            let _ = event.target_dyn_into::<HtmlInputElement>();
            lab.choose_option(i, many);
        });
        let class = match (asked.locked, option.right, chosen) {
            (true, true, _) => "option happened",
            (true, false, true) => "option missed",
            _ => "option",
        };
        html! {
            <label key={option.name.clone()} {class}>
                <input type={if many { "checkbox" } else { "radio" }} name="answer" checked={chosen} disabled={asked.locked} {onchange} />
                <span class="what">{ crate::lesson::filled(&option.text) }</span>
                if asked.locked {
                    <span class="verdict">{ match (option.right, chosen) { (true, _) => "this happened", (false, true) => "your answer", _ => "" } }</span>
                    <span class="because">{ crate::lesson::filled(&option.why) }</span>
                }
            </label>
        }
    });
    html! {
        <form class="question" aria-label="Question" {onsubmit}>
            // The verdict stands where the eye goes back to, and not below what has grown.
            if asked.locked {
                <p class={classes!("result", if asked.is_right() { "right" } else { "wrong" })} role="status">
                    <b>{ if asked.is_right() { "Right." } else { "Not this time." } }</b>
                    { verdict(asked) }
                </p>
                if let Some(instead) = &asked.instead { <a class="btn main" href={instead.link.clone()} target="_blank" ref={next}>{ "Watch it in the simulator" }</a> }
                else if !question.reveal.actions.is_empty() || question.reveal.then_ms > 0 { <button type="button" class="btn main" onclick={show} ref={next}>{ "Show me" }</button> }
                else { <button type="button" class="btn" disabled=true title="Nothing had to be done to find out">{ "Show me" }</button> }
            }
            <fieldset class="choices">
                <legend>{ crate::lesson::filled(&question.stem) }</legend>
                if let Some(instead) = &asked.instead { <p class="small dim" style="margin:4px 0 8px">{ &instead.says }</p> }
                if many { <p class="small dim">{ "More than one may be right." }</p> }
                { for options }
            </fieldset>
            if let Some(sure) = props.sure {
                <fieldset class="sure" disabled={asked.locked}>
                    <legend>{ "How sure are you?" }</legend>
                    { for [(true, "Sure"), (false, "Not sure")].into_iter().map(|(value, name)| {
                        let lab = lab.clone();
                        let onchange = Callback::from(move |_: Event| lab.say_sure(value));
                        html! { <label key={name} class="option"><input type="radio" name="sure" checked={sure == Some(value)} {onchange} /><span class="what">{ name }</span></label> }
                    }) }
                </fieldset>
            }
            if !asked.locked {
                <button class="btn main" disabled={asked.chosen.is_empty() || props.sure == Some(None)}>{ "Lock in" }</button>
            }
        </form>
    }
}
