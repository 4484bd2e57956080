//! The table, printed and as a page.

mod page;

use std::fmt::Write as _;

use crate::row::{Bound, Row, Target};

pub use self::page::page;

const HEADS: [&str; 8] = ["what", "unit", "ours", "peer", "floor", "ratio", "target", "met"];

/// One line per target; a row's first line has its figures.
pub(crate) fn cells(rows: &[Row]) -> Vec<[String; 8]> {
    let mut lines = Vec::new();
    for row in rows {
        let named = |named: &Option<crate::row::Named>| {
            named
                .as_ref()
                .map_or_else(String::new, |one| format!("{} ({})", figure(one.value), one.name))
        };
        let mut line = [
            row.what.clone(),
            row.unit.to_owned(),
            figure(row.ours),
            named(&row.peer),
            named(&row.floor),
            String::new(),
            String::new(),
            String::new(),
        ];
        for target in &row.targets {
            let [ratio, bound, met] = judged(target);
            (line[5], line[6], line[7]) = (ratio, bound, met);
            lines.push(std::mem::take(&mut line));
        }
        if row.targets.is_empty() {
            lines.push(line);
        }
    }
    lines
}

fn judged(target: &Target) -> [String; 3] {
    let bound = match target.bound {
        Bound::AtMost(bound) => format!("≤ {}", in_hundredths(bound)),
        Bound::AtLeast(bound) => format!("≥ {}", in_hundredths(bound)),
        Bound::Info => String::new(),
    };
    let met = match (target.bound, target.is_met()) {
        (Bound::Info, _) => "",
        (_, true) => "yes",
        (_, false) => "NO",
    };
    [format!("{} = {}", target.what, figure(target.value)), bound, met.to_owned()]
}

/// A bound may be measured, too.
fn in_hundredths(bound: f64) -> f64 {
    (bound * 100.0).round() / 100.0
}

/// Three digits that count.
pub(crate) fn figure(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// The table for a terminal.
pub fn plain(rows: &[Row]) -> String {
    let mut lines = vec![HEADS.map(str::to_owned)];
    lines.extend(cells(rows));
    let widths: [usize; 8] = std::array::from_fn(|column| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)
    });
    let mut out = String::new();
    for line in &lines {
        let mut text = String::new();
        for (cell, width) in line.iter().zip(widths) {
            let _ = write!(text, "{cell:width$}  ");
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    for row in rows {
        if let Some(note) = &row.note {
            let _ = writeln!(out, "{}: {note}", row.what);
        }
    }
    out
}

/// The targets that are missed.
pub fn missed(rows: &[Row]) -> Vec<String> {
    let missed = |row: &Row| {
        let targets = row.targets.iter().filter(|target| !target.is_met());
        targets
            .map(|target| format!("{}: {}", row.what, judged(target).join(" ")))
            .collect::<Vec<_>>()
    };
    rows.iter().flat_map(missed).collect()
}
