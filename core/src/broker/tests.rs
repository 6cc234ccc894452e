//! Tests of the whole broker, driven by hand.
