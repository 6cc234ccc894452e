//! Every lesson in real Chromium, by keyboard alone: to a wrong answer, to the right one, and to its end.
//!
//! Nothing here knows a lesson. Each is walked as its own first right script says; what has a button is done with the
//! button, found by role and name. The same goals are evaluated here, over what the page says of its cluster.
//! `LESSON=NAME,NAME` walks some, on a phone too.

#[path = "browser/page.rs"]
#[allow(dead_code, reason = "other tests of the page use the rest")]
mod page;
#[path = "browser/server.rs"]
#[allow(dead_code, reason = "other tests of the page use the rest")]
mod server;

use std::time::{Duration, Instant};

use lab_core::{
    id::NodeId,
    trace::Event,
    view::{Action, ClusterView},
};
use lab_lessons::{Lesson, Line, Progress, StepKind, lessons, read_line};
use page::Page;
use serde_json::Value;
use server::Server;

#[tokio::test]
async fn browser_every_lesson_is_walked_by_keyboard() {
    let Some(server) = Server::serve() else { return };
    walk_lessons(&server, 1440, 900, |_| true).await;
}

/// The one whose clients come and go, and the one whose brokers do: what there is to press stands in a sheet.
#[tokio::test]
async fn browser_lessons_are_walked_on_a_phone() {
    let Some(server) = Server::serve() else { return };
    let some = ["groups-share-partitions", "kill-the-leader"];
    walk_lessons(&server, 390, 844, |name| some.contains(&name) || std::env::var_os("LESSON").is_some()).await;
}

async fn walk_lessons(server: &Server, width: u32, height: u32, wanted: impl Fn(&str) -> bool) {
    let page = Page::open(&server.url("/"), width, height).await;
    let only = std::env::var("LESSON").ok();
    let only = |lesson: &Lesson| only.as_ref().is_none_or(|names| names.split(',').any(|name| name == lesson.name));
    for lesson in lessons().into_iter().filter(|lesson| only(lesson) && wanted(&lesson.name)) {
        let began = Instant::now();
        page.goto(&server.url("/#")).await;
        page.goto(&server.url(&format!("/#lesson={}", lesson.name))).await;
        let name = lesson.name.clone();
        Pupil::begin(&page, lesson, width < 900).await.walk().await;
        assert_eq!(page.console_errors().await, Vec::<String>::new(), "{name}");
        println!("{name}, {width} pixels wide: {:.1} s", began.elapsed().as_secs_f64());
    }
    page.close().await;
}

/// What the goals of the lesson say of themselves.
const GOALS: &str = "[...document.querySelectorAll('[aria-label=\"Goals\"] li')].map(li => li.dataset.met).join(',')";
/// The verdict on an answer.
const VERDICT: &str = "[...document.querySelectorAll('form [role=status]')].map(e => e.innerText).join(' ')";
/// How far a lesson is.
const PLACE: &str = "document.querySelector('[aria-label=Lesson] .over')?.innerText ?? ''";
/// Nothing in a lesson takes longer than this to play.
const PLAYED_WITHIN: Duration = Duration::from_secs(60);

/// Somebody who takes a lesson, and who is watched.
struct Pupil<'a> {
    page: &'a Page,
    lesson: Lesson,
    phone: bool,
    progress: Progress,
    view: ClusterView,
}

impl<'a> Pupil<'a> {
    async fn begin(page: &'a Page, lesson: Lesson, phone: bool) -> Self {
        page.find("complementary", "Lesson").await;
        let first = format!("Lesson {}, step 1 of {}", lesson.number, lesson.steps.len());
        page.until(&first, PLACE, |place| place == &*first).await;
        let view = view(page).await;
        let progress = Progress::begin(&lesson, &view);
        let pupil = Self { page, lesson, phone, progress, view };
        // On a phone tabs ask for these.
        for region in ["inspector", "timeline"].into_iter().filter(|_| !phone) {
            let shown = pupil.progress.shown(&pupil.lesson).contains(&region);
            let (role, name) =
                if region == "inspector" { ("complementary", "Inspector") } else { ("region", "Timeline") };
            assert_eq!(page.try_find(role, name).await.is_some(), shown, "{}: {region}", pupil.lesson.name);
        }
        let met = page.eval(GOALS).await;
        assert!(met.as_str().is_some_and(|met| met.contains("false")), "{}: met at once: {met}", pupil.lesson.name);
        assert_eq!(page.serious().await, Vec::<String>::new(), "{}", pupil.lesson.name);
        pupil
    }

