//! Names the shared library's ABI, so that an incompatible one is never loaded by mistake.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libdsrkit.so.0");
    }
}
