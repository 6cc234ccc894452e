//! Which topic names Kafka allows (`org.apache.kafka.common.internals.Topic`).

const MAX_LENGTH: usize = 249;

/// Why Kafka refuses the name, in its words; `None`: it does not.
pub fn invalid(name: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        Some("the empty string is not allowed".into())
    } else if name == "." || name == ".." {
        Some(format!("'{name}' is not allowed"))
    } else if name.encode_utf16().count() > MAX_LENGTH {
        Some(format!("the length of '{name}' is longer than the max allowed length {MAX_LENGTH}"))
    } else if !name.chars().all(allowed) {
        Some(format!("'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"))
    } else {
        None
    }
}

/// Metrics write `.` as `_`, so names that differ only there would share them.
pub fn collide(a: &str, b: &str) -> bool {
    let unified = |name: &str| name.replace('.', "_");
    a != b && a.contains(['.', '_']) && unified(a) == unified(b)
}
