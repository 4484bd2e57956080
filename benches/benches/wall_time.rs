//! The wall time of what the core does without a network.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to go on with")]

use std::hint::black_box;

use cos_benches::core::{
    lists::{Asked, Page, events},
    presigning::Presigner,
    requests::{Prepare, Unsent},
    signing::{HashFloor, Signer},
    stepping::Steps,
};
use cos_proto::{Crc64, combine};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const MADE: &str = "what is measured can be made";

fn signing(criterion: &mut Criterion) {
    let (mut signer, floor) = (Signer::new(), HashFloor::new());
    let mut group = criterion.benchmark_group("signing");
    group.bench_function("header", |bencher| bencher.iter(|| signer.sign().len()));
    group.bench_function("hash floor", |bencher| bencher.iter(|| floor.hash()));
    let presigner = Presigner::new().expect(MADE);
    group.bench_function("presign", |bencher| bencher.iter(|| presigner.presign()));
}

fn requests(criterion: &mut Criterion) {
    let prepare = Prepare::new().expect(MADE);
    let mut group = criterion.benchmark_group("requests");
    group.bench_function("GET", |bencher| {
        let prepared = || prepare.get().expect(MADE);
        bencher.iter_batched_ref(prepared, Unsent::send, BatchSize::SmallInput);
    });
    group.bench_function("PUT", |bencher| {
        let prepared = || prepare.put().expect(MADE);
        bencher.iter_batched_ref(prepared, Unsent::send, BatchSize::SmallInput);
    });
    group.bench_function("UploadPart", |bencher| {
        let prepared = || prepare.part().expect(MADE);
        bencher.iter_batched_ref(prepared, Unsent::send, BatchSize::SmallInput);
    });
}

fn lists(criterion: &mut Criterion) {
    let page = Page::new().expect(MADE);
    let mut group = criterion.benchmark_group("lists");
    group.throughput(Throughput::Bytes(page.body().len() as u64));
    group.bench_function("1000 keys", |bencher| {
        let asked = || page.ask().expect(MADE);
        bencher.iter_batched_ref(asked, Asked::read, BatchSize::SmallInput);
    });
    group.bench_function("bare events", |bencher| bencher.iter(|| events(page.body())));
}

fn checksums(criterion: &mut Criterion) {
    let data = vec![7; 1024 * 1024];
    let mut group = criterion.benchmark_group("checksums");
    group.bench_function("combine", |bencher| {
        bencher.iter(|| combine(black_box(1), black_box(2), black_box(16 * 1024 * 1024)));
    });
    group.throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("CRC-64", |bencher| bencher.iter(|| Crc64::of(&data)));
}

fn stepping(criterion: &mut Criterion) {
    let steps = Steps::new().expect(MADE);
    let mut group = criterion.benchmark_group("stepping");
    group.bench_function("PUT", |bencher| {
        let put = || steps.put().expect(MADE);
        bencher.iter_batched_ref(put, |put| put.run().is_ok(), BatchSize::SmallInput);
    });
    group.bench_function("GET", |bencher| {
        let get = || steps.get().expect(MADE);
        bencher.iter_batched_ref(get, |get| get.run().is_ok(), BatchSize::SmallInput);
    });
    group.bench_function("HEAD", |bencher| {
        let head = || steps.head().expect(MADE);
        bencher.iter_batched_ref(head, |head| head.run().is_ok(), BatchSize::SmallInput);
    });
}

criterion_group!(benches, signing, requests, lists, checksums, stepping);
criterion_main!(benches);
