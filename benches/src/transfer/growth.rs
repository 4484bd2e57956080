//! How costs grow: what one more byte, part or key costs must not depend on how many there are.

use std::time::Duration;

use super::{client::Failed, large::GIB, tasks::parts_bytes};
use crate::{
    process::{Cost, Server, client},
    row::{Bound, Row},
};

/// How much more a unit may cost at the end of the table than where fixed costs end.
const FLAT: f64 = 1.3;
/// How much more memory it may take there, in MiB.
const MEMORY_FLAT: f64 = 4.0;
/// What takes longer is measured once, unless it looks dear.
const LONG: Duration = Duration::from_secs(2);

pub(super) fn rows(quick: bool) -> Result<Vec<Row>, Failed> {
    let server = Server::start()?;
    let server = server.direct.to_string();
    let sizes: &[u64] = &[1 << 10, 1 << 20, 64 << 20, 256 << 20, GIB, 4 * GIB, 16 * GIB];
    let sizes = if quick { &sizes[..5] } else { sizes };
    let parts: &[u64] = if quick { &[1, 10, 100, 1000] } else { &[1, 10, 100, 1000, 10_000] };
    let keys: &[u64] = &[100, 1000, 10_000, 100_000, 1_000_000];
    let keys = if quick { &keys[..4] } else { keys };

    let gib = |size: u64| size as f64 / GIB as f64;
    let up = |size: u64| client(&["upload", &server, "tokio", &size.to_string(), "1"], &[]);
    let down = |size: u64| client(&["download", &server, "tokio", &size.to_string()], &[]);
    let part = |count: u64| client(&["parts", &server, &count.to_string()], &[]);
    let key =
        |count: u64| client(&["walk", &server, "tokio", "tree", &count.to_string(), "1"], &[]);
    let mut rows = table("growth: bytes up", "CPU-s/GiB", sizes, GIB / 4, gib, up)?;
    rows.extend(table("growth: bytes down", "CPU-s/GiB", sizes, GIB / 4, gib, down)?);
    let in_parts = |count: u64| gib(parts_bytes(count));
    rows.extend(table("growth: parts", "CPU-s/GiB", parts, 1000, in_parts, part)?);
    let per_key = |count: u64| count as f64 / 1e6;
    rows.extend(table("growth: keys", "us CPU/key", keys, 10_000, per_key, key)?);
    Ok(rows)
}

/// A row for each count; those after the reference must not cost more by the unit, nor need more
/// memory.
fn table(
    what: &str,
    unit: &'static str,
    counts: &[u64],
    reference: u64,
    units: impl Fn(u64) -> f64,
    run: impl Fn(u64) -> Result<Cost, Failed>,
) -> Result<Vec<Row>, Failed> {
    let (mut rows, mut expected, mut peak_expected) = (Vec::new(), None::<f64>, f64::MAX);
    for &count in counts {
        let (mut cpu, mut peak) = (f64::MAX, f64::MAX);
        // Other work on the machine only adds, so what looks dear is measured again.
        for _ in 0..3 {
            let cost = run(count)?;
            cpu = cpu.min(cost.cpu.as_secs_f64() / units(count));
            peak = peak.min(cost.peak_mib());
            let flat = expected.is_none_or(|expected| cpu <= expected * FLAT)
                && peak - peak_expected <= MEMORY_FLAT;
            if cost.wall > LONG && flat {
                break;
            }
        }
        let row = Row::new(format!("{what}, {count}"), unit, cpu)
            .note(format!("{:.3} ms CPU in all, peak {peak:.1} MiB", cpu * units(count) * 1e3));
        rows.push(match expected {
            Some(expected) => row
                .target("by the unit, to the reference", cpu / expected, Bound::AtMost(FLAT))
                .target(
                    "MiB above the reference",
                    peak - peak_expected,
                    Bound::AtMost(MEMORY_FLAT),
                ),
            None => row,
        });
        if count == reference {
            (expected, peak_expected) = (Some(cpu), peak);
        }
    }
    Ok(rows)
}
