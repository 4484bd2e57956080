//! Plots: throughput over the size of objects and over concurrency, ours beside floor and peer.

mod draw;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use self::draw::{Axes, Series, draw};
#[cfg(feature = "peers")]
use super::opendal_client::OpenDal;
use super::{
    bare_hyper::BareHyper,
    client::{Client, Failed},
    measure::{runtime, spent},
    ours::CosTokio,
    small::{Call, tasks},
};
use crate::process::Server;

const SIZES: [u64; 7] = [1 << 10, 1 << 13, 1 << 16, 1 << 19, 1 << 22, 1 << 25, 1 << 28];
const IN_FLIGHT: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
const REQUESTS: usize = 4096;
/// How long one point is measured at least.
const POINT: Duration = Duration::from_millis(300);

/// Measures and draws all plots into a directory.
///
/// # Errors
/// When a client fails or a file cannot be written.
pub fn plot(directory: &Path) -> Result<(), Failed> {
    std::fs::create_dir_all(directory)?;
    let server = Server::start()?;
    let runtime = runtime()?;

    let sizes = each_client(&server, &Over::Size, &runtime)?;
    let axes =
        Axes { title: "GET of one object at a time", x: "size", y: "MiB/s", write_x: size_name };
    draw(&directory.join("throughput-over-size.svg"), &axes, &sizes)?;

    let in_flight = each_client(&server, &Over::Concurrency, &runtime)?;
    let axes = Axes { title: "GET of 1 KiB", x: "in flight", y: "requests/s", write_x: count_name };
    draw(&directory.join("throughput-over-concurrency.svg"), &axes, &in_flight)
}

fn size_name(bytes: f64) -> String {
    let (unit, name) = if bytes < 1_048_576.0 { (1024.0, "KiB") } else { (1_048_576.0, "MiB") };
    format!("{:.0} {name}", bytes / unit)
}

fn count_name(count: f64) -> String {
    format!("{count:.0}")
}

/// What is on the horizontal axis.
enum Over {
    Size,
    Concurrency,
}

fn each_client(server: &Server, over: &Over, runtime: &Runtime) -> Result<Vec<Series>, Failed> {
    Ok(vec![
        series("cos-tokio", &CosTokio::new(server.direct, 64)?, over, runtime)?,
        series("hyper-util", &BareHyper::new(server.direct, 64), over, runtime)?,
        #[cfg(feature = "peers")]
        series("OpenDAL", &OpenDal::new(server.direct)?, over, runtime)?,
    ])
}

fn series(
    name: &'static str,
    client: &impl Client,
    over: &Over,
    runtime: &Runtime,
) -> Result<Series, Failed> {
    let mut points = Vec::new();
    match over {
        Over::Size => {
            for size in SIZES {
                points.push((size as f64, rate_of_downloads(client, size, runtime)?));
            }
        }
        Over::Concurrency => {
            for in_flight in IN_FLIGHT {
                let round = || tasks(runtime, client, Call::Get, in_flight, REQUESTS / in_flight);
                let seconds = spent(round)?.wall.min(spent(round)?.wall).as_secs_f64();
                points.push((in_flight as f64, REQUESTS as f64 / seconds));
            }
        }
    }
    Ok(Series { name, points })
}

/// MiB a second.
fn rate_of_downloads(client: &impl Client, size: u64, runtime: &Runtime) -> Result<f64, Failed> {
    let client = client.clone();
    let running = runtime.spawn(async move {
        client.download(size).await?;
        let (began, mut read) = (Instant::now(), 0);
        while began.elapsed() < POINT {
            client.download(size).await?;
            read += size;
        }
        Ok(read as f64 / f64::from(1 << 20) / began.elapsed().as_secs_f64())
    });
    runtime.block_on(running)?
}
