//! Runs any number of simulated worlds and prints what happened in them.
//!
//! ```text
//! cargo run --release -p cos-proto --features sim --example sim -- --seeds 1000000 --from 0 --jobs 2
//! cargo run --release -p cos-proto --features sim --example sim -- --from 4711 --trace
//! cargo run --release -p cos-proto --features sim --example sim -- --seeds 3000 --bugs
//! ```
//!
//! The last plants one bug after the other and prints how many seeds it took to catch each.
//!
//! Ends with 1 if a world was violated, or if a fault or an outcome never occurred.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command")]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "the core names no clock, but a command may say how long it took"
)]

use std::{ops::Range, process::ExitCode, thread, time::Instant};

use cos_proto::sim::{Counts, Dice, Options, Planted, replay, run};

struct Arguments {
    from: u64,
    seeds: u64,
    jobs: u64,
    trace: bool,
    bugs: bool,
    planted: Planted,
}

const USAGE: &str =
    "sim [--from SEED] [--seeds COUNT] [--jobs COUNT] [--trace] [--planted BUG] [--bugs]";

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(text) => {
            eprintln!("{text}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if arguments.bugs {
        return catch_bugs(&arguments);
    }
    let begun = Instant::now();
    let (counts, violations) = run_all(&arguments);
    let took = begun.elapsed();
    println!("{counts}");
    let each = took.as_secs_f64() * 1000.0 * arguments.jobs as f64 / arguments.seeds as f64;
    println!("{:.1} s, {each:.3} ms a world and job", took.as_secs_f64());
    let missing = if arguments.seeds >= 1000 { counts.missing() } else { Vec::new() };
    for missing in &missing {
        println!("MISSING {missing}");
    }
    println!("{} violations in {} worlds", violations.len(), arguments.seeds);
    ExitCode::from(u8::from(!violations.is_empty() || !missing.is_empty()))
}

/// Plants every bug and says which seed caught it.
fn catch_bugs(arguments: &Arguments) -> ExitCode {
    let mut escaped = 0;
    for &planted in Planted::ALL {
        let options = Options::new().planted(planted);
        let caught = (arguments.from..arguments.from + arguments.seeds)
            .find_map(|seed| Some((seed, violation(seed, &options)?)));
        if let Some((seed, violation)) = caught {
            let seeds = seed - arguments.from + 1;
            println!("{:<50} N = {seeds:>5}  {violation:.150}", planted.name());
        } else {
            escaped += 1;
            println!("{:<50} ESCAPED {} seeds", planted.name(), arguments.seeds);
        }
    }
    println!("{escaped} of {} bugs escaped", Planted::ALL.len());
    ExitCode::from(u8::from(escaped > 0))
}

/// What is wrong with a world, a panic included.
fn violation(seed: u64, options: &Options) -> Option<String> {
    match std::panic::catch_unwind(|| run(Dice::new(seed), options)) {
        Ok(report) => report.violation,
        Err(_) => Some("panicked".to_owned()),
    }
}

/// At most this many failing seeds are told of by each job.
const VIOLATIONS_MAX: usize = 20;

fn run_all(arguments: &Arguments) -> (Counts, Vec<(u64, String)>) {
    let share = arguments.seeds.div_ceil(arguments.jobs);
    let end = arguments.from + arguments.seeds;
    let shares = (0..arguments.jobs).map(|job| {
        let from = arguments.from + job * share;
        from.min(end)..(from + share).min(end)
    });
    let options = Options::new().planted(arguments.planted).trace(arguments.trace);
    let mut counts = Counts::default();
    let mut violations = Vec::new();
    thread::scope(|scope| {
        let jobs: Vec<_> = shares
            .map(|seeds| {
                let options = &options;
                scope.spawn(move || run_share(seeds, options))
            })
            .collect();
        for job in jobs {
            match job.join() {
                Ok((counted, violated)) => {
                    counts.add(&counted);
                    violations.extend(violated);
                }
                Err(_) => violations.push((arguments.from, "a job panicked".to_owned())),
            }
        }
    });
    (counts, violations)
}

fn run_share(seeds: Range<u64>, options: &Options) -> (Counts, Vec<(u64, String)>) {
    let mut counts = Counts::default();
    let mut violations = Vec::new();
    for seed in seeds {
        let ran = std::panic::catch_unwind(|| run(Dice::new(seed), options));
        let Ok(report) = ran else {
            println!("VIOLATION seed {seed}: panicked");
            println!("  replay: {}", replay(seed, options.planted));
            violations.push((seed, "panicked".to_owned()));
            continue;
        };
        report.trace.iter().for_each(|line| println!("{line}"));
        counts.add(&report.counts);
        if options.trace {
            println!("transcript {:016x}", report.transcript);
        }
        if let Some(violation) = report.violation {
            // At once: a million worlds take a while.
            println!("VIOLATION seed {seed}: {violation}");
            println!("  replay: {}", replay(seed, options.planted));
            violations.push((seed, violation));
            if violations.len() >= VIOLATIONS_MAX {
                break;
            }
        }
    }
    (counts, violations)
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments {
        from: 0,
        seeds: 1,
        jobs: 1,
        trace: false,
        bugs: false,
        planted: Planted::default(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        let number = |text: String| {
            text.parse::<u64>().map_err(|_| format!("{word} {text}: must be a number"))
        };
        match word.as_str() {
            "--from" => arguments.from = number(value()?)?,
            "--seeds" => arguments.seeds = number(value()?)?.max(1),
            "--jobs" => arguments.jobs = number(value()?)?.max(1),
            "--bugs" => arguments.bugs = true,
            "--trace" => arguments.trace = true,
            "--planted" => arguments.planted = planted(&value()?)?,
            _ => return Err(format!("{word}: unknown")),
        }
    }
    Ok(arguments)
}

fn planted(name: &str) -> Result<Planted, String> {
    let known = Planted::ALL.iter().find(|planted| format!("{planted:?}") == name);
    known.copied().ok_or_else(|| {
        let names: Vec<_> = Planted::ALL.iter().map(|planted| format!("{planted:?}")).collect();
        format!("--planted {name}: must be one of {}", names.join(", "))
    })
}
