//! Makes `include/dsrkit.h` and `ffi/abi.txt`; with `--check`, only says whether the committed ones are
//! fresh.

use std::collections::BTreeSet;
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
    "settings_read",
    "options",
    "collect",
    "client",
    "job",
    "single",
    "flow",
    "answer",
    "plan",
    "start",
    "run",
    "standing",
    "events",
    "event",
    "outcome",
    "history",
    "report",
    "report_rows",
    "register",
    "callback",
    "drift",
    "sandbox",
    "mixpeek",
];

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let ffi = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = header(ffi).and_then(|text| {
        let committed = std::fs::read_to_string(ffi.join("abi.txt")).unwrap_or_default();
        let abi = abi(&text, &committed)?;
        Ok([
            (ffi.join("../include/dsrkit.h"), text),
            (ffi.join("abi.txt"), abi),
        ])
    });
    let result = made.and_then(|files| {
        for (path, text) in files {
            if !check {
                std::fs::write(path, text)?;
            } else if std::fs::read_to_string(&path)? != text {
                let stale = path.file_name().unwrap_or_default().to_string_lossy();
                return Err(format!("{stale} is stale: run `make header` and commit it").into());
            }
        }
        Ok(())
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What programs that were built before rely on, one line each: functions with their types, and the
/// numbers of the enums. Lines may come; for one to go or to change, DSR_ABI_VERSION must grow.
fn abi(header: &str, committed: &str) -> Result<String, Box<dyn std::error::Error>> {
    let version = header.split("#define DSR_ABI_VERSION ").nth(1);
    let version = version.and_then(|rest| rest.lines().next());
    let first = format!("DSR_ABI_VERSION {}", version.unwrap_or_default());
    let code: Vec<&str> = header
        .lines()
        .filter(|line| !line.trim_start().starts_with(['/', '*', '#']))
        .collect();
    let words: Vec<&str> = code
        .iter()
        .flat_map(|line| line.split_whitespace())
        .collect();
    let mut lines = BTreeSet::new();
    for part in words.join(" ").split_inclusive([';', ',', '{', '}']) {
        let part = part.trim().trim_end_matches(',');
        if part.starts_with("DSR_") && part.contains(" = ") {
            lines.insert(part.to_owned());
        }
    }
    for statement in words.join(" ").split(';').map(str::trim) {
        let statement = statement.trim_start_matches("extern \"C\" { ");
        if let Some((name, parameters)) = statement.split_once('(')
            && statement.contains("dsr_")
        {
            // What a parameter is called matters to nobody.
            let types = parameters.trim_end_matches(')').split(", ");
            let types =
                types.map(|each| each.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_'));
            let types = types.map(str::trim_end).collect::<Vec<_>>().join(", ");
            lines.insert(format!("{name}({types})"));
        }
    }
    let before: Vec<&str> = committed.lines().collect();
    let broken: Vec<&&str> = before
        .iter()
        .skip(1)
        .filter(|line| !lines.contains(**line))
        .collect();
    if before.first() == Some(&first.as_str()) && !broken.is_empty() {
        let broken = broken
            .iter()
            .map(|line| format!("\n  {line}"))
            .collect::<String>();
        return Err(
            format!("programs built before would break; see DSR_ABI_VERSION:{broken}").into(),
        );
    }
    Ok(std::iter::once(first)
        .chain(lines)
        .map(|line| line + "\n")
        .collect())
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
