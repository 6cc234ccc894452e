//! From an expression and the evidence to a value. Deterministic: no clock, no order of arrival, no randomness.

use std::cmp::Ordering;

use super::{
    Evidence, Expr, Fact, GoalError, Value,
    expr::{Arg, Condition, Node, Op},
    paths::{self, Thing},
    records::{self, Filter},
};
use crate::client::partition_for_key;

/// What names mean while an expression is evaluated.
#[derive(Clone)]
pub struct Scope<'a> {
    evidence: &'a Evidence,
    variables: Vec<(String, Value)>,
}

impl<'a> Scope<'a> {
    pub fn new(evidence: &'a Evidence) -> Self {
        Self { evidence, variables: Vec::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.variables.push((name.into(), value));
        self
    }
}

impl Expr {
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Value, GoalError> {
        thing(self, scope).map(Thing::plain)
    }
}

fn thing<'a>(expr: &Expr, scope: &Scope<'a>) -> Result<Thing<'a>, GoalError> {
    let evidence = scope.evidence;
    let plain = |value: Value| Ok(Thing::Plain(value));
    match &expr.node {
        Node::None => plain(Value::None),
        Node::Bool(b) => plain((*b).into()),
        Node::Int(n) => plain((*n).into()),
        Node::Text(text) => plain(text.as_str().into()),
        Node::List(items) => {
            let items: Result<Vec<Value>, GoalError> = items.iter().map(|e| e.eval(scope)).collect();
            plain(Value::List(items?))
        }
        Node::Name(name) => match scope.variables.iter().rev().find(|(variable, _)| variable == name) {
            Some((_, value)) => plain(value.clone()),
            None => Ok(paths::field(Thing::Cluster(&evidence.view), name, evidence)),
        },
        Node::Bare(word) => {
            let variable = scope.variables.iter().rev().find(|(variable, _)| variable == word);
            plain(variable.map_or_else(|| word.as_str().into(), |(_, value)| value.clone()))
        }
        Node::Field(on, name) => Ok(paths::field(thing(on, scope)?, name, evidence)),
        Node::Index(on, index) => {
            let index = index.eval(scope)?;
            Ok(paths::index(thing(on, scope)?, &index))
        }
        Node::Call { on: Some(on), name, args } => Ok(paths::call(thing(on, scope)?, name, &values(args, scope)?)),
        Node::Call { on: None, name, args } => function(name, args, scope),
        Node::Event { .. } => {
            Err(GoalError::new(expr.at, "an event is not a value", "ask ever(...), count(...) or last(...) of it"))
        }
        Node::Each { each, item, list, only } => {
            let mut out = Vec::new();
            for value in items(list, scope)? {
                let inner = scope.clone().with(item, value);
                if only.as_ref().map_or(Ok(true), |only| Ok(only.eval(&inner)?.is_true()))? {
                    out.push(each.eval(&inner)?);
                }
            }
            plain(Value::List(out))
        }
        Node::Not(inner) => plain((!inner.eval(scope)?.is_true()).into()),
        Node::Minus(inner) => plain(match inner.eval(scope)? {
            Value::Int(n) => n.saturating_neg().into(),
            _ => Value::None,
        }),
        Node::Binary(op, a, b) => plain(binary(expr.at, *op, a, b, scope)?),
    }
}

fn values(args: &[Arg], scope: &Scope<'_>) -> Result<Vec<Value>, GoalError> {
    args.iter().filter(|a| a.name.is_none()).map(|a| a.value.eval(scope)).collect()
}

fn items(list: &Expr, scope: &Scope<'_>) -> Result<Vec<Value>, GoalError> {
    match list.eval(scope)? {
        Value::List(items) => Ok(items),
        Value::None => Ok(Vec::new()),
        other => Err(GoalError::new(list.at, format!("{} is no list", other.kind()), "give a list here")),
    }
}

