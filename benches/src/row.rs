//! What a measurement says.

/// What measuring gives. An error is a wrong result or a peer that failed, never a missed target.
pub type Rows = Result<Vec<Row>, Box<dyn std::error::Error>>;

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was done.
    pub what: String,
    /// Of `ours`, `peer` and `floor`.
    pub unit: &'static str,
    pub ours: f64,
    pub peer: Option<Named>,
    pub floor: Option<Named>,
    pub targets: Vec<Target>,
    pub note: Option<String>,
}

impl Row {
    /// A row of ours alone.
    pub fn new(what: impl Into<String>, unit: &'static str, ours: f64) -> Self {
        let (peer, floor, targets, note) = (None, None, Vec::new(), None);
        Self { what: what.into(), unit, ours, peer, floor, targets, note }
    }

    /// Beside what another client needs.
    #[must_use]
    pub fn peer(mut self, name: &'static str, value: f64) -> Self {
        self.peer = Some(Named { name, value });
        self
    }

    /// Beside what cannot be avoided.
    #[must_use]
    pub fn floor(mut self, name: &'static str, value: f64) -> Self {
        self.floor = Some(Named { name, value });
        self
    }

    /// What must hold of it.
    #[must_use]
    pub fn target(mut self, what: &'static str, value: f64, bound: Bound) -> Self {
        self.targets.push(Target { what, value, bound });
        self
    }

    /// What a reader must know of it.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// The figure of a peer or floor.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: &'static str,
    pub value: f64,
}

/// What must hold.
#[derive(Clone, Debug)]
pub struct Target {
    /// Such as `ours / floor`.
    pub what: &'static str,
    pub value: f64,
    pub bound: Bound,
}

impl Target {
    /// Whether it holds; what is only told always does.
    pub fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.value <= bound,
            Bound::AtLeast(bound) => self.value >= bound,
            Bound::Info => true,
        }
    }
}

/// How a target's value is bounded.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// Not at all.
    Info,
}
