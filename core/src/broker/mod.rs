//! A broker: what clients talk to. It observes the metadata quorum, holds replicas, and forwards what only the
//! controller may decide.

mod api_versions;
mod connections;

use std::sync::Arc;

use bytes::Bytes;

use self::connections::Connections;
pub use self::connections::Reply;
use crate::{
    config::NodeConfig,
    disk::Disk,
    id::ConnId,
    metadata::image::MetadataImage,
    node::StartError,
    seam::{Ctx, Input, Machine, Now, Output, Time},
    view::BrokerView,
    wire::{
        api::ApiKey,
        api_versions::ApiVersionsRequest,
        frame::{self, FrameError},
    },
};

#[derive(Clone, Debug)]
pub struct Broker {
    config: Arc<NodeConfig>,
    conns: Connections,
    image: MetadataImage,
}

impl Broker {
    /// Starts on a formatted data folder.
    ///
    /// # Errors
    /// When the folder is not this node's, or its disk cannot be read.
    pub fn start(mut config: NodeConfig, ctx: &mut Ctx<'_>) -> Result<Self, StartError> {
        crate::node::check_formatted(ctx.disk, &mut config)?;
        Ok(Self { config: Arc::new(config), conns: Connections::default(), image: MetadataImage::default() })
    }

    /// What this broker believes.
    pub fn view(&self, _disk: &dyn Disk, _now: Now) -> BrokerView {
        BrokerView { metadata_offset: self.image.offset(), ..Default::default() }
    }

    fn close(&mut self, ctx: &mut Ctx, conn: ConnId) {
        self.conns.closed(conn);
        ctx.out.push(Output::Close { conn });
    }

    fn work(&mut self, ctx: &mut Ctx) {
        while let Some((conn, bytes, cause)) = self.conns.next_frame() {
            ctx.out.because(cause);
            if self.handle_request(ctx, conn, &bytes).is_err() {
                self.close(ctx, conn);
            }
            self.conns.mute_if_busy(ctx, conn);
        }
    }

    fn handle_request(&mut self, ctx: &mut Ctx, conn: ConnId, frame: &Bytes) -> Result<(), FrameError> {
        let (head, body) = frame::parse_request(frame)?;
        let mut reply = Reply::new(conn, head, ctx.out.cause());
        match reply.api_key {
            ApiKey::ApiVersions => {
                let (version, response) = api_versions::answer(reply.version, &body, &self.image)?;
                reply.version = version;
                self.conns.answer::<ApiVersionsRequest>(ctx, &reply, &response);
            }
            // Being built.
            other => return Err(FrameError::UnknownApiKey(other.code())),
        }
        Ok(())
    }
}

impl Machine for Broker {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        match input {
            Input::Opened { conn, listener: Some(_), peer, principal } => {
                self.conns.opened(conn, peer, principal, ctx.now.mono);
            }
            Input::Frame { conn, bytes, cause } => {
                let max_bytes = self.config.socket_request_max_bytes as usize;
                if !self.conns.received(conn, bytes, cause, ctx.now.mono, max_bytes) {
                    self.close(ctx, conn);
                }
            }
            Input::Closed { conn } => self.conns.closed(conn),
            Input::Shutdown => ctx.out.push(Output::Exit),
            _ => {}
        }
        self.work(ctx);
    }

    fn deadline(&self) -> Option<Time> {
        None
    }
}
