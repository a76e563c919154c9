#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| dsrkit_fuzz::records::run(data));
