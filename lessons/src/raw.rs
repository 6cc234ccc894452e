//! What stands in `lesson.toml` and `quiz.toml`, word for word. What it means is in `model`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// Text of which we can say where in the file it stands.
pub(crate) type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLesson {
    pub number: u32,
    pub module: String,
    pub minutes: u32,
    /// It also runs on a real cluster.
    #[serde(default)]
    pub native: bool,
    /// What the lesson rests on, one a claim.
    pub sources: Vec<String>,
    pub start: RawStart,
    /// Parts of the page that are there from the beginning.
    pub show: Vec<Text>,
    /// Names for values at the start; words and scripts use them in braces.
    #[serde(default)]
    pub facts: BTreeMap<String, Text>,
    /// Names for values at the moment of reading.
    #[serde(default)]
    pub live: BTreeMap<String, Text>,
    #[serde(rename = "step")]
    pub steps: Vec<RawStep>,
    #[serde(rename = "goal")]
    pub goals: Vec<RawGoal>,
    #[serde(rename = "script")]
    pub scripts: Vec<RawScript>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStart {
    /// As the simulator reads it: `sandbox`, `one-broker,quiet`.
    pub scenario: Text,
    pub seed: u64,
    /// When the learner comes in; else when the scenario has something to show.
    pub at: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStep {
    pub name: Text,
    pub kind: Text,
    /// Predict: the question that is asked.
    pub quiz: Option<Text>,
    /// Act and observe: when the step is done.
    pub done: Option<Text>,
    /// Act: what may be done from the lesson's pane, for what has no button of its own on the stage.
    #[serde(default)]
    pub offer: Vec<Text>,
    /// Parts of the page that come in with this step.
    #[serde(default)]
    pub show: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGoal {
    pub name: Text,
    pub is: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawScript {
    pub name: String,
    /// Wrong: the goal that it must not reach first.
    pub fails: Option<Text>,
    #[serde(rename = "do")]
    pub lines: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawQuizzes {
    #[serde(default, rename = "quiz")]
    pub quizzes: Vec<RawQuiz>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawQuiz {
    pub name: Text,
    pub concept: String,
    /// B, I or A, as in interviews.
    pub level: Text,
    /// Asked about the state at the `start` of the lesson, or at its `end`.
    #[serde(default)]
    pub at: Option<Text>,
    /// Variables that are drawn anew each time, from lists.
    #[serde(default)]
    pub draw: BTreeMap<String, Text>,
    /// Variables that follow from the state and the draw.
    #[serde(default, rename = "let")]
    pub lets: BTreeMap<String, Text>,
    /// What is done in the fork.
    #[serde(default, rename = "do")]
    pub lines: Vec<Text>,
    /// Interviews ask once more with this option of the scenario; the words are `quiz.NAME.follow`.
    pub follow: Option<Text>,
    /// Read in the fork: the right answer. Without it each option says when it `holds`.
    pub answer: Option<Text>,
    /// More than one may hold.
    #[serde(default)]
    pub many: bool,
    #[serde(rename = "option")]
    pub options: Vec<RawOption>,
    pub pinned: RawPinned,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOption {
    pub name: Text,
    /// A wrong answer as people compute it, from the state before the fork.
    pub value: Option<Text>,
    /// Read in the fork: whether this statement came true.
    pub holds: Option<Text>,
    /// The misconception that leads here.
    #[serde(default)]
    pub because: String,
}

/// One case that Apache Kafka itself has answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPinned {
    /// The states that are this case.
    #[serde(rename = "where")]
    pub is_where: Text,
    /// The names of the options that Kafka showed to be right.
    pub right: Vec<Text>,
    /// The text of the right option, where it is computed.
    pub text: Option<String>,
    /// How it was asked, and what it said.
    pub asked: String,
    pub said: String,
}
