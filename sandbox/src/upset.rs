//! What a fault does to a call: instead of it, or to its answer.

use serde_json::json;

use crate::fault::{Fault, Kind};
use crate::ledger::Entry;
use crate::message::{Reply, Wire};
use crate::mixpanel::{self, RATE_TEXT};
use crate::seen::Seen;
use crate::world::{Route, World};

impl World {
    pub(crate) fn carry_out_with(
        &mut self,
        fault: &Fault,
        seen: &Seen,
        route: &Route,
        entry: &mut Entry,
    ) -> Reply {
        match fault.kind {
            Kind::DropBefore => Reply {
                wire: Wire::DropBeforeProcessing,
                ..Reply::empty(0)
            },
            Kind::ConflictForeign => dressed(fault, mixpanel::foreign_conflict(fault)),
            Kind::ConflictEmpty => dressed(fault, Reply::empty(409)),
            Kind::Status | Kind::Redirect | Kind::ErrorIn200 => {
                if fault.processed {
                    self.carry_out(seen, route, entry, None);
                }
                dressed(fault, self.instead(fault))
            }
            _ => {
                let reply = self.carry_out(seen, route, entry, Some(fault));
                upset(fault, reply)
            }
        }
    }

    fn instead(&self, fault: &Fault) -> Reply {
        let status = fault.status;
        match fault.kind {
            Kind::Redirect => {
                let location = fault
                    .location
                    .as_deref()
                    .unwrap_or("https://elsewhere.invalid/");
                Reply::redirect(status.unwrap_or(302), location)
            }
            Kind::ErrorIn200 => {
                let error = json!({"status": "error", "error": "Something went wrong"});
                Reply::json(status.unwrap_or(200), &error)
            }
            _ => match status.unwrap_or(500) {
                429 => self.too_many_requests(RATE_TEXT),
                status => self.refuse(status, "The request failed"),
            },
        }
    }
}

/// Changes an answer of the healthy way. A refusal is left as it is: there is nothing to upset.
fn upset(fault: &Fault, mut reply: Reply) -> Reply {
    match fault.kind {
        Kind::DropAfter => reply.wire = Wire::DropAfterProcessing,
        Kind::Reset => reply.wire = Wire::Reset,
        Kind::SlowBody => {
            let (chunk, pause_ms) = (
                fault.chunk.unwrap_or(16).max(1),
                fault.pause_ms.unwrap_or(1_000),
            );
            reply.wire = Wire::Slow { chunk, pause_ms };
        }
        _ if !reply.is_success() => {}
        Kind::TruncatedJson => reply.body.truncate(reply.body.len() / 2),
        Kind::Html => {
            let page = fault
                .body
                .clone()
                .unwrap_or_else(|| "<!doctype html><title>Gateway</title>".into());
            let page = Reply::typed(
                fault.status.unwrap_or(reply.status),
                "text/html",
                page.into(),
            );
            reply = dressed(fault, page);
        }
        Kind::TruncatedArchive => reply.wire = Wire::Truncate(reply.body.len() / 2),
        _ => {}
    }
    reply
}

/// The body and the headers that the script gives.
fn dressed(fault: &Fault, mut reply: Reply) -> Reply {
    if let Some(body) = &fault.body {
        reply.body = body.clone().into_bytes();
    }
    for (name, value) in &fault.headers {
        reply
            .headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        reply
            .headers
            .push((name.to_ascii_lowercase(), value.clone()));
    }
    reply
}
