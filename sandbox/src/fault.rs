//! Faults on demand: which call, and what goes wrong with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ledger::Operation;
use crate::options::words;

words! {
    /// What goes wrong.
    Kind {
        /** `status` is answered, with `body` and `headers` if given; processed only if `processed` */ Status = "status",
        /** lost before processing: no answer */ DropBefore = "drop_before",
        /** processed, then no answer */ DropAfter = "drop_after",
        /** processed, then the connection is reset in the middle of the answer */ Reset = "reset",
        /** processed, the body comes in `chunk` bytes with `pause_ms` between */ SlowBody = "slow_body",
        /** processed, half of the JSON is missing */ TruncatedJson = "truncated_json",
        /** processed, the body is an HTML page (or `body`) */ Html = "html",
        /** processed, the answer holds no task id */ NoId = "no_id",
        /** `status` (default 302) to `location`; processed only if `processed` */ Redirect = "redirect",
        /** 200 (or `status`) with `"status":"error"`; processed only if `processed` */ ErrorIn200 = "error_in_200",
        /** the link in a status answer, or the link of a download, has expired */ ExpiredLink = "expired_link",
        /** the archive stops in the middle */ TruncatedArchive = "truncated_archive",
        /** bytes in the middle of the archive are changed */ CorruptArchive = "corrupt_archive",
        /** the archive was encrypted with another secret */ WrongSecret = "wrong_secret",
        /** 409 that names `ids` (default: one that nobody sent) and an unknown task; not processed */ ConflictForeign = "conflict_foreign",
        /** 409 with no usable body; not processed */ ConflictEmpty = "conflict_empty",
        /** processed, the status answer says `word` whatever the state */ StatusWord = "status_word",
        /** processed, the status answer echoes `ids` (default: one that nobody sent) */ ForeignEcho = "foreign_echo",
    }
}

/// One fault. Fields after `kind` matter only to the kinds that name them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which calls are counted.
    pub on: Operation,
    /// The first of those calls that it hits; from 1.
    #[serde(default = "one")]
    pub nth: u32,
    /// How many calls in a row.
    #[serde(default = "one")]
    pub times: u32,
    /// What goes wrong.
    pub kind: Kind,
    /// HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Body of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Headers of the answer; they replace those of the same name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Where a redirect points to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The vendor carries the call out before it answers so.
    #[serde(default)]
    pub processed: bool,
    /// Bytes in a piece of a slow body; default 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<usize>,
    /// Pause between pieces of a slow body, real time; default 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_ms: Option<u64>,
    /// Ids that the answer names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// Status word that the answer says; default PENDING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
}

fn one() -> u32 {
    1
}

impl Fault {
    /// The first such call is hit, once.
    pub fn new(on: Operation, kind: Kind) -> Self {
        Self {
            on,
            nth: 1,
            times: 1,
            kind,
            status: None,
            body: None,
            headers: BTreeMap::new(),
            location: None,
            processed: false,
            chunk: None,
            pause_ms: None,
            ids: Vec::new(),
            word: None,
        }
    }

    /// The n-th such call is hit.
    pub fn nth(mut self, nth: u32) -> Self {
        self.nth = nth;
        self
    }

    /// So many calls in a row are hit.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// With that HTTP status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// A fault that could never happen is a mistake in the script, not a quiet success.
    pub(crate) fn check(&self) -> Result<(), String> {
        use Kind::{
            ConflictEmpty, ConflictForeign, CorruptArchive, ExpiredLink, ForeignEcho, NoId,
            StatusWord, TruncatedArchive, WrongSecret,
        };
        use Operation::{Any, CreateDeletion, Download, GetDeletion, GetRetrieval, Other};
        let fits = match self.kind {
            _ if self.on == Other => false,
            _ if self.on == Any => true,
            TruncatedArchive | CorruptArchive | WrongSecret => self.on == Download,
            ExpiredLink => matches!(self.on, Download | GetRetrieval),
            ConflictForeign | ConflictEmpty => self.on == CreateDeletion,
            NoId => self.on.is_create(),
            StatusWord | ForeignEcho => matches!(self.on, GetRetrieval | GetDeletion),
            _ => true,
        };
        let (on, kind) = (self.on.as_str(), self.kind.as_str());
        if !fits {
            return Err(format!("fault {kind:?} cannot happen on {on:?}"));
        }
        if self.nth == 0 || self.times == 0 {
            return Err(format!(
                "fault {kind:?} on {on:?}: nth and times count from 1"
            ));
        }
        if self.kind == Kind::Status && self.status.is_none() {
            return Err(format!("fault {kind:?} on {on:?} needs a status"));
        }
        if self
            .status
            .is_some_and(|status| !(200..600).contains(&status))
        {
            return Err(format!(
                "fault {kind:?} on {on:?}: status must be 200 to 599"
            ));
        }
        Ok(())
    }
}

/// A fault and the calls it has counted.
pub(crate) struct Armed {
    fault: Fault,
    seen: u32,
}

/// Counts a call with every fault and gives the first one that hits it.
pub(crate) fn strike(armed: &mut [Armed], operation: Operation) -> Option<Fault> {
    let mut hit = None;
    for each in armed {
        if operation == Operation::Other
            || (each.fault.on != operation && each.fault.on != Operation::Any)
        {
            continue;
        }
        each.seen = each.seen.saturating_add(1);
        let last = each.fault.nth.saturating_add(each.fault.times - 1);
        if hit.is_none() && (each.fault.nth..=last).contains(&each.seen) {
            hit = Some(each.fault.clone());
        }
    }
    hit
}

pub(crate) fn arm(faults: Vec<Fault>) -> impl Iterator<Item = Armed> {
    faults.into_iter().map(|fault| Armed { fault, seen: 0 })
}
