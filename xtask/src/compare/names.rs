//! What the two clusters name differently: topics of a round, topic ids, producer ids, member ids, fetch sessions.
//!
//! A request is drawn once, with symbols. What stands behind a symbol on one side is put in when the frame is written,
//! and taken out of the answer when it is read; so a request can be sent again to another round, and answers compared.

/// Stands for the round's own prefix of topics, groups and transactional ids: as long as [`prefix`] makes them, so that
/// it can be put in place of it in a finished frame.
pub const PREFIX: &str = "cmp-000000-";

/// Symbols of producer ids: the first, the second, ... that a broker gave to this round.
pub const PRODUCER: i64 = 7_000_000;
/// Symbols of fetch sessions.
pub const SESSION: i64 = 7_700_000;

/// The prefix of a round.
pub fn prefix(round: u64) -> String {
    const DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyz123456";
    let digits: String = (0..6).rev().map(|i| DIGITS[(round >> (5 * i)) as usize % 32] as char).collect();
    format!("cmp-{digits}-")
}

/// The symbol of the nth member id: it stands where a real one has its random part.
pub fn member(n: usize) -> String {
    format!("00000000-0000-0000-0000-{n:012}")
}

/// The symbol of the nth topic id.
pub fn topic_id(n: usize) -> [u8; 16] {
    format!("topic-id-{n:07}").into_bytes().try_into().expect("16 bytes")
}

/// What one side means by the symbols.
#[derive(Clone, Debug, Default)]
pub struct Names {
    prefix: String,
    uuids: Vec<[u8; 16]>,
    members: Vec<Vec<u8>>,
    producers: Vec<i64>,
    sessions: Vec<i64>,
}

impl Names {
    pub fn new(round: u64) -> Self {
        Self { prefix: prefix(round), ..Self::default() }
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// How much is known of each kind. See [`Self::forget`].
    pub fn known(&self) -> [usize; 4] {
        [self.uuids.len(), self.members.len(), self.producers.len(), self.sessions.len()]
    }

    /// Back to what was known: for two sides that learned differently, whose symbols would no longer be the same.
    pub fn forget(&mut self, known: [usize; 4]) {
        self.uuids.truncate(known[0]);
        self.members.truncate(known[1]);
        self.producers.truncate(known[2]);
        self.sessions.truncate(known[3]);
    }

    pub fn rename_prefix(&self, frame: &mut [u8]) {
        replace(frame, PREFIX.as_bytes(), self.prefix.as_bytes());
    }

    pub fn real_uuid(&self, id: [u8; 16]) -> [u8; 16] {
        (0..self.uuids.len()).find(|&n| topic_id(n) == id).map_or(id, |n| self.uuids[n])
    }

    pub fn real_text(&self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        if text.len() >= 36 {
            for (n, real) in self.members.iter().enumerate() {
                replace(&mut text, member(n).as_bytes(), real);
            }
        }
        text
    }

    pub fn real_producer(&self, symbol: i64) -> i64 {
        real(&self.producers, PRODUCER, symbol)
    }

    pub fn real_session(&self, symbol: i64) -> i64 {
        real(&self.sessions, SESSION, symbol)
    }

    pub fn symbol_uuid(&mut self, id: [u8; 16]) -> [u8; 16] {
        if is_reserved(id) {
            return id;
        }
        topic_id(position(&mut self.uuids, id))
    }

    /// The text without the round's prefix and without the random part of member ids.
    pub fn symbol_text(&mut self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        replace(&mut text, self.prefix.as_bytes(), PREFIX.as_bytes());
        if let Some(at) = uuid_in(&text) {
            let n = position(&mut self.members, text[at..at + 36].to_vec());
            text.splice(at..at + 36, member(n).into_bytes());
        }
        text
    }

    /// As [`Self::symbol_text`], if nothing in it is new.
    pub fn known_text(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut text = text.to_vec();
        replace(&mut text, self.prefix.as_bytes(), PREFIX.as_bytes());
        if let Some(at) = uuid_in(&text) {
            let n = self.members.iter().position(|known| *known == text[at..at + 36])?;
            text.splice(at..at + 36, member(n).into_bytes());
        }
        Some(text)
    }

    /// As [`Self::symbol_uuid`], if it is not new.
    pub fn known_uuid(&self, id: [u8; 16]) -> Option<[u8; 16]> {
        let known = self.uuids.iter().position(|known| *known == id);
        if is_reserved(id) { Some(id) } else { known.map(topic_id) }
    }

    /// The bytes without the round's prefix.
    pub fn symbol_prefix(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        replace(&mut bytes, self.prefix.as_bytes(), PREFIX.as_bytes());
        bytes
    }

    pub fn symbol_producer(&mut self, id: i64) -> i64 {
        if id < 0 { id } else { PRODUCER + position(&mut self.producers, id) as i64 }
    }

    pub fn symbol_session(&mut self, id: i64) -> i64 {
        if id == 0 { id } else { SESSION + position(&mut self.sessions, id) as i64 }
    }
}

fn real(known: &[i64], first: i64, symbol: i64) -> i64 {
    let at = usize::try_from(symbol.wrapping_sub(first)).ok();
    at.and_then(|at| known.get(at)).copied().unwrap_or(symbol)
}

/// Where it stands, appended if it is new.
fn position<T: PartialEq>(known: &mut Vec<T>, one: T) -> usize {
    known.iter().position(|other| *other == one).unwrap_or_else(|| {
        known.push(one);
        known.len() - 1
    })
}

/// The zero id and Kafka's reserved ones mean the same everywhere.
fn is_reserved(id: [u8; 16]) -> bool {
    id[..15] == [0; 15]
}

/// Where a member id has its random part; something may have been appended to it.
fn uuid_in(text: &[u8]) -> Option<usize> {
    text.windows(36).rposition(is_uuid)
}

fn is_uuid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// Both are of one length.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let mut at = 0;
    while at + from.len() <= bytes.len() {
        if bytes[at] == from[0] && bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            at += from.len();
        } else {
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_random_part_of_a_member_id_is_a_symbol_whatever_stands_behind_it() {
        let mut names = Names::new(1);
        let real = "compare-ff4c447d-27df-40bf-b119-af680b49f1a1";
        assert_eq!(names.known_text(real.as_bytes()), None);
        for behind in ["", " ", "\u{fffd}\u{fffd}"] {
            let symbol = format!("compare-{}{behind}", member(0)).into_bytes();
            let real = format!("{real}{behind}").into_bytes();
            assert_eq!(names.symbol_text(&real), symbol);
            assert_eq!(names.known_text(&real), Some(symbol.clone()));
            assert_eq!(names.real_text(&symbol), real);
        }
    }
}
