//! What a child is told to do, and what it says of it; both as lines of text.

use std::fmt;

/// One thing that a slot of a child does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Put {
        path: String,
        generation: u64,
        size: u64,
    },
    /// Opens a writer, lets the file grow and ends the writer.
    Write {
        path: String,
        open: Open,
        generation: u64,
        grow: u64,
        end: End,
    },
    Move {
        from: String,
        to: String,
    },
    Delete {
        path: String,
    },
    Read {
        path: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open {
    Create,
    /// What there is, is of one of these generations.
    Append(Vec<u64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Close,
    Commit,
    Cancel,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was acknowledged; a writer's size, 0 for others.
    Done(u64),
    /// A file was read.
    Object { size: u64, crc: u64 },
    /// There is nothing at the path.
    NotFound,
    /// There is a file that cannot be appended to.
    Exists(u64),
    /// Any other error: its kind and its text.
    Failed(String, String),
}

/// What a slot says; its step is known by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Begin,
    /// The writer is open and so many bytes are there.
    Opened(u64),
    Ended(Outcome),
    /// A step on the path has failed before: what it does at the service may still happen.
    Skipped,
}

/// One line of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub slot: usize,
    pub step: usize,
    pub event: Event,
}

impl Step {
    /// What it is called in a table.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Put { .. } => "put",
            Self::Write { end: End::Close, .. } => "close",
            Self::Write { end: End::Commit, .. } => "commit",
            Self::Write { end: End::Cancel, .. } => "cancel",
            Self::Move { .. } => "move",
            Self::Delete { .. } => "delete",
            Self::Read { .. } => "read",
        }
    }

    pub fn paths(&self) -> Vec<&str> {
        match self {
            Self::Put { path, .. }
            | Self::Write { path, .. }
            | Self::Delete { path }
            | Self::Read { path } => vec![path],
            Self::Move { from, to } => vec![from, to],
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let name = words.next()?;
        let path = words.next()?.to_owned();
        let mut number = || words.next()?.parse().ok();
        Some(match name {
            "put" => Self::Put { path, generation: number()?, size: number()? },
            "write" => {
                let (generation, grow) = (number()?, number()?);
                let end = match words.next()? {
                    "close" => End::Close,
                    "commit" => End::Commit,
                    _ => End::Cancel,
                };
                let open = match words.next()? {
                    "create" => Open::Create,
                    _ => Open::Append(words.map(str::parse).collect::<Result<_, _>>().ok()?),
                };
                Self::Write { path, open, generation, grow, end }
            }
            "move" => Self::Move { from: path, to: words.next()?.to_owned() },
            "delete" => Self::Delete { path },
            "read" => Self::Read { path },
            _ => return None,
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { path, generation, size } => write!(out, "put {path} {generation} {size}"),
            Self::Write { path, open, generation, grow, end } => {
                let end = match end {
                    End::Close => "close",
                    End::Commit => "commit",
                    End::Cancel => "cancel",
                };
                write!(out, "write {path} {generation} {grow} {end} ")?;
                match open {
                    Open::Create => out.write_str("create"),
                    Open::Append(generations) => {
                        out.write_str("append")?;
                        generations.iter().try_for_each(|one| write!(out, " {one}"))
                    }
                }
            }
            Self::Move { from, to } => write!(out, "move {from} {to}"),
            Self::Delete { path } => write!(out, "delete {path}"),
            Self::Read { path } => write!(out, "read {path}"),
        }
    }
}

/// Every line of a child begins with this, so that the test harness may say what it likes.
const MARK: &str = "chaos: ";

impl Line {
    /// A line's meaning; `None` for what the harness says, and for the torn last line of a child that
    /// was killed, which acknowledges nothing.
    pub fn parse(text: &str) -> Option<Self> {
        // The harness prints the test's name without a line end.
        let (_, text) = text.strip_suffix(" .")?.split_once(MARK)?;
        let mut words = text.splitn(4, ' ');
        let slot = words.next()?.parse().ok()?;
        let step = words.next()?.parse().ok()?;
        let name = words.next()?;
        let rest = words.next().unwrap_or_default();
        let event = match name {
            "begin" => Event::Begin,
            "skipped" => Event::Skipped,
            "opened" => Event::Opened(rest.parse().ok()?),
            "done" => Event::Ended(Outcome::Done(rest.parse().ok()?)),
            "object" => {
                let (size, crc) = rest.split_once(' ')?;
                let (size, crc) = (size.parse().ok()?, crc.parse().ok()?);
                Event::Ended(Outcome::Object { size, crc })
            }
            "notfound" => Event::Ended(Outcome::NotFound),
            "exists" => Event::Ended(Outcome::Exists(rest.parse().ok()?)),
            "failed" => {
                let (kind, text) = rest.split_once(' ')?;
                Event::Ended(Outcome::Failed(kind.to_owned(), text.to_owned()))
            }
            _ => return None,
        };
        Some(Self { slot, step, event })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{MARK}{} {} ", self.slot, self.step)?;
        match &self.event {
            Event::Begin => out.write_str("begin"),
            Event::Skipped => out.write_str("skipped"),
            Event::Opened(size) => write!(out, "opened {size}"),
            Event::Ended(Outcome::Done(size)) => write!(out, "done {size}"),
            Event::Ended(Outcome::Object { size, crc }) => write!(out, "object {size} {crc}"),
            Event::Ended(Outcome::NotFound) => out.write_str("notfound"),
            Event::Ended(Outcome::Exists(size)) => write!(out, "exists {size}"),
            Event::Ended(Outcome::Failed(kind, text)) => {
                write!(out, "failed {kind} {}", text.replace('\n', " "))
            }
        }?;
        out.write_str(" .")
    }
}

#[test]
fn steps_and_lines_survive_being_text() {
    let path = || "/slot0/file".to_owned();
    for step in [
        Step::Put { path: path(), generation: 3, size: 1000 },
        Step::Write { path: path(), open: Open::Create, generation: 4, grow: 9, end: End::Commit },
        Step::Write {
            path: path(),
            open: Open::Append(vec![3, 4]),
            generation: 5,
            grow: 0,
            end: End::Close,
        },
        Step::Move { from: path(), to: "/slot0/other".to_owned() },
        Step::Delete { path: path() },
        Step::Read { path: path() },
    ] {
        assert_eq!(Step::parse(&step.to_string()), Some(step));
    }
    for event in [
        Event::Begin,
        Event::Skipped,
        Event::Opened(7),
        Event::Ended(Outcome::Done(8)),
        Event::Ended(Outcome::Object { size: 1, crc: u64::MAX }),
        Event::Ended(Outcome::NotFound),
        Event::Ended(Outcome::Exists(5)),
        Event::Ended(Outcome::Failed("Transport".to_owned(), "it broke".to_owned())),
    ] {
        let line = Line { slot: 2, step: 11, event };
        assert_eq!(Line::parse(&format!("test child ... {line}")), Some(line.clone()));
        let torn = line.to_string();
        assert_eq!(Line::parse(&torn[..torn.len() - 1]), None);
    }
}
