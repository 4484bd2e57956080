//! Processes of their own for the server and for clients whose memory is measured: the running
//! program again, in another role. So they are there whichever binary was built.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::SocketAddr,
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use cpu_time::ProcessTime;

use crate::{content, line, server, transfer, transfer::Failed};

const SERVER: &str = "role-server";
const AWAKE: &str = "role-server-awake";
const CLIENT: &str = "role-client";

/// Plays the role that the first argument names, if it names one.
pub fn play_role() -> Option<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let played = match &*arguments.next()? {
        SERVER => serve(),
        AWAKE => serve_awake(),
        CLIENT => report(&arguments.collect::<Vec<_>>()),
        _ => return None,
    };
    Some(match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    })
}

/// Serves until standard input ends, which is when its parent does. Prints two addresses: of the
/// server, and of the near end of the long line to it.
///
/// # Errors
/// When it cannot listen.
pub fn serve() -> Result<(), Failed> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(listen())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// The same by one thread that never sleeps.
///
/// By loopback it is who sends that wakes who receives, at a microsecond or two, and a client that
/// is slower finds the server asleep more often: it would be charged for that, too.
fn serve_awake() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        listen().await?;
        let parent = tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
        while !parent.is_finished() {
            tokio::task::yield_now().await;
        }
        parent.await??;
        Ok(())
    })
}

async fn listen() -> Result<(), Failed> {
    let direct = server::start().await?;
    let long = line::start(line::LONG, direct).await?;
    writeln!(io::stdout(), "{direct} {long}")?;
    Ok(())
}

/// A server in a process of its own, which ends with this value.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub direct: SocketAddr,
    /// The same by the long line.
    pub long: SocketAddr,
}

impl Server {
    /// Starts one.
    ///
    /// # Errors
    /// When there can be no process, or it says nothing.
    pub fn start() -> Result<Self, Failed> {
        Self::start_as(SERVER)
    }

    /// Starts one that never sleeps, for measurements of what a request costs its client.
    ///
    /// # Errors
    /// When there can be no process, or it says nothing.
    pub fn start_awake() -> Result<Self, Failed> {
        Self::start_as(AWAKE)
    }

    fn start_as(role: &str) -> Result<Self, Failed> {
        let mut child = again(role)?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let (direct, long) = line.trim().split_once(' ').ok_or("the server has not started")?;
        Ok(Self { direct: direct.parse()?, long: long.parse()?, child })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a task of a client has cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
    /// The most memory that the process ever had, and what it had before the task.
    pub peak_bytes: u64,
    pub bytes_before: u64,
}

impl Cost {
    /// The most memory that the task had beyond what there was before, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        self.peak_bytes.saturating_sub(self.bytes_before) as f64 / f64::from(1 << 20)
    }

    /// The least of each.
    pub(crate) fn least(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            peak_bytes: self.peak_bytes.min(other.peak_bytes),
            bytes_before: self.bytes_before.min(other.bytes_before),
        }
    }
}

/// Runs a task of [`transfer::task`] in a client process of its own, with these further environment
/// variables.
///
/// # Errors
/// When the task failed.
pub fn client(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Cost, Failed> {
    let mut command = again(CLIENT)?;
    command.args(arguments).envs(variables.iter().copied()).stderr(Stdio::inherit());
    let output = command.output()?;
    let text = String::from_utf8(output.stdout)?;
    let figures: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match figures[..] {
        [wall, cpu, peak_bytes, bytes_before] if output.status.success() => Ok(Cost {
            wall: Duration::from_nanos(wall),
            cpu: Duration::from_nanos(cpu),
            peak_bytes,
            bytes_before,
        }),
        _ => Err(format!("the client {arguments:?} has failed").into()),
    }
}

fn report(arguments: &[String]) -> Result<(), Failed> {
    let arguments: Vec<&str> = arguments.iter().map(|text| &**text).collect();
    let task = transfer::task(&arguments)?;
    // The content is there before, and is no part of the task.
    drop(content::piece(0, 1));
    let bytes_before = peak_bytes()?;
    let (began, cpu) = (Instant::now(), ProcessTime::now());
    task()?;
    let (wall, cpu) = (began.elapsed(), cpu.elapsed());
    let peak = peak_bytes()?;
    writeln!(io::stdout(), "{} {} {peak} {bytes_before}", wall.as_nanos(), cpu.as_nanos())?;
    Ok(())
}

/// The most memory that this process ever had.
fn peak_bytes() -> Result<u64, Failed> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line.ok_or("no VmHWM")?.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}

fn again(role: &str) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(role);
    Ok(command)
}
