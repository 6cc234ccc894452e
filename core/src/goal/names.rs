//! Names in an expression: properties of things, functions, events and their fields. A name that does not exist is
//! found when a lesson is read and not when a learner gets there, and the error says the nearest one that does.

use super::{
    GoalError,
    expr::{Arg, Condition, Expr, Node},
    facts::EVENTS,
    functions::FUNCTIONS,
    properties::{Kind, NOT_BUILT, of, property},
};

/// What an expression stands for; the first wrong name in it is the error.
pub(super) fn check(expr: &Expr, scope: &mut Vec<String>) -> Result<Kind, GoalError> {
    match &expr.node {
        Node::None | Node::Bool(_) | Node::Int(_) | Node::Text(_) | Node::Bare(_) => Ok(Kind::Value),
        Node::List(items) => {
            for item in items {
                check(item, scope)?;
            }
            Ok(Kind::Value)
        }
        Node::Name(name) if scope.contains(name) => Ok(Kind::Value),
        Node::Name(name) if not_built(expr.at, name).is_err() => not_built(expr.at, name).map(|()| Kind::Value),
        Node::Name(name) => property(Kind::Cluster, name).ok_or_else(|| {
            let mut known: Vec<&str> = scope.iter().map(String::as_str).collect();
            for property in of(Kind::Cluster) {
                known.push(property);
            }
            GoalError::new(expr.at, format!("nothing here is called {name:?}"), nearest(name, known.iter().copied()))
        }),
        Node::Field(on, name) => {
            let kind = check(on, scope)?;
            member(expr.at, kind, name)
        }
        Node::Index(on, index) => {
            let kind = check(on, scope)?;
            check(index, scope)?;
            Ok(if kind == Kind::Brokers { Kind::Broker } else { Kind::Value })
        }
        Node::Call { on: Some(on), name, args } => {
            let kind = check(on, scope)?;
            check_args(args, scope)?;
            member(expr.at, kind, &format!("{name}("))
        }
        Node::Call { on: None, name, args } => {
            check_args(args, scope)?;
            if let Some(kind) = property(Kind::Cluster, &format!("{name}(")) {
                return Ok(kind);
            }
            not_built(expr.at, name)?;
            let Some(function) = FUNCTIONS.iter().find(|f| f.name == name) else {
                let known = FUNCTIONS.iter().map(|f| f.name).chain(of(Kind::Cluster));
                return Err(GoalError::new(expr.at, format!("there is no function {name:?}"), nearest(name, known)));
            };
            let positional = args.iter().filter(|a| a.name.is_none()).count();
            if positional < function.least || positional > function.most {
                let problem = format!("{name} does not take {positional} values");
                return Err(GoalError::new(expr.at, problem, format!("write {}", function.usage)));
            }
            for arg in args.iter().filter_map(|a| Some((a.name.as_ref()?, a))) {
                if !function.named.contains(&arg.0.as_str()) {
                    let problem = format!("{name} has no {:?}", arg.0);
                    return Err(GoalError::new(arg.1.value.at, problem, format!("write {}", function.usage)));
                }
            }
            for arg in args.iter().filter(|a| a.name.is_none()).take(function.patterns) {
                let free = function.name == "first" || function.name == "last";
                if !matches!(arg.value.node, Node::Event { .. }) && !free {
                    let problem = format!("{name} asks about an event");
                    return Err(GoalError::new(arg.value.at, problem, format!("write {}", function.usage)));
                }
            }
            Ok(match function.name {
                "was" => Kind::Cluster,
                "now" => check(&args[0].value, scope)?,
                "first" | "last" if matches!(args[0].value.node, Node::Event { .. }) => Kind::Event,
                _ => Kind::Value,
            })
        }
        Node::Event { name, conditions } => check_event(expr.at, name, conditions, scope).map(|()| Kind::Event),
        Node::Each { each, item, list, only } => {
            check(list, scope)?;
            scope.push(item.clone());
            let inside = only.iter().map(|e| &**e).chain([&**each]).try_for_each(|e| check(e, scope).map(|_| ()));
            scope.pop();
            inside.map(|()| Kind::Value)
        }
        Node::Not(inner) | Node::Minus(inner) => check(inner, scope).map(|_| Kind::Value),
        Node::Binary(_, a, b) => {
            check(a, scope)?;
            check(b, scope)?;
            Ok(Kind::Value)
        }
    }
}

