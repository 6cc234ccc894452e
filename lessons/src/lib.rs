//! Lessons: not built yet. The lesson engine comes with its own milestone; this crate holds its place in the tree.
#![forbid(unsafe_code)]
