//! The hash of a world: everything that machines were told and asked for.

use super::World;
use crate::{
    seam::{Input, Output, Part},
    sim::network::NodeIndex,
};

impl World {
    pub(super) fn fold_input(&mut self, ix: NodeIndex, input: &Input) {
        let node = self.nodes[ix].id.0 as u64;
        let at = self.now.0;
        let hash = &mut self.hash;
        let mut words = |words: &[u64]| words.iter().for_each(|&w| hash.word(w));
        words(&[at, node]);
        match input {
            Input::Wake => words(&[1]),
            Input::Opened { conn, listener, peer, .. } => {
                words(&[2, conn.0, listener.map_or(0, |l| l as u64 + 1)]);
                hash.bytes(peer.as_bytes());
            }
            // The bytes were folded when they were sent.
            Input::Frame { conn, bytes, .. } => words(&[3, conn.0, bytes.len() as u64]),
            Input::Writable { conn } => words(&[4, conn.0]),
            Input::Closed { conn } => words(&[5, conn.0]),
            Input::Synced { token, result } => words(&[6, token.0, result.is_ok().into()]),
            Input::JobDone { token, .. } => words(&[7, token.0]),
            Input::Shutdown => words(&[8]),
            Input::Command(_) => words(&[9]),
        }
    }

    pub(super) fn fold_output(&mut self, output: &Output) {
        let hash = &mut self.hash;
        let mut words = |words: &[u64]| words.iter().for_each(|&w| hash.word(w));
        match output {
            Output::Open { conn, to } => {
                words(&[1, conn.0, to.port.into()]);
                hash.bytes(to.host.as_bytes());
            }
            Output::Close { conn } => words(&[2, conn.0]),
            Output::Send { conn, parts, .. } => {
                words(&[3, conn.0]);
                for part in parts {
                    match part {
                        Part::Bytes(bytes) => hash.bytes(bytes),
                        Part::File(slice) => {
                            hash.word(slice.position);
                            hash.word(slice.len.into());
                        }
                    }
                }
            }
            Output::Mute { conn } => words(&[4, conn.0]),
            Output::Unmute { conn } => words(&[5, conn.0]),
            Output::Sync { token, .. } => words(&[6, token.0]),
            Output::Job { token, .. } => words(&[7, token.0]),
            Output::Identified { conn, peer } => words(&[8, conn.0, peer.0 as u64]),
            Output::Exit => words(&[9]),
            Output::Listen => words(&[10]),
            Output::Trace { .. } => {}
        }
    }
}
