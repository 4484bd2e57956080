//! One large object up and down on the loopback: time and CPU beside the bare client, which checks
//! the same CRC-64 over the same number of connections.

use tokio::runtime::Runtime;

#[cfg(feature = "peers")]
use super::opendal_client::OpenDal;
use super::{
    bare_hyper::BareHyper,
    bare_ureq::BareUreq,
    client::{BlockingClient, Client, Failed},
    measure::{Contender, Spent, best_of, runtime},
    ours::{CosBlocking, CosTokio},
};
use crate::{
    process::Server,
    row::{Bound, Row},
};

pub(super) const GIB: u64 = 1 << 30;

#[derive(Clone, Copy, Debug)]
enum Way {
    Up,
    Down,
}

pub(super) fn rows(quick: bool) -> Result<Vec<Row>, Failed> {
    let server = Server::start()?;
    let runtime = runtime()?;
    let (size, rounds) = if quick { (GIB / 4, 3) } else { (GIB, 4) };
    let mut rows = Vec::new();
    for way in [Way::Up, Way::Down] {
        let spent = on_tokio(&server, &runtime, way, size, rounds)?;
        rows.extend(compared("cos-tokio", "hyper-util + CRC", way, size, &spent));
    }
    for way in [Way::Up, Way::Down] {
        let spent = on_threads(&server, way, size, rounds)?;
        rows.extend(compared("cos-blocking", "ureq + CRC", way, size, &spent));
    }
    Ok(rows)
}

fn on_tokio(
    server: &Server,
    runtime: &Runtime,
    way: Way,
    size: u64,
    rounds: usize,
) -> Result<Vec<Spent>, Failed> {
    let ours = CosTokio::new(server.direct, 10)?;
    let bare = BareHyper::new(server.direct, 10);
    let mut contenders =
        vec![transfer(runtime, ours, way, size), transfer(runtime, bare, way, size)];
    #[cfg(feature = "peers")]
    contenders.push(transfer(runtime, OpenDal::new(server.direct)?, way, size));
    best_of(rounds, &mut contenders)
}

fn transfer(runtime: &Runtime, client: impl Client, way: Way, size: u64) -> Contender<'_> {
    Box::new(move || {
        // Spawned, since a program's transfers do not run on its main thread.
        let client = client.clone();
        let running = runtime.spawn(async move {
            match way {
                Way::Up => client.upload("large", size).await,
                Way::Down => client.download(size).await,
            }
        });
        runtime.block_on(running)?
    })
}

fn on_threads(server: &Server, way: Way, size: u64, rounds: usize) -> Result<Vec<Spent>, Failed> {
    let ours = CosBlocking::new(server.direct, 10)?;
    let bare = BareUreq::new(server.direct, 10);
    let mut contenders: [Contender<'_>; 2] =
        [Box::new(|| blocking(&ours, way, size)), Box::new(|| blocking(&bare, way, size))];
    best_of(rounds, &mut contenders)
}

fn blocking(client: &impl BlockingClient, way: Way, size: u64) -> Result<(), Failed> {
    match way {
        Way::Up => client.upload("large", size),
        Way::Down => client.download(size),
    }
}

/// Two rows: the rate, and the CPU.
fn compared(client: &str, floor: &'static str, way: Way, size: u64, spent: &[Spent]) -> [Row; 2] {
    let way = match way {
        Way::Up => "up",
        Way::Down => "down",
    };
    let mib = size >> 20;
    let rate = |spent: &Spent| mib as f64 / spent.wall.as_secs_f64();
    let cpu = |spent: &Spent| spent.cpu.as_secs_f64() * GIB as f64 / size as f64;
    let what = format!("{client}: one object of {mib} MiB {way}");
    let mut rate_row = Row::new(&*what, "MiB/s", rate(&spent[0]))
        .floor(floor, rate(&spent[1]))
        .target("ours / floor", rate(&spent[0]) / rate(&spent[1]), Bound::AtLeast(0.9));
    let mut cpu_row = Row::new(what, "CPU-s/GiB", cpu(&spent[0]))
        .floor(floor, cpu(&spent[1]))
        .target("ours / floor", cpu(&spent[0]) / cpu(&spent[1]), Bound::AtMost(1.2));
    if let Some(peer) = spent.get(2) {
        rate_row = rate_row.peer("OpenDAL", rate(peer));
        cpu_row = cpu_row.peer("OpenDAL", cpu(peer));
    }
    [rate_row, cpu_row]
}
