//! Every known form of an answer, from the shared fixture.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::*;
use crate::model::action::{Compliance, Kind, Terms};
use crate::model::wire::{IdsJson, PathForm};

fn operation(name: &str) -> Operation {
    let kind = if name.ends_with("retrieval") {
        Kind::Retrieval
    } else {
        Kind::Deletion
    };
    let (task, form) = ("7".to_owned(), PathForm::Slash);
    match name.split('-').next() {
        Some("create") => Operation::Create {
            terms: Terms {
                kind,
                compliance: Compliance::Gdpr,
                disclosure: None,
            },
            ids_json: IdsJson("[]".into()),
            request_id: None,
        },
        Some("get") => Operation::Get { kind, task, form },
        _ => Operation::Cancel { kind, task, form },
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().map_or(Vec::new(), |list| {
        list.iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    })
}

#[test]
fn every_known_answer_is_read_as_what_it_is() {
    let fixture = include_str!("../../../../tests/fixtures/mixpanel_answers.json");
    let fixture: Value = serde_json::from_str(fixture).expect("fixture");
    let cases = fixture["cases"].as_array().expect("cases");
    assert!(cases.len() > 20);
    for case in cases {
        let name = case["name"].as_str().expect("name");
        let body = case["body_text"]
            .as_str()
            .map_or_else(|| case["body"].to_string(), str::to_owned);
        let status = u16::try_from(case["status"].as_u64().expect("status")).expect("status");
        let response = Response {
            status: StatusCode::from_u16(status).expect("status"),
            headers: HeaderMap::new(),
            body: Bytes::from(body),
        };
        match read(&operation(case["op"].as_str().expect("op")), &response) {
            Reading::Created(tasks) => assert_eq!(tasks, strings(&case["created"]), "{name}"),
            Reading::Status(job) => {
                assert_eq!(Some(job.status.as_str()), case["word"].as_str(), "{name}");
                let link = job.download_url.as_ref().map(Secret::expose);
                assert_eq!(link, case["link"].as_str(), "{name}");
            }
            Reading::Cancelled => assert_eq!(case["cancelled"], true, "{name}"),
            Reading::Refused(refusal) => {
                let about = format!("{:?}", refusal.about).to_lowercase();
                assert_eq!(Some(about.as_str()), case["refused"].as_str(), "{name}");
                let conflict = refusal.conflict.unwrap_or_default();
                assert_eq!(
                    conflict.tasks,
                    strings(&case["conflict"]["tasks"]),
                    "{name}"
                );
                let ids: Vec<String> = conflict
                    .ids
                    .into_iter()
                    .map(DistinctId::into_string)
                    .collect();
                assert_eq!(ids, strings(&case["conflict"]["ids"]), "{name}");
            }
            Reading::Unreadable(what) => {
                assert_eq!(Some(what), case["unreadable"].as_str(), "{name}");
            }
        }
    }
}
