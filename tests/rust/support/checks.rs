//! The expectations of a scenario, compared with what it ended with.

use std::collections::{BTreeMap, BTreeSet};

use dsrkit::Error;
use serde_json::Value;

use super::{Ended, Table, get, text};

struct Check {
    problems: Vec<String>,
}

impl Check {
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: T, wanted: T) {
        if found != wanted {
            self.problems
                .push(format!("{what}: {found:?}, expected {wanted:?}"));
        }
    }
    fn hold(&mut self, what: impl Into<String>, holds: bool) {
        if !holds {
            self.problems.push(what.into());
        }
    }
}

fn strings(table: &Table, key: &str) -> Option<Vec<String>> {
    let list = table.get(key)?.as_array()?;
    Some(
        list.iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
    )
}

fn numbers(table: &Table, key: &str) -> Option<BTreeMap<String, u64>> {
    let found = get(table, key)?;
    Some(
        found
            .iter()
            .filter_map(|(name, n)| Some((name.clone(), n.as_u64()?)))
            .collect(),
    )
}

pub fn compare(case: &Table, ended: &Ended) -> Vec<String> {
    let empty = Table::new();
    let expect = get(case, "expect").unwrap_or(&empty);
    let mut check = Check {
        problems: Vec::new(),
    };
    error(&mut check, expect, ended);
    report(&mut check, expect, ended);
    vendor(&mut check, case, expect, ended);
    check.problems
}

fn error(check: &mut Check, expect: &Table, ended: &Ended) {
    let found = ended
        .error
        .as_ref()
        .map(|error| error.kind().as_str().to_owned());
    check.same("error", found, text(expect, "error").map(str::to_owned));
    let said = ended
        .error
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let after = ended.error.as_ref().and_then(Error::retry_after);
    if let Some(wanted) = expect.get("retry_after").and_then(Value::as_u64) {
        check.same(
            "retry_after",
            after.map(|after| after.as_secs()),
            Some(wanted),
        );
    }
    if let Some(wanted) = strings(expect, "records") {
        check.same("records", &ended.records, &wanted);
    }
    if let Some(wanted) = text(expect, "status") {
        check.same("status", ended.status.as_deref(), Some(wanted));
    }
    if let Some(wanted) = expect.get("warning").and_then(Value::as_bool) {
        check.same("warning", ended.warning, wanted);
    }
    for part in strings(expect, "error_says").unwrap_or_default() {
        check.hold(
            format!("the error does not say {part:?}: {said}"),
            said.contains(&part),
        );
    }
    let mut everything = format!("{said} {:?}", ended.error);
    if let Some(error) = &ended.error {
        everything.push_str(error.hint());
    }
    for event in &ended.events {
        everything.push_str(&event.text);
    }
    everything.push_str(&format!(
        "{:?}",
        ended.report.as_ref().map(|report| &report.problems)
    ));
    for part in strings(expect, "never_says").unwrap_or_default() {
        check.hold(
            format!("something says {part:?}"),
            !everything.contains(&part),
        );
    }
}

fn report(check: &mut Check, expect: &Table, ended: &Ended) {
    if let (Some(wanted), Some(job)) = (text(expect, "job_status"), &ended.job) {
        check.same("job_status", job.status.as_str(), wanted);
    }
    if let Some(wanted) = expect.get("link").and_then(Value::as_bool) {
        let found = ended
            .job
            .as_ref()
            .is_some_and(|job| job.download_url.is_some());
        check.same("link", found, wanted);
    }
    check.hold(
        "no job",
        text(expect, "job_status").is_none() || ended.job.is_some(),
    );
    if let Some(batches) = expect.get("batches").and_then(Value::as_u64) {
        check.same("batches", ended.batches.map(u64::from), Some(batches));
    }
    if let Some(wanted) = expect.get("packages").and_then(Value::as_u64) {
        let folder = ended.out.as_ref().map(|out| out.join("subjects"));
        let found = folder
            .and_then(|path| std::fs::read_dir(path).ok())
            .map_or(0, Iterator::count);
        check.same("packages", found as u64, wanted);
    }
    let kinds: BTreeSet<&str> = ended
        .events
        .iter()
        .map(|event| event.kind.as_str())
        .collect();
    for kind in strings(expect, "events").unwrap_or_default() {
        check.hold(
            format!("no event {kind:?} among {kinds:?}"),
            kinds.contains(kind.as_str()),
        );
    }
    for part in strings(expect, "warning_says").unwrap_or_default() {
        let told = ended
            .events
            .iter()
            .any(|event| event.kind.as_str() == "planned" && event.text.contains(&part));
        check.hold(format!("no warning says {part:?}"), told);
    }
    let Some(report) = &ended.report else {
        for key in ["state", "counts", "problems", "ambiguous"] {
            check.hold(
                format!("no report to compare {key} with"),
                !expect.contains_key(key),
            );
        }
        return;
    };
    let total: u64 = report.counts.values().sum();
    check.same("the counts' sum", total, report.subjects);
    if let Some(state) = text(expect, "state") {
        check.same("state", report.state.as_str(), state);
    }
    if let Some(wanted) = numbers(expect, "counts") {
        let found: BTreeMap<String, u64> = report
            .counts
            .iter()
            .map(|(word, count)| ((*word).to_owned(), *count))
            .collect();
        check.same("counts", found, wanted);
    }
    for (key, found) in [
        ("duplicates", report.duplicates),
        ("refused", report.refused.total),
        ("jobs", report.jobs.len() as u64),
        ("ambiguous", report.ambiguous.len() as u64),
    ] {
        if let Some(wanted) = expect.get(key).and_then(Value::as_u64) {
            check.same(key, found, wanted);
        }
    }
    let problems: Vec<String> = report
        .problems
        .iter()
        .map(|problem| problem.kind.clone())
        .collect();
    if let Some(wanted) = strings(expect, "problems") {
        check.same("problems", problems, wanted);
    }
    for part in strings(expect, "problem_says").unwrap_or_default() {
        let told = report
            .problems
            .iter()
            .any(|problem| problem.message.contains(&part));
        check.hold(format!("no problem says {part:?}"), told);
    }
}

