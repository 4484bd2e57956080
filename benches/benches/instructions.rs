//! How many instructions the core needs, for what must not drift. Set-up and tear-down do not
//! count. `.ci/bench-instructions` compares them with `baseline/instructions.json`.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to go on with")]

use cos_benches::core::{
    lists::{Asked, Page},
    requests::{Prepare, Unsent},
    signing::Signer,
    stepping::{Steps, Unstarted},
};
use cos_proto::{
    Transmit,
    op::{Download, Fetch, Fetched, Put, PutOutcome, Upload},
};
use gungraun::{library_benchmark, library_benchmark_group, main};

type Failed = Box<dyn std::error::Error>;
type Sent = Result<Box<Transmit>, Failed>;

const MADE: &str = "what is measured can be made";

/// A signer that has signed before, so that its buffer is there.
fn signer() -> Signer {
    let mut signer = Signer::new();
    signer.sign();
    signer
}

fn get() -> Unsent<Download> {
    Prepare::new().expect(MADE).get().expect(MADE)
}

fn part() -> Unsent<Upload> {
    Prepare::new().expect(MADE).part().expect(MADE)
}

fn page() -> Asked {
    Page::new().expect(MADE).ask().expect(MADE)
}

fn put() -> Unstarted<Put> {
    Steps::new().expect(MADE).put().expect(MADE)
}

fn fetch() -> Unstarted<Fetch> {
    Steps::new().expect(MADE).get().expect(MADE)
}

#[library_benchmark(setup = signer)]
fn sign(mut signer: Signer) -> (usize, Signer) {
    (signer.sign().len(), signer)
}

#[library_benchmark(setup = get)]
fn request_get(mut unsent: Unsent<Download>) -> (Sent, Unsent<Download>) {
    (unsent.send(), unsent)
}

#[library_benchmark(setup = part)]
fn request_part(mut unsent: Unsent<Upload>) -> (Sent, Unsent<Upload>) {
    (unsent.send(), unsent)
}

#[library_benchmark(setup = page)]
fn list_page(mut asked: Asked) -> (Option<(usize, u64)>, Asked) {
    (asked.read(), asked)
}

#[library_benchmark(setup = put)]
fn step_put(mut put: Unstarted<Put>) -> (Result<PutOutcome, Failed>, Unstarted<Put>) {
    (put.run(), put)
}

#[library_benchmark(setup = fetch)]
fn step_get(mut fetch: Unstarted<Fetch>) -> (Result<Fetched, Failed>, Unstarted<Fetch>) {
    (fetch.run(), fetch)
}

library_benchmark_group!(
    name = core,
    benchmarks = [sign, request_get, request_part, list_page, step_put, step_get]
);

main!(library_benchmark_groups = core);
