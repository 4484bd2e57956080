//! A strict emulator of Tencent Cloud COS for tests of its clients.

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use cos_proto::{Bucket, Credentials, Region};
use cos_tokio::emulator::{Listen, Server, Settings, StartError};

/// Emulates Tencent Cloud COS, strictly, in memory.
///
/// Prints `listening on URL` when it is ready, then logs each request on standard error: time,
/// method, path with the names of the query's parameters, status, body bytes in and out, duration.
/// SIGTERM or Ctrl-C ends it.
#[derive(Parser)]
#[command(name = "cos-emulator", version)]
struct Arguments {
    /// Where to listen; port 0 is a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A bucket that exists from the start; may be given several times. A client that addresses
    /// the emulator by IP or as `localhost` means the first.
    #[arg(long = "bucket", value_name = "NAME-APPID", required = true, value_parser = bucket)]
    buckets: Vec<String>,
    /// The region of the buckets.
    #[arg(long, value_parser = region)]
    region: String,
    /// The SecretId that requests are signed with.
    #[arg(long, value_parser = filled)]
    secret_id: String,
    /// The SecretKey that requests are signed with.
    #[arg(long, value_parser = filled)]
    secret_key: String,
    /// Makes the credentials temporary ones, of this token.
    #[arg(long, value_parser = filled)]
    token: Option<String>,
    /// Speaks HTTPS with this certificate chain, a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// How long until writes and deletions show in lists of objects and uploads, in milliseconds.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    list_lag_ms: u64,
    /// The share of requests that meet a random fault, 0 to 1.
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = rate, allow_negative_numbers = true)]
    fault_rate: f64,
    /// Where random faults and ids start from.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// How many seconds the emulator's clock is ahead, or behind if negative.
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    skew_seconds: i64,
}

/// As clap's own for arguments that it refuses.
const EXIT_ARGUMENTS: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Arguments(message)) => complain(&message, ExitCode::from(EXIT_ARGUMENTS)),
        Err(Stop::Other(message)) => complain(&message, ExitCode::FAILURE),
    }
}

fn complain(message: &str, code: ExitCode) -> ExitCode {
    // There is nowhere left to report that this failed.
    let _ = writeln!(io::stderr(), "error: {message}");
    code
}

/// Why the emulator does not run.
enum Stop {
    Arguments(String),
    Other(String),
}

async fn run(arguments: &Arguments) -> Result<(), Stop> {
    let listen = listen(arguments)?.record(|record| {
        // A reader that went away is no reason to stop serving.
        let _ = writeln!(io::stderr(), "{record}");
    });
    // Before the line that says so, or a signal sent upon it would kill.
    let mut stop = stop_signals().map_err(|error| Stop::Other(chain_of(&error)))?;
    let server =
        Server::start(settings(arguments), listen).await.map_err(|error| refused(&error))?;
    let mut out = io::stdout();
    writeln!(out, "listening on {}", server.endpoint())
        .and_then(|()| out.flush())
        .map_err(|error| Stop::Other(format!("standard output: {error}")))?;
    stop.received().await;
    server.shutdown().await;
    Ok(())
}

fn settings(arguments: &Arguments) -> Settings {
    let credentials = Credentials::new(&arguments.secret_id, &arguments.secret_key);
    Settings {
        buckets: arguments.buckets.clone(),
        region: arguments.region.clone(),
        credentials: vec![match &arguments.token {
            Some(token) => credentials.with_token(token),
            None => credentials,
        }],
        list_lag: Duration::from_millis(arguments.list_lag_ms),
        fault_rate: arguments.fault_rate,
        seed: arguments.seed,
        skew_seconds: arguments.skew_seconds,
        ..Settings::default()
    }
}

fn listen(arguments: &Arguments) -> Result<Listen, Stop> {
    let listen = Listen::at(arguments.listen);
    let (Some(certificate), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) else {
        return Ok(listen);
    };
    let (chain, private) = (read("--tls-cert", certificate)?, read("--tls-key", key)?);
    listen.tls(&chain, &private).map_err(|error| {
        let (argument, path) = match error {
            StartError::Certificate(_) => ("--tls-cert", certificate),
            _ => ("--tls-key", key),
        };
        Stop::Arguments(format!("{argument} {}: {}", path.display(), chain_of(&error)))
    })
}

fn read(argument: &str, path: &Path) -> Result<Vec<u8>, Stop> {
    fs::read(path)
        .map_err(|error| Stop::Arguments(format!("{argument} {}: {error}", path.display())))
}

fn refused(error: &StartError) -> Stop {
    match error {
        StartError::Settings(_) => Stop::Arguments(chain_of(error)),
        StartError::Listen(..) => Stop::Other(format!("--listen: {}", chain_of(error))),
        _ => Stop::Other(chain_of(error)),
    }
}

/// An error with its causes.
fn chain_of(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string does not fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

fn bucket(name: &str) -> Result<String, cos_proto::Error> {
    Bucket::new(name).map(|_| name.to_owned())
}

fn region(name: &str) -> Result<String, cos_proto::Error> {
    Region::new(name).map(|_| name.to_owned())
}

fn filled(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("must not be empty") } else { Ok(text.to_owned()) }
}

fn rate(text: &str) -> Result<f64, &'static str> {
    let rate = text.parse().map_err(|_| "must be a number from 0 to 1")?;
    if (0.0..=1.0).contains(&rate) { Ok(rate) } else { Err("must be a number from 0 to 1") }
}

/// The signals that end the program.
#[cfg(unix)]
struct StopSignals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
fn stop_signals() -> io::Result<StopSignals> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(StopSignals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    })
}

#[cfg(unix)]
impl StopSignals {
    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The signals that end the program.
#[cfg(not(unix))]
struct StopSignals;

#[cfg(not(unix))]
fn stop_signals() -> io::Result<StopSignals> {
    Ok(StopSignals)
}

#[cfg(not(unix))]
impl StopSignals {
    async fn received(&mut self) {
        // Without it, ending the process is the only way left.
        let _ = tokio::signal::ctrl_c().await;
    }
}
