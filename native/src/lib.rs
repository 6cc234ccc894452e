//! The native home of the lab: the same machines over TCP and files, as real processes. Read in this order.
//!
//! `driver` runs one machine on one thread; `node` is a process of one or two machines; `supervisor` is a cluster of
//! processes; `http` shows it; `attach` shows one that somebody else runs; `lesson` takes lessons on ours; `cli` is the command line.

pub mod clock;
pub mod disk;
pub mod driver;

pub mod properties;

pub mod node;

pub mod supervisor;

pub mod http;

pub mod attach;

pub mod lesson;

pub mod admin;
pub mod clients;

pub mod cli;
pub mod failure;