fn binary(at: usize, op: Op, a: &Expr, b: &Expr, scope: &Scope<'_>) -> Result<Value, GoalError> {
    let left = a.eval(scope)?;
    match op {
        Op::And if !left.is_true() => return Ok(false.into()),
        Op::Or if left.is_true() => return Ok(true.into()),
        Op::And | Op::Or => return Ok(b.eval(scope)?.is_true().into()),
        _ => {}
    }
    let right = b.eval(scope)?;
    if let Some(holds) = compare(op, &left, &right) {
        return Ok(holds.into());
    }
    match (&left, &right) {
        (Value::Int(x), Value::Int(y)) => Ok(match op {
            Op::Add => x.saturating_add(*y).into(),
            Op::Sub => x.saturating_sub(*y).into(),
            Op::Mul => x.saturating_mul(*y).into(),
            Op::Div => x.checked_div(*y).map_or(Value::None, Value::Int),
            _ => x.checked_rem(*y).map_or(Value::None, Value::Int),
        }),
        (Value::List(x), Value::List(y)) if op == Op::Add => Ok(Value::List([x.clone(), y.clone()].concat())),
        (Value::Text(x), y) if op == Op::Add => Ok(format!("{x}{y}").into()),
        (Value::None, _) | (_, Value::None) => Ok(Value::None),
        _ => {
            let problem = format!("{} and {} cannot be joined so", left.kind(), right.kind());
            Err(GoalError::new(at, problem, "use numbers here"))
        }
    }
}

/// Comparing with what is not there is false, except for asking whether it is there.
fn compare(op: Op, left: &Value, right: &Value) -> Option<bool> {
    let order = left.order(right);
    Some(match op {
        Op::Eq => left == right,
        Op::Ne => left != right,
        Op::Lt => order == Some(Ordering::Less),
        Op::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Op::Gt => order == Some(Ordering::Greater),
        Op::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Op::In => match right {
            Value::List(items) => items.contains(left),
            Value::Text(text) => matches!(left, Value::Text(part) if text.contains(part.as_str())),
            _ => false,
        },
        _ => return None,
    })
}

/// Whether something that happened is what an event expression asks for.
fn fits(fact: &Fact, name: &str, conditions: &[(&Condition, Value)]) -> bool {
    let holds = |(c, wanted): &(&Condition, Value)| compare(c.op, &fact.field(&c.field), wanted) == Some(true);
    fact.name == name && conditions.iter().all(holds)
}

/// The facts that an event expression asks for, in order.
fn happened<'a>(event: &Expr, scope: &Scope<'a>) -> Result<Vec<&'a Fact>, GoalError> {
    let Node::Event { name, conditions } = &event.node else {
        return Err(GoalError::new(event.at, "this is no event", "write an event such as LeaderElected{}"));
    };
    let wanted: Result<Vec<_>, GoalError> = conditions.iter().map(|c| Ok((c, c.value.eval(scope)?))).collect();
    let wanted = wanted?;
    Ok(scope.evidence.facts.iter().filter(|fact| fits(fact, name, &wanted)).collect())
}

