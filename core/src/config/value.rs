//! Values of configuration keys: how a text is read, what it may be, and Kafka's sentence about one that it may not
//! (Kafka: `ConfigDef.parseType`, its validators, and `ConfigException`).

use super::table::{self, ConfigKey, Kind, Scope};

/// What a key allows beyond its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Limit {
    Any,
    /// As they are written, since Kafka says them so.
    Range {
        least: Option<&'static str>,
        most: Option<&'static str>,
    },
    OneOf {
        words: &'static str,
        any_case: bool,
    },
    /// Without words each item is allowed.
    List {
        words: Option<&'static str>,
        empty: bool,
    },
    NonEmpty,
    /// Kafka: `CompressionType.GZIP.levelValidator`.
    GzipLevel,
    /// Kafka: `ThrottledReplicaListValidator`.
    ThrottledReplicas,
    /// Kafka: `ShareGroupAutoOffsetResetStrategy.Validator`.
    OffsetReset,
}

impl Limit {
    /// As `keys.txt` has it.
    pub(super) fn parse(text: &'static str) -> Self {
        let list = |text: &'static str, empty| Self::List { words: text.strip_prefix(" of "), empty };
        if let Some(words) = text.strip_prefix("one of ") {
            Self::OneOf { words, any_case: false }
        } else if let Some(words) = text.strip_prefix("one in any case of ") {
            Self::OneOf { words, any_case: true }
        } else if text.starts_with("level ") {
            Self::GzipLevel
        } else if let Some(rest) = text.strip_prefix("list") {
            list(rest, true)
        } else if let Some(rest) = text.strip_prefix("non-empty list") {
            list(rest, false)
        } else if let Some((least, most)) = text.split_once("..") {
            let bound = |text: &'static str| Some(text).filter(|text| !text.is_empty());
            Self::Range { least: bound(least), most: bound(most) }
        } else if text == "non-empty" {
            Self::NonEmpty
        } else if text.ends_with("ThrottledReplicaListValidator") {
            Self::ThrottledReplicas
        } else if text.ends_with("ShareGroupAutoOffsetResetStrategy$Validator") {
            Self::OffsetReset
        } else {
            // Voters and bootstrap servers are read where a node starts; nobody can change them later.
            Self::Any
        }
    }
}

/// A class that a value may name: those of Kafka that stand in its own defaults.
fn is_class(name: &str) -> bool {
    name.starts_with("org.apache.kafka.")
        && table::keys(Scope::Broker).iter().any(|key| key.kind == Kind::Class && key.default == Some(name))
}

/// Kafka: `ConfigException`.
pub(crate) fn invalid(value: &str, name: &str, why: impl std::fmt::Display) -> String {
    format!("Invalid value {value} for configuration {name}: {why}")
}

/// As `String.trim` of Java.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// The items of a list: blanks around commas do not count, empty items do (Kafka: `COMMA_WITH_WHITESPACE`).
pub fn items(value: &str) -> Vec<&str> {
    let value = trim(value);
    if value.is_empty() {
        return Vec::new();
    }
    let blank = [' ', '\t', '\n', '\u{b}', '\u{c}', '\r'];
    let items: Vec<&str> = value.split(',').collect();
    let last = items.len() - 1;
    let cut = |(at, item): (usize, &&'_ str)| -> (usize, usize) {
        let start = if at == 0 { 0 } else { item.len() - item.trim_start_matches(blank).len() };
        let end = if at == last { item.len() } else { item.trim_end_matches(blank).len() };
        (start, end.max(start))
    };
    items
        .iter()
        .enumerate()
        .map(|(at, item)| {
            let (start, end) = cut((at, item));
            &item[start..end]
        })
        .collect()
}

