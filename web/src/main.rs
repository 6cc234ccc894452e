//! The page.
#![forbid(unsafe_code)]
use yew::prelude::*;
#[component]
fn App() -> Html { html! { <p>{ "hi" }</p> } }
fn main() { yew::Renderer::<App>::new().render(); }
