//! Creates topics: the one thing that a scenario asks of a cluster before its clients begin.

use super::AdminConfig;
use crate::seam::{Ctx, Input, Machine, Time};

#[derive(Clone, Debug)]
pub struct Admin {
    #[expect(dead_code)]
    config: AdminConfig,
}

impl Admin {
    pub fn start(config: AdminConfig, _ctx: &mut Ctx<'_>) -> Self {
        Self { config }
    }
}

impl Machine for Admin {
    fn handle(&mut self, _ctx: &mut Ctx<'_>, _input: Input) {
        unimplemented!("lands next")
    }

    fn deadline(&self) -> Option<Time> {
        None
    }
}
