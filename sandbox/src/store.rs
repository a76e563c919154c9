//! The object store: signed links that expire, ranges, entity tags.
//!
//! That a store of this kind serves the archives is documented; the form of its errors is our
//! assumption. The link holds its end in milliseconds and an HMAC over path and end.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::archive;
use crate::draw::hex;
use crate::fault::{Fault, Kind};
use crate::ledger::Operation;
use crate::message::Reply;
use crate::options::Options;
use crate::seen::Seen;
use crate::task::TaskKind;
use crate::world::{Action, Route, World};

/// Archives kept in memory; more are made again when asked for.
const KEPT: usize = 8;

/// Which archive: of which task, and encrypted with the right secret or not.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Which {
    task: usize,
    wrong_secret: bool,
}

pub(crate) fn route(method: &str, path: &str) -> Route {
    let id = path
        .strip_prefix("/archive/")
        .and_then(|rest| rest.strip_suffix(".zip"));
    match id.filter(|id| !id.is_empty() && !id.contains('/')) {
        Some(id) => Route {
            operation: Operation::Download,
            task_id: Some(id.to_owned()),
            action: if method == "GET" {
                Action::Carry
            } else {
                Action::WrongMethod("GET")
            },
        },
        None => Route {
            operation: Operation::Other,
            task_id: None,
            action: Action::Missing,
        },
    }
}

pub(crate) fn signature(options: &Options, path: &str, expires: i64) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(options.archive_secret.as_bytes()) else {
        // HMAC takes keys of any length.
        return String::new();
    };
    mac.update(path.as_bytes());
    mac.update(&expires.to_le_bytes());
    hex(&mac.finalize().into_bytes())
}

impl World {
    /// A fresh link of a finished retrieval.
    pub(crate) fn link(&self, task_id: &str, expires: i64) -> String {
        let path = format!("/archive/{task_id}.zip");
        let signature = signature(&self.options, &path, expires);
        format!(
            "{}{path}?expires={expires}&sig={signature}",
            self.store_base
        )
    }

    pub(crate) fn download(&mut self, seen: &Seen, route: &Route, fault: Option<&Fault>) -> Reply {
        let fault = fault.map(|fault| fault.kind);
        let expired =
            fault == Some(Kind::ExpiredLink) || seen.expires.is_none_or(|end| end <= self.now_ms);
        if !seen.signed {
            return refuse(403, "SignatureDoesNotMatch");
        }
        if expired {
            return refuse(403, "ExpiredToken");
        }
        let id = route.task_id.as_deref().unwrap_or_default();
        let Some(task) = self.by_id.get(id).copied() else {
            return refuse(404, "NoSuchKey");
        };
        let which = Which {
            task,
            wrong_secret: fault == Some(Kind::WrongSecret),
        };
        let Some(mut bytes) = self.archive(&which) else {
            return refuse(404, "NoSuchKey");
        };
        if fault == Some(Kind::CorruptArchive) {
            corrupt(&mut bytes);
        }
        serve(bytes, seen)
    }

    fn archive(&mut self, which: &Which) -> Option<Vec<u8>> {
        if let Some((_, bytes)) = self.archives.iter().find(|(kept, _)| kept == which) {
            return Some(bytes.clone());
        }
        let task = self
            .tasks
            .get(which.task)
            .filter(|task| task.order.kind == TaskKind::Retrieval)?;
        let mut secret = self.options.archive_secret.clone();
        if which.wrong_secret {
            secret.push_str("-of-another-project");
        }
        let bytes = archive::make(&self.options, task, &secret).ok()?;
        self.archives.truncate(KEPT - 1);
        self.archives.push_front((which.clone(), bytes.clone()));
        Some(bytes)
    }
}

/// Changes the first member's data, past the salt or the random head of any cipher, so that only a
/// check of the whole member can tell.
fn corrupt(bytes: &mut [u8]) {
    let field = |at: usize| match (bytes.get(at), bytes.get(at + 1)) {
        (Some(low), Some(high)) => usize::from(u16::from_le_bytes([*low, *high])),
        _ => 0,
    };
    let (name, extra) = (field(26), field(28));
    bytes
        .iter_mut()
        .skip(30 + name + extra + 40)
        .take(4)
        .for_each(|byte| *byte ^= 0x5a);
}

fn serve(bytes: Vec<u8>, seen: &Seen) -> Reply {
    let digest = hex(&Sha256::digest(&bytes));
    let etag = format!("\"{}\"", digest.get(..16).unwrap_or_default());
    let length = bytes.len();
    let same = seen.if_range.as_ref().is_none_or(|wanted| *wanted == etag);
    let range = seen.range.as_deref().filter(|_| same);
    let reply = match range.map_or(Span::Whole, |text| span(text, length)) {
        Span::Whole => Reply::typed(200, "application/zip", bytes),
        Span::Outside => {
            refuse(416, "InvalidRange").with("content-range", &format!("bytes */{length}"))
        }
        Span::Part(first, last) => {
            let part = bytes.get(first..=last).unwrap_or_default().to_vec();
            Reply::typed(206, "application/zip", part)
                .with("content-range", &format!("bytes {first}-{last}/{length}"))
        }
    };
    reply.with("etag", &etag).with("accept-ranges", "bytes")
}

/// What a Range header asks for; one that we do not understand asks for the whole.
#[derive(Debug, PartialEq)]
enum Span {
    Whole,
    Part(usize, usize),
    Outside,
}

fn span(text: &str, length: usize) -> Span {
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Span::Whole;
    };
    let end = length.saturating_sub(1);
    let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => (first, last.min(end)),
        (Ok(first), Err(_)) if last.is_empty() => (first, end),
        (Err(_), Ok(tail)) if first.is_empty() => (length.saturating_sub(tail), end),
        _ => return Span::Whole,
    };
    if first <= last && first < length {
        Span::Part(first, last)
    } else {
        Span::Outside
    }
}

fn refuse(status: u16, code: &str) -> Reply {
    let body = format!("<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code></Error>");
    Reply::typed(status, "application/xml", body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(span("bytes=0-3", 10), Span::Part(0, 3));
        assert_eq!(span("bytes=4-", 10), Span::Part(4, 9));
        assert_eq!(span("bytes=4-99", 10), Span::Part(4, 9));
        assert_eq!(span("bytes=-3", 10), Span::Part(7, 9));
        for outside in ["bytes=10-", "bytes=5-4", "bytes=-0"] {
            assert_eq!(span(outside, 10), Span::Outside, "{outside}");
        }
        for whole in ["lines=1-2", "bytes=0-1,4-5", "bytes=-", "bytes=a-"] {
            assert_eq!(span(whole, 10), Span::Whole, "{whole}");
        }
    }
}
