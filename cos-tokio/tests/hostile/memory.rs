//! What peers that never end cost: the peak memory of a process of its own that meets them one by
//! one.

use std::{
    env, fs,
    io::{self, Write as _},
    process::{Child, Command, Stdio},
};

use crate::{
    ask,
    either::Adapter,
    endless,
    peer::{Connection, answer},
    trial::{self, Case, Expected},
};

/// One for each thing that could pile up.
const CASES: [&str; 7] = [
    "endless headers",
    "endless empty lines",
    "endless 100 Continue",
    "an endless list",
    "an endless object for a client with a limit",
    "an endless error",
    "endless trailers",
];

/// What an answer may have, twice while its buffer grows, and what the rest of the process needs.
const GROWN_MAX: u64 = 32 << 20;

const ADAPTER: &str = "COS_TEST_MEMORY_OF";

#[test]
fn peers_that_never_end_cost_little_memory() {
    if peak().is_none() {
        say("not tested: this system does not tell the peak memory of a process");
        return;
    }
    let children = Adapter::ALL.map(|adapter| (adapter, start(adapter)));
    for (adapter, child) in children {
        let output = child.wait_with_output().expect("an end");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("grew by"), "{}: {said}", adapter.name());
    }
}

fn start(adapter: Adapter) -> Child {
    Command::new(env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "memory::child_process", "--nocapture"])
        .env(ADAPTER, adapter.name())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process")
}

/// The other side of the test above; by itself it does nothing.
#[test]
#[ignore = "a test starts it"]
fn child_process() {
    let Some(adapter) = env::var(ADAPTER).ok().and_then(|name| Adapter::of_name(&name)) else {
        return;
    };
    let all: Vec<Case> = endless::heads().into_iter().chain(endless::answers()).collect();
    let refuses = |peer: &mut Connection| peer.answer_all(answer("403 X", "", ""));
    let denied = Expected::Status(403, cos_proto::ErrorKind::Denied);
    // What is needed once and for all.
    trial::run(&Case::new("refuses", refuses, ask::get, denied), adapter).expect("a refusal");
    let before = peak().expect("told");
    let mut pushed = 0;
    for name in CASES {
        let case = all.iter().find(|case| case.name == name).expect(name);
        pushed += trial::run(case, adapter).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
    let grown = peak().expect("told") - before;
    say(&format!("grew by {grown} bytes while {pushed} were pushed"));
    assert!(grown < GROWN_MAX && grown < pushed);
}

fn say(line: &str) {
    writeln!(io::stdout(), "{line}").expect("said");
}

/// The most memory that this process has had in use.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}
