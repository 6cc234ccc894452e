//! Hooks that hold a browser resource and give it back: frames, media queries, the window's width,
//! an element's height, keys.

use std::{cell::RefCell, rc::Rc};

use gloo::events::{EventListener, EventListenerOptions};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, ResizeObserver};
use yew::prelude::*;

/// A tab that was hidden comes back with one long frame; nobody wants to watch a minute in one step.
const LONGEST_FRAME_MS: f64 = 250.0;

type FrameClosure = Rc<RefCell<Option<Closure<dyn FnMut(f64)>>>>;

/// Calls `on_frame` with the milliseconds since the last frame, while `running`. Not running means no frames at all.
#[hook]
pub fn use_animation_frame(running: bool, on_frame: Callback<f64>) {
    use_effect_with((running, on_frame), |(running, on_frame)| {
        let handle = Rc::new(RefCell::new(None::<i32>));
        let closure: FrameClosure = Rc::default();
        if *running {
            let (again, next, on_frame) = (Rc::clone(&closure), Rc::clone(&handle), on_frame.clone());
            let mut last = None::<f64>;
            *closure.borrow_mut() = Some(Closure::new(move |now: f64| {
                let elapsed = last.map_or(0.0, |last| now - last).clamp(0.0, LONGEST_FRAME_MS);
                last = Some(now);
                *next.borrow_mut() = request(&again);
                on_frame.emit(elapsed);
            }));
            *handle.borrow_mut() = request(&closure);
        }
        move || {
            if let (Some(id), Some(window)) = (handle.borrow_mut().take(), web_sys::window()) {
                let _ = window.cancel_animation_frame(id);
            }
            // Dropped on the next turn: this may run inside the closure itself.
            gloo::timers::callback::Timeout::new(0, move || drop(closure.borrow_mut().take())).forget();
        }
    });
}

fn request(closure: &FrameClosure) -> Option<i32> {
    let closure = closure.borrow();
    web_sys::window()?.request_animation_frame(closure.as_ref()?.as_ref().unchecked_ref()).ok()
}

/// Width of the window in CSS pixels.
#[hook]
pub fn use_window_width() -> f64 {
    let width = use_state(window_width);
    {
        let width = width.clone();
        use_effect_with((), move |()| {
            let window = web_sys::window().expect("a page has a window");
            let listener = EventListener::new(&window, "resize", move |_| width.set(window_width()));
            move || drop(listener)
        });
    }
    *width
}

fn window_width() -> f64 {
    let width = web_sys::window().and_then(|window| window.inner_width().ok());
    width.and_then(|width| width.as_f64()).unwrap_or(1440.0)
}

/// Height of an element in CSS pixels, as it changes.
#[hook]
pub fn use_height(node: &NodeRef) -> f64 {
    // Until it is there: what a large window leaves.
    let height = use_state(|| 600.0);
    {
        let (height, node) = (height.setter(), node.clone());
        use_effect_with((), move |()| {
            let element = node.cast::<Element>();
            let read = {
                let element = element.clone();
                Closure::<dyn Fn()>::new(move || {
                    if let Some(element) = &element {
                        height.set(f64::from(element.client_height()));
                    }
                })
            };
            let observer = ResizeObserver::new(read.as_ref().unchecked_ref()).ok();
            if let (Some(observer), Some(element)) = (&observer, &element) {
                observer.observe(element);
            }
            move || {
                if let Some(observer) = observer {
                    observer.disconnect();
                }
                drop(read);
            }
        });
    }
    *height
}

/// Calls `on_key` for every key pressed anywhere in the page.
#[hook]
pub fn use_keys(on_key: Callback<KeyboardEvent>) {
    use_effect_with(on_key, |on_key| {
        let on_key = on_key.clone();
        let window = web_sys::window().expect("a page has a window");
        let options = EventListenerOptions::enable_prevent_default();
        let listener = EventListener::new_with_options(&window, "keydown", options, move |event| {
            if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
                on_key.emit(event.clone());
            }
        });
        move || drop(listener)
    });
}
