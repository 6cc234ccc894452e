//! Values put into words: `Broker {leader} leads {partition}`.

use std::collections::BTreeMap;

use lab_core::goal::{Evidence, Expr, GoalError, Scope, Value};

/// Names and what they stand for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variables(pub BTreeMap<String, Value>);

impl Variables {
    /// Evaluates definitions one after another; a later one may use the earlier.
    pub(crate) fn define(&mut self, definitions: &[(String, Expr)], evidence: &Evidence) -> Result<(), GoalError> {
        for (name, expr) in definitions {
            let value = expr.eval(&self.scope(evidence))?;
            self.0.insert(name.clone(), value);
        }
        Ok(())
    }

    pub(crate) fn scope<'a>(&self, evidence: &'a Evidence) -> Scope<'a> {
        self.0.iter().fold(Scope::new(evidence), |scope, (name, value)| scope.with(name, value.clone()))
    }

    /// Whether an expression is true of what was seen, with these values for its names.
    pub fn holds(&self, expr: &Expr, evidence: &Evidence) -> bool {
        expr.eval(&self.scope(evidence)).is_ok_and(|value| value.is_true())
    }

    /// The text with its values. What is not known yet is shown as `…`.
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                filled.push('{');
                rest = after;
                continue;
            };
            match self.0.get(name) {
                None | Some(Value::None) => filled.push('…'),
                Some(value) => filled.push_str(&value.to_string()),
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

/// The names that a text wants to have filled in.
pub(crate) fn holes(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        found.push(name);
        rest = after;
    }
    found
}
