//! The console's words, the same as the command line's: `kill 1`, `cut 1 101 --one-way`, `produce orders alice hello`.

use lab_core::{id::NodeId, view::Action};

/// What can be typed, for `help`.
pub const HELP: &str = "kill ID · stop ID · start ID · pause ID · resume ID · power-loss ID
cut A B [--one-way] · slow A B MS · reset A B · heal
add-consumer [ID] · remove-consumer ID
produce TOPIC [KEY] VALUE · load TOPIC RECORDS_PER_SECOND · topics create NAME [PARTITIONS] [REPLICATION_FACTOR]
Brokers are 1, 2, 3; controllers 101, 102, 103; producers 1001, 1002; consumers A, B are 1101, 1102.";

/// Reads a line. The error says what is wrong and what belongs there.
pub fn parse(line: &str) -> Result<Action, String> {
    let words = split(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some((verb, rest)) = words.split_first() else { return Err("type a command, or help".into()) };
    let node = |i: usize| -> Result<NodeId, String> {
        let word = rest.get(i).ok_or_else(|| format!("{verb} needs the id of a node, as in: {verb} 1"))?;
        // Consumers are called by their letters on the stage.
        if let [letter @ b'A'..=b'Z'] = word.as_bytes() {
            return Ok(NodeId(1101 + i32::from(letter - b'A')));
        }
        word.parse().map(NodeId).map_err(|_| format!("{word:?} is not a node id; brokers are 1, 2, 3"))
    };
    let take = |n: usize, action: Action| match rest.get(n) {
        Some(extra) => Err(format!("{verb} does not take {extra:?}")),
        None => Ok(action),
    };
    match *verb {
        "kill" => take(1, Action::Kill { node: node(0)? }),
        "stop" => take(1, Action::Stop { node: node(0)? }),
        "start" => take(1, Action::Start { node: node(0)? }),
        "pause" => take(1, Action::Pause { node: node(0)? }),
        "resume" => take(1, Action::Resume { node: node(0)? }),
        "power-loss" => take(1, Action::PowerLoss { node: node(0)? }),
        "cut" => {
            let one_way = rest.contains(&"--one-way");
            take(2 + usize::from(one_way), Action::Cut { a: node(0)?, b: node(1)?, one_way })
        }
        "slow" => {
            let ms =
                rest.get(2).and_then(|ms| ms.parse().ok()).ok_or("slow needs milliseconds, as in: slow 1 2 300")?;
            take(3, Action::Slow { a: node(0)?, b: node(1)?, ms })
        }
        "reset" => take(2, Action::Reset { a: node(0)?, b: node(1)? }),
        "heal" => take(0, Action::Heal),
        "add-consumer" if rest.is_empty() => Ok(Action::AddConsumer { consumer: None }),
        "add-consumer" => take(1, Action::AddConsumer { consumer: Some(node(0)?) }),
        "remove-consumer" => take(1, Action::RemoveConsumer { consumer: node(0)? }),
        "produce" => match rest {
            [topic, value] => Ok(produce(topic, None, value)),
            [topic, key, value @ ..] if !value.is_empty() => Ok(produce(topic, Some(key), &value.join(" "))),
            _ => Err("produce needs a topic and a value, as in: produce orders alice \"paid 12.40\"".into()),
        },
        "load" => {
            let rate = rest.get(1).and_then(|rate| rate.parse().ok());
            let records_per_second = rate.ok_or("load needs a topic and a rate, as in: load orders 5")?;
            let topic = rest[0].to_string();
            take(2, Action::Load { producer: None, topic, records_per_second, size_bytes: 100, keys: 10 })
        }
        "topics" => create_topic(rest),
        other => Err(format!("there is no command {other:?}; type help for those there are")),
    }
}

fn produce(topic: &str, key: Option<&str>, value: &str) -> Action {
    Action::Produce {
        producer: None,
        topic: topic.into(),
        partition: None,
        key: key.map(Into::into),
        value: value.into(),
    }
}

fn create_topic(rest: &[&str]) -> Result<Action, String> {
    let usage = "topics create NAME [PARTITIONS] [REPLICATION_FACTOR]";
    let ["create", name, numbers @ ..] = rest else { return Err(format!("here topics can only: {usage}")) };
    let number = |i: usize, default: i32| match numbers.get(i) {
        None => Ok(default),
        Some(word) => word.parse().map_err(|_| format!("{word:?} is not a number; {usage}")),
    };
    let replication_factor = number(1, 3)?.try_into().map_err(|_| "that replication factor is too large")?;
    Ok(Action::CreateTopic {
        topic: (*name).into(),
        partitions: number(0, 3)?,
        replication_factor,
        configs: Vec::new(),
    })
}

/// Splits at blanks; double quotes hold a word together.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '"' => (quoted, any) = (!quoted, true),
            c if c.is_whitespace() && !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn the_words_of_the_command_line() {
        assert_eq!(parse("kill 1"), Ok(Action::Kill { node: NodeId(1) }));
        assert_eq!(parse(" cut 1 101 --one-way "), Ok(Action::Cut { a: NodeId(1), b: NodeId(101), one_way: true }));
        assert_eq!(parse("produce orders alice \"paid 12.40\""), Ok(produce("orders", Some("alice"), "paid 12.40")));
        assert_eq!(parse("produce orders hello"), Ok(produce("orders", None, "hello")));
        assert_eq!(parse("add-consumer"), Ok(Action::AddConsumer { consumer: None }));
        assert_eq!(parse("add-consumer 1103"), Ok(Action::AddConsumer { consumer: Some(NodeId(1103)) }));
        assert_eq!(parse("remove-consumer A"), Ok(Action::RemoveConsumer { consumer: NodeId(1101) }));
        assert_eq!(parse("kill B"), Ok(Action::Kill { node: NodeId(1102) }));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(parse("kill").unwrap_err().contains("kill 1"));
        assert!(parse("kill one").unwrap_err().contains("not a node id"));
        assert!(parse("kill 1 2").unwrap_err().contains("does not take"));
        assert!(parse("remove-consumer").unwrap_err().contains("needs the id"));
        assert!(parse("add-consumer 1 2").unwrap_err().contains("does not take"));
        assert!(parse("explode 1").unwrap_err().contains("help"));
        assert!(parse("topics delete x").unwrap_err().contains("topics create"));
    }
}
