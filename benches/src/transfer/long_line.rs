//! Transfers and lists over the long line, where only what is in flight at once counts.

use std::{num::NonZeroUsize, time::Duration};

use super::{
    bare_hyper::BareHyper,
    client::{BlockingClient as _, Checked, Client as _, Failed, PART, PARTS_IN_FLIGHT, ensure},
    measure::{runtime, spent},
    ours::{CosBlocking, CosTokio},
};
use crate::{
    line::LONG,
    process::Server,
    row::{Bound, Row},
};

/// One stream into a driver's writer.
pub(super) fn upload_rows(quick: bool) -> Result<Vec<Row>, Failed> {
    let server = Server::start()?;
    let runtime = runtime()?;
    // Whole turns of all connections; a stream that goes on for long has no last turn to wait for.
    let turns = if quick { 7 } else { 14 };
    let size = PART * PARTS_IN_FLIGHT as u64 * turns;
    let serial_size = PART * turns.div_ceil(2);
    let time = |work: &dyn Fn() -> Checked| spent(work).map(|spent| spent.wall);

    let bare = BareHyper::new(server.long, 10);
    let bare_rate = rate(size, time(&|| runtime.block_on(bare.upload("bare", size)))?);
    let serial = bare.clone().serial();
    let serial_time = time(&|| runtime.block_on(serial.upload("serial", serial_size)))?;
    let serial_rate = rate(serial_size, serial_time);
    let on_tokio = CosTokio::new(server.long, 10)?;
    let on_tokio = time(&|| runtime.block_on(on_tokio.upload("tokio", size)))?;
    let on_threads = CosBlocking::new(server.long, 10)?;
    let on_threads = time(&|| on_threads.upload("threads", size))?;

    let row = |client: &str, ours: f64| {
        Row::new(format!("{client}, long line: one stream of {} MiB up", size >> 20), "MB/s", ours)
            .peer("serial uploader", serial_rate)
            .floor("hyper-util, 9 parts", bare_rate)
            .target("ours / (9 x 20 MB/s)", ours / nine_connections(), Bound::AtLeast(0.85))
            .target("ours / serial", ours / serial_rate, Bound::Info)
    };
    Ok(vec![row("cos-tokio", rate(size, on_tokio)), row("cos-blocking", rate(size, on_threads))])
}

/// What all bulk permits of a driver can move at once, in MB/s.
fn nine_connections() -> f64 {
    f64::from(LONG.bytes_per_second) / 1e6 * PARTS_IN_FLIGHT as f64
}

/// One reader that reads ahead.
pub(super) fn read_rows(quick: bool) -> Result<Vec<Row>, Failed> {
    let server = Server::start()?;
    let runtime = runtime()?;
    // Whole turns, as for the writer: what begins and ends a stream does not matter then.
    let size = PART * PARTS_IN_FLIGHT as u64 * if quick { 4 } else { 8 };
    let serial_size = 40 << 20;
    let time = |work: &dyn Fn() -> Checked| spent(work).map(|spent| spent.wall);

    let serial = BareHyper::new(server.long, 10);
    let serial_time = time(&|| runtime.block_on(serial.download(serial_size)))?;
    let serial_rate = rate(serial_size, serial_time);
    let on_tokio = CosTokio::new(server.long, 10)?;
    let on_tokio = time(&|| runtime.block_on(on_tokio.download_ahead(size)))?;
    let on_threads = CosBlocking::new(server.long, 10)?;
    let on_threads = time(&|| on_threads.download_ahead(size))?;

    let row = |client: &str, ours: f64| {
        let what = format!("{client}, long line: one reader, reading ahead, of {} MiB", size >> 20);
        Row::new(what, "MB/s", ours)
            .floor("one GET", serial_rate)
            .target("ours / (9 x 20 MB/s)", ours / nine_connections(), Bound::AtLeast(0.85))
            .target("ours / one GET", ours / serial_rate, Bound::Info)
    };
    Ok(vec![row("cos-tokio", rate(size, on_tokio)), row("cos-blocking", rate(size, on_threads))])
}

/// A walk of a registry tree, by one list and by all bulk permits of a driver.
pub(super) fn walk_rows(quick: bool) -> Result<Vec<Row>, Failed> {
    let server = Server::start()?;
    let runtime = runtime()?;
    let count: u64 = if quick { 100_000 } else { 400_000 };
    let serial_count = count / 8;
    let lists = NonZeroUsize::new(PARTS_IN_FLIGHT).ok_or("no lists")?;
    let on_tokio = CosTokio::new(server.long, 10)?;
    let on_threads = CosBlocking::new(server.long, 10)?;
    let bare = BareHyper::new(server.long, 10);
    let by = |count: u64, lists: NonZeroUsize| {
        let walk = || {
            runtime.block_on(async {
                let (files, _) = on_tokio.walk(&format!("/tree-{count}"), lists).await?;
                ensure(files == count, "walk")
            })
        };
        spent(walk).map(|spent| per_second(count, spent.wall))
    };
    let (ours, ours_serial) = (by(count, lists)?, by(serial_count, NonZeroUsize::MIN)?);
    let threads_time =
        spent(|| ensure(on_threads.walk(&format!("/tree-{count}"), lists)? == count, "walk"))?;
    let threads = per_second(count, threads_time.wall);
    let serial_time = spent(|| {
        runtime.block_on(async {
            let counted = bare.count_keys(&format!("tree-{serial_count}/")).await?;
            ensure(counted == serial_count, "list")
        })
    })?;
    let serial = per_second(serial_count, serial_time.wall);
    let row = |what: String, ours: f64| {
        Row::new(format!("{what}, a registry's tree"), "keys/s", ours).floor("serial list", serial)
    };
    let parallel = |client: &str, ours: f64| {
        row(format!("{client}, long line: walk of {count} keys by {lists} lists"), ours).target(
            "ours / serial",
            ours / serial,
            Bound::AtLeast(5.0),
        )
    };
    Ok(vec![
        parallel("cos-tokio", ours),
        parallel("cos-blocking", threads),
        row(format!("cos-tokio, long line: walk of {serial_count} keys by one list"), ours_serial)
            .target("ours / serial", ours_serial / serial, Bound::Info),
    ])
}

/// A recursive delete.
pub(super) fn delete_rows(quick: bool) -> Result<Vec<Row>, Failed> {
    let server = Server::start()?;
    let runtime = runtime()?;
    let count: u64 = if quick { 20_000 } else { 100_000 };
    let serial_count = count / 4;
    let direct = BareHyper::new(server.direct, 10);
    runtime.block_on(async {
        direct.seed("ours/", count).await?;
        direct.seed("serial/", serial_count).await
    })?;
    let ours = CosTokio::new(server.long, 10)?;
    let bare = BareHyper::new(server.long, 10);
    let ours_time = spent(|| runtime.block_on(async { Ok(ours.0.delete("/ours").await?) }))?;
    let serial_time = spent(|| {
        runtime.block_on(async {
            ensure(bare.delete_all("serial/").await? == serial_count, "serial delete")
        })
    })?;
    let left = runtime.block_on(direct.count_keys("ours/"))?;
    ensure(left == 0, "keys are left")?;
    let ours = per_second(count, ours_time.wall);
    let serial = per_second(serial_count, serial_time.wall);
    Ok(vec![
        Row::new(format!("cos-tokio, long line: recursive delete of {count} keys"), "keys/s", ours)
            .floor("serial list and delete", serial)
            .target("ours / serial", ours / serial, Bound::Info),
    ])
}

fn rate(size: u64, time: Duration) -> f64 {
    size as f64 / 1e6 / time.as_secs_f64()
}

fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
