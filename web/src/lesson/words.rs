//! The words of a lesson as HTML, with their values.

use lab_lessons::{Inline, Variables, inline};
use yew::prelude::*;

/// One paragraph's content.
pub fn rich(text: &str, variables: &Variables) -> Html {
    filled(&variables.fill(text))
}

/// Text whose values are filled in already.
pub fn filled(text: &str) -> Html {
    inline(text)
        .into_iter()
        .map(|piece| match piece {
            Inline::Plain(text) => html! { { text } },
            Inline::Code(text) => html! { <code>{ text }</code> },
            Inline::Strong(text) => html! { <b>{ text }</b> },
        })
        .collect()
}
