//! `serve`: the page alone.

use tokio::{
    runtime::Builder,
    select,
    signal::unix::{SignalKind, signal},
};

use crate::{
    failure::{Outcome, While},
    http,
};

pub(super) fn run(address: &str) -> Outcome {
    let (listener, address) = http::bind(address)?;
    let runtime = Builder::new_current_thread().enable_all().build().doing(|| "cannot start an event loop".into())?;
    runtime.block_on(async {
        let mut term = signal(SignalKind::terminate()).doing(|| "cannot listen for signals".into())?;
        println!("ready http=http://{address}/");
        select! {
            result = http::serve(listener, None) => result,
            _ = term.recv() => Ok(()),
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })
}
