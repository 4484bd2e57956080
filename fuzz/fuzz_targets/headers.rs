#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cos_proto::fuzz::run("headers", data));
