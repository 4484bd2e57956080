//! The child: a real driver that does what the lines of its standard input say, its slots at once,
//! and says after each step what came of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{self, BufRead as _, Write as _},
    thread,
};

use cos_proto::{Error, ErrorKind, config::Config, emulator::Settings, op::Append};

use crate::{
    content::{Content, aligned, crc, is_of},
    either::{Adapter, Driver},
    step::{End, Event, Line, Open, Outcome, Step},
};

pub const ADAPTER: &str = "COS_CHAOS_ADAPTER";
pub const ENDPOINT: &str = "COS_CHAOS_ENDPOINT";

/// Runs the child's program if this process is one.
pub fn run() {
    let (Ok(adapter), Ok(endpoint)) = (env::var(ADAPTER), env::var(ENDPOINT)) else { return };
    let adapter = Adapter::of_name(&adapter).expect("an adapter's name");
    let driver = Driver::new(adapter, &config(&endpoint), (), None).expect("a driver");
    let mut plans: BTreeMap<usize, Vec<(usize, Step)>> = BTreeMap::new();
    for line in io::stdin().lock().lines() {
        let line = line.expect("the plan");
        let mut words = line.splitn(3, ' ');
        let mut next = || words.next().expect("a word");
        let slot = next().parse().expect("a slot");
        let step = next().parse().expect("a number");
        plans.entry(slot).or_default().push((step, Step::parse(next()).expect("a step")));
    }
    thread::scope(|scope| {
        for (slot, steps) in &plans {
            let driver = &driver;
            scope.spawn(move || {
                let mut failed = BTreeSet::new();
                for (number, step) in steps {
                    let mut say = |event| say(&Line { slot: *slot, step: *number, event });
                    if step.paths().iter().any(|path| failed.contains(*path)) {
                        say(Event::Skipped);
                        continue;
                    }
                    say(Event::Begin);
                    let outcome = perform(driver, *slot as u64, step, &mut say);
                    if matches!(outcome, Outcome::Failed(..)) {
                        failed.extend(step.paths().into_iter().map(str::to_owned));
                    }
                    say(Event::Ended(outcome));
                }
            });
        }
    });
}

/// One line by one write, so that a killed child leaves whole lines, or a torn one as the last.
fn say(line: &Line) {
    let text = format!("{line}\n");
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).expect("the parent listens");
}

/// A driver's parameters on the emulator behind `endpoint`.
pub fn config(endpoint: &str) -> Config {
    let settings = Settings::default();
    let credentials = &settings.credentials[0];
    Config::builder()
        .secret(credentials.secret_id(), credentials.secret_key().expose())
        .bucket(&settings.buckets[0])
        .region(&settings.region)
        .endpoint(endpoint)
        .root_directory("/chaos")
        .chunk_size(5 << 20)
        .max_concurrency(4)
        .parameter("calldeadline", "5s")
        .parameter("idletimeout", "500ms")
        .parameter("connecttimeout", "2s")
        .build()
        .expect("valid parameters")
}

/// Does a step; `say` is told when a writer is open.
pub fn perform(driver: &Driver, slot: u64, step: &Step, say: &mut dyn FnMut(Event)) -> Outcome {
    let done = |()| Outcome::Done(0);
    let result = match step {
        Step::Put { path, generation, size } => {
            let bytes = Content::new(slot, *generation).bytes(0, *size);
            driver.put_content(path, bytes).map(done)
        }
        Step::Move { from, to } => driver.rename(from, to).map(done),
        Step::Delete { path } => driver.delete(path).map(done),
        Step::Read { path } => driver
            .read(path)
            .map(|bytes| Outcome::Object { size: bytes.len() as u64, crc: crc(&bytes) }),
        Step::Write { path, open, generation, grow, end } => {
            write(driver, slot, path, open, *generation, *grow, *end, say)
        }
    };
    result.unwrap_or_else(|error| failed(&error))
}

fn failed(error: &Error) -> Outcome {
    match error.kind() {
        ErrorKind::PathNotFound => Outcome::NotFound,
        ErrorKind::AlreadyCommitted { size } => Outcome::Exists(*size),
        kind => {
            let kind = format!("{kind:?}");
            let kind = kind.split(' ').next().unwrap_or_default();
            Outcome::Failed(kind.to_owned(), error.to_string())
        }
    }
}

/// Pieces that do not divide a part.
const PIECE: u64 = 700_000;

#[expect(clippy::too_many_arguments, reason = "the fields of one step")]
fn write(
    driver: &Driver,
    slot: u64,
    path: &str,
    open: &Open,
    generation: u64,
    grow: u64,
    end: End,
    say: &mut dyn FnMut(Event),
) -> Result<Outcome, Error> {
    let (append, generations) = match open {
        Open::Create => (Append::No, &[][..]),
        Open::Append(generations) => (Append::Yes, &generations[..]),
    };
    let mut writer = driver.writer(path, append)?;
    let mut at = writer.size();
    say(Event::Opened(at));
    let resumed = generations.iter().find(|one| at > 0 && is_of(at, **one));
    let generation = *resumed.unwrap_or(&generation);
    let size = if grow == 0 { at } else { aligned(at + grow, generation) };
    let content = Content::new(slot, generation);
    while at < size {
        let to = size.min(at + PIECE);
        writer.write(content.bytes(at, to))?;
        at = to;
    }
    match end {
        End::Close => writer.close()?,
        End::Commit => drop(writer.commit()?),
        End::Cancel => writer.cancel()?,
    }
    Ok(Outcome::Done(writer.size()))
}
