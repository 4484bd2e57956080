//! Runs cases and tells what came of them, side by side.

use std::{
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{Case, LEFT_OUT, Options, Stop, Subject, Trial, cases};

/// What came of one case on one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a cell shows one of three")]
pub enum Cell {
    /// All is as it must be.
    Passed,
    /// It cannot be run on this subject, and why.
    Skipped(String),
    /// What is wrong.
    Failed(String),
}

/// What came of the cases on one subject, by their names.
pub type Results = BTreeMap<&'static str, Cell>;

/// Runs all cases whose name contains `filter`, one after the other, each on a subject of its own.
/// All may be on one bucket.
pub fn run(
    options: Options,
    filter: &str,
    mut subject: impl FnMut() -> Box<dyn Subject>,
) -> Results {
    cases()
        .filter(|case| case.name.contains(filter))
        .map(|case| (case.name, run_case(case, &*subject(), options)))
        .collect()
}

/// Runs one case and tidies up after it. A panic is a failure.
pub fn run_case(case: &Case, subject: &dyn Subject, options: Options) -> Cell {
    let trial = Trial::new(subject, options, case.name);
    let caught = |run: &dyn Fn() -> super::Outcome| {
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Stop::Failed(format!("panicked: {}", text.unwrap_or("without a text"))))
        })
    };
    let ran = caught(&|| (case.run)(&trial));
    let tidied = caught(&|| trial.tidy());
    match (ran, tidied) {
        (Err(Stop::Failed(what)), _) | (_, Err(Stop::Failed(what))) => Cell::Failed(what),
        (Err(Stop::Skipped(why)), _) => Cell::Skipped(why),
        (Ok(()), _) => Cell::Passed,
    }
}

/// A table of cases × subjects.
#[derive(Clone, Debug, Default)]
pub struct Report {
    columns: Vec<(String, Results)>,
}

impl Report {
    /// Without subjects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column.
    pub fn add(&mut self, subject: impl Into<String>, results: Results) {
        self.columns.push((subject.into(), results));
    }

    /// What is wrong: every failure, and every case that was not run on a subject.
    pub fn failures(&self) -> Vec<String> {
        let of = |(subject, results): &(String, Results)| {
            let cell = |case: &Case| match results.get(case.name) {
                None => Some(format!("{} on {subject}: not run", case.name)),
                Some(Cell::Failed(what)) => Some(format!("{} on {subject}: {what}", case.name)),
                Some(Cell::Passed | Cell::Skipped(_)) => None,
            };
            cases().filter_map(cell).collect::<Vec<_>>()
        };
        self.columns.iter().flat_map(of).collect()
    }

    /// The cases that could not be run, by subject and reason.
    pub fn skipped(&self) -> BTreeMap<(&str, &str), Vec<&'static str>> {
        let mut skipped: BTreeMap<_, Vec<&'static str>> = BTreeMap::new();
        for (subject, results) in &self.columns {
            for (case, cell) in results {
                if let Cell::Skipped(why) = cell {
                    skipped.entry((&**subject, &**why)).or_default().push(case);
                }
            }
        }
        skipped
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = cases().map(|case| case.name.len()).max().unwrap_or_default();
        write!(out, "{:width$}", "case")?;
        for (subject, _) in &self.columns {
            write!(out, " | {subject}")?;
        }
        writeln!(out)?;
        for case in cases() {
            write!(out, "{:width$}", case.name)?;
            for (subject, results) in &self.columns {
                let cell = match results.get(case.name) {
                    Some(Cell::Passed) => "ok",
                    Some(Cell::Skipped(_)) => "n/a",
                    Some(Cell::Failed(_)) => "FAILED",
                    None => "",
                };
                write!(out, " | {cell:w$}", w = subject.len())?;
            }
            writeln!(out)?;
        }
        for ((subject, why), cases) in self.skipped() {
            writeln!(out, "n/a on {subject}: {} ({why})", cases.join(", "))?;
        }
        for left in LEFT_OUT {
            writeln!(out, "left out: {} ({}): {}", left.name, left.source, left.reason)?;
        }
        let (cells, failures) = (cases().count() * self.columns.len(), self.failures());
        writeln!(out, "{} cases, {cells} cells, {} failures", cases().count(), failures.len())?;
        for failure in failures {
            writeln!(out, "FAILED: {failure}")?;
        }
        Ok(())
    }
}
