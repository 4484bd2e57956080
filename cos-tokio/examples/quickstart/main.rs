//! Stores a file on COS through both drivers, and shows what it took.
//!
//! `cargo run --release -p cos-tokio --features emulator --example quickstart [-- FILE]`
//!
//! Without the `COS_*` variables it starts the emulator; with them it uses the real bucket, under a
//! fresh prefix that it removes.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a program for people: it prints, in rounded figures"
)]

mod blocking;
mod source;
mod store;
mod table;
mod tokio;

use std::{
    error::Error,
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use cos_tokio::{
    Config,
    emulator::{Listen, Server, Settings},
};

use self::{
    source::Source,
    store::Store,
    table::{Requests, Steps, Taken, size},
};

const GENERATED: u64 = 200 * 1024 * 1024;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let source = match std::env::args_os().nth(1) {
        Some(path) => {
            Source::file(PathBuf::from(&path)).map_err(|e| format!("{}: {e}", path.display()))?
        }
        None => Source::Generated { length: GENERATED },
    };
    // Kept until the end: dropping it ends the emulator.
    let (config, server) = where_to()?;
    let sha256 = source.sha256()?;
    println!("{} to {}", size(source.length()), config.endpoint());
    println!("SHA-256 {sha256}\n");

    let requests = Requests::default();
    let mut asynchronous = tokio::Tokio::new(&config, requests.clone())?;
    let one = tidily(&mut asynchronous, &source, &sha256, &requests)?;
    let requests = Requests::default();
    let mut blocking = blocking::Blocking::new(&config, requests.clone())?;
    let other = tidily(&mut blocking, &source, &sha256, &requests)?;
    table::print(["cos-tokio", "cos-blocking"], [&one, &other]);
    println!("\nevery byte came back with SHA-256 {sha256}, and nothing was left behind");
    drop(server);
    Ok(())
}

/// The real bucket if the variables name one, else an emulator of our own.
fn where_to() -> Result<(Config, Option<Server>), Box<dyn Error>> {
    let fresh = format!("quickstart-{}", SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos());
    if let Some(builder) = Config::builder().test_variables(std::env::vars())? {
        return Ok((builder.root_directory(fresh).build()?, None));
    }
    let settings = Settings::default();
    let credentials = settings.credentials[0].clone();
    let builder = Config::builder()
        .secret(credentials.secret_id(), credentials.secret_key().expose())
        .bucket(&*settings.buckets[0])
        .region(&*settings.region);
    let server = Server::start_blocking(settings, Listen::default())?;
    let config = builder.endpoint(server.endpoint()).root_directory(fresh).build()?;
    Ok((config, Some(server)))
}

/// Leaves nothing in the bucket, also when a step fails.
fn tidily(
    store: &mut dyn Store,
    source: &Source,
    sha256: &str,
    requests: &Requests,
) -> Result<Vec<Taken>, Box<dyn Error>> {
    all_steps(store, source, sha256, requests).inspect_err(|_| {
        // The step's error is the one to show.
        let _ = store.delete("/docker");
    })
}

fn all_steps(
    store: &mut dyn Store,
    source: &Source,
    sha256: &str,
    requests: &Requests,
) -> Result<Vec<Taken>, Box<dyn Error>> {
    const PATH: &str = "/docker/upload/data";
    const MOVED: &str = "/docker/blobs/data";
    let (length, half) = (source.length(), source.length() / 2);
    let mut steps = Steps::new(requests);
    steps.step(format!("store the first {}, close, drop", size(half)), half, || {
        store.store_half(PATH, source.pieces(0..half)?)
    })?;
    store.replace_driver()?;
    steps.step("a fresh driver resumes and commits", length - half, || {
        let resumed = store.resume(PATH, source.pieces(half..length)?)?;
        same("size of the resumed upload", &resumed, &half)
    })?;
    steps.step("read it back, compare SHA-256", length, || {
        same("SHA-256", &*store.sha256(PATH)?, sha256)
    })?;
    let ranges = [0, half, length.saturating_sub(1000)];
    steps.step("read 1000 bytes at three offsets", 0, || {
        for offset in ranges {
            let wanted = source.bytes(offset..length.min(offset + 1000))?;
            same("a range", &store.range(PATH, offset, wanted.len())?, &wanted)?;
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    steps.step("stat it, list its directory", 0, || {
        same("size", &store.size(PATH)?, &length)?;
        same("list", &store.list("/docker/upload")?, &vec![PATH.to_owned()])
    })?;
    steps.step("walk everything", 0, || {
        same("walk", &store.walk("/")?.join(" "), &format!("/docker /docker/upload {PATH}"))
    })?;
    steps.step("move it", 0, || store.rename(PATH, MOVED))?;
    steps.step("fetch a presigned URL, plain HTTP client", length, || {
        let url = store.presigned(MOVED)?;
        same("SHA-256", &*store::fetch_sha256(&url)?, sha256)
    })?;
    steps.step("delete everything, look again", 0, || {
        store.delete("/docker")?;
        same("list after delete", &store.list("/")?, &Vec::new())
    })?;
    Ok(steps.taken)
}

fn same<T: PartialEq + std::fmt::Debug + ?Sized>(
    what: &str,
    found: &T,
    wanted: &T,
) -> Result<(), Box<dyn Error>> {
    if found == wanted {
        return Ok(());
    }
    let shown = |value: &T| format!("{value:?}").chars().take(100).collect::<String>();
    Err(format!("{what} is {}, not {}", shown(found), shown(wanted)).into())
}