impl ConfigKey {
    /// The value as Kafka shows it once it is read.
    ///
    /// # Errors
    /// Kafka's sentence about the bad value.
    pub fn parse(&self, raw: &str) -> Result<String, String> {
        let trimmed = trim(raw);
        let bad = |why: &str| Err(invalid(raw, self.name, why));
        match self.kind {
            Kind::Unknown => Ok(raw.to_owned()),
            Kind::Boolean if is_word(trimmed, "true") => Ok("true".into()),
            Kind::Boolean if is_word(trimmed, "false") => Ok("false".into()),
            Kind::Boolean => bad("Expected value to be either true or false"),
            Kind::Int | Kind::Short | Kind::Long => {
                let number = integer(trimmed).filter(|number| match self.kind {
                    Kind::Short => i16::try_from(*number).is_ok(),
                    Kind::Int => i32::try_from(*number).is_ok(),
                    _ => true,
                });
                let Some(number) = number else { return bad(&format!("Not a number of type {}", self.kind.name())) };
                self.check_number(number as f64, &number.to_string())?;
                Ok(number.to_string())
            }
            Kind::Double => {
                let Some(number) = double(trimmed) else { return bad("Not a number of type DOUBLE") };
                let text = java_double(number);
                self.check_number(number, &text)?;
                Ok(text)
            }
            Kind::String | Kind::Password => {
                self.check_text(trimmed)?;
                Ok(trimmed.to_owned())
            }
            Kind::Class if is_class(trimmed) => Ok(trimmed.to_owned()),
            Kind::Class => bad(&format!("Class {raw} could not be found.")),
            Kind::List => self.parse_list(raw),
        }
    }

    fn check_number(&self, number: f64, text: &str) -> Result<(), String> {
        let bad = |why: String| Err(invalid(text, self.name, why));
        match self.limit {
            Limit::Range { least, most } => {
                let bound = |bound: &str| bound.parse::<f64>().expect("keys.txt has numbers for bounds");
                if let Some(least) = least.filter(|least| number < bound(least)) {
                    return bad(format!("Value must be at least {least}"));
                }
                if let Some(most) = most.filter(|most| number > bound(most)) {
                    return bad(format!("Value must be no more than {most}"));
                }
            }
            Limit::GzipLevel if !(1.0..=9.0).contains(&number) && number != -1.0 => {
                return bad("Value must be between 1 and 9 or equal to -1".into());
            }
            _ => {}
        }
        Ok(())
    }

    fn check_text(&self, text: &str) -> Result<(), String> {
        let bad = |why: String| Err(invalid(text, self.name, why));
        match self.limit {
            Limit::OneOf { words, any_case } => {
                let is = |word: &str| word == text || any_case && is_word(text, word);
                if !words.split(',').any(is) {
                    let how = if any_case { " (case insensitive)" } else { "" };
                    return bad(format!("String must be one of{how}: {}", words.replace(',', ", ")));
                }
            }
            Limit::NonEmpty if text.is_empty() => return bad("String must be non-empty".into()),
            Limit::OffsetReset if !is_offset_reset(text) => {
                let name = self.name;
                return bad(format!(
                    "Invalid value `{text}` for configuration {name}. The value must be either 'earliest', 'latest' or \
                     of the format 'by_duration:<PnDTnHnMn.nS>'."
                ));
            }
            _ => {}
        }
        Ok(())
    }

    fn parse_list(&self, raw: &str) -> Result<String, String> {
        let name = self.name;
        let mut items = items(raw);
        match self.limit {
            Limit::List { words, empty } => {
                let mut seen = std::collections::BTreeSet::new();
                items.retain(|item| seen.insert(*item));
                if items.is_empty() && !empty {
                    let words = words.map(|words| format!("[{}]", words.replace(',', ", ")));
                    let allowed = words.as_deref().unwrap_or("any non-empty value");
                    return Err(format!("Configuration '{name}' must not be empty. Valid values include: {allowed}"));
                }
                for item in &items {
                    if item.is_empty() {
                        return Err(format!("Configuration '{name}' values must not be empty."));
                    }
                    if let Some(words) = words.filter(|words| !words.split(',').any(|word| word == *item)) {
                        let why = format!("String must be one of: {}", words.replace(',', ", "));
                        return Err(invalid(item, name, why));
                    }
                }
            }
            Limit::ThrottledReplicas => {
                let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                let pair =
                    |item: &&str| item.is_empty() || item.split_once(':').is_some_and(|(p, b)| number(p) && number(b));
                if !items.iter().all(|item| pair(&trim(item)))
                    && items.iter().map(|i| trim(i)).collect::<String>() != "*"
                {
                    let why = format!(
                        "{name} must be the literal '*' or a list of replicas in the following format: \
                         [partitionId]:[brokerId],[partitionId]:[brokerId],..."
                    );
                    return Err(invalid(&format!("[{}]", items.join(", ")), name, why));
                }
            }
            _ => {}
        }
        Ok(items.join(","))
    }