fn not_built(at: usize, name: &str) -> Result<(), GoalError> {
    let found = NOT_BUILT.iter().find(|(known, ..)| *known == name);
    found.map_or(Ok(()), |(_, problem, cure)| Err(GoalError::new(at, *problem, *cure)))
}

fn check_args(args: &[Arg], scope: &mut Vec<String>) -> Result<(), GoalError> {
    args.iter().try_for_each(|arg| check(&arg.value, scope).map(|_| ()))
}

fn check_event(at: usize, name: &str, conditions: &[Condition], scope: &mut Vec<String>) -> Result<(), GoalError> {
    not_built(at, name)?;
    let Some((_, fields)) = EVENTS.iter().find(|(event, _)| *event == name) else {
        let cure = nearest(name, EVENTS.iter().map(|(event, _)| *event));
        return Err(GoalError::new(at, format!("no event is called {name:?}"), cure));
    };
    for condition in conditions {
        check(&condition.value, scope)?;
        if !fields.contains(&condition.field.as_str()) {
            let problem = format!("{name} has no {:?}", condition.field);
            return Err(GoalError::new(condition.value.at, problem, nearest(&condition.field, fields.iter().copied())));
        }
    }
    Ok(())
}

fn member(at: usize, kind: Kind, name: &str) -> Result<Kind, GoalError> {
    // What an event says differs from event to event, and a plain value may turn out to be one.
    if matches!(kind, Kind::Event) {
        let known = EVENTS.iter().flat_map(|(_, fields)| fields.iter().copied()).chain(["at_ms"]);
        return match known.clone().any(|field| field == name) {
            true => Ok(Kind::Value),
            false => Err(GoalError::new(at, format!("no event says {name:?}"), nearest(name, known))),
        };
    }
    if let Some(is) = property(kind, name) {
        return Ok(is);
    }
    let shown = name.trim_end_matches('(');
    let other = if name.ends_with('(') { shown.to_string() } else { format!("{name}(") };
    if property(kind, &other).is_some() {
        let cure = if name.ends_with('(') { format!("write .{shown}") } else { format!("write .{shown}(...)") };
        return Err(GoalError::new(at, format!("{shown:?} is not written so"), cure));
    }
    let what = match kind {
        Kind::Value => "a plain value",
        Kind::Cluster => "a cluster",
        Kind::Brokers => "brokers, without [id],",
        Kind::Broker => "a broker",
        Kind::Topic => "a topic",
        Kind::Partition => "a partition",
        Kind::Replica => "a replica",
        Kind::Quorum => "the quorum",
        Kind::Producer => "a producer",
        Kind::Consumer => "a consumer",
        Kind::Group => "a group",
        Kind::Member => "a member",
        Kind::Link => "a link",
        Kind::Learner => "the learner",
        Kind::Event => "an event",
    };
    let cure = match kind {
        Kind::Value => "take it away".to_string(),
        Kind::Brokers => "write brokers[1], or len(brokers)".to_string(),
        _ => nearest(shown, of(kind)),
    };
    Err(GoalError::new(at, format!("{what} has no {shown:?}"), cure))
}

/// `did you mean "leader"?`, or all that there is.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let close = known.clone().map(|k| (distance(&name.to_lowercase(), &k.to_lowercase()), k)).min();
    match close {
        Some((d, best)) if d <= 1 + name.len() / 4 => format!("did you mean {best:?}?"),
        _ => {
            let mut all: Vec<&str> = known.collect();
            all.sort_unstable();
            all.dedup();
            if all.is_empty() { "there are none".into() } else { format!("there are {}", all.join(", ")) }
        }
    }
}

/// How many letters must change (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
