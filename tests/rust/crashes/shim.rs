//! What stands before a process, and what it is to do.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The library, built once.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/disk/shim.c");
    let made =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("shim-{}.so", std::process::id()));
    let built = Command::new("gcc")
        .args(["-std=c11", "-O1", "-shared", "-fPIC", "-o"])
        .args([&made, &source])
        .arg("-ldl")
        .status();
    assert!(built.expect("gcc").success());
    made
});

/// One call of a process.
#[derive(Clone, Default)]
pub struct Call {
    pub number: usize,
    pub name: String,
    pub file: String,
}

impl Call {
    pub fn read(line: &str) -> Self {
        let mut words = line.splitn(3, ' ').map(str::to_owned);
        Self {
            number: words.next().unwrap().parse().unwrap(),
            name: words.next().unwrap(),
            file: words.next().unwrap(),
        }
    }

    /// A create that leaves for the vendor.
    pub fn is_create(&self) -> bool {
        self.file == "socket POST"
    }

    pub fn what(&self) -> String {
        let socket = self.file.starts_with("socket");
        format!("{} {}", self.name, if socket { "network" } else { "disk" })
    }
}

/// What happens at one call.
#[derive(Clone)]
pub struct Strike {
    what: &'static str,
    at: usize,
    times: usize,
    /// For people.
    call: String,
}

impl Strike {
    fn new(what: &'static str, call: &Call, times: usize) -> Self {
        Self {
            what,
            at: call.number,
            times,
            call: format!("{} {}", call.name, call.file),
        }
    }
    pub fn none() -> Self {
        Self::new("", &Call::default(), 1)
    }
    pub fn kill(call: &Call) -> Self {
        Self::new("kill", call, 1)
    }
    pub fn torn(call: &Call) -> Self {
        Self::new("torn", call, 1)
    }

    /// How a disk can fail at this call.
    pub fn failing(call: &Call) -> Vec<Self> {
        let fails = |what, times| Self::new(what, call, times);
        let mut ways = vec![fails("eio", 1)];
        if call.name != "unlink" {
            // Once, for some time, and for as long as the process lives.
            ways.extend([1, 8, usize::MAX >> 1].map(|times| fails("enospc", times)));
        }
        if call.name.contains("write") {
            ways.push(fails("short", 1));
        }
        ways
    }

    /// Whether the journal is being made then.
    pub fn making(&self) -> bool {
        self.call.contains(".new") && self.what != "short"
    }

    /// The process as it is to be started.
    pub fn apply(&self, command: &mut Command, folder: &Path) {
        command
            .env("LD_PRELOAD", &*LIBRARY)
            .env("SHIM_DIR", folder)
            .env("SHIM_AT", self.at.to_string())
            .env("SHIM_TIMES", self.times.to_string());
        if !self.what.is_empty() {
            command.env("SHIM_DO", self.what);
        }
        if matches!(self.what, "eio" | "enospc" | "short") {
            command.env("SHIM_DISK", "1");
        }
    }
}

impl fmt::Debug for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            at,
            times,
            call,
        } = self;
        write!(f, "{what} at call {at}, {times} times ({call})")
    }
}
