//! The cluster's metadata: the records that are its history, and the image that is their sum.
//!
//! A controller writes records, everybody replays them, and the image at an offset is a pure function of the log below
//! it (KIP-631). Controller and broker share this module, so that they cannot disagree about what a record means.

pub mod record;

pub mod image;
pub mod registration;
mod replay;

pub mod alter_configs;
pub mod client_metrics;
pub mod configs;
pub mod describe_configs;
pub mod dynamic_config;
mod dynamic_listeners;
pub mod features;
pub mod loggers;
pub mod quotas;
pub mod scram;
pub mod topic_name;