    /// What the key allows, for people.
    pub fn allowed(&self) -> String {
        let of = |words: &str| words.replace(',', ", ");
        match (&self.limit, self.kind) {
            (Limit::Range { least, most }, kind) => {
                let what = if kind == Kind::Double { "a number" } else { "a whole number" };
                let (least, most) = (least.unwrap_or(range(kind).0), most.unwrap_or(range(kind).1));
                format!("{what} from {least} to {most}")
            }
            (Limit::OneOf { words, .. }, _) => format!("one of {}", of(words)),
            (Limit::List { words: Some(words), .. }, _) => format!("a list of {}", of(words)),
            (Limit::List { empty: false, .. }, _) => "a list that is not empty".into(),
            (Limit::GzipLevel, _) => "a whole number from 1 to 9, or -1".into(),
            (Limit::NonEmpty, _) => "a text that is not empty".into(),
            (Limit::OffsetReset, _) => "earliest, latest or by_duration:PnDTnHnMn.nS".into(),
            (_, Kind::Boolean) => "true or false".into(),
            (_, Kind::Int | Kind::Short) => {
                format!("a whole number from {} to {}", range(self.kind).0, range(self.kind).1)
            }
            (_, Kind::Long) => "a whole number".into(),
            (_, Kind::Double) => "a number".into(),
            (_, Kind::List) => "a list with commas between its items and no empty item".into(),
            (_, Kind::Class) => "a class of Kafka that stands in its own defaults: the lab runs no others".into(),
            _ => "a text".into(),
        }
    }
}

fn range(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Short => ("-32768", "32767"),
        Kind::Int => ("-2147483648", "2147483647"),
        Kind::Double => ("-1.8E308", "1.8E308"),
        _ => ("-9223372036854775808", "9223372036854775807"),
    }
}

/// `Long.parseLong` of Java, which allows one sign and nothing else beside digits: those of any script.
pub fn integer(text: &str) -> Option<i64> {
    text.chars().map(ascii_digit).collect::<String>().parse().ok()
}

/// `Integer.parseInt` of Java.
pub fn int(text: &str) -> Option<i32> {
    integer(text).and_then(|number| number.try_into().ok())
}

/// What is a digit to `Character.digit` of Java becomes our own; any other character stays.
fn ascii_digit(c: char) -> char {
    let digit = ZEROS.iter().find_map(|&zero| u32::from(c).checked_sub(zero).filter(|digit| *digit < 10));
    digit.and_then(|digit| char::from_digit(digit, 10)).unwrap_or(c)
}

/// Unicode's zeros within 16 bits, each with nine digits behind it.
const ZEROS: [u32; 37] = [
    0x0030, 0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0de6,
    0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];

/// `String.equalsIgnoreCase` of Java, for words in ASCII: the long s is a letter of them, too.
fn is_word(text: &str, word: &str) -> bool {
    text.replace('\u{17f}', "s").eq_ignore_ascii_case(word)
}

/// Kafka: `Double.parseDouble`, which allows a `d` or an `f` at the end, and two words.
fn double(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    match unsigned {
        "NaN" => return Some(f64::NAN),
        "Infinity" => return Some(sign * f64::INFINITY),
        _ => {}
    }
    let digits = unsigned.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(unsigned);
    // Rust knows more words, which are no numbers to Java.
    if !digits.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b)) || digits.starts_with(['+', '-']) {
        return None;
    }
    digits.parse::<f64>().ok().map(|number| sign * number)
}

