//! Bodies of version 3.0.

use crate::model::action::Terms;
use crate::model::wire::Operation;

/// The body of a create call. The ids stand in it exactly as the plan froze them.
pub(super) fn create_body(terms: Terms, ids_json: &str) -> String {
    let disclosure = terms
        .disclosure
        .map(|disclosure| format!(",\"disclosure_type\":\"{}\"", disclosure.as_str()))
        .unwrap_or_default();
    let compliance = terms.compliance.as_str();
    format!("{{\"distinct_ids\":{ids_json},\"compliance_type\":\"{compliance}\"{disclosure}}}")
}

/// The body of an operation; a call about one task has none.
pub(super) fn body(operation: &Operation, callback_urls: &[String]) -> Option<String> {
    let Operation::Create {
        terms,
        ids_json,
        request_id,
    } = operation
    else {
        return None;
    };
    let mut body = create_body(*terms, &ids_json.0);
    if let (Some(id), Some('}')) = (request_id, body.pop()) {
        body.push_str(",\"subject_request_id\":\"");
        body.push_str(id);
        body.push('"');
        if !callback_urls.is_empty() {
            body.push_str(",\"status_callback_urls\":");
            // Texts: nothing that could fail.
            body.push_str(&serde_json::to_string(callback_urls).unwrap_or_default());
        }
    }
    body.push('}');
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::model::action::{Compliance, Disclosure, Kind};
    use crate::model::wire::{IdsJson, PathForm};
    use crate::vendor::Vendor as _;
    use crate::vendor::mixpanel::{Mixpanel, Region};

    fn project(region: Region) -> Mixpanel {
        Mixpanel::builder("proj&1", "oauth")
            .region(region)
            .build()
            .expect("valid")
    }

    #[test]
    fn the_five_operations_in_three_regions() {
        let hosts = [
            (Region::Us, "https://mixpanel.com/api/app"),
            (Region::Eu, "https://eu.mixpanel.com/api/app"),
            (Region::In, "https://in.mixpanel.com/api/app"),
        ];
        let terms = |kind| Terms {
            kind,
            compliance: Compliance::Gdpr,
            disclosure: None,
        };
        let ids = || IdsJson("[\"a\",\"b\"]".into());
        let get = |kind| Operation::Get {
            kind,
            task: "7".into(),
            form: PathForm::Slash,
        };
        let cases = [
            (
                Operation::Create {
                    terms: terms(Kind::Retrieval),
                    ids_json: ids(),
                    request_id: None,
                },
                "POST",
                "/data-retrievals/v3.0/",
            ),
            (get(Kind::Retrieval), "GET", "/data-retrievals/v3.0/7/"),
            (
                Operation::Create {
                    terms: terms(Kind::Deletion),
                    ids_json: ids(),
                    request_id: None,
                },
                "POST",
                "/data-deletions/v3.0/",
            ),
            (get(Kind::Deletion), "GET", "/data-deletions/v3.0/7/"),
            (
                Operation::Cancel {
                    kind: Kind::Deletion,
                    task: "7".into(),
                    form: PathForm::Slash,
                },
                "DELETE",
                "/data-deletions/v3.0/7/",
            ),
        ];
        for (region, base) in hosts {
            for (operation, method, path) in &cases {
                let request = project(region).request(operation).expect("built");
                assert_eq!(request.method.as_str(), *method);
                assert_eq!(request.url.as_str(), format!("{base}{path}"));
                assert_eq!(request.query.expose(), "token=proj%261");
                assert_eq!(request.body.is_some(), *method == "POST");
                // The law is the caller's word; the region does not choose it.
                let named = |body: &[u8]| String::from_utf8_lossy(body).contains("\"GDPR\"");
                assert!(request.body.is_none_or(|body| named(&body)));
            }
        }
    }

    #[test]
    fn the_body_is_exact() {
        let mut terms = Terms {
            kind: Kind::Retrieval,
            compliance: Compliance::Ccpa,
            disclosure: Some(Disclosure::Categories),
        };
        assert_eq!(
            create_body(terms, "[\"a\"]"),
            r#"{"distinct_ids":["a"],"compliance_type":"CCPA","disclosure_type":"Categories"}"#
        );
        terms = Terms {
            kind: Kind::Deletion,
            compliance: Compliance::Gdpr,
            disclosure: None,
        };
        assert_eq!(
            create_body(terms, "[\"é\"]"),
            r#"{"distinct_ids":["é"],"compliance_type":"GDPR"}"#
        );
    }

    #[test]
    fn a_request_id_stands_behind_the_rest_of_the_body() {
        let operation = Operation::Create {
            terms: Terms {
                kind: Kind::Deletion,
                compliance: Compliance::Gdpr,
                disclosure: None,
            },
            ids_json: IdsJson("[\"a\"]".into()),
            request_id: Some("11111111-2222-4333-8444-555555555555".into()),
        };
        let request = project(Region::Us).request(&operation).expect("built");
        assert_eq!(
            request.body.as_deref(),
            Some(
                br#"{"distinct_ids":["a"],"compliance_type":"GDPR","subject_request_id":"11111111-2222-4333-8444-555555555555"}"#
                    .as_slice()
            )
        );
    }

    #[test]
    fn a_task_id_cannot_become_another_path() {
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a?b",
            "a b",
            "%2e",
            &"9".repeat(129),
        ] {
            let operation = Operation::Cancel {
                kind: Kind::Deletion,
                task: bad.into(),
                form: PathForm::Slash,
            };
            let error = project(Region::Us).request(&operation).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }
}
