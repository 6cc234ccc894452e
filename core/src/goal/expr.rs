//! What an expression is, once it is read: pieces, each knowing where in the text it begins.

/// A piece of a goal, and where in the text it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub(super) at: usize,
    pub(super) node: Node,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Expr>),
    /// A variable, or a property of the cluster.
    Name(String),
    /// In a pattern: a variable, or else the word itself, as in `kind: isr`.
    Bare(String),
    Field(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Call {
        on: Option<Box<Expr>>,
        name: String,
        args: Vec<Arg>,
    },
    /// `LeaderElected{kind: isr, epoch >= 2}`
    Event {
        name: String,
        conditions: Vec<Condition>,
    },
    /// `[each for item in list if only]`
    Each {
        each: Box<Expr>,
        item: String,
        list: Box<Expr>,
        only: Option<Box<Expr>>,
    },
    Not(Box<Expr>),
    Minus(Box<Expr>),
    Binary(Op, Box<Expr>, Box<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arg {
    pub name: Option<String>,
    pub value: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub field: String,
    pub op: Op,
    pub value: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

impl Op {
    /// Text and how strongly it binds.
    pub(super) const ALL: [(&'static str, Self, u8); 14] = [
        ("||", Self::Or, 1),
        ("&&", Self::And, 2),
        ("==", Self::Eq, 3),
        ("!=", Self::Ne, 3),
        ("<=", Self::Le, 3),
        (">=", Self::Ge, 3),
        ("<", Self::Lt, 3),
        (">", Self::Gt, 3),
        ("in", Self::In, 3),
        ("+", Self::Add, 4),
        ("-", Self::Sub, 4),
        ("*", Self::Mul, 5),
        ("/", Self::Div, 5),
        ("%", Self::Rem, 5),
    ];
}

impl Expr {
    /// The conditions that must all hold, each to be a box of its own: `a && b && c`.
    pub fn clauses(&self) -> Vec<&Self> {
        match &self.node {
            Node::Binary(Op::And, a, b) => [a.clauses(), b.clauses()].concat(),
            _ => vec![self],
        }
    }

    /// Everything inside, outermost first.
    pub(super) fn visit<'a>(&'a self, see: &mut dyn FnMut(&'a Self)) {
        see(self);
        match &self.node {
            Node::None | Node::Bool(_) | Node::Int(_) | Node::Text(_) | Node::Name(_) | Node::Bare(_) => {}
            Node::List(items) => items.iter().for_each(|e| e.visit(see)),
            Node::Field(on, _) | Node::Not(on) | Node::Minus(on) => on.visit(see),
            Node::Index(a, b) | Node::Binary(_, a, b) => {
                a.visit(see);
                b.visit(see);
            }
            Node::Call { on, args, .. } => {
                on.iter().for_each(|e| e.visit(see));
                args.iter().for_each(|a| a.value.visit(see));
            }
            Node::Event { conditions, .. } => conditions.iter().for_each(|c| c.value.visit(see)),
            Node::Each { each, list, only, .. } => {
                list.visit(see);
                only.iter().for_each(|e| e.visit(see));
                each.visit(see);
            }
        }
    }
}
