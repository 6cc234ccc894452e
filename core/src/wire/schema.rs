//! What a message looks like, as data: written by the derive, read by annotation, tests and the compare with Kafka.

/// A closed range of versions, empty when `from > to`. `to` is `i16::MAX` where Kafka writes `3+`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    pub from: i16,
    pub to: i16,
}

impl Versions {
    pub const NONE: Self = Self { from: 1, to: 0 };

    pub const fn contains(self, version: i16) -> bool {
        self.from <= version && version <= self.to
    }

    pub const fn is_empty(self) -> bool {
        self.from > self.to
    }
}

/// One struct of a message, outer or nested. Nested ones say nothing of their own about versions and flexibility.
#[derive(Debug)]
pub struct Schema {
    pub name: &'static str,
    /// Of a request, response or metadata record.
    pub api_key: Option<i16>,
    pub versions: Versions,
    /// Versions with compact lengths and tagged fields (KIP-482).
    pub flexible: Versions,
    pub fields: &'static [Field],
}

/// One field, in Kafka's order.
#[derive(Debug)]
pub struct Field {
    /// Kafka's name in snake case, with a `_` behind Rust's keywords.
    pub name: &'static str,
    pub kind: &'static Kind,
    pub versions: Versions,
    pub nullable: Versions,
    pub tag: Option<u32>,
    /// Where it is a tagged field; elsewhere in `versions` it stands in the body.
    pub tagged: Versions,
    /// Set where the field departs from the message's flexible versions.
    pub flexible: Option<Versions>,
    /// As written in Kafka's schema. Without one: zero, empty, false.
    pub default: Option<&'static str>,
    /// Dropped in silence by versions that cannot carry it; any other field is then an error.
    pub ignorable: bool,
}

/// Kafka's types.
#[derive(Debug)]
pub enum Kind {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Float64,
    String,
    Bytes,
    Records,
    Uuid,
    Array(&'static Self),
    Struct(&'static Schema),
}
