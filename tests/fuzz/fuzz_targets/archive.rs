#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| dsrkit_fuzz::archive::run(data));
