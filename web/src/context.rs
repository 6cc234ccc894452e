//! The two handles every component may use: the cluster and what is being looked at.

use yew::prelude::*;

use crate::{
    lab::Lab,
    ui::{Choose, UiDispatcher},
};

#[derive(Clone, PartialEq)]
pub struct Handles {
    pub lab: Lab,
    pub choose: UiDispatcher,
}

#[hook]
pub fn use_lab() -> Lab {
    use_context::<Handles>().expect("App provides the handles").lab
}

#[hook]
pub fn use_choose() -> UiDispatcher {
    use_context::<Handles>().expect("App provides the handles").choose
}

/// A click that chooses something, stable between renders.
#[hook]
pub fn use_click<F: Fn() -> Choose + 'static>(choice: F) -> Callback<MouseEvent> {
    let choose = use_choose();
    Callback::from(move |_| choose.dispatch(choice()))
}
