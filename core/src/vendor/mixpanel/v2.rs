//! Version 2.0: older, GDPR only, one person per retrieval; still documented.

use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::model::action::{Compliance, Kind, Terms};
use crate::model::wire::Operation;

/// The most ids of a request. One retrieval is for one person (documented).
pub(super) fn max_ids(kind: Kind, data_groups: u32) -> usize {
    match kind {
        Kind::Retrieval => 1,
        // 2,000 is documented. That groups lower it as they do in version 3.0 is our assumption.
        Kind::Deletion => (2000 / (data_groups as usize + 1)).max(1),
    }
}

/// Version 2.0 is older than the other laws.
pub(super) fn check(terms: Terms) -> Result<()> {
    if terms.compliance == Compliance::Gdpr {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Config,
        "version 2.0 of this API knows GDPR requests only; use api_version \"3.0\"",
    ))
}

/// Tasks bear UUIDs (documented). 19 digits are a time in nanoseconds: a task of version 3.0.
pub(super) fn check_task(task: &str) -> Result<()> {
    if task.len() != 19 || !task.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        "19 digits name a task of version 3.0, which version 2.0 does not know; use api_version \"3.0\"",
    ))
}

/// The body of a create call. The ids stand in it exactly as the plan froze them.
pub(super) fn create_body(terms: Terms, ids_json: &str) -> String {
    match terms.kind {
        Kind::Retrieval => {
            // The singular key takes the bare id.
            let bare = ids_json
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .unwrap_or(ids_json);
            format!("{{\"distinct_id\":{bare}}}")
        }
        Kind::Deletion => format!("{{\"distinct_ids\":{ids_json}}}"),
    }
}

/// The body of an operation; a call about one task has none.
pub(super) fn body(operation: &Operation) -> Result<Option<String>> {
    let Operation::Create {
        terms, ids_json, ..
    } = operation
    else {
        return Ok(None);
    };
    let one = || serde_json::from_str::<[&RawValue; 1]>(&ids_json.0).is_ok();
    if terms.kind == Kind::Retrieval && !one() {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "a retrieval of version 2.0 is for exactly one id",
        ));
    }
    Ok(Some(create_body(*terms, &ids_json.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::wire::{IdsJson, PathForm};
    use crate::vendor::Vendor as _;
    use crate::vendor::mixpanel::Mixpanel;

    fn terms(kind: Kind) -> Terms {
        Terms {
            kind,
            compliance: Compliance::Gdpr,
            disclosure: None,
        }
    }

    fn create(kind: Kind, ids: &str) -> Operation {
        Operation::Create {
            terms: terms(kind),
            ids_json: IdsJson(ids.into()),
            request_id: None,
        }
    }

    fn project() -> Mixpanel {
        Mixpanel::builder("proj", "oauth")
            .api_version("2.0")
            .build()
            .expect("valid")
    }

    #[test]
    fn the_six_operations() {
        let get = |kind| Operation::Get {
            kind,
            task: "7".into(),
            form: PathForm::Slash,
        };
        let cancel = |kind| Operation::Cancel {
            kind,
            task: "7".into(),
            form: PathForm::Bare,
        };
        let cases = [
            (
                create(Kind::Deletion, r#"["a","b"]"#),
                "POST data-deletions/v2.0/",
                Some(r#"{"distinct_ids":["a","b"]}"#),
            ),
            (get(Kind::Deletion), "GET data-deletions/v2.0/7/", None),
            (cancel(Kind::Deletion), "DELETE data-deletions/v2.0/7", None),
            (
                create(Kind::Retrieval, r#"["a,\"]\"b"]"#),
                "POST data-retrievals/v2.0/",
                Some(r#"{"distinct_id":"a,\"]\"b"}"#),
            ),
            (get(Kind::Retrieval), "GET data-retrievals/v2.0/7/", None),
            (
                cancel(Kind::Retrieval),
                "DELETE data-retrievals/v2.0/7",
                None,
            ),
        ];
        for (operation, sent, body) in cases {
            let request = project().request(&operation).expect("built");
            let place = request
                .url
                .as_str()
                .replace("https://mixpanel.com/api/app/", "");
            assert_eq!(format!("{} {place}", request.method), sent);
            assert_eq!(request.query.expose(), "token=proj");
            assert_eq!(request.body.as_deref(), body.map(str::as_bytes));
            let first = match operation {
                Operation::Cancel { .. } => PathForm::Bare,
                _ => PathForm::Slash,
            };
            assert_eq!(project().item_forms(&operation).first(), Some(&first));
        }
    }

    #[test]
    fn a_retrieval_of_several_people_cannot_be_built() {
        for ids in [r#"["a","b"]"#, "[]"] {
            let error = project()
                .request(&create(Kind::Retrieval, ids))
                .expect_err(ids);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn its_limits_and_its_law() {
        assert_eq!(project().max_ids(Kind::Retrieval), 1);
        assert_eq!(project().max_ids(Kind::Deletion), 2000);
        assert_eq!(max_ids(Kind::Deletion, 3), 500);
        let ccpa = Terms {
            compliance: Compliance::Ccpa,
            ..terms(Kind::Deletion)
        };
        assert_eq!(
            project().check(ccpa).expect_err("ccpa").kind(),
            ErrorKind::Config
        );
        let named = Mixpanel::builder("p", "o")
            .api_version("2.0")
            .subject_request_ids(true)
            .build();
        assert_eq!(named.expect_err("no names").kind(), ErrorKind::Config);
    }
}
