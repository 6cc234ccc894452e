//! Plain values of the goal language: numbers, words, truths and lists of them.

use std::{cmp::Ordering, fmt};

/// What an expression comes to. `None` is what is not there: a partition without a leader, an event that never happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value {
    #[default]
    None,
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Self>),
}

impl Value {
    /// Only `true` is true; what is not there is not.
    pub fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }

    pub fn is_none(&self) -> bool {
        *self == Self::None
    }

    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// What kind of thing this is, for errors.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bool(_) => "a truth",
            Self::Int(_) => "a number",
            Self::Text(_) => "a word",
            Self::List(_) => "a list",
        }
    }

    /// Numbers with numbers, words with words; anything else has no order.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Bool(b) => b.fmt(f),
            Self::Int(n) => n.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                f.write_str(&items.join(", "))
            }
        }
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<crate::id::NodeId> for Value {
    fn from(id: crate::id::NodeId) -> Self {
        Self::Int(id.0.into())
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}
