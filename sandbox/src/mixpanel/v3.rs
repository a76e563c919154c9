//! Version 3.0 of the API, and what both versions have in common.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{SCANS_TEXT, callback};
use crate::fault::Fault;
use crate::ledger::{Entry, Operation};
use crate::message::Reply;
use crate::options::{CollectionSlash, Dialect, ItemSlash};
use crate::seen::{Seen, Verdict};
use crate::task::{Order, Task, TaskKind, Version};
use crate::world::{Action, Route, World};

const BASE: &str = "/api/app/";

pub(super) fn route(dialect: &Dialect, method: &str, path: &str) -> Route {
    let nothing = |action| Route {
        operation: Operation::Other,
        task_id: None,
        action,
    };
    let kinds = [
        ("data-retrievals/v3.0", TaskKind::Retrieval, Version::V3),
        ("data-deletions/v3.0", TaskKind::Deletion, Version::V3),
        ("data-retrievals/v2.0", TaskKind::Retrieval, Version::V2),
        ("data-deletions/v2.0", TaskKind::Deletion, Version::V2),
    ];
    let found = path.strip_prefix(BASE).and_then(|rest| {
        kinds
            .into_iter()
            .find_map(|(name, kind, version)| Some((kind, version, rest.strip_prefix(name)?)))
    });
    let Some((kind, version, rest)) = found else {
        return nothing(Action::Missing);
    };
    if !rest.is_empty() && !rest.starts_with('/') {
        return nothing(Action::Missing);
    }
    let id = rest.trim_matches('/');
    let slashed = rest.ends_with('/');
    if id.contains('/') || rest.contains("//") {
        return nothing(Action::Missing);
    }
    let operation = match (method, kind, id.is_empty()) {
        ("POST", TaskKind::Retrieval, true) => Operation::CreateRetrieval,
        ("POST", TaskKind::Deletion, true) => Operation::CreateDeletion,
        ("GET", TaskKind::Retrieval, false) => Operation::GetRetrieval,
        ("GET", TaskKind::Deletion, false) => Operation::GetDeletion,
        ("DELETE", TaskKind::Deletion, false) => Operation::CancelDeletion,
        ("DELETE", TaskKind::Retrieval, false) if version == Version::V2 => {
            Operation::CancelRetrieval
        }
        (_, _, true) => return nothing(Action::WrongMethod("POST")),
        (_, TaskKind::Retrieval, false) if version == Version::V3 => {
            return nothing(Action::WrongMethod("GET"));
        }
        (_, _, false) => return nothing(Action::WrongMethod("GET, DELETE")),
    };
    let miss = if id.is_empty() {
        !slashed && dialect.collection_slash == CollectionSlash::Required
    } else {
        matches!(
            (dialect.item_slash, slashed),
            (ItemSlash::Required, false) | (ItemSlash::Forbidden, true)
        )
    };
    let action = match (miss, slashed) {
        (false, _) => Action::Carry,
        (true, _) if !id.is_empty() && dialect.item_slash_miss == 404 => Action::Missing,
        // The query is left out: it holds the project token.
        (true, false) => Action::MovedTo(format!("{path}/")),
        (true, true) => Action::MovedTo(path.trim_end_matches('/').to_owned()),
    };
    Route {
        operation,
        task_id: (!id.is_empty()).then(|| id.to_owned()),
        action,
    }
}

impl World {
    pub(crate) fn call(
        &mut self,
        seen: &Seen,
        route: &Route,
        entry: &mut Entry,
        fault: Option<&Fault>,
    ) -> Reply {
        match seen.auth.as_ref().map(|auth| auth.verdict) {
            Some(Verdict::Good) => {}
            Some(Verdict::Forbidden) => {
                return self.refuse(403, "You do not have access to this project");
            }
            _ => return self.refuse(401, "Invalid or missing OAuth token"),
        }
        if seen.token.as_ref().map(|token| token.verdict) != Some(Verdict::Good) {
            return self.refuse(401, "Invalid or missing project token");
        }
        let id = route.task_id.as_deref().unwrap_or_default();
        let version = super::v2::version(&seen.path);
        match route.operation {
            Operation::CreateRetrieval => self.create(TaskKind::Retrieval, seen, entry, fault),
            Operation::CreateDeletion => self.create(TaskKind::Deletion, seen, entry, fault),
            Operation::GetRetrieval => self.status((TaskKind::Retrieval, version), id, fault),
            Operation::GetDeletion => self.status((TaskKind::Deletion, version), id, fault),
            Operation::CancelDeletion => self.cancel((TaskKind::Deletion, version), id, seen),
            Operation::CancelRetrieval => self.cancel((TaskKind::Retrieval, version), id, seen),
            Operation::Any
            | Operation::DsarExport
            | Operation::DsarDelete
            | Operation::Download
            | Operation::Other => self.refuse(404, "Not found"),
        }
    }

