//! `RESULTS.md`: the table with what it was measured on.

use std::{fmt::Write as _, fs, process::Command, time::SystemTime};

use time::OffsetDateTime;

use super::{HEADS, cells};
use crate::row::Row;

/// What is measured beside ours.
const OTHERS: [&str; 12] = [
    "crc",
    "crc-fast",
    "crc64fast",
    "hyper",
    "hyper-util",
    "object_store",
    "opendal",
    "quick-xml",
    "reqsign-tencent-cos",
    "rusty-s3",
    "sha1",
    "ureq",
];
const LOCK: &str = include_str!("../../Cargo.lock");

/// The page of these rows, measured just now.
pub fn page(rows: &[Row], quick: bool) -> String {
    let date = OffsetDateTime::from(SystemTime::now()).date();
    let mut out =
        String::from("# Results\n\nWritten by `compare`; see the head of `src/lib.rs`.\n\n");
    let _ = writeln!(out, "* {date}{}", if quick { ", a quick run" } else { "" });
    let _ = writeln!(out, "* {}", processor());
    let _ = writeln!(out, "* {}", compiler());
    let _ = writeln!(out, "* {}\n", versions().join(", "));
    push_line(&mut out, &HEADS.map(str::to_owned));
    push_line(&mut out, &HEADS.map(|_| "---".to_owned()));
    for line in cells(rows) {
        push_line(&mut out, &line);
    }
    out.push('\n');
    for row in rows {
        if let Some(note) = &row.note {
            let _ = writeln!(out, "* {}: {note}", row.what);
        }
    }
    out
}

fn push_line(out: &mut String, cells: &[String]) {
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = info.lines().filter(|line| line.starts_with("processor")).count();
    let name = value("model name").unwrap_or_else(|| "an unknown processor".to_owned());
    format!("{name}, {cores} cores")
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| "an unknown compiler".to_owned())
}

/// The versions that are linked, from the lock file.
fn versions() -> Vec<String> {
    let mut versions = Vec::new();
    for package in LOCK.split("[[package]]") {
        let value = |name: &str| {
            package.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix('"'))
        };
        if let (Some(name), Some(version)) = (value("name = \""), value("version = \""))
            && OTHERS.contains(&name)
        {
            versions.push(format!("{name} {version}"));
        }
    }
    versions
}