    async fn walk(mut self) {
        let script = self.lesson.scripts.iter().find(|script| script.fails.is_none()).expect("a right script").clone();
        self.picture().await;
        let mut lines = script.lines.iter().peekable();
        while let Some(text) = lines.next() {
            self.look().await;
            let is_answer = text.starts_with("answer ");
            self.next_steps(is_answer).await;
            let line = self.read(text);
            let Line::Act(action) = line else {
                self.other(line).await;
                continue;
            };
            // A button may do several things at once.
            let Some((label, does)) = self.offered(&action) else {
                self.act(&action).await;
                continue;
            };
            self.press(&label).await;
            while let Some(text) = lines.peek() {
                let Line::Act(next) = self.read(text) else { break };
                if !does.contains(&next) {
                    break;
                }
                lines.next();
            }
        }
        self.play_until("all goals", |pupil| pupil.progress.goals(&pupil.lesson).iter().all(|goal| goal.met)).await;
        self.next_steps(false).await;
        let name = &self.lesson.name;
        let last = format!("Lesson {}, step {1} of {1}", self.lesson.number, self.lesson.steps.len());
        assert_eq!(self.page.eval(PLACE).await, last, "{name}: every step was done");
        let met: Vec<&str> = self.lesson.goals.iter().map(|_| "true").collect();
        self.page.until("all goals are met on the page", GOALS, |goals| goals == &*met.join(",")).await;
        let done = "document.querySelector('.passed [role=status]')?.innerText ?? ''";
        self.page.until("what it meant", done, |done| done.as_str().is_some_and(|done| !done.is_empty())).await;
        self.picture().await;
        assert_eq!(self.page.serious().await, Vec::<String>::new(), "{name}");
    }

    /// Takes in what happened on the page since.
    async fn look(&mut self) {
        self.view = view(self.page).await;
        let seen = self.progress.evidence.seen();
        assert!(self.view.events >= seen, "{}: the page went back by itself", self.lesson.name);
        let text = self.page.eval(&format!("JSON.stringify(lab.events({seen}))")).await;
        let events: Vec<Event> = serde_json::from_str(text.as_str().unwrap_or_default()).expect("events");
        // Time may have gone on between the two questions.
        let known = events.into_iter().take((self.view.events - seen) as usize).collect::<Vec<_>>();
        self.progress.observe(&self.lesson, &self.view, &known);
    }

    /// Goes on as long as the present step is done; with `wait`, plays until the step with a question has come.
    async fn next_steps(&mut self, wait: bool) {
        while self.progress.step + 1 < self.lesson.steps.len() {
            let asks = matches!(self.lesson.steps[self.progress.step].kind, StepKind::Predict(_));
            if !self.progress.step_done(&self.lesson) {
                if !wait || asks {
                    return;
                }
                self.play_until("the step is done", |pupil| pupil.progress.step_done(&pupil.lesson)).await;
            }
            self.press("Next step").await;
            self.progress.step += 1;
            let place = format!("step {} of", self.progress.step + 1);
            self.page.until(&place, PLACE, |text| text.as_str().is_some_and(|text| text.contains(&place))).await;
            self.picture().await;
        }
    }

    fn read(&self, text: &str) -> Line {
        let variables = self.progress.variables(&self.lesson);
        let names: Vec<&str> = variables.0.keys().map(String::as_str).collect();
        let filled = if text.starts_with("until ") { text.to_owned() } else { variables.fill(text) };
        read_line(&filled, &names).unwrap_or_else(|why| panic!("{}: {text}: {why}", self.lesson.name))
    }

    /// The button of the present step that does this, and all that it does.
    fn offered(&self, action: &Action) -> Option<(String, Vec<Action>)> {
        self.progress.offers(&self.lesson).into_iter().find_map(|(label, lines)| {
            let does = lines.ok()?.into_iter().map(|line| match line {
                Line::Act(action) => Some(action),
                _ => None,
            });
            let does = does.collect::<Option<Vec<Action>>>()?;
            does.contains(action).then_some((label, does))
        })
    }

    /// Does it with what the stage has for it.
    async fn act(&self, action: &Action) {
        match action {
            Action::Kill { node } => self.press(&button("Kill", *node)).await,
            Action::Stop { node } => self.press(&button("Stop", *node)).await,
            Action::Start { node } => self.press(&button("Start", *node)).await,
            Action::Pause { node } => self.press(&button("Pause", *node)).await,
            Action::Resume { node } => self.press(&button("Resume", *node)).await,
            Action::AddConsumer { .. } => self.press("Add consumer").await,
            Action::RemoveConsumer { consumer } => {
                let name = self.view.consumers.iter().find(|c| c.id == *consumer).map(|c| c.name.clone());
                self.press(&format!("Remove consumer {}", name.unwrap_or_default())).await;
            }
            Action::Produce { partition: None, key, value, .. } => {
                self.write("Key", key.as_deref().unwrap_or_default()).await;
                self.write("Value", value).await;
                // As one sends a form.
                self.page.press("Enter").await;
            }
            other => panic!("{}: no button does {other:?}; let the step offer it", self.lesson.name),
        }
    }

