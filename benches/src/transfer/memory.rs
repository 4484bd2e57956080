//! The most memory that a client process has for one task, beyond what it had before.

use super::{
    client::{Failed, PART},
    ours::AHEAD_RANGES,
};
use crate::{
    process::{Server, client},
    row::{Bound, Row},
};

const MIB: f64 = (1 << 20) as f64;
/// A runtime or threads, code that is read in, and ten connections with half a MiB of buffers each.
const BESIDE: f64 = 16.0;

pub(super) fn rows(quick: bool) -> Result<Vec<Row>, Failed> {
    let server = Server::start()?;
    let size = if quick { "536870912" } else { "1073741824" };
    let mut rows = Vec::new();
    for adapter in ["tokio", "blocking"] {
        for writers in [1_u32, 4] {
            // Section 4 of the design: a chunk per writer, and ten of all writers together.
            let bound = f64::from(writers + 10) * PART as f64 / MIB + BESIDE;
            let what = format!("cos-{adapter}: {writers} writer(s) of {} MiB", mib(size)?);
            let arguments =
                ["upload", &server.direct.to_string(), adapter, size, &writers.to_string()];
            rows.push(row(what, &arguments, bound)?);
        }
        let what = format!("cos-{adapter}: a reader of {} MiB", mib(size)?);
        let arguments = ["download", &server.direct.to_string(), adapter, size];
        rows.push(row(what, &arguments, BESIDE)?);
        // What `ReadAheadOptions` says, and the reader's buffers.
        let bound = (AHEAD_RANGES + 1) as f64 * PART as f64 / MIB + BESIDE;
        let what = format!("cos-{adapter}: a reader, reading ahead, of {} MiB", mib(size)?);
        let arguments = ["download-ahead", &server.direct.to_string(), adapter, size];
        rows.push(row(what, &arguments, bound)?);
    }
    Ok(rows)
}

/// Memory that other threads have freed is lost to a thread of glibc's, so one figure is without.
const ONE_ARENA: &[(&str, &str)] = &[("MALLOC_ARENA_MAX", "1")];

fn row(what: String, arguments: &[&str], bound: f64) -> Result<Row, Failed> {
    let peak = |variables| Ok::<_, Failed>(client(arguments, variables)?.peak_mib());
    let (peak, in_one_arena) = (peak(&[])?, peak(ONE_ARENA)?);
    Ok(Row::new(what + ", peak memory", "MiB", peak)
        .floor("bound", bound)
        .target("ours / bound", peak / bound, Bound::AtMost(1.0))
        .note(format!("{in_one_arena:.0} MiB with one arena of malloc's")))
}

fn mib(size: &str) -> Result<u64, Failed> {
    Ok(size.parse::<u64>()? >> 20)
}
