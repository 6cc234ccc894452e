//! The fields of a request as `ask` is given them, before a version gives them their bytes.

use super::Asker;

#[derive(Clone, Debug)]
pub enum Tree {
    Null,
    Number(i64),
    Text(Vec<u8>),
    List(Vec<Self>),
    Fields(Vec<(String, Self)>),
}

impl Tree {
    /// Ids of topics are asked for.
    pub fn parse(text: &str, asker: &mut Asker) -> Self {
        Parser { text: text.as_bytes(), at: 0, asker }.whole()
    }
}

/// Without the marks around it.
pub fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut left = text;
    while let Some((before, escape)) = left.split_once('\\') {
        bytes.extend(before.as_bytes());
        let digits = |count: usize| u32::from_str_radix(&escape[1..=count], 16).expect("hexadecimal digits");
        let length = match escape.as_bytes()[0] {
            b'x' => {
                bytes.push(digits(2) as u8);
                3
            }
            b'u' => {
                bytes.extend(char::from_u32(digits(4)).expect("no half of a pair").to_string().as_bytes());
                5
            }
            b'n' => {
                bytes.push(b'\n');
                1
            }
            b't' => {
                bytes.push(b'\t');
                1
            }
            byte => {
                bytes.push(byte);
                1
            }
        };
        left = &escape[length..];
    }
    bytes.extend(left.as_bytes());
    bytes
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    asker: &'a mut Asker,
}

impl Parser<'_> {
    fn whole(mut self) -> Tree {
        let tree = self.value();
        self.blanks();
        assert_eq!(self.at, self.text.len(), "what is behind the fields?");
        tree
    }

    fn blanks(&mut self) {
        while self.text.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.blanks();
        let there = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(there);
        there
    }

    /// Values up to `end`, with commas between them.
    fn until<T>(&mut self, end: u8, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut all = Vec::new();
        while !self.take(end) {
            all.push(one(self));
            assert!(self.take(b',') || self.text.get(self.at) == Some(&end), "a comma at {}", self.at);
        }
        all
    }

    fn value(&mut self) -> Tree {
        if self.take(b'{') {
            return Tree::Fields(self.until(b'}', |parser| {
                let name = if parser.take(b'"') {
                    String::from_utf8(parser.quoted()).expect("a field's name")
                } else {
                    parser.word()
                };
                assert!(parser.take(b':'), "a colon at {}", parser.at);
                (name, parser.value())
            }));
        }
        if self.take(b'[') {
            return Tree::List(self.until(b']', Self::value));
        }
        if self.take(b'"') {
            return Tree::Text(self.quoted());
        }
        let word = self.word();
        if let Some(topic) = word.strip_prefix('@') {
            let id = self.asker.topic_id(topic);
            self.asker.topic_ids.retain(|(_, known)| *known != id);
            self.asker.topic_ids.push((topic.into(), id));
            return Tree::Text(id.0.to_vec());
        }
        if let Some(name) = word.strip_prefix('$') {
            let value = self.asker.drawn.iter().find(|(known, _)| known == name).expect("it was drawn").1.clone();
            return value.parse().map_or(Tree::Text(value.into_bytes()), Tree::Number);
        }
        if let Some((text, count)) = word.split_once('*') {
            return Tree::Text(text.repeat(count.parse().expect("a count")).into_bytes());
        }
        match word.as_str() {
            "null" => Tree::Null,
            "true" => Tree::Number(1),
            "false" => Tree::Number(0),
            number if number.parse::<i64>().is_ok() => Tree::Number(number.parse().expect("a number")),
            text => Tree::Text(text.as_bytes().to_vec()),
        }
    }

    fn word(&mut self) -> String {
        self.blanks();
        let from = self.at;
        while self.text.get(self.at).is_some_and(|byte| !b" ,:{}[]\"".contains(byte)) {
            self.at += 1;
        }
        String::from_utf8(self.text[from..self.at].to_vec()).expect("words")
    }

    fn quoted(&mut self) -> Vec<u8> {
        let from = self.at;
        while self.text[self.at] != b'"' {
            self.at += if self.text[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        unescaped(str::from_utf8(&self.text[from..self.at - 1]).expect("UTF-8"))
    }
}
