//! A line of a script, of an offer or of a fork: an action in the console's words, or a wait.

use lab_core::{goal::Expr, id::NodeId, sim::parse_action, view::Action};

/// What can stand on a line, once its values are filled in.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    Act(Action),
    /// Does it if it can be done now: a question may be asked when it has been done already.
    Try(Action),
    /// Lets this many milliseconds pass.
    Wait(u64),
    /// Lets time pass until this holds, at most a minute.
    Until(Expr),
    /// Steps through this many events, as somebody would with the keyboard.
    Step(i64),
    /// Gives the present view a name.
    Mark(String),
    /// Answers a question, rightly or wrongly.
    Answer {
        quiz: String,
        right: bool,
    },
}

/// Reads `kill 1`, `try add-consumer 1102`, `produce orders key=ana value=1`, `wait 5s`, `until EXPRESSION`, `step 8`, `mark NAME`,
/// `answer QUIZ right`. The error says what to write.
pub fn read(text: &str, variables: &[&str]) -> Result<Line, String> {
    let (verb, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let words: Vec<&str> = rest.split_whitespace().collect();
    match verb {
        "wait" => Ok(Line::Wait(duration_ms(rest)?)),
        "until" => Expr::parse(rest, variables).map(Line::Until).map_err(|error| error.to_string()),
        "step" => rest.parse().map(Line::Step).map_err(|_| format!("{rest:?} is no number of events")),
        "mark" if !rest.is_empty() => Ok(Line::Mark(rest.into())),
        "answer" => match words[..] {
            [quiz, "right"] => Ok(Line::Answer { quiz: quiz.into(), right: true }),
            [quiz, "wrong"] => Ok(Line::Answer { quiz: quiz.into(), right: false }),
            _ => Err("write: answer QUIZ right, or: answer QUIZ wrong".into()),
        },
        "produce" => produce(&words).map(Line::Act),
        "try" => match read(rest, variables)? {
            Line::Act(action) => Ok(Line::Try(action)),
            _ => Err("only an action can be tried, as in: try add-consumer 1102".into()),
        },
        _ => {
            let joined = [&[verb], &words[..]].concat().join(":");
            parse_action(&joined).map(Line::Act).map_err(|why| format!("the action {verb:?} {why}"))
        }
    }
}

fn produce(words: &[&str]) -> Result<Action, String> {
    let usage = "write: produce TOPIC [key=K] [partition=N] value=V";
    let (topic, options) = words.split_first().ok_or(usage)?;
    let (mut producer, mut partition, mut key, mut value) = (None, None, None, String::new());
    for word in options {
        match word.split_once('=').ok_or(usage)? {
            ("key", text) => key = Some(text.to_string()),
            ("value", text) => value = text.to_string(),
            ("partition", n) => partition = Some(n.parse().map_err(|_| format!("{n:?} is no partition"))?),
            ("producer", n) => producer = Some(NodeId(n.parse().map_err(|_| format!("{n:?} is no producer"))?)),
            _ => return Err(usage.into()),
        }
    }
    Ok(Action::Produce { producer, topic: (*topic).to_string(), partition, key, value })
}

pub(crate) fn duration_ms(text: &str) -> Result<u64, String> {
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let ms = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(ms), _) => number(ms),
        (None, Some(s)) => number(s).map(|s| s * 1000),
        _ => None,
    };
    ms.ok_or_else(|| format!("{text:?} is no time: write 5s or 300ms"))
}
