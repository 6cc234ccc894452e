//! AlterConfigs (key 33) and IncrementalAlterConfigs (key 44, KIP-339): what a broker says itself to what concerns itself
//! or cannot be right, before the controller is asked for the rest (Kafka: `ConfigAdminManager`).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Broker, Reply};
use crate::{
    config::value,
    metadata::{
        alter_configs::{
            APPEND, AlterRequest, DELETE, Refusal, ResourceChange, ResourceResult, SET, SUBTRACT, changed_list,
            check_keys, repeated,
        },
        configs::Layers,
        dynamic_config,
        image::{ConfigResource, ResourceType},
    },
    seam::Ctx,
    wire::{error::ErrorCode, frame, records::Records},
};

const LOGGER: i8 = 8;

/// What was answered already: nothing for a resource that the controller has to be asked about.
pub type Answered = Vec<Option<ResourceResult>>;

impl Broker {
    pub(super) fn alter_configs<R: AlterRequest>(
        &mut self,
        ctx: &mut Ctx,
        reply: Reply,
        frame: &Bytes,
        body: Bytes,
        request: &R,
    ) {
        let changes = request.changes();
        let answered: Answered = self.preprocess(&changes, R::WHOLE, request.validate_only());
        for event in self.loggers.take_news() {
            ctx.out.note(|| event);
        }
        if answered.iter().all(Option::is_some) {
            let response = R::response(answered.into_iter().flatten().collect());
            return self.conns.answer::<R>(ctx, &reply, &response);
        }
        if answered.iter().all(Option::is_none) {
            return self.forward(ctx, reply, frame, body);
        }
        let wanted: Vec<bool> = answered.iter().map(Option::is_none).collect();
        let client = reply.client_id.clone().unwrap_or_default();
        let parts = frame::request_parts(reply.version, reply.correlation_id, &client, &request.only(&wanted));
        self.forward_some(ctx, reply, &Records::Parts(parts).bytes(), body, answered);
    }

    fn preprocess(&mut self, changes: &[ResourceChange], whole: bool, validate_only: bool) -> Answered {
        let repeated = repeated(changes);
        let mut answer = |change: &ResourceChange| {
            let result = if repeated.contains(&(change.kind, change.name.as_str())) {
                refuse("Each resource must appear at most once.")
            } else {
                check_keys(change).and_then(|()| match (change.kind, ResourceType::from_code(change.kind)) {
                    (LOGGER, _) if !whole => {
                        let id = self.config.node_id;
                        self.loggers.change(id, &change.name, &change.keys, validate_only).map(|()| true)
                    }
                    (_, Some(ResourceType::Broker)) => self.check_broker(change).map(|()| false),
                    (_, Some(_)) => Ok(false),
                    (kind, None) => refuse(&format!("Unknown resource type {kind}")),
                })
            };
            match result {
                Ok(false) => None,
                Ok(true) => Some(ResourceResult::new(change, Ok(()))),
                Err(refusal) => Some(ResourceResult::new(change, Err(refusal))),
            }
        };
        changes.iter().map(&mut answer).collect()
    }

    /// Kafka: `ConfigAdminManager.validateBrokerConfigChange`.
    fn check_broker(&self, change: &ResourceChange) -> Result<(), Refusal> {
        let per_broker = !change.name.is_empty();
        if per_broker {
            match value::int(&change.name) {
                None => return refuse(&format!("Node id must be an integer, but it is: {}", change.name)),
                Some(id) if id != self.config.node_id.0 => {
                    let id = self.config.node_id;
                    return refuse(&format!("Unexpected broker id, expected {id}, but received {}", change.name));
                }
                Some(_) => {}
            }
        }
        let resource = ConfigResource { kind: ResourceType::Broker, name: change.name.clone() };
        let mut proposed: BTreeMap<String, String> = BTreeMap::new();
        proposed.clone_from(self.image.all_configs(&resource));
        if let Some(unknown) = change.keys.iter().find(|key| !(SET..=SUBTRACT).contains(&key.operation)) {
            return refuse(&format!("Unknown operations type {}", unknown.operation));
        }
        for key in &change.keys {
            let asked = key.value.as_deref().unwrap_or_default();
            let value = match key.operation {
                DELETE => {
                    proposed.remove(&key.name);
                    continue;
                }
                APPEND | SUBTRACT => {
                    let what = if key.operation == APPEND { "append" } else { "subtract" };
                    let before = dynamic_config::list_before(&proposed, &key.name, what)?;
                    changed_list(before, key.operation, asked)
                }
                _ => asked.to_owned(),
            };
            proposed.insert(key.name.clone(), value);
        }
        let layers = Layers::of(&self.image, &self.config);
        dynamic_config::check(&layers, &proposed, per_broker).or_else(|why| refuse(&why))
    }
}

fn refuse<T>(why: &str) -> Result<T, Refusal> {
    Err((ErrorCode::InvalidRequest, Some(why.to_owned())))
}

/// In the order of the request, what the broker said itself and what the controller said to the rest.
pub(super) fn merged<R: AlterRequest>(
    changes: &[ResourceChange],
    answered: Answered,
    rest: Vec<ResourceResult>,
) -> R::Response {
    let mut rest: BTreeMap<(i8, String), ResourceResult> =
        rest.into_iter().map(|result| ((result.kind, result.name.clone()), result)).collect();
    let missing = |change: &ResourceChange| ResourceResult::new(change, Err((ErrorCode::UnknownServerError, None)));
    let one = |(change, answered): (&ResourceChange, Option<ResourceResult>)| {
        let of_controller = || rest.remove(&(change.kind, change.name.clone()));
        answered.or_else(of_controller).unwrap_or_else(|| missing(change))
    };
    R::response(changes.iter().zip(answered).map(one).collect())
}
