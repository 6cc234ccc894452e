//! What the page remembers between visits: one object in local storage, read and written here only.

use gloo::storage::{LocalStorage, Storage};
use serde::{Deserialize, Serialize};

/// index.html reads the theme from the same key before the first paint.
const KEY: &str = "kafka-lab.settings";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub fn name(self) -> &'static str {
        match self {
            Self::System => "follows the system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub theme: Theme,
    /// Single-key shortcuts (WCAG 2.1.4 wants an off switch).
    pub shortcuts: bool,
    /// No travelling messages, whatever the system says.
    pub less_motion: bool,
    pub tour_step: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { theme: Theme::System, shortcuts: true, less_motion: false, tour_step: 0 }
    }
}

impl Settings {
    pub fn load() -> Self {
        LocalStorage::get(KEY).unwrap_or_default()
    }

    /// A browser that refuses storage still shows the page.
    pub fn store(&self) {
        let _ = LocalStorage::set(KEY, self);
    }

    /// Writes theme and motion where the styles read them.
    pub fn apply(&self) {
        let Some(window) = web_sys::window() else { return };
        let matches = |query: &str| window.match_media(query).ok().flatten().is_some_and(|m| m.matches());
        let dark = match self.theme {
            Theme::System => matches("(prefers-color-scheme: dark)"),
            Theme::Light => false,
            Theme::Dark => true,
        };
        let less = self.less_motion || matches("(prefers-reduced-motion: reduce)");
        if let Some(root) = window.document().and_then(|document| document.document_element()) {
            let _ = root.set_attribute("data-theme", if dark { "dark" } else { "light" });
            let _ = root.set_attribute("data-motion", if less { "less" } else { "full" });
        }
    }
}

/// Messages jump instead of travelling.
pub fn less_motion() -> bool {
    let root = web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
    root.and_then(|root| root.get_attribute("data-motion")).as_deref() == Some("less")
}