/// As `Double.toString` of Java writes it.
fn java_double(number: f64) -> String {
    let size = number.abs();
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else if size == 0.0 || (1e-3..1e7).contains(&size) {
        let text = number.to_string();
        if text.contains('.') { text } else { text + ".0" }
    } else {
        let text = format!("{number:E}");
        let (digits, exponent) = text.split_once('E').expect("has an exponent");
        let digits = if digits.contains('.') { digits.to_owned() } else { format!("{digits}.0") };
        format!("{digits}E{exponent}")
    }
}

fn is_offset_reset(text: &str) -> bool {
    ["earliest", "latest"].contains(&text) || text.strip_prefix("by_duration:").is_some_and(is_duration)
}

/// Kafka: `Duration.parse` of Java, and not negative.
fn is_duration(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let (sign, rest) = match upper.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, upper.strip_prefix('+').unwrap_or(&upper)),
    };
    let Some(rest) = rest.strip_prefix('P') else { return false };
    let (days, time) = rest.split_once('T').map_or((rest, None), |(days, time)| (days, Some(time)));
    let mut seconds = 0.0;
    let mut parts = 0;
    let mut take = |mut text: &str, units: &[(char, f64)]| {
        for &(unit, each) in units {
            let Some((number, rest)) = text.split_once(unit) else { continue };
            let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
            let (whole, fraction) = match digits.split_once(['.', ',']) {
                Some((whole, fraction)) if unit == 'S' => (whole, fraction),
                Some(_) => return false,
                None => (digits, ""),
            };
            let numeric = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
            if whole.is_empty() || !numeric(whole) || !numeric(fraction) || fraction.len() > 9 {
                return false;
            }
            let value: f64 = format!("{whole}.{fraction}0").parse().unwrap_or(f64::INFINITY);
            if value * each > i64::MAX as f64 {
                return false;
            }
            seconds += if number.starts_with('-') { -value * each } else { value * each };
            parts += 1;
            text = rest;
        }
        text.is_empty()
    };
    let whole = take(days, &[('D', 86_400.0)])
        && time.is_none_or(|time| !time.is_empty() && take(time, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)]));
    whole && parts > 0 && sign * seconds >= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::key;

    fn parse(scope: Scope, name: &str, value: &str) -> Result<String, String> {
        key(scope, name).expect(name).parse(value)
    }

    #[test]
    fn values_are_read_as_java_does() {
        let topic = |name, value| parse(Scope::Topic, name, value).unwrap_or_else(|why| why);
        assert_eq!(topic("retention.ms", " +1000\t"), "1000");
        assert_eq!(topic("preallocate", " TRUE "), "true");
        assert_eq!(topic("min.cleanable.dirty.ratio", ".25d"), "0.25");
        assert_eq!(topic("min.cleanable.dirty.ratio", "1"), "1.0");
        assert_eq!(topic("min.cleanable.dirty.ratio", "1e-5"), "1.0E-5");
        assert_eq!(topic("cleanup.policy", " compact , delete,compact "), "compact,delete");
        assert_eq!(topic("leader.replication.throttled.replicas", "0:1, 1:2"), "0:1,1:2");
        assert_eq!(topic("retention.ms", "+\u{661}\u{ff12}"), "12");
        assert_eq!(topic("preallocate", "fal\u{17f}e"), "false");
        for wrong in ["1_0", "\u{b2}", "0x10", "1.0", "", "--1", "inf"] {
            let why = format!("Invalid value {wrong} for configuration retention.ms: Not a number of type LONG");
            assert_eq!(topic("retention.ms", wrong), why);
        }
        let why = "Invalid value inf for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE";
        assert_eq!(topic("min.cleanable.dirty.ratio", "inf"), why);
    }

    #[test]
    fn durations_are_those_of_java() {
        for good in ["P1D", "PT1H", "pt0.5s", "P1DT2H3M4S", "PT-1H+61M", "-PT-5S", "PT1,5S"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "P", "PT", "1D", "P1", "PT1.5H", "-PT5S", "PT5M1H", "P1DT"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }
}
