//! Makes `include/dsrkit.h`; with `--check`, only says whether the committed one is fresh.

use std::path::Path;
use std::process::ExitCode;

/// In the order of the header: from what a program does first to what it does last.
const FILES: &[&str] = &[
    "status",
    "error",
    "text",
    "log",
    "mixpanel",
    "settings",
    "options",
    "collect",
    "client",
    "job",
    "single",
    "plan",
    "run",
    "standing",
    "events",
    "event",
    "outcome",
    "report",
    "report_rows",
    "register",
    "sandbox",
];

fn main() -> ExitCode {
    let ffi = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = ffi.join("../include/dsrkit.h");
    match header(ffi) {
        Err(error) => {
            eprintln!("the header cannot be made: {error}");
            ExitCode::FAILURE
        }
        Ok(text) if std::env::args().any(|argument| argument == "--check") => {
            if std::fs::read_to_string(&target).is_ok_and(|committed| committed == text) {
                return ExitCode::SUCCESS;
            }
            eprintln!("include/dsrkit.h is stale: run `make header` and commit it");
            ExitCode::FAILURE
        }
        Ok(text) => match std::fs::write(&target, text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("cannot write {}: {error}", target.display());
                ExitCode::FAILURE
            }
        },
    }
}

fn header(ffi: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let mut config = cbindgen::Config::from_file(ffi.join("cbindgen.toml"))?;
    if let Some(text) = &mut config.after_includes {
        *text = text
            .replace("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR"))
            .replace("@MINOR@", env!("CARGO_PKG_VERSION_MINOR"))
            .replace("@PATCH@", env!("CARGO_PKG_VERSION_PATCH"));
    }
    config.export.include = [
        "dsr_region",
        "dsr_ambiguity",
        "dsr_compliance",
        "dsr_disclosure",
        "dsr_log_level",
    ]
    .map(str::to_owned)
    .into();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in FILES {
        builder = builder.with_src(ffi.join("src").join(file).with_extension("rs"));
    }
    let mut text = Vec::new();
    builder.generate()?.write(&mut text);
    Ok(String::from_utf8(text)?)
}
