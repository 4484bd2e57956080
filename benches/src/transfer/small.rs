//! Small objects: what one request costs the client's CPU.

use std::{net::SocketAddr, thread};

use tokio::{runtime::Runtime, task::JoinSet};

#[cfg(feature = "peers")]
use super::opendal_client::OpenDal;
use super::{
    bare_hyper::BareHyper,
    bare_ureq::BareUreq,
    client::{BlockingClient, Checked, Client, Failed},
    measure::{Contender, best_of, runtime},
    ours::{CosBlocking, CosTokio},
    signing_hyper::SigningHyper,
    signing_ureq::SigningUreq,
};
use crate::{
    process::Server,
    row::{Bound, Row},
};

const IN_FLIGHT: [usize; 3] = [1, 10, 64];

#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    Get,
    Put,
}

/// GET and PUT of 1 KiB at 1, 10 and 64 in flight, on both runtimes.
pub(super) fn rows(quick: bool) -> Result<Vec<Row>, Failed> {
    let effort = if quick { (2_000, 6) } else { (6_000, 12) };
    let mut rows = against(&Server::start_awake()?, effort, Bound::AtMost)?;
    for row in &mut rows {
        row.note.iter_mut().for_each(|note| note.push_str("; the server never sleeps"));
    }
    if !quick {
        // Who waits for whom is part of these figures: see `serve_awake`.
        let informing = |_| Bound::Info;
        for mut row in against(&Server::start()?, (6_000, 5), informing)? {
            row.what.push_str(", from a server that sleeps");
            rows.push(row);
        }
    }
    Ok(rows)
}

/// So many requests in so many rounds, with bounds of this kind.
fn against(
    server: &Server,
    (requests, rounds): (usize, usize),
    bound: fn(f64) -> Bound,
) -> Result<Vec<Row>, Failed> {
    let runtime = runtime()?;
    let mut rows = Vec::new();
    for call in [Call::Get, Call::Put] {
        for in_flight in IN_FLIGHT {
            let load = Load { call, in_flight, each: requests / in_flight, rounds };
            rows.push(on_tokio(server, &runtime, load, bound)?);
        }
    }
    for call in [Call::Get, Call::Put] {
        for in_flight in IN_FLIGHT {
            let load = Load { call, in_flight, each: requests / in_flight, rounds };
            rows.push(on_threads(server, load, bound)?);
        }
    }
    Ok(rows)
}

#[derive(Clone, Copy)]
struct Load {
    call: Call,
    in_flight: usize,
    each: usize,
    rounds: usize,
}

fn on_tokio(
    server: &Server,
    runtime: &Runtime,
    Load { call, in_flight, each, rounds }: Load,
    bound: fn(f64) -> Bound,
) -> Result<Row, Failed> {
    let ours = CosTokio::new(server.direct, in_flight)?;
    let bare = BareHyper::new(server.direct, in_flight);
    let signing = SigningHyper::new(server.direct, in_flight)?;
    let mut contenders: Vec<Contender<'_>> = vec![
        Box::new(|| tasks(runtime, &ours, call, in_flight, each)),
        Box::new(|| tasks(runtime, &bare, call, in_flight, each)),
        Box::new(|| tasks(runtime, &signing, call, in_flight, each)),
    ];
    #[cfg(feature = "peers")]
    {
        let opendal = OpenDal::new(server.direct)?;
        contenders.push(Box::new(move || tasks(runtime, &opendal, call, in_flight, each)));
    }
    let spent = best_of(rounds, &mut contenders)?;
    let requests = (in_flight * each) as f64;
    let micros = |at: usize| spent.get(at).map(|spent| spent.cpu.as_secs_f64() * 1e6 / requests);
    let rate = |at: usize| spent.get(at).map(|spent| requests / spent.wall.as_secs_f64());
    let [ours, bare, signing] = [0, 1, 2].map(|at| micros(at).unwrap_or_default());
    let row = Row::new(what("cos-tokio", call, in_flight), "us CPU", ours)
        .floor("hyper-util", bare)
        .target("ours / floor", ours / bare, bound(1.3))
        .target("ours / floor that signs", ours / signing, Bound::Info)
        .note(rates(&[rate(0), rate(1), rate(2), rate(3)]));
    Ok(match micros(3) {
        Some(peer) => row.peer("OpenDAL", peer).target("ours / OpenDAL", ours / peer, bound(0.7)),
        None => row,
    })
}

