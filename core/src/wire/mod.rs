//! The Kafka wire protocol: primitives, headers, one file per API, record batches.
