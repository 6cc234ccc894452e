//! The `Message` derive: one Rust struct gives bounded decode, encode and annotate for every version.
