//! SIGINT and SIGTERM end a run in order: what waits gives up, and whoever holds nodes or programs ends them as it goes
//! out of scope. A second signal ends the process at once.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Result, ensure};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// As a shell says of a process that SIGINT ended.
const STATUS: i32 = 130;

static CAME: LazyLock<Arc<AtomicBool>> = LazyLock::new(Default::default);

/// From now on signals do not end the process by themselves.
pub fn listen() -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag not yet set.
        flag::register_conditional_shutdown(signal, STATUS, CAME.clone())?;
        flag::register(signal, CAME.clone())?;
    }
    Ok(())
}

pub fn came() -> bool {
    CAME.load(Ordering::SeqCst)
}

/// An error once a signal has come.
pub fn check() -> Result<()> {
    ensure!(!came(), "interrupted");
    Ok(())
}