fn on_threads(
    server: &Server,
    Load { call, in_flight, each, rounds }: Load,
    bound: fn(f64) -> Bound,
) -> Result<Row, Failed> {
    let ours = CosBlocking::new(server.direct, in_flight)?;
    let bare = BareUreq::new(server.direct, in_flight);
    let signing = SigningUreq::new(server.direct, in_flight)?;
    let mut contenders: [Contender<'_>; 3] = [
        Box::new(|| threads(&ours, call, in_flight, each)),
        Box::new(|| threads(&bare, call, in_flight, each)),
        Box::new(|| threads(&signing, call, in_flight, each)),
    ];
    let spent = best_of(rounds, &mut contenders)?;
    let requests = (in_flight * each) as f64;
    let micros = |at: usize| spent[at].cpu.as_secs_f64() * 1e6 / requests;
    let rate = |at: usize| Some(requests / spent[at].wall.as_secs_f64());
    let [ours, bare, signing] = [0, 1, 2].map(micros);
    Ok(Row::new(what("cos-blocking", call, in_flight), "us CPU", ours)
        .floor("ureq", bare)
        .target("ours / floor", ours / bare, bound(1.3))
        .target("ours / floor that signs", ours / signing, Bound::Info)
        .note(rates(&[rate(0), rate(1), rate(2)])))
}

fn what(client: &str, call: Call, in_flight: usize) -> String {
    let call = match call {
        Call::Get => "GET",
        Call::Put => "PUT",
    };
    format!("{client}: {call} 1 KiB, {in_flight} in flight, per request")
}

fn rates(rates: &[Option<f64>]) -> String {
    let rates = rates.iter().flatten().map(|rate| format!("{rate:.0}"));
    format!(
        "requests/s, ours, floor, floor that signs, peer: {}",
        rates.collect::<Vec<_>>().join(", ")
    )
}

/// For a profile: `tokio|hyper|signing-hyper|threads|ureq get|put <in flight> <requests>`.
pub(super) fn task(server: SocketAddr, arguments: &[&str]) -> Checked {
    let [client, call, in_flight, requests] = arguments else {
        return Err("arguments: client, call, in flight, requests".into());
    };
    let call = if *call == "get" { Call::Get } else { Call::Put };
    let (in_flight, requests): (usize, usize) = (in_flight.parse()?, requests.parse()?);
    let each = requests / in_flight;
    match *client {
        "tokio" => tasks(&runtime()?, &CosTokio::new(server, in_flight)?, call, in_flight, each),
        "hyper" => tasks(&runtime()?, &BareHyper::new(server, in_flight), call, in_flight, each),
        "signing-hyper" => {
            tasks(&runtime()?, &SigningHyper::new(server, in_flight)?, call, in_flight, each)
        }
        "threads" => threads(&CosBlocking::new(server, in_flight)?, call, in_flight, each),
        "ureq" => threads(&BareUreq::new(server, in_flight), call, in_flight, each),
        _ => Err("no such client".into()),
    }
}

/// So many tasks, each with so many requests one after the other.
pub(super) fn tasks<C: Client>(
    runtime: &Runtime,
    client: &C,
    call: Call,
    tasks: usize,
    each: usize,
) -> Checked {
    runtime.block_on(async {
        let mut running = JoinSet::new();
        for number in 0..tasks {
            let client = client.clone();
            running.spawn(async move {
                for _ in 0..each {
                    match call {
                        Call::Get => client.get().await?,
                        Call::Put => client.put(number).await?,
                    }
                }
                Checked::Ok(())
            });
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
        Ok(())
    })
}

/// So many threads, each with so many requests one after the other.
fn threads<C: BlockingClient>(client: &C, call: Call, threads: usize, each: usize) -> Checked {
    thread::scope(|scope| {
        let work = |number| {
            move || {
                for _ in 0..each {
                    match call {
                        Call::Get => client.get()?,
                        Call::Put => client.put(number)?,
                    }
                }
                Checked::Ok(())
            }
        };
        let running: Vec<_> = (0..threads).map(|number| scope.spawn(work(number))).collect();
        running.into_iter().try_for_each(|thread| thread.join().map_err(|_| "panicked")?)
    })
}