fn function<'a>(name: &str, args: &[Arg], scope: &Scope<'a>) -> Result<Thing<'a>, GoalError> {
    let evidence = scope.evidence;
    let arg = |i: usize| &args[i].value;
    let is_event = |i: usize| args.get(i).is_some_and(|a| matches!(a.value.node, Node::Event { .. }));
    let value: Value = match name {
        "ever" => (!happened(arg(0), scope)?.is_empty()).into(),
        "never" => happened(arg(0), scope)?.is_empty().into(),
        "count" => Value::Int(happened(arg(0), scope)?.len() as i64),
        "first" | "last" if is_event(0) => {
            let all = happened(arg(0), scope)?;
            let found = if name == "first" { all.first() } else { all.last() };
            return Ok(found.map_or(Thing::Plain(Value::None), |fact| Thing::Happened(fact)));
        }
        "first" => items(arg(0), scope)?.first().cloned().unwrap_or_default(),
        "last" => items(arg(0), scope)?.last().cloned().unwrap_or_default(),
        "between" => between(&happened(arg(0), scope)?, &happened(arg(1), scope)?),
        "held" => {
            let wanted = arg(1).eval(scope)?.as_int().unwrap_or(i64::MAX);
            evidence.held_ms(arg(0)).is_some_and(|ms| ms as i64 >= wanted).into()
        }
        "was" => {
            let mark = match &arg(0).node {
                Node::Name(name) => name.clone(),
                _ => arg(0).eval(scope)?.to_string(),
            };
            return Ok(evidence.marks.get(&mark).map_or(Thing::Plain(Value::None), Thing::Cluster));
        }
        "now" => return thing(arg(0), scope),
        "lost" => records::lost(evidence, &filter(args, scope)?).into(),
        "dup" => records::dup(evidence, &arg(0).eval(scope)?.to_string()).into(),
        "order_inverted" => records::order_inverted(evidence, &filter(args, scope)?).into(),
        "distinct_partitions" => records::distinct_partitions(evidence, &filter(args, scope)?).into(),
        "len" => match arg(0).eval(scope)? {
            Value::Text(text) => Value::Int(text.chars().count() as i64),
            Value::List(items) => Value::Int(items.len() as i64),
            _ => Value::Int(0),
        },
        "max" | "min" => {
            let mut all = if args.len() == 1 { items(arg(0), scope)? } else { values(args, scope)? };
            all.retain(|value| *value != Value::None);
            let order = |a: &Value, b: &Value| a.order(b).unwrap_or(Ordering::Equal);
            let found = if name == "max" { all.into_iter().max_by(order) } else { all.into_iter().min_by(order) };
            found.unwrap_or_default()
        }
        "sum" => Value::Int(items(arg(0), scope)?.iter().filter_map(Value::as_int).sum()),
        "sort" => {
            let mut all = items(arg(0), scope)?;
            all.sort_by(|a, b| a.order(b).unwrap_or(Ordering::Equal));
            Value::List(all)
        }
        "reverse" => Value::List(items(arg(0), scope)?.into_iter().rev().collect()),
        "unique" => {
            let mut seen = Vec::new();
            for item in items(arg(0), scope)? {
                if !seen.contains(&item) {
                    seen.push(item);
                }
            }
            Value::List(seen)
        }
        "any" => items(arg(0), scope)?.iter().any(Value::is_true).into(),
        "all" => items(arg(0), scope)?.iter().all(Value::is_true).into(),
        "join" => {
            let between = arg(1).eval(scope)?.to_string();
            let texts: Vec<String> = items(arg(0), scope)?.iter().map(ToString::to_string).collect();
            texts.join(&between).into()
        }
        "range" => {
            let end = arg(0).eval(scope)?.as_int().unwrap_or_default().clamp(0, 1000);
            (0..end).collect::<Vec<_>>().into()
        }
        "if" => return thing(arg(if arg(0).eval(scope)?.is_true() { 1 } else { 2 }), scope),
        "partition_of" => match arg(1).eval(scope)? {
            Value::Int(count) if count > 0 => {
                let key = arg(0).eval(scope)?.to_string();
                Value::Int(partition_for_key(key.as_bytes(), count as usize) as i64)
            }
            _ => Value::None,
        },
        _ => return Ok(paths::call(Thing::Cluster(&evidence.view), name, &values(args, scope)?)),
    };
    Ok(Thing::Plain(value))
}

fn filter(args: &[Arg], scope: &Scope<'_>) -> Result<Filter, GoalError> {
    let mut filter = Filter::default();
    for arg in args {
        let value = arg.value.eval(scope)?;
        match arg.name.as_deref() {
            Some("topic") => filter.topic = Some(value),
            Some("key") => filter.key = Some(value),
            // acks=1 is a number to the parser and a word to Kafka.
            Some("acks") => filter.acks = Some(value.to_string().into()),
            _ => {}
        }
    }
    Ok(filter)
}

/// Milliseconds from the last of the first kind to the first of the second kind after it.
fn between(from: &[&Fact], to: &[&Fact]) -> Value {
    let Some(start) = from.last() else { return Value::None };
    let end = to.iter().find(|fact| fact.event > start.event);
    end.map_or(Value::None, |end| Value::Int(end.at.ms_since(start.at) as i64))
}
