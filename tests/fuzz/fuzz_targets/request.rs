//! See `dongbo_tests::fuzz::request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dongbo_tests::fuzz::request(data));