    fn create(
        &mut self,
        kind: TaskKind,
        seen: &Seen,
        entry: &mut Entry,
        fault: Option<&Fault>,
    ) -> Reply {
        let order = match super::v2::version(&seen.path) {
            Version::V2 => self.read_order_v2(kind, &seen.body()),
            Version::V3 => self.read_order(kind, &seen.body()),
        };
        let order = match order {
            Ok(order) => order,
            Err(refusal) => return refusal,
        };
        if let Some(refusal) = self.conflict(&order) {
            return refusal;
        }
        let scans = self.scans(&order);
        if !self.scans_fit(scans) {
            return self.too_many_requests(SCANS_TEXT);
        }
        let index = self.tasks.len();
        let task = Task::new(&self.options, index as u64 + 1, order, self.now_ms, scans);
        if kind == TaskKind::Deletion {
            self.deletions
                .extend(task.order.ids.iter().map(|id| (id.clone(), index)));
        }
        self.by_id.insert(task.id.clone(), index);
        entry.task_id = Some(task.id.clone());
        let reply = self.created(&task, fault);
        self.tasks.push(task);
        reply
    }

    /// Strict where the vendor documents a rule; a broken rule is 400 (our assumption).
    fn read_order(&self, kind: TaskKind, body: &[u8]) -> Result<Order, Reply> {
        let refuse = |text: &str| self.refuse(400, text);
        let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(body) else {
            return Err(refuse("The body is not a JSON object"));
        };
        let text = |name: &str| match fields.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(refuse(&format!("{name} must be a string"))),
        };
        let compliance = match text("compliance_type")? {
            None | Some("GDPR") => "GDPR",
            Some("CCPA") => "CCPA",
            Some(_) => return Err(refuse("compliance_type must be GDPR or CCPA")),
        };
        let disclosure = text("disclosure_type")?.map(str::to_owned);
        if let Some(word) = &disclosure {
            if kind == TaskKind::Deletion || compliance != "CCPA" {
                return Err(refuse("disclosure_type is for CCPA retrievals"));
            }
            if !["Data", "Categories", "Sources"].contains(&word.as_str()) {
                return Err(refuse(
                    "disclosure_type must be Data, Categories or Sources",
                ));
            }
        }
        let Some(Value::Array(values)) = fields.get("distinct_ids") else {
            return Err(refuse("distinct_ids must be a list"));
        };
        let ids: Option<Vec<String>> = values
            .iter()
            .map(|id| id.as_str().map(str::to_owned))
            .collect();
        let ids = ids.ok_or_else(|| refuse("distinct_ids must be a list of strings"))?;
        let limit = self.ids_per_request(kind);
        if ids.len() > limit {
            let text = format!("Too many distinct_ids: the limit is {limit} per request");
            return Err(self.refuse(self.options.too_many_status, &text));
        }
        self.check_ids(&ids)?;
        let known = [
            "distinct_ids",
            "compliance_type",
            "disclosure_type",
            "subject_request_id",
            "status_callback_urls",
        ];
        if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(refuse(&format!("{name} is not a field of this request")));
        }
        let subject_request_id = text("subject_request_id")?.map(str::to_owned);
        let callback_urls =
            callback::wanted(&fields, subject_request_id.as_deref()).map_err(refuse)?;
        Ok(Order {
            version: Version::V3,
            kind,
            ids,
            compliance,
            disclosure,
            subject_request_id,
            callback_urls,
        })
    }

    /// What is refused of ids in every version.
    pub(super) fn check_ids(&self, ids: &[String]) -> Result<(), Reply> {
        let refuse = |text: &str| Err(self.refuse(400, text));
        if ids.is_empty() || ids.iter().any(String::is_empty) {
            return refuse("distinct_ids must not be empty");
        }
        if ids.iter().collect::<HashSet<_>>().len() != ids.len() {
            return refuse("distinct_ids must be unique");
        }
        if ids.iter().any(|id| self.options.bad_ids.contains(id)) {
            return refuse("invalid distinct_id");
        }
        Ok(())
    }

    fn ids_per_request(&self, kind: TaskKind) -> usize {
        match (kind, self.options.data_groups) {
            (TaskKind::Retrieval, _) => self.options.retrieval_limit,
            (TaskKind::Deletion, 0) => self.options.deletion_limit,
            (TaskKind::Deletion, groups) => {
                usize::try_from(2_000 / groups.saturating_add(1)).unwrap_or(0)
            }
        }
    }

    /// Observed: one id with a running deletion refuses the whole batch.
    fn conflict(&self, order: &Order) -> Option<Reply> {
        let guarded = match order.version {
            Version::V2 => self.options.dialect.conflict_guard_v2,
            Version::V3 => self.options.dialect.conflict_guard,
        };
        if order.kind != TaskKind::Deletion || !guarded {
            return None;
        }
        let mut ids = Vec::new();
        let mut tasks: Vec<&str> = Vec::new();
        let mut named = HashSet::new();
        for id in &order.ids {
            let Some(task) = self
                .deletions
                .get(id)
                .and_then(|index| self.tasks.get(*index))
            else {
                continue;
            };
            if task.state(self.now_ms).is_running() {
                ids.push(id.as_str());
                if named.insert(task.id.as_str()) {
                    tasks.push(&task.id);
                }
            }
        }
        (!ids.is_empty()).then(|| super::answer::conflict(&ids, &tasks))
    }

    /// One scan per day of the project's age; a CCPA retrieval covers one year only.
    fn scans(&self, order: &Order) -> u64 {
        match (order.kind, order.compliance) {
            (TaskKind::Deletion, _) => 0,
            (TaskKind::Retrieval, "CCPA") => self.options.project_age_days.min(365),
            (TaskKind::Retrieval, _) => self.options.project_age_days,
        }
    }

    fn scans_fit(&self, scans: u64) -> bool {
        let freed = self.options.scans_freed;
        let outstanding: u64 = self
            .tasks
            .iter()
            .map(|task| task.outstanding(freed, self.now_ms))
            .sum();
        let come = |(at, _): &&(i64, u64)| *at <= self.now_ms;
        let moves = self.options.scan_budget_moves.iter();
        let budget = moves
            .rev()
            .find(come)
            .map_or(self.options.scan_budget_days, |(_, days)| *days);
        budget == 0 || outstanding == 0 || outstanding.saturating_add(scans) <= budget
    }

    fn status(&mut self, of: (TaskKind, Version), id: &str, fault: Option<&Fault>) -> Reply {
        let polled = self.by_id.get(id).copied().and_then(|index| {
            let task = self
                .tasks
                .get_mut(index)
                .filter(|task| (task.order.kind, task.order.version) == of)?;
            task.polls += 1;
            Some((index, task.polls))
        });
        let Some((task, polls)) =
            polled.and_then(|(index, polls)| Some((self.tasks.get(index)?, polls)))
        else {
            return self.unknown_task(of.1);
        };
        if polls <= self.options.lag_not_found_polls {
            return self.unknown_task(of.1);
        }
        let nth = polls - self.options.lag_not_found_polls - 1;
        let word = usize::try_from(nth)
            .ok()
            .and_then(|nth| self.options.status_words.get(nth));
        self.told(task, word.map(String::as_str), fault)
    }

    /// The body of a cancel is empty (documented); one with a body is refused (our assumption), as
    /// it comes from a client that took the overview's sample literally.
    fn cancel(&mut self, of: (TaskKind, Version), id: &str, seen: &Seen) -> Reply {
        if !seen.body.is_empty() {
            return self.refuse(400, "A cancel takes no body");
        }
        let now_ms = self.now_ms;
        let task = self
            .by_id
            .get(id)
            .and_then(|index| self.tasks.get_mut(*index));
        match task.filter(|task| (task.order.kind, task.order.version) == of) {
            None => self.refuse(404, "Not found"),
            Some(task) if task.state(now_ms).is_cancellable() => {
                task.revoke(now_ms);
                self.cancelled(id)
            }
            Some(_) => self
                .refuse(405, "The task can not be cancelled any more")
                .with("allow", "GET"),
        }
    }

    pub(super) fn envelope(results: Value) -> Value {
        let mut body = json!({"status": "ok"});
        if let Some(fields) = body.as_object_mut() {
            fields.insert("results".into(), results);
        }
        body
    }
}
