//! AddRaftVoter, RemoveRaftVoter and UpdateRaftVoter (keys 80, 81, 82; KIP-853). The quorum of the lab is static, at
//! kraft.version 0, and a request to change its voters is refused as Kafka refuses it at that level
//! (`AddVoterHandler`, `RemoveVoterHandler`, `UpdateVoterHandler`; `KafkaRaftClient`). A voter of such a quorum may say
//! again where it is, which changes nothing.

use bytes::Bytes;

use super::{Controller, reply::ReplyTo};
use crate::{
    id::{NodeId, Uuid},
    seam::{Ctx, Part},
    wire::{
        add_raft_voter::{AddRaftVoterRequest, AddRaftVoterResponse},
        api::{ApiKey, Request},
        error::ErrorCode,
        frame::{decode_body, response_parts},
        remove_raft_voter::{RemoveRaftVoterRequest, RemoveRaftVoterResponse},
        update_raft_voter::{CurrentLeader, UpdateRaftVoterRequest, UpdateRaftVoterResponse},
    },
};

/// The listener that a voter must give an address for.
const LISTENER: &str = "CONTROLLER";

type Refusal = (ErrorCode, String);

/// What is said of it where nobody could be asked.
pub(super) fn addition_refused(version: i16, correlation_id: i32, _: &Bytes, error: ErrorCode) -> Option<Vec<Part>> {
    let response = AddRaftVoterResponse { error_code: error.code(), error_message: None, ..Default::default() };
    Some(response_parts::<AddRaftVoterRequest>(version, correlation_id, &response))
}

/// What is said of it where nobody could be asked.
pub(super) fn removal_refused(version: i16, correlation_id: i32, _: &Bytes, error: ErrorCode) -> Option<Vec<Part>> {
    let response = RemoveRaftVoterResponse { error_code: error.code(), error_message: None, ..Default::default() };
    Some(response_parts::<RemoveRaftVoterRequest>(version, correlation_id, &response))
}

impl Controller {
    /// `None`: the request cannot be read.
    pub(super) fn change_voters(&mut self, ctx: &mut Ctx<'_>, to: &ReplyTo, key: ApiKey, body: &Bytes) -> Option<()> {
        match key {
            ApiKey::AddRaftVoter => {
                let request: AddRaftVoterRequest = decode_body(to.version, body).ok()?;
                let (error, message) = self.refuse_addition(&request);
                let response = AddRaftVoterResponse {
                    error_code: error.code(),
                    error_message: Some(message),
                    ..Default::default()
                };
                self.answer_voters::<AddRaftVoterRequest>(ctx, to, error, &response);
            }
            ApiKey::RemoveRaftVoter => {
                let request: RemoveRaftVoterRequest = decode_body(to.version, body).ok()?;
                let (error, message) = self.refuse_removal(&request);
                let response = RemoveRaftVoterResponse {
                    error_code: error.code(),
                    error_message: Some(message),
                    ..Default::default()
                };
                self.answer_voters::<RemoveRaftVoterRequest>(ctx, to, error, &response);
            }
            _ => {
                let request: UpdateRaftVoterRequest = decode_body(to.version, body).ok()?;
                let error_code = self.check_update(&request).err().unwrap_or(ErrorCode::None).code();
                let current_leader = self.current_leader();
                let response = UpdateRaftVoterResponse { error_code, current_leader, ..Default::default() };
                to.send(ctx, to.frame::<UpdateRaftVoterRequest>(&response));
            }
        }
        Some(())
    }

    /// A broker that forwarded the request looks for the leader itself.
    fn answer_voters<R: Request>(&self, ctx: &mut Ctx<'_>, to: &ReplyTo, error: ErrorCode, response: &R::Response) {
        let frame = match error {
            ErrorCode::NotLeaderOrFollower => to.frame_not_controller::<R>(response),
            _ => to.frame::<R>(response),
        };
        to.send(ctx, frame);
    }

