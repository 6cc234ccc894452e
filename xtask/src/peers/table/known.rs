//! Cells that fail on Apache Kafka as well, with the reasons: the rows of `xtask/peers/known.txt`.

use anyhow::{Context, Result, ensure};

const ROWS: &str = include_str!("../../../peers/known.txt");
const ANY: &str = "*";

#[derive(Clone, Copy, Debug)]
struct Row<'a> {
    library: &'a str,
    steps: &'a str,
    failure: &'a str,
    reason: &'a str,
}

fn read(line: &str) -> Result<Row<'_>> {
    let columns: Vec<&str> = line.split('|').map(str::trim).collect();
    let [library, steps, failure, reason] = columns[..].try_into().ok().context("four columns are needed")?;
    ensure!(columns.iter().all(|column| !column.is_empty()), "a column is empty");
    Ok(Row { library, steps, failure, reason })
}

/// Why this failure is known, if it is.
pub fn reason(library: &str, step: &str, failure: &str) -> Option<&'static str> {
    let lines = ROWS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rows = lines.map(|line| read(line).unwrap_or_else(|why| panic!("known.txt: {why}: {line}")));
    let mut fitting = rows.filter(|row| {
        (row.library == ANY || row.library == library)
            && row.steps.split_whitespace().any(|s| s == step)
            && failure.contains(row.failure)
    });
    fitting.next().map(|row| row.reason)
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn only_the_very_failure_is_known() {
        let js = "@confluentinc/kafka-javascript";
        assert!(reason("sarama", "acks=0", "kafka-lab consume: 8 records instead of 10").is_some());
        assert!(reason("sarama", "acks=1", "kafka-lab consume: 8 records instead of 10").is_none());
        assert!(reason("sarama", "acks=0", "hangs: no answer within 60 s").is_none());
        assert!(reason(js, "delete", "hangs: no answer within 60 s").is_some());
        assert!(reason("kafkajs", "delete", "hangs: no answer within 60 s").is_none());
    }
}
