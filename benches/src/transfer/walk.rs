//! Walks on the loopback: keys a second, CPU and memory.

#[cfg(feature = "peers")]
use super::opendal_client::OpenDal;
use super::{
    bare_hyper::BareHyper,
    client::{Failed, ensure},
    measure::{Spent, runtime, spent},
};
use crate::{
    process::{Cost, Server, client},
    row::{Bound, Row},
};

/// 1,000,000 keys, in one directory and as a registry's tree.
pub(super) fn rows(quick: bool) -> Result<Vec<Row>, Failed> {
    let server = Server::start()?;
    let count = if quick { 100_000 } else { 1_000_000 };
    let mut rows = Vec::new();
    for shape in ["flat", "tree"] {
        let bare = bare(&server, shape, count)?;
        for adapter in ["tokio", "blocking"] {
            let few = walked(&server, adapter, shape, 10_000, 1)?;
            let all = walked(&server, adapter, shape, count, 1)?;
            let what = format!("cos-{adapter}: walk of {count} keys, {shape}");
            rows.extend(described(&what, count, &few, &all, (adapter == "tokio").then_some(bare)));
        }
        #[cfg(feature = "peers")]
        with_peer(&mut rows, &server, shape, count)?;
    }
    for adapter in ["tokio", "blocking"] {
        rows.extend(in_parallel(&server, adapter, count)?);
    }
    Ok(rows)
}

/// By nine lists, which hold what they may in a smaller walk, too.
fn in_parallel(server: &Server, adapter: &str, count: u64) -> Result<[Row; 2], Failed> {
    let fewer = count / 2;
    let few = walked(server, adapter, "tree", fewer, 9)?;
    let all = walked(server, adapter, "tree", count, 9)?;
    let what = format!("cos-{adapter}: walk of {count} keys, tree, 9 lists");
    Ok([
        Row::new(&what, "us CPU/key", all.cpu.as_secs_f64() * 1e6 / count as f64),
        Row::new(format!("{what}, peak memory"), "MiB", all.peak_mib())
            .floor("half the keys", few.peak_mib())
            .target("more than for half", all.peak_mib() - few.peak_mib(), Bound::AtMost(4.0)),
    ])
}

/// Adds OpenDAL to the rows of cos-tokio.
#[cfg(feature = "peers")]
fn with_peer(rows: &mut [Row], server: &Server, shape: &str, count: u64) -> Result<(), Failed> {
    let client = OpenDal::new(server.direct)?;
    let runtime = runtime()?;
    let spent = spent(|| {
        let listed = runtime.block_on(client.count_keys(&format!("{shape}-{count}/")))?;
        ensure(listed == count, "list")
    })?;
    let per_key = spent.cpu.as_secs_f64() * 1e6 / count as f64;
    if let [.., rate, cpu, _, _, _, _] = rows {
        *rate = rate.clone().peer("OpenDAL", count as f64 / spent.wall.as_secs_f64());
        *cpu = cpu.clone().peer("OpenDAL", per_key);
    }
    Ok(())
}

fn described(what: &str, count: u64, few: &Cost, all: &Cost, bare: Option<Spent>) -> [Row; 3] {
    let keys = count as f64;
    let rate = Row::new(what, "keys/s", keys / all.wall.as_secs_f64());
    let cpu = Row::new(what, "us CPU/key", all.cpu.as_secs_f64() * 1e6 / keys);
    let memory = Row::new(format!("{what}, peak memory"), "MiB", all.peak_mib())
        .floor("10,000 keys", few.peak_mib())
        .target("more than for 10,000", all.peak_mib() - few.peak_mib(), Bound::AtMost(4.0));
    match bare {
        None => [rate, cpu, memory],
        Some(bare) => [
            rate.floor("HTTP alone", keys / bare.wall.as_secs_f64()),
            cpu.floor("HTTP alone", bare.cpu.as_secs_f64() * 1e6 / keys),
            memory,
        ],
    }
}

/// The least of two walks: other work on the machine only adds.
fn walked(
    server: &Server,
    adapter: &str,
    shape: &str,
    count: u64,
    lists: u64,
) -> Result<Cost, Failed> {
    let (server, count, lists) = (server.direct.to_string(), count.to_string(), lists.to_string());
    let walk = || client(&["walk", &server, adapter, shape, &count, &lists], &[]);
    Ok(walk()?.least(walk()?))
}

fn bare(server: &Server, shape: &str, count: u64) -> Result<Spent, Failed> {
    let client = BareHyper::new(server.direct, 10);
    let runtime = runtime()?;
    spent(|| {
        runtime.block_on(async {
            ensure(client.count_keys(&format!("{shape}-{count}/")).await? == count, "list")
        })
    })
}
