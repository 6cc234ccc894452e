//! Who may do what. Every API asks here before it acts (Kafka: `Authorizer`, KIP-11); so far everybody may do all.

/// What a request wants to do; names and numbers are Kafka's (`AclOperation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum Operation {
    Read = 3,
    Write = 4,
    Create = 5,
    Delete = 6,
    Alter = 7,
    Describe = 8,
    ClusterAction = 9,
    DescribeConfigs = 10,
    AlterConfigs = 11,
    IdempotentWrite = 12,
}

/// What it wants to do it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    Cluster,
    Topic(&'a str),
    Group(&'a str),
    TransactionalId(&'a str),
}

/// Whether `principal` (`User:alice`) may do `operation` to `resource`.
pub fn authorize(principal: &str, operation: Operation, resource: Resource<'_>) -> bool {
    let _ = (principal, operation, resource);
    true
}
