//! From text to an expression. Total: any text gives an expression or an error, and nests no deeper than [`DEEP`].

use super::{
    GoalError,
    expr::{Arg, Condition, Expr, Node, Op},
    names,
};

/// How deep parentheses may go: far beyond what people write, far within the stack of a browser.
const DEEP: usize = 40;

impl Expr {
    /// Reads an expression that may use `variables`. Every name in it is known and used as what it is.
    pub fn parse(text: &str, variables: &[&str]) -> Result<Self, GoalError> {
        let mut parser = Parser { text, at: 0, depth: 0, scope: variables.iter().map(ToString::to_string).collect() };
        let expr = parser.expr(0)?;
        parser.blank();
        if parser.at < text.len() {
            return Err(parser.unexpected("an operator such as && or ==, or the end"));
        }
        names::check(&expr, &mut parser.scope)?;
        Ok(expr)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    scope: Vec<String>,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn blank(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.blank();
        self.rest().chars().next()
    }

    fn take(&mut self, token: &str) -> bool {
        self.blank();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn want(&mut self, token: &str) -> Result<(), GoalError> {
        if self.take(token) { Ok(()) } else { Err(self.unexpected(&format!("{token:?}"))) }
    }

    fn unexpected(&mut self, wanted: &str) -> GoalError {
        let found = match self.peek() {
            None => "the expression ends".to_string(),
            Some(c) if c.is_alphanumeric() => {
                format!("{:?} stands", self.rest().split(|c: char| !is_word(c)).next().unwrap_or_default())
            }
            Some(c) => format!("{c:?} stands"),
        };
        GoalError::new(self.at, format!("{found} where something else belongs"), format!("write {wanted} here"))
    }

    fn word(&mut self) -> Option<&'a str> {
        self.blank();
        let rest = self.rest();
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.at += end;
        Some(word)
    }

    fn name(&mut self) -> Result<String, GoalError> {
        match self.word() {
            Some(word) => Ok(word.to_string()),
            None => Err(self.unexpected("a name")),
        }
    }

    fn op(&mut self) -> Option<(&'static str, Op, u8)> {
        self.blank();
        let rest = self.rest();
        let (text, op, strength) = *Op::ALL.iter().find(|(text, ..)| rest.starts_with(text))?;
        let is_word_op = text == "in" && rest[2..].starts_with(is_word);
        (!is_word_op).then_some((text, op, strength))
    }

    fn expr(&mut self, least: u8) -> Result<Expr, GoalError> {
        self.depth += 1;
        if self.depth > DEEP {
            return Err(GoalError::new(self.at, "this nests too deep", "split it into two goals"));
        }
        let mut left = self.unary()?;
        while let Some((text, op, strength)) = self.op().filter(|(.., strength)| *strength > least) {
            let at = self.at;
            self.at += text.len();
            let right = self.expr(strength)?;
            left = Expr { at, node: Node::Binary(op, Box::new(left), Box::new(right)) };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, GoalError> {
        self.blank();
        let at = self.at;
        self.depth += 1;
        if self.depth > DEEP {
            return Err(GoalError::new(at, "this nests too deep", "split it into two goals"));
        }
        let node = if self.rest().starts_with('!') && !self.rest().starts_with("!=") {
            self.at += 1;
            Node::Not(Box::new(self.unary()?))
        } else if self.take("-") {
            Node::Minus(Box::new(self.unary()?))
        } else {
            self.depth -= 1;
            return self.postfix();
        };
        self.depth -= 1;
        Ok(Expr { at, node })
    }

    fn postfix(&mut self) -> Result<Expr, GoalError> {
        let mut expr = self.primary()?;
        loop {
            let at = self.at;
            if self.take(".") {
                let name = self.name()?;
                let on = Box::new(expr);
                let node = if self.take("(") {
                    Node::Call { on: Some(on), name, args: self.args()? }
                } else {
                    Node::Field(on, name)
                };
                expr = Expr { at, node };
            } else if self.take("[") {
                let index = self.expr(0)?;
                self.want("]")?;
                expr = Expr { at, node: Node::Index(Box::new(expr), Box::new(index)) };
            } else {
                return Ok(expr);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, GoalError> {
        let first = self.peek();
        let at = self.at;
        let node = match first {
            Some('(') => {
                self.at += 1;
                let inner = self.expr(0)?;
                self.want(")")?;
                return Ok(inner);
            }
            Some('[') => {
                self.at += 1;
                self.list()?
            }
            Some('"') => Node::Text(self.quoted()?),
            Some(c) if c.is_ascii_digit() => Node::Int(self.number()?),
            Some(c) if is_word(c) => {
                let word = self.name()?;
                match word.as_str() {
                    "true" | "false" => Node::Bool(word == "true"),
                    "none" => Node::None,
                    _ if self.take("(") => {
                        let mut args = self.args()?;
                        if word == "was" {
                            args.iter_mut().for_each(|arg| literal(&mut arg.value));
                        }
                        Node::Call { on: None, name: word, args }
                    }
                    _ if word.starts_with(|c: char| c.is_uppercase()) => {
                        self.want("{").map_err(|e| GoalError {
                            cure: format!("write the event with braces, {word}{{}}, or begin the name small"),
                            ..e
                        })?;
                        Node::Event { name: word, conditions: self.conditions()? }
                    }
                    _ if self.take("{") => {
                        let cure = format!("write {}{{...}}: events have capitals", capitals(&word));
                        return Err(GoalError::new(at, format!("no event is written {word:?}"), cure));
                    }
                    _ => Node::Name(word),
                }
            }
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Expr { at, node })
    }

    fn quoted(&mut self) -> Result<String, GoalError> {
        let at = self.at;
        self.at += 1;
        let rest = self.rest();
        let end = rest
            .find('"')
            .ok_or_else(|| GoalError::new(at, "this word has no end", "close it with a quotation mark"))?;
        self.at += end + 1;
        Ok(rest[..end].to_string())
    }

    /// A number, or a time in milliseconds: `3`, `250ms`, `5s`.
    fn number(&mut self) -> Result<i64, GoalError> {
        let at = self.at;
        let rest = self.rest();
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(rest.len());
        self.at += digits;
        let unit = self.rest().split(|c| !is_word(c)).next().unwrap_or_default();
        self.at += unit.len();
        let scale = match unit {
            "" | "ms" => 1,
            "s" => 1000,
            "min" => 60_000,
            _ => {
                return Err(GoalError::new(
                    at,
                    format!("{unit:?} is no unit of time"),
                    "write ms, s or min, or put a space or operator between",
                ));
            }
        };
        let number = rest[..digits].replace('_', "").parse::<i64>().ok().and_then(|n| n.checked_mul(scale));
        number.ok_or_else(|| GoalError::new(at, "this number is too large", "numbers end at 2^63"))
    }

    /// After `[`.
    fn list(&mut self) -> Result<Node, GoalError> {
        let mut items = Vec::new();
        while !self.take("]") {
            // The variable of "for" is known before it is read.
            items.push(self.expr(0)?);
            if items.len() == 1 && self.take_word("for") {
                let item = self.name()?;
                if !self.take_word("in") {
                    return Err(self.unexpected("in, as in [b for b in brokers]"));
                }
                let list = Box::new(self.expr(0)?);
                let only = if self.take_word("if") { Some(Box::new(self.expr(0)?)) } else { None };
                self.want("]")?;
                return Ok(Node::Each { each: Box::new(items.remove(0)), item, list, only });
            }
            if !self.take(",") {
                self.want("]")?;
                break;
            }
        }
        Ok(Node::List(items))
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.blank();
        let found = self.rest().strip_prefix(word).is_some_and(|rest| !rest.starts_with(is_word));
        if found {
            self.at += word.len();
        }
        found
    }

    /// After `(`.
    fn args(&mut self) -> Result<Vec<Arg>, GoalError> {
        let mut args = Vec::new();
        while !self.take(")") {
            let before = self.at;
            let name = self.word().map(String::from);
            let named = name.is_some() && {
                self.blank();
                self.rest().starts_with('=') && !self.rest().starts_with("==")
            };
            if named {
                self.at += 1;
                args.push(Arg { name, value: self.operand()? });
            } else {
                self.at = before;
                args.push(Arg { name: None, value: self.expr(0)? });
            }
            if !self.take(",") {
                self.want(")")?;
                break;
            }
        }
        Ok(args)
    }

    /// After `{`.
    fn conditions(&mut self) -> Result<Vec<Condition>, GoalError> {
        let mut conditions = Vec::new();
        while !self.take("}") {
            let field = self.name()?;
            let op = if self.take(":") {
                Op::Eq
            } else if let Some((text, op, 3)) = self.op() {
                self.at += text.len();
                op
            } else {
                return Err(self.unexpected("\":\" or a comparison"));
            };
            conditions.push(Condition { field, op, value: self.operand()? });
            if !self.take(",") {
                self.want("}")?;
                break;
            }
        }
        Ok(conditions)
    }

    /// A value in a pattern or after `name=`. A bare word that is no variable is meant literally: `kind: isr`. Which it is
    /// is known only where it is evaluated: the variable of `[... for x in ...]` stands after its uses.
    fn operand(&mut self) -> Result<Expr, GoalError> {
        self.blank();
        let at = self.at;
        // A word that begins large would be an event anywhere else; here it is a name: `reader: A`.
        if let Some(word) = self.word().filter(|word| word.starts_with(|c: char| c.is_uppercase())) {
            let node = Node::Bare(word.to_string());
            return Ok(Expr { at, node });
        }
        self.at = at;
        let expr = self.expr(3)?;
        Ok(match expr.node {
            Node::Name(word) if !self.scope.contains(&word) => Expr { at: expr.at, node: Node::Bare(word) },
            node => Expr { at: expr.at, node },
        })
    }
}

/// A bare name that is meant as itself: `was(start)`.
fn literal(expr: &mut Expr) {
    if let Node::Name(word) = &expr.node {
        expr.node = Node::Text(word.clone());
    }
}

/// `record_processed` is `RecordProcessed`.
fn capitals(word: &str) -> String {
    let part = |part: &str| part.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(part.chars().skip(1)).collect();
    word.split('_').map(part).collect::<Vec<String>>().concat()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
