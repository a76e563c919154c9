//! Five paths that carry everything else, each by its name, for counting its instructions:
//! `instructions lines|csv|batches|answers|run TIMES`. See check.py.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::fmt::Write as _;
use std::hint::black_box;

use dsrkit::ids::{IdSource, IntakeOptions, Purpose, take_in};
use dsrkit::model::wire::{Operation, PathForm, Response};
use dsrkit::sandbox::{Sandbox, SandboxOptions};
use dsrkit::vendor::Vendor as _;
use dsrkit::{Client, Journal, Kind, Mixpanel, PlanOptions};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_default();
    let times: usize = arguments.next().unwrap_or_default().parse().unwrap_or(1);
    match path.as_str() {
        "lines" | "csv" => intake(&path, times),
        "batches" => batches(times),
        "answers" => answers(times),
        "run" => run(times),
        _ => eprintln!("usage: instructions lines|csv|batches|answers|run TIMES"),
    }
}

fn id(n: usize) -> String {
    let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08x}-0000-4000-8000-{spread:012x}", n % 1000)
}

/// A file, read and deduplicated.
fn intake(ending: &str, times: usize) {
    let mut text = String::new();
    if ending == "csv" {
        text.push_str("row,distinct_id,notes\n");
    }
    for n in 0..times {
        let _ = match ending {
            "csv" => writeln!(text, "{n},\"{}\",\"said \"\"yes\"\"\"", id(n)),
            _ => writeln!(text, "{}", id(n)),
        };
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(format!("ids.{ending}"));
    std::fs::write(&file, text).unwrap();
    let options = IntakeOptions::new(Purpose::Retrieval);
    let intake = take_in(IdSource::file(file), &options).unwrap();
    black_box(intake.subjects);
}

/// Distinct ids as the JSON of requests.
fn batches(times: usize) {
    let options = IntakeOptions::new(Purpose::Retrieval);
    let intake = take_in(IdSource::iter((0..times).map(id)), &options).unwrap();
    for batch in intake.into_batches(2000) {
        black_box(batch.unwrap().ids_json.len());
    }
}

/// A look at a task: the request, and what its answer says.
fn answers(times: usize) {
    let vendor = Mixpanel::builder("project", "oauth").build().unwrap();
    let body = r#"{"status":"ok","results":{"task_id":"1583792934719392965","status":"PENDING","result":"","distinct_ids":["user-1","user-2"],"date_requested":"2026-01-05"}}"#;
    for _ in 0..times {
        let operation = Operation::Get {
            kind: Kind::Deletion,
            task: "1583792934719392965".to_owned(),
            form: PathForm::Slash,
        };
        black_box(vendor.request(&operation).unwrap());
        let response = Response {
            status: http::StatusCode::OK,
            headers: http::HeaderMap::new(),
            body: body.into(),
        };
        black_box(vendor.read(&operation, &response));
    }
}

/// A deletion of so many people to its end: journal, schedule, requests, answers.
fn run(people: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = SandboxOptions {
            vendor: serde_json::json!({"seed": 1}),
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::start(options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let client = Client::builder(sandbox.mixpanel().build().unwrap())
            .journal(Journal::sqlite(folder.path().join("dsr.sqlite3")).unwrap())
            .seed(1)
            .build()
            .unwrap();
        let terms = dsrkit::Terms {
            kind: Kind::Deletion,
            compliance: dsrkit::Compliance::Gdpr,
            disclosure: None,
        };
        let ids = IdSource::iter((0..people).map(id));
        let plan = client.freeze(ids, terms, &PlanOptions::default()).unwrap();
        let run = plan.start(Some(&plan.confirm()), false).unwrap();
        black_box(run.wait().await.unwrap());
    });
}
