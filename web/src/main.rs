//! The page: a cluster drawn from views and events alone. It knows where they come from only in `backend`.
#![forbid(unsafe_code)]

mod app;
mod backend;
mod bridge;
mod charts;
mod console;
mod context;
mod hooks;
mod icon;
mod inspector;
mod keys;
mod lab;
mod lesson;
mod memory;
mod model;
mod pace;
mod phone;
mod quiz;
mod roving;
mod settings;
mod shell;
mod stage;
mod story;
mod timeline;
mod ui;
mod words;

fn main() {
    console_error_panic_hook::set_once();
    let document = web_sys::window().and_then(|window| window.document()).expect("a page has a document");
    let root = document.get_element_by_id("page").expect("index.html has an element for the page");
    yew::Renderer::<app::App>::with_root(root).render();
}