    async fn other(&mut self, line: Line) {
        match line {
            Line::Wait(ms) => {
                let until = self.view.at.plus_ms(ms);
                self.play_until("time to pass", |pupil| pupil.view.at >= until).await;
            }
            Line::Until(condition) => {
                self.play_until("what the script waits for", |pupil| {
                    let variables = pupil.progress.variables(&pupil.lesson);
                    variables.holds(&condition, &pupil.progress.evidence)
                })
                .await;
            }
            Line::Step(count) => {
                for _ in 0..count {
                    self.page.press("ArrowRight").await;
                }
                self.progress.evidence.learner.stepped += count;
            }
            Line::Mark(name) => self.progress.evidence.mark(&name),
            Line::Answer { quiz, .. } => {
                self.answer(false).await;
                self.show_me().await;
                // Asked anew by going on and coming back.
                self.press("Next step").await;
                self.press("Back").await;
                let text = self.answer(true).await;
                self.progress.answered(&quiz, &text, true);
            }
            Line::Act(_) | Line::Try(_) => unreachable!("acts are done elsewhere"),
        }
    }

    /// Answers until the verdict is the wanted one: nothing says before which option is right.
    async fn answer(&self, right: bool) -> String {
        let mut tried: Vec<Value> = Vec::new();
        for _ in 0..12 {
            self.page.find("form", "Question").await;
            let options = "[...document.querySelectorAll('form[aria-label=Question] input')]";
            let texts = self.page.eval(&format!("{options}.map(i => i.closest('label').innerText)")).await;
            let texts = texts.as_array().cloned().unwrap_or_default();
            let count = texts.len();
            assert!(count >= 2, "{}: a question without a choice", self.lesson.name);
            // They are shuffled each time.
            let option = texts.iter().position(|text| !tried.contains(text)).unwrap_or_default();
            let text = texts[option].clone();
            tried.push(text.clone());
            self.page.eval(&format!("{options}[{option}].focus()")).await;
            self.page.press(" ").await;
            self.page.until("the choice", &format!("{options}[{option}].checked"), |checked| checked == true).await;
            self.press("Lock in").await;
            let wanted = |verdict: &Value, word: &str| verdict.as_str().is_some_and(|text| text.contains(word));
            let verdict =
                self.page.until("a verdict", VERDICT, |v| v.as_str().is_some_and(|text| !text.is_empty())).await;
            assert_ne!(wanted(&verdict, "Right."), wanted(&verdict, "Not this time."), "{verdict}");
            let reasons = "[...document.querySelectorAll('form .because')].filter(e => e.innerText).length";
            assert_eq!(self.page.eval(reasons).await, count, "{}: every option says why", self.lesson.name);
            if wanted(&verdict, "Right.") == right {
                self.picture_of("verdict").await;
                assert_eq!(self.page.serious().await, Vec::<String>::new(), "{}", self.lesson.name);
                return text.as_str().unwrap_or_default().to_owned();
            }
            self.press("Next step").await;
            self.press("Back").await;
        }
        panic!("{}: no option is {}", self.lesson.name, if right { "right" } else { "wrong" });
    }

    /// Sees the answer happen, and comes back to where one was.
    async fn show_me(&self) {
        let before = self.page.eval("lab.view().at").await;
        self.press("Show me").await;
        self.page.find("button", "Back to my run").await;
        self.press("Back to my run").await;
        let what = format!("{}: one's own run at {before}", self.lesson.name);
        self.page.until(&what, "lab.view().at", |at| *at == before).await;
    }

