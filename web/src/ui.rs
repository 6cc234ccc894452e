//! What the person has chosen to look at: a reducer, so that every change of it has a name.

use std::rc::Rc;

use lab_core::id::{EventId, NodeId, TopicPartition};
use yew::prelude::*;

use crate::settings::Settings;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// All partitions at a glance: a matrix.
    Fleet,
    /// What runs where.
    Brokers,
    /// Replicas on one axis of offsets.
    Partitions,
}

impl Layout {
    pub const ALL: [Self; 3] = [Self::Fleet, Self::Brokers, Self::Partitions];

    pub fn name(self) -> &'static str {
        match self {
            Self::Fleet => "Fleet",
            Self::Brokers => "Brokers",
            Self::Partitions => "Partitions",
        }
    }

    /// Nearer (1) or farther (-1); at the ends it stays.
    pub fn zoom(self, by: isize) -> Self {
        let at = Self::ALL.iter().position(|layout| *layout == self).unwrap_or(1);
        Self::ALL[at.saturating_add_signed(by).min(Self::ALL.len() - 1)]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    State,
    Why,
    Wire,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dock {
    Console,
    Events,
    Metrics,
    Compare,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    Help,
    Settings,
    Fidelity,
    /// On a phone, where there is no dock.
    Compare,
}

/// What the inspector is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    Partition(TopicPartition),
    Node(NodeId),
    Event(EventId),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Ui {
    pub layout: Layout,
    pub selection: Selection,
    /// The partition drawn large, also while something else is inspected.
    pub partition: TopicPartition,
    pub tab: Tab,
    /// The frame whose bytes are shown.
    pub frame: Option<EventId>,
    /// Wire has the stage's place as well.
    pub wide: bool,
    pub dock: Option<Dock>,
    pub dialog: Option<Dialog>,
    pub settings: Settings,
    /// On a phone: which sheet is open, and whether it is pulled up.
    pub sheet: Sheet,
    pub sheet_up: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    Lesson,
    Inspect,
    Console,
}

pub enum Choose {
    Layout(Layout),
    Select(Selection),
    /// Draws a partition large without inspecting anything else.
    Large(TopicPartition),
    Tab(Tab),
    /// Shows the bytes of a frame.
    Frame(EventId),
    /// Gives Wire the stage's place, or takes it back.
    Wide(bool),
    /// Asks why this event happened.
    Why(EventId),
    Dock(Option<Dock>),
    Dialog(Option<Dialog>),
    Settings(Settings),
    Sheet(Sheet),
    SheetUp(bool),
}

impl Ui {
    /// Opens with this partition drawn large, in the layout that fits the cluster.
    pub fn new(partition: TopicPartition, layout: Layout) -> Self {
        Self {
            layout,
            selection: Selection::Partition(partition.clone()),
            partition,
            tab: Tab::State,
            frame: None,
            wide: false,
            dock: None,
            dialog: None,
            settings: Settings::load(),
            sheet: Sheet::Lesson,
            sheet_up: false,
        }
    }
}

impl Reducible for Ui {
    type Action = Choose;

    fn reduce(self: Rc<Self>, action: Choose) -> Rc<Self> {
        let mut ui = (*self).clone();
        match action {
            Choose::Layout(layout) => ui.layout = layout,
            Choose::Select(selection) => {
                if let Selection::Partition(partition) = &selection {
                    ui.partition = partition.clone();
                }
                if ui.tab == Tab::Wire {
                    ui.tab = Tab::State;
                }
                ui.wide = false;
                ui.selection = selection;
                ui.sheet = Sheet::Inspect;
            }
            Choose::Large(partition) => {
                if matches!(ui.selection, Selection::Partition(_)) {
                    ui.selection = Selection::Partition(partition.clone());
                }
                ui.partition = partition;
            }
            Choose::Tab(tab) => {
                ui.wide &= tab == Tab::Wire;
                ui.tab = tab;
            }
            Choose::Wide(wide) => {
                ui.wide = wide;
                if wide {
                    ui.tab = Tab::Wire;
                }
            }
            Choose::Frame(frame) => {
                ui.frame = Some(frame);
                ui.selection = Selection::Event(frame);
                ui.tab = Tab::Wire;
                ui.sheet = Sheet::Inspect;
            }
            Choose::Why(event) => {
                ui.selection = Selection::Event(event);
                ui.wide = false;
                ui.tab = Tab::Why;
                ui.sheet = Sheet::Inspect;
            }
            Choose::Dock(dock) => ui.dock = dock,
            Choose::Dialog(dialog) => ui.dialog = dialog,
            Choose::Settings(settings) => ui.settings = settings,
            Choose::Sheet(sheet) => {
                ui.sheet_up = if ui.sheet == sheet { !ui.sheet_up } else { ui.sheet_up || sheet != Sheet::Lesson };
                ui.sheet = sheet;
            }
            Choose::SheetUp(up) => ui.sheet_up = up,
        }
        if ui == *self { self } else { Rc::new(ui) }
    }
}

pub type UiHandle = UseReducerHandle<Ui>;
pub type UiDispatcher = UseReducerDispatcher<Ui>;
