//! Runs the shared cases of tests/scenarios through the Rust surface. See the README there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dsrkit::sandbox::{Sandbox, SandboxOptions};
use dsrkit::{
    AmbiguityPolicy, Client, CollectOptions, Compliance, Disclosure, Error, IdSource, Job, Journal,
    Kind, MixpeekClient, PlanOptions, ReportData, Settings, Terms,
};
use serde_json::{Map, Value};

#[path = "support/capture.rs"]
mod capture;
#[path = "support/checks.rs"]
mod checks;

type Table = Map<String, Value>;

/// What a case ended with.
#[derive(Default)]
pub struct Ended {
    pub error: Option<Error>,
    pub started: bool,
    pub report: Option<ReportData>,
    pub batches: Option<u32>,
    pub job: Option<Job>,
    pub status: Option<String>,
    pub warning: bool,
    pub records: Vec<String>,
    pub events: Vec<dsrkit::Event>,
    pub out: Option<PathBuf>,
    pub ledger: Vec<Value>,
    pub summary: Value,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios")
}

fn get<'a>(table: &'a Table, key: &str) -> Option<&'a Table> {
    table.get(key).and_then(Value::as_object)
}

fn text<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key).and_then(Value::as_str)
}

fn yes(table: &Table, key: &str) -> bool {
    table.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// The ids of a plan or call: a list, a counted row, or a file that is written first.
fn source(table: &Table, place: &Path) -> IdSource {
    if let Some(ids) = table.get("ids").and_then(Value::as_array) {
        return IdSource::iter(
            ids.iter()
                .map(|id| id.as_str().expect("a string").to_owned())
                .collect::<Vec<_>>(),
        );
    }
    if let Some(count) = table.get("count").and_then(Value::as_u64) {
        let prefix = text(table, "prefix").unwrap_or_default().to_owned();
        return IdSource::iter((0..count).map(move |number| format!("{prefix}{number}")));
    }
    let path = if let Some(name) = text(table, "file") {
        folder().join("../fixtures").join(name)
    } else {
        let path = place.join(text(table, "file_name").expect("file_name"));
        let bytes = match text(table, "bytes_hex") {
            Some(hex) => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
                .collect(),
            None => text(table, "text").expect("ids").as_bytes().to_vec(),
        };
        fs::write(&path, bytes).expect("written");
        path
    };
    match text(table, "column") {
        Some(column) => IdSource::file(path).column(column),
        None => IdSource::file(path),
    }
}

fn settings(table: Option<&Table>) -> Settings {
    let mut settings = Settings::default();
    for (name, value) in table.into_iter().flatten() {
        let seconds = || Duration::from_secs_f64(value.as_f64().expect("seconds"));
        match name.as_str() {
            "on_ambiguous" => {
                settings.on_ambiguous =
                    AmbiguityPolicy::parse(value.as_str().expect("a word")).expect("a policy");
            }
            "max_ids_per_deletion_plan" => {
                settings.max_ids_per_deletion_plan = value.as_u64().expect("a number");
            }
            "backoff_max" => settings.backoff_max = seconds(),
            "request_worth" => settings.request_worth = seconds(),
            "poll_initial" => settings.poll_initial = seconds(),
            "poll_max" => settings.poll_max = seconds(),
            "lost_after" => settings.lost_after = seconds(),
            "ambiguous_retry_after" => settings.ambiguous_retry_after = seconds(),
            other => panic!("unknown setting {other}"),
        }
    }
    settings
}

/// The case's client, and one for what comes before it: of another version of the API, if so.
fn client(
    case: &Table,
    sandbox: &Sandbox,
    place: &Path,
    version: Option<&str>,
) -> Result<Client, Error> {
    let mut vendor = sandbox.project();
    let own = get(case, "mixpanel");
    match own
        .and_then(|table| table.get("archive_secrets"))
        .and_then(Value::as_array)
    {
        Some(secrets) => {
            for secret in secrets {
                vendor = vendor.archive_secret(secret.as_str().expect("a string"));
            }
        }
        None => vendor = sandbox.mixpanel(),
    }
    if let Some(groups) = own
        .and_then(|table| table.get("data_groups"))
        .and_then(Value::as_u64)
    {
        vendor = vendor.data_groups(u32::try_from(groups).expect("small"));
    }
    if let Some(version) = version.or_else(|| own.and_then(|table| text(table, "api_version"))) {
        vendor = vendor.api_version(version);
    }
    if let Some(yes) = own
        .and_then(|table| table.get("subject_request_ids"))
        .and_then(Value::as_bool)
    {
        vendor = vendor.subject_request_ids(yes);
    }
    let journal = match version {
        Some(version) => place.join(format!("dsr-{version}.sqlite3")),
        None => place.join("dsr.sqlite3"),
    };
    Client::builder(vendor.build()?)
        .journal(Journal::sqlite(journal)?)
        .settings(settings(get(case, "settings")))
        .seed(7)
        .build()
}

async fn one_call(
    client: &Client,
    call: &Table,
    place: &Path,
    ended: &mut Ended,
) -> Result<(), Error> {
    let task = match text(call, "task_id").unwrap_or_default() {
        "before" => ended.job.take().expect("a job before").id,
        task => task.to_owned(),
    };
    let task = task.as_str();
    let gdpr = Compliance::Gdpr;
    ended.job = match text(call, "operation").expect("operation") {
        "create_deletion" => Some(client.create_deletion(source(call, place), gdpr).await?),
        "create_retrieval" => Some(
            client
                .create_retrieval(source(call, place), gdpr, None)
                .await?,
        ),
        "get_deletion" => Some(client.get_deletion(task).await?),
        "get_retrieval" => Some(client.get_retrieval(task).await?),
        "retrieval_flow" | "deletion_flow" => {
            let wait = yes(call, "wait");
            let (kind, outcome) = if call["operation"] == "retrieval_flow" {
                let ids = source(call, place);
                (
                    Kind::Retrieval,
                    client.retrieval_flow(ids, gdpr, wait).await?,
                )
            } else {
                let ids = source(call, place);
                (Kind::Deletion, client.deletion_flow(ids, gdpr, wait).await?)
            };
            Some(Job {
                id: outcome.task_id,
                kind,
                status: outcome.task_status,
                download_url: outcome.download_url,
                requested_at: None,
                request_id: None,
                distinct_ids: None,
            })
        }
        "cancel_deletion" => client.cancel_deletion(task).await.map(|()| None)?,
        "cancel_retrieval" => client.cancel_retrieval(task).await.map(|()| None)?,
        other => panic!("unknown operation {other}"),
    };
    Ok(())
}

/// Calls of Mixpeek, each by a client of its own; the last one counts.
async fn organisation(
    case: &Table,
    order: &Table,
    sandbox: &Sandbox,
    place: &Path,
    ended: &mut Ended,
) -> Result<(), Error> {
    let mut last = Ok(());
    for _ in 0..order.get("times").and_then(Value::as_u64).unwrap_or(1) {
        let vendor = sandbox.mixpeek_with(text(order, "api_key").map(str::to_owned));
        let client = MixpeekClient::builder(vendor.build()?)
            .journal(Journal::sqlite(place.join("mixpeek.sqlite3"))?)
            .settings(settings(get(case, "settings")))
            .build()?;
        let answer = match text(order, "operation").expect("operation") {
            "request_export" => client.request_export().await,
            "request_deletion" => {
                let confirm = text(order, "confirm").unwrap_or_default();
                client.request_deletion(confirm).await
            }
            other => panic!("unknown operation {other}"),
        };
        ended.records = client
            .requests()?
            .iter()
            .map(|one| one.state.to_string())
            .collect();
        last = answer.map(|answer| {
            assert!(answer.request_id.starts_with("dsar_") && !answer.data_categories.is_empty());
            ended.status = Some(answer.status);
            ended.warning = answer.warning.is_some();
        });
    }
    last
}

async fn whole_run(
    client: &Client,
    plan: &Table,
    place: &Path,
    ended: &mut Ended,
) -> Result<(), Error> {
    let kind = match text(plan, "kind").expect("kind") {
        "deletion" => Kind::Deletion,
        _ => Kind::Retrieval,
    };
    let compliance =
        text(plan, "compliance_type").map_or(Ok(Compliance::Gdpr), Compliance::parse)?;
    let disclosure = text(plan, "disclosure_type")
        .map(Disclosure::parse)
        .transpose()?;
    let options = PlanOptions {
        reference: text(plan, "reference").map(str::to_owned),
        skip_bad: yes(plan, "skip_bad"),
        allow_unusual: yes(plan, "allow_unusual"),
        hold_for: plan
            .get("hold_for")
            .and_then(Value::as_f64)
            .map_or(Duration::ZERO, Duration::from_secs_f64),
        ..PlanOptions::default()
    };
    let terms = Terms {
        kind,
        compliance,
        disclosure,
    };
    let frozen = client.freeze(source(plan, place), terms, &options)?;
    ended.batches = Some(frozen.batches());
    let wanted = frozen.confirm();
    let confirm = match text(plan, "confirm").unwrap_or("plan") {
        "plan" if kind == Kind::Deletion => Some(wanted),
        "plan" | "none" => None,
        "wrong-count" => Some(format!(
            "{}:{}",
            frozen.subjects() + 1,
            &wanted[wanted.len() - 8..]
        )),
        "wrong-digest" => Some(format!("{}:00000000", frozen.subjects())),
        other => panic!("unknown confirm {other}"),
    };
    let run = frozen.start(confirm.as_deref(), false)?;
    ended.started = true;
    let mut events = run.events_after(0);
    let ending = loop {
        match events.next().await {
            Ok(Some(event)) => ended.events.push(event),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    ended.report = Some(run.report()?);
    ending?;
    if yes(plan, "collect") {
        let out = place.join("out");
        ended.report = Some(run.collect(&out, &CollectOptions::default()).await?);
        ended.out = Some(out);
    }
    Ok(())
}

async fn carry_out(case: &Table, place: &Path) -> Ended {
    let vendor = case
        .get("sandbox")
        .cloned()
        .unwrap_or_else(|| Value::Object(Map::new()));
    let sandbox = Sandbox::start(SandboxOptions {
        vendor,
        ..SandboxOptions::default()
    })
    .expect("started");
    if let Some(faults) = case.get("faults") {
        sandbox.faults(faults).expect("faults");
    }
    let mut ended = Ended::default();
    let client_of = |version| client(case, &sandbox, place, Some(version));
    let result = match client(case, &sandbox, place, None) {
        Err(error) => Err(error),
        Ok(client) => {
            if let Some(before) = get(case, "before") {
                let other = text(before, "api_version")
                    .map(|version| client_of(version).expect("a client before"));
                one_call(other.as_ref().unwrap_or(&client), before, place, &mut ended)
                    .await
                    .expect("before");
                ended.started = true;
            }
            match (get(case, "call"), get(case, "plan")) {
                _ if case.contains_key("mixpeek") => {
                    ended.started = true;
                    let order = get(case, "mixpeek").expect("a table");
                    organisation(case, order, &sandbox, place, &mut ended).await
                }
                (Some(call), _) => {
                    ended.started = true;
                    one_call(&client, call, place, &mut ended).await
                }
                (None, Some(plan)) => whole_run(&client, plan, place, &mut ended).await,
                (None, None) => panic!("a case needs a call or a plan"),
            }
        }
    };
    ended.error = result.err();
    ended.ledger = sandbox.ledger().as_array().cloned().unwrap_or_default();
    ended.summary = sandbox.summary();
    ended
}

/// What the simulated vendor's credentials are made of, and its signed links.
const SECRETS: [&str; 5] = [
    "sk_sandbox-mixpeek",
    "sandbox-project-token",
    "sandbox-oauth-token",
    "sandbox-archive-secret",
    "sig=",
];

/// Looks for secrets in everything a case said and left behind, and for some of its people in what
/// it said. Gives how many bytes were searched.
fn search(ended: &Ended, place: &Path, problems: &mut Vec<String>) -> usize {
    let mut said = capture::heard();
    said += &format!("{:?} {:?} {:?}", ended.events, ended.report, ended.job);
    if let Some(error) = &ended.error {
        said += &format!("{error} {error:?} {} {:?}", error.hint(), error.context());
    }
    let people: Vec<&str> = ended
        .ledger
        .iter()
        .filter_map(|entry| entry["ids"].as_array())
        .flat_map(|ids| ids.iter().take(3).filter_map(Value::as_str))
        .filter(|id| id.len() >= 6 && id.contains(|c: char| c.is_ascii_digit()))
        .take(30)
        .collect();
    if let Some(canary) = capture::found(said.as_bytes(), &[&SECRETS[..], &people].concat()) {
        problems.push(format!("something says {canary:?}"));
    }
    let mut bytes = said.len();
    capture::files(place, &mut |path, content| {
        bytes += content.len();
        if let Some(canary) = capture::found(content, &SECRETS) {
            problems.push(format!("{canary:?} is in {}", path.display()));
        }
    });
    bytes
}

#[test]
fn every_scenario_holds() {
    capture::listen();
    let only = std::env::var("SCENARIO").ok();
    let mut cases = BTreeMap::new();
    for entry in fs::read_dir(folder()).expect("scenarios") {
        let path = entry.expect("entry").path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let name = path
                .file_stem()
                .expect("name")
                .to_string_lossy()
                .into_owned();
            if only.as_ref().is_none_or(|only| name.contains(only)) {
                cases.insert(name, fs::read_to_string(&path).expect("readable"));
            }
        }
    }
    assert!(
        only.is_some() || cases.len() > 90,
        "the scenarios were not found"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("runtime");
    let (mut failed, mut searched) = (Vec::new(), 0);
    let total = cases.len();
    for (name, text) in cases {
        let case: Value = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let case = case.as_object().expect("a table").clone();
        let place = tempfile::tempdir().expect("folder");
        let started = std::time::Instant::now();
        let patience = Duration::from_secs(60);
        let ended = runtime.block_on(async {
            tokio::time::timeout(patience, carry_out(&case, place.path())).await
        });
        let problems = match ended {
            Ok(ended) => {
                let mut problems = checks::compare(&case, &ended);
                searched += search(&ended, place.path(), &mut problems);
                problems
            }
            Err(_) => vec!["did not end within a minute".to_owned()],
        };
        if only.is_some() {
            println!("{name}: {:.2} s", started.elapsed().as_secs_f64());
        }
        if !problems.is_empty() {
            failed.push(format!("{name}:\n    {}", problems.join("\n    ")));
        }
    }
    println!(
        "scenarios: {} of {total} hold; {searched} bytes searched for {} secrets and the people",
        total - failed.len(),
        SECRETS.len()
    );
    assert!(
        failed.is_empty(),
        "{} scenarios failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}