    /// Lets time run, fast, until something is the case.
    async fn play_until(&mut self, what: &str, ready: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        self.look().await;
        if ready(self) {
            return;
        }
        self.press("Play").await;
        self.page.find("button", "Pause").await;
        for _ in 0..4 {
            self.page.press("]").await;
        }
        while !ready(self) {
            let goals = self.progress.goals(&self.lesson);
            assert!(
                began.elapsed() < PLAYED_WITHIN,
                "{}: waited in vain for {what} at {} ms in step {}; goals {goals:?}",
                self.lesson.name,
                self.view.at.as_ms(),
                self.lesson.steps[self.progress.step].name
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.look().await;
        }
        self.press("Pause").await;
        self.page.find("button", "Play").await;
        self.look().await;
    }

    /// Moves the focus to a button and presses it, as Tab and Enter do.
    async fn press(&self, name: &str) {
        let button = self.page.find("button", name).await;
        let disabled = button.call("function() { return this.disabled; }").await;
        assert_eq!(disabled, false, "{}: {name} cannot be pressed", self.lesson.name);
        button.focus().await;
        self.page.press("Enter").await;
    }

    async fn write(&self, field: &str, text: &str) {
        let field = self.page.find("textbox", field).await;
        field.call("function() { this.focus(); this.select(); }").await;
        if text.is_empty() {
            self.page.press("Backspace").await;
        }
        for letter in text.chars() {
            self.page.press(&letter.to_string()).await;
        }
    }

    async fn picture(&self) {
        self.picture_of(&self.lesson.steps[self.progress.step].name).await;
    }

    async fn picture_of(&self, what: &str) {
        let size = if self.phone { "phone" } else { "lesson" };
        self.page.screenshot(&format!("{size}-{:02}-{}-{what}", self.lesson.number, self.progress.step + 1)).await;
    }
}

async fn view(page: &Page) -> ClusterView {
    let text = page.until("a cluster", "JSON.stringify(window.lab?.view() ?? null)", |v| v != "null").await;
    serde_json::from_str(text.as_str().unwrap_or_default()).expect("a view")
}

fn button(verb: &str, node: NodeId) -> String {
    let kind = if node.0 > 100 { "controller" } else { "broker" };
    format!("{verb} {kind} {node}")
}

/// The same goals on real processes: the page starts the lesson's clients, and a real death meets the first of them.
#[tokio::test]
async fn browser_live_lesson_meets_its_goals_on_real_processes() {
    let Some(cluster) = Server::up() else { return };
    let page = Page::open(&cluster.url("/#live&lesson=kill-the-leader"), 1440, 900).await;
    page.until("the lesson", PLACE, |place| place == "Lesson 13, step 1 of 5").await;
    // Nothing was lost, and that is met as soon as the lesson's producers are acknowledged.
    page.until("goals", GOALS, |goals| {
        ["false,false,false,false", "false,true,false,false"].iter().any(|g| goals == g)
    })
    .await;
    let press = async |name: &str| {
        page.find("button", name).await.focus().await;
        page.press("Enter").await;
    };
    // A real cluster has no copy in which a question could be answered.
    press("Skip step").await;
    let leader = "lab.view().nodes.map(n => n.controller?.active).filter(Boolean)\
        .flatMap(a => a.partitions).find(p => p.topic === 'orders' && p.partition === 0)?.leader ?? -1";
    let before = page.until("a leader", leader, |leader| leader.as_i64() > Some(0)).await.as_i64().unwrap_or_default();
    press(&format!("Kill broker {before} for me")).await;
    page.until("an election, and nothing lost", GOALS, |goals| goals == "true,true,false,false").await;
    // Events come at once and the view less often: the new leader may be drawn a moment after its election was told.
    page.until("the new leader", leader, |leader| leader.as_i64().is_some_and(|id| id > 0 && id != before)).await;
    assert_eq!(page.console_errors().await, Vec::<String>::new());
    page.close().await;
}

/// A lesson about groups on real processes: a question asked of a cluster that stands in, members that come and go for real,
/// and the same goals.
#[tokio::test]
async fn browser_live_lesson_shares_partitions_among_real_members() {
    let Some(cluster) = Server::up() else { return };
    let page = Page::open(&cluster.url("/#live&lesson=groups-share-partitions"), 1440, 900).await;
    page.until("the lesson", PLACE, |place| place == "Lesson 25, step 1 of 6").await;
    let press = async |name: &str| {
        page.find("button", name).await.focus().await;
        page.press("Enter").await;
    };
    let step = async |number: usize| {
        press("Next step").await;
        let place = format!("Lesson 25, step {number} of 6");
        page.until(&place, PLACE, |now| now == &*place).await;
    };
    let members = async |wanted: &str| {
        let names = "(lab.view().nodes.flatMap(n => n.broker?.groups ?? []).find(g => g.id === 'billing' && \
            g.state === 'Stable')?.members ?? []).map(m => m.client_id + m.partitions.length).sort().join(' ')";
        page.until(&format!("members {wanted}"), names, |names| names == wanted).await;
    };
    members("A4").await;

    // It cannot be tried here, so it is asked of a simulated cluster, which is named.
    let note = "document.querySelector('form[aria-label=Question] legend')?.nextElementSibling?.innerText ?? ''";
    page.until("what it is asked of", note, |note| {
        note.as_str().is_some_and(|note| note.contains("simulated cluster, the lesson's scenario fan-out"))
    })
    .await;
    page.eval("document.querySelector('form[aria-label=Question] input').focus()").await;
    page.press(" ").await;
    press("Lock in").await;
    page.until("a verdict", VERDICT, |v| v.as_str().is_some_and(|text| text.contains("The simulated cluster"))).await;
    page.find("link", "Watch it in the simulator").await;
    assert_eq!(page.serious().await, Vec::<String>::new());

    step(2).await;
    press("Start consumer B for me").await;
    members("A2 B2").await;
    step(3).await;
    for name in ["Consumer C", "Consumer D", "Consumer E"] {
        press("Add consumer").await;
        // The button means the next one as soon as the page has heard of this one.
        page.find("listitem", name).await;
    }
    members("A1 B1 C1 D1 E0").await;
    step(4).await;
    press("Remove consumer B for me").await;
    members("A1 C1 D1 E1").await;
    step(5).await;
    press("Start the audit service").await;
    page.until("all goals", GOALS, |goals| goals == "true,true,true,true").await;
    page.screenshot("lesson-25-live").await;
    assert_eq!(page.console_errors().await, Vec::<String>::new());
    page.close().await;
}

/// Level and topics are chosen, a question is answered with how sure one is, its follow-up comes, and all of it is kept.
#[tokio::test]
async fn browser_interview_by_keyboard() {
    let Some(server) = Server::serve() else { return };
    let page = Page::open(&server.url("/"), 1440, 900).await;
    let press = async |name: &str| {
        page.find("button", name).await.focus().await;
        page.press("Enter").await;
    };
    let choose = async |role: &str, name: &str| {
        page.find(role, name).await.focus().await;
        page.press(" ").await;
    };
    // From the navigation.
    page.find("navigation", "Lessons").await;
    page.find("link", "interview").await.focus().await;
    page.press("Enter").await;
    page.find("form", "Interview").await;
    choose("radio", "Intermediate").await;
    choose("checkbox", "The log").await;
    press("Begin").await;

    let place = async |wanted: &str| page.until(wanted, PLACE, |place| place == wanted).await;
    let of = page
        .until("the first question", PLACE, |place| place.as_str().is_some_and(|p| p.starts_with("Question 1 of")))
        .await;
    let of: usize = of.as_str().and_then(|text| text.rsplit(' ').next()?.parse().ok()).unwrap_or_default();
    assert!(of >= 4, "{of} questions");
    assert_eq!(page.serious().await, Vec::<String>::new());
    // Nothing is locked in before one has said how sure one is.
    page.find("form", "Question").await;
    page.eval("document.querySelector('form[aria-label=Question] .choices input').focus()").await;
    page.press(" ").await;
    let disabled = page.find("button", "Lock in").await.call("function() { return this.disabled; }").await;
    assert_eq!(disabled, true);
    choose("radio", "Sure").await;
    press("Lock in").await;
    page.until("a verdict", VERDICT, |v| {
        v.as_str().is_some_and(|text| text.contains("Right.") || text.contains("Not this time."))
    })
    .await;
    page.screenshot("interview").await;
    assert_eq!(page.serious().await, Vec::<String>::new());
    press("Show me").await;
    press("Back to my run").await;
    press("Follow-up").await;
    place(&format!("Question 1 of {of}, follow-up")).await;
    page.eval("document.querySelector('form[aria-label=Question] .choices input').focus()").await;
    page.press(" ").await;
    choose("radio", "Not sure").await;
    press("Lock in").await;
    page.until("a verdict", VERDICT, |v| v != "").await;
    press("Next question").await;
    place(&format!("Question 2 of {of}")).await;

    // Whoever skips comes to the end as well.
    for number in 2..=of {
        press("Skip question").await;
        place(&format!("Question {number} of {of}, follow-up")).await;
        press("Skip question").await;
    }
    page.find("list", "Skills").await;
    page.screenshot("interview-end").await;
    assert_eq!(page.serious().await, Vec::<String>::new());
    let kept = "JSON.parse(localStorage['kafka-lab.learner']).answers.map(a => [a.follow, a.sure]).join(';')";
    assert_eq!(page.eval(kept).await, "false,true;true,false");
    assert_eq!(page.console_errors().await, Vec::<String>::new());
    page.close().await;
}
