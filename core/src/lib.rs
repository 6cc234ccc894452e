//! Kafka as pure state machines. Read the modules in this order.
//!
//! `seam` is all that crosses between logic and world. `id`, `config` and `job` are its nouns.
//! `trace` and `view` are what people see. Everything below them is Kafka itself, and `sim` is a world to run it in.
#![forbid(unsafe_code)]

// Files shared with the tests outside name this crate as they do.
#[cfg(test)]
extern crate self as lab_core;
#[cfg(test)]
mod testdata;

pub mod seam;

pub mod config;
pub mod disk;
pub mod hash;
pub mod id;
pub mod job;
pub mod random;
pub mod trace;
pub mod view;

pub mod fidelity;

pub mod goal;

pub mod live;

pub mod log;
pub mod wire;

pub mod authorize;
pub mod metadata;
pub mod node;
pub mod security;

pub mod raft;

pub mod controller;

pub mod replica;

pub mod group;

pub mod assign;

pub mod broker;

pub mod client;

pub mod program;

pub mod recording;

pub mod sim;
