//! Around the cluster: the top bar, the dialogs, and the voice for who does not see the page.

mod announcer;
mod dialogs;
mod topbar;

pub use announcer::Announcer;
pub use dialogs::Dialogs;
pub use topbar::{TopBar, share};