fn vendor(check: &mut Check, case: &Table, expect: &Table, ended: &Ended) {
    let mut calls: BTreeMap<String, u64> = BTreeMap::new();
    let mut times: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &ended.ledger {
        let operation = entry["operation"].as_str().unwrap_or_default();
        *calls.entry(operation.to_owned()).or_default() += 1;
        let processed = entry["processed"].as_bool().unwrap_or(false);
        if processed && operation.starts_with("create_") {
            for id in entry["ids"].as_array().into_iter().flatten() {
                *times.entry(id.as_str().unwrap_or_default()).or_default() += 1;
            }
        }
    }
    if let Some(wanted) = numbers(expect, "calls") {
        if wanted.is_empty() {
            check.same("calls", calls.clone(), BTreeMap::new());
        }
        for (operation, count) in wanted {
            let found = calls.get(&operation).copied().unwrap_or(0);
            check.same(&format!("calls of {operation}"), found, count);
        }
    }
    for (operation, most) in numbers(expect, "calls_at_most").unwrap_or_default() {
        let found = calls.get(&operation).copied().unwrap_or(0);
        check.hold(
            format!("{found} calls of {operation}, at most {most}"),
            found <= most,
        );
    }
    let api = || {
        let of_api = |entry: &&Value| entry["host"].as_str() == Some("api");
        let paths = ended.ledger.iter().filter(of_api);
        paths.map(|entry| entry["path"].as_str().unwrap_or_default())
    };
    if let Some(part) = text(expect, "paths_have") {
        let other = api().find(|path| !path.contains(part));
        check.same("a path of another kind", other, None);
    }
    if let Some(part) = text(expect, "last_path_has") {
        check.hold(
            format!("the last path does not have {part:?}"),
            api().next_back().is_some_and(|path| path.contains(part)),
        );
    }
    if let Some(end) = text(expect, "last_path_ends") {
        check.hold(
            format!("the last path does not end with {end:?}"),
            api().next_back().is_some_and(|path| path.ends_with(end)),
        );
    }
    check.hold(
        "requests before the start",
        ended.started || ended.ledger.is_empty(),
    );
    let gap = ended.summary["min_gap_ms"].as_i64();
    check.hold(
        format!("calls only {gap:?} ms apart"),
        gap.is_none_or(|gap| gap >= 1000),
    );
    check.same(
        "archive requests with credentials",
        ended.summary["store_requests_with_credentials"].as_u64(),
        Some(0),
    );
    let most = times.values().copied().max().unwrap_or(0);
    match expect.get("max_per_id").and_then(Value::as_u64) {
        Some(wanted) => check.same("the most creates of one id", most, wanted),
        None => check.hold(format!("an id was in {most} creates"), most <= 1),
    }
    let given = given(case);
    if let Some(given) = &given {
        let extra = strings(expect, "extra_ids").unwrap_or_default();
        let known = |id: &str| given.contains(id) || extra.iter().any(|other| other == id);
        let foreign = times.keys().filter(|id| !known(id)).count();
        check.same("ids nobody gave", foreign, 0);
    }
    if expect.get("ids_once").and_then(Value::as_bool) == Some(true) {
        let all = given.is_some_and(|given| given.len() == times.len());
        check.hold("not every id was sent exactly once", all && most == 1);
    }
    if let Some(wanted) = strings(expect, "ids") {
        let found: BTreeSet<String> = times.keys().map(|id| (*id).to_owned()).collect();
        check.same("ids sent", found, wanted.into_iter().collect());
    }
}

/// The ids that a case gives as a list or a counted row.
fn given(case: &Table) -> Option<BTreeSet<String>> {
    let table = get(case, "plan").or_else(|| get(case, "call"))?;
    if let Some(ids) = strings(table, "ids") {
        return Some(ids.into_iter().collect());
    }
    let count = table.get("count")?.as_u64()?;
    let prefix = text(table, "prefix").unwrap_or_default();
    Some(
        (0..count)
            .map(|number| format!("{prefix}{number}"))
            .collect(),
    )
}
