//! Measures all and prints the table; fails if a target is missed.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what this is for")]

use std::{error::Error, fs, path::Path, process::ExitCode};

use alloc_counter::AllocCounterSystem;
use clap::Parser;
use cos_benches::{build, core, process, row::Rows, table, transfer};

#[global_allocator]
static ALLOCATOR: AllocCounterSystem = AllocCounterSystem;

/// Measures the COS driver beside floors and other clients.
#[derive(Debug, Parser)]
struct Arguments {
    /// The essential ratios in less than three minutes.
    #[arg(long)]
    quick: bool,
    /// This alone: build, core, transfer, one module of transfer, or plots. The page of results is not written.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if let Some(played) = process::play_role() {
        return Ok(played);
    }
    let arguments = Arguments::parse();
    if arguments.only.as_deref() == Some("plots") {
        return plot().map(|()| ExitCode::SUCCESS);
    }
    let rows = measure(arguments.only.as_deref(), arguments.quick)?;
    print!("{}", table::plain(&rows));
    if arguments.only.is_none() {
        let page = table::page(&rows, arguments.quick);
        fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS.md"), page)?;
        if !arguments.quick {
            plot()?;
        }
    }
    let missed = table::missed(&rows);
    for target in &missed {
        println!("missed: {target}");
    }
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn plot() -> Result<(), Box<dyn Error>> {
    eprintln!("measuring: plots");
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/plots"));
    transfer::plot(directory).map_err(|error| error as Box<dyn Error>)
}

fn measure(only: Option<&str>, quick: bool) -> Rows {
    let mut rows = Vec::new();
    if matches!(only, None | Some("core")) {
        eprintln!("measuring: core");
        rows.extend(core::rows(quick)?);
    }
    for &(name, module) in transfer::MODULES {
        if only.is_none_or(|only| only == "transfer" || only == name) {
            eprintln!("measuring: {name}");
            rows.extend(module(quick).map_err(|error| error as Box<dyn Error>)?);
        }
    }
    // A quick run has no time for it, unless it is asked for.
    if only.map_or(!quick, |only| only == "build") {
        eprintln!("measuring: build");
        rows.extend(build::rows()?);
    }
    if rows.is_empty() {
        return Err("there is nothing of that name".into());
    }
    Ok(rows)
}
