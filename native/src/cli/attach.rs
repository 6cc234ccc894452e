//! `attach`: the page over a cluster that somebody else runs.

use clap::Args;
use tokio::{
    runtime::Builder,
    select,
    signal::unix::{SignalKind, signal},
};

use crate::{
    attach::Attached,
    failure::{Outcome, While},
    http,
};

#[derive(Debug, Args)]
pub(super) struct AttachArgs {
    /// Brokers of the cluster; one that answers is enough
    #[arg(long, value_name = "HOST:PORT,...")]
    bootstrap: String,
    /// Address of the page
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    http: String,
}

pub(super) fn run(args: &AttachArgs) -> Outcome {
    let (listener, address) = http::bind(&args.http)?;
    let (attached, handle) = Attached::new(&args.bootstrap)?;
    let seen = handle.view.borrow().headline().len();
    println!("cluster {} at {}: {seen} partitions", handle.cluster_id, handle.bootstrap);
    println!("page http://{address}/#live");
    let runtime = Builder::new_current_thread().enable_all().build().doing(|| "cannot start an event loop".into())?;
    let result = runtime.block_on(async {
        let mut term = signal(SignalKind::terminate()).doing(|| "cannot listen for signals".into())?;
        println!("ready http=http://{address}/");
        select! {
            result = http::serve(listener, Some(handle)) => result,
            result = attached.run() => result,
            _ = term.recv() => Ok(()),
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    });
    // Somebody may still be waited for, who does not answer.
    runtime.shutdown_background();
    result
}
