//! A command line that takes the same words as `kafka-lab`.

use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

use crate::{context::use_lab, words};

#[derive(Clone, PartialEq)]
enum Line {
    Command(String),
    Said(String),
    Refused(String),
}

#[derive(Properties, PartialEq)]
pub struct TerminalProps {
    /// Takes the focus when it appears.
    #[prop_or(true)]
    pub focus: bool,
}

#[component]
pub fn Terminal(props: &TerminalProps) -> Html {
    let lab = use_lab();
    let lines = use_state(|| {
        vec![Line::Said(
            "Type a command: kill 1, stop 2, start 1, cut 1 2, heal, produce orders alice hello. help lists them all."
                .into(),
        )]
    });
    let (input, output) = (use_node_ref(), use_node_ref());
    {
        let input = input.clone();
        use_effect_with(props.focus, move |focus| {
            if !focus {
                return;
            }
            if let Some(input) = input.cast::<HtmlInputElement>() {
                let _ = input.focus();
            }
        });
    }
    {
        let output = output.clone();
        use_effect_with(lines.len(), move |_| {
            if let Some(output) = output.cast::<Element>() {
                output.set_scroll_top(output.scroll_height());
            }
        });
    }
    let onsubmit = {
        let (lines, input) = (lines.clone(), input.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(input) = input.cast::<HtmlInputElement>() else { return };
            let text = input.value();
            input.set_value("");
            let mut all = (*lines).clone();
            all.push(Line::Command(text.clone()));
            all.push(match text.trim() {
                "help" => Line::Said(words::HELP.into()),
                "play" => {
                    lab.play(true);
                    Line::Said("playing".into())
                }
                line => match words::parse(line).and_then(|action| lab.act(&action)) {
                    Ok(()) => Line::Said("done".into()),
                    Err(error) => Line::Refused(error),
                },
            });
            let surplus = all.len().saturating_sub(200);
            all.drain(..surplus);
            lines.set(all);
        })
    };
    html! {
        <div class="console" style="display:flex;flex-direction:column;flex:1;min-height:0">
            <div class="lines" ref={output} role="log" aria-label="Output" tabindex="0">
                { for lines.iter().enumerate().map(|(i, line)| match line {
                    Line::Command(text) => html! { <div key={i} class="cmd">{ format!("> {text}") }</div> },
                    Line::Said(text) => html! { <div key={i}>{ text }</div> },
                    Line::Refused(text) => html! { <div key={i} class="bad">{ text }</div> },
                }) }
            </div>
            <form {onsubmit}>
                <span class="mono" aria-hidden="true">{ ">" }</span>
                <input class="field" ref={input} aria-label="Command" autocomplete="off" spellcheck="false" />
                <button class="btn low">{ "Run" }</button>
            </form>
        </div>
    }
}