    fn refuse_addition(&self, request: &AddRaftVoterRequest) -> Refusal {
        if let Err(refusal) = self.check_asker(request.cluster_id.as_deref()) {
            return refusal;
        }
        if !is_voter_key(request.voter_id, request.voter_directory_id) {
            return (ErrorCode::InvalidRequest, "Add voter request didn't include a valid voter".into());
        }
        if !request.listeners.iter().any(|l| l.name == LISTENER) {
            let endpoint = |l: &crate::wire::add_raft_voter::Listener| {
                format!("ListenerName({})={}/<unresolved>:{}", l.name, l.host, l.port)
            };
            let endpoints: Vec<String> = request.listeners.iter().map(endpoint).collect();
            let message = format!(
                "Add voter request didn't include the endpoint (Endpoints(endpoints={{{}}})) for the default listener \
                 ListenerName({LISTENER})",
                endpoints.join(", ")
            );
            return (ErrorCode::InvalidRequest, message);
        }
        let message = "Cluster doesn't support adding voter because the kraft.version feature is 0";
        (ErrorCode::UnsupportedVersion, message.into())
    }

    fn refuse_removal(&self, request: &RemoveRaftVoterRequest) -> Refusal {
        if let Err(refusal) = self.check_asker(request.cluster_id.as_deref()) {
            return refusal;
        }
        if !is_voter_key(request.voter_id, request.voter_directory_id) {
            return (ErrorCode::InvalidRequest, "Remove voter request didn't include a valid voter".into());
        }
        let message = "Cluster doesn't support removing voter because the kraft.version feature is 0";
        (ErrorCode::UnsupportedVersion, message.into())
    }

    fn check_asker(&self, cluster_id: Option<&str>) -> Result<(), Refusal> {
        self.check_cluster(cluster_id)?;
        if self.raft.is_leader() { Ok(()) } else { Err((ErrorCode::NotLeaderOrFollower, String::new())) }
    }

    fn check_cluster(&self, cluster_id: Option<&str>) -> Result<(), Refusal> {
        let ours = &self.config.cluster_id;
        match cluster_id {
            Some(given) if given != ours => {
                let message = format!("The given id \"{given}\" doesn't match the cluster id \"{ours}\"");
                Err((ErrorCode::InconsistentClusterId, message))
            }
            _ => Ok(()),
        }
    }

    fn check_update(&self, request: &UpdateRaftVoterRequest) -> Result<(), ErrorCode> {
        self.check_cluster(request.cluster_id.as_deref()).map_err(|(error, _)| error)?;
        let epoch = self.raft.epoch();
        if request.current_leader_epoch < epoch {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        if request.current_leader_epoch > epoch {
            return Err(ErrorCode::UnknownLeaderEpoch);
        }
        if !self.raft.is_leader() {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        let supported = &request.k_raft_version_feature;
        // The range must hold the level that the quorum is at, which is 0.
        let supports = supported.min_supported_version == 0 && supported.max_supported_version >= 0;
        let reachable = request.listeners.iter().any(|l| l.name == LISTENER);
        if !is_voter_key(request.voter_id, request.voter_directory_id) || !reachable || !supports {
            return Err(ErrorCode::InvalidRequest);
        }
        let known = self.config.voters.iter().any(|voter| voter.id == NodeId(request.voter_id));
        if known { Ok(()) } else { Err(ErrorCode::VoterNotFound) }
    }

    fn current_leader(&self) -> CurrentLeader {
        let leader_epoch = self.raft.epoch();
        match self.raft.leader() {
            Some((id, endpoint)) => {
                CurrentLeader { leader_id: id.0, leader_epoch, host: endpoint.host, port: endpoint.port.into() }
            }
            None => CurrentLeader { leader_epoch, ..Default::default() },
        }
    }
}

/// Voters are known by id and directory.
fn is_voter_key(id: i32, directory: Uuid) -> bool {
    id >= 0 && !directory.is_zero()
}
