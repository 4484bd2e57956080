//! Compares instruction counts, as gungraun prints them in JSON to standard input, with those in
//! `baseline/instructions.json`; or, told to `write`, makes them that.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the comparison is what this is for")]

use std::{collections::BTreeMap, error::Error, fs, io, process::ExitCode};

use serde_json::{Deserializer, Value, json};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline/instructions.json");
/// By how many percent a count may differ: another patch of the compiler may do that much.
const TOLERANCE: f64 = 3.0;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let counted = counted()?;
    if counted.is_empty() {
        return Err("nothing was counted".into());
    }
    if std::env::args().nth(1).as_deref() == Some("write") {
        let text = json!({ "tolerance_percent": TOLERANCE, "instructions": counted });
        fs::write(BASELINE, serde_json::to_string_pretty(&text)? + "\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let baseline: Value = serde_json::from_str(&fs::read_to_string(BASELINE)?)?;
    let tolerance = baseline["tolerance_percent"].as_f64().ok_or("a baseline without tolerance")?;
    let expected: BTreeMap<String, u64> = serde_json::from_value(baseline["instructions"].clone())?;
    let mut drifted = !counted.keys().eq(expected.keys());
    for (name, &count) in &counted {
        let Some(&before) = expected.get(name) else {
            println!("{name:14} {count:>9}   is not in the baseline");
            continue;
        };
        let percent = (count as f64 / before as f64 - 1.0) * 100.0;
        let verdict = match percent {
            more if more > tolerance => "more than the baseline",
            less if less < -tolerance => "fewer: make it the baseline",
            _ => "",
        };
        drifted |= !verdict.is_empty();
        println!("{name:14} {count:>9}   {before:>9} {percent:>+7.2} %   {verdict}");
    }
    for name in expected.keys().filter(|name| !counted.contains_key(*name)) {
        println!("{name:14} was not counted");
    }
    Ok(if drifted { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The instructions of each bench, by the name of its function.
fn counted() -> Result<BTreeMap<String, u64>, Box<dyn Error>> {
    let mut counted = BTreeMap::new();
    for summary in Deserializer::from_reader(io::stdin().lock()).into_iter::<Value>() {
        let summary = summary?;
        let name = summary["function_name"].as_str().ok_or("a bench without name")?;
        let metrics = &summary["profiles"][0]["data"]["total"]["metrics"];
        // Next to an earlier run of the same folder it is the first of two.
        let value = &metrics["Ir"]["values"];
        let count = value["new"].as_u64().or_else(|| value["both"][0].as_u64());
        counted.insert(name.to_owned(), count.ok_or("a bench without instructions")?);
    }
    Ok(counted)
}
