//! Mixpeek's requests about a whole organisation (API 0.82): an export, and the irreversible
//! deletion. The vendor documents nothing else: no status, no list, no cancel, no download.

use std::fmt;
use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::base_url;
use crate::error::Result;
use crate::model::dsar::{DsarKind, DsarRequest};
use crate::model::time::Clock;
use crate::model::wire::{Auth, Credential, Refusal, Request, Response, Subject};
use crate::secret::Secret;

/// An organisation at Mixpeek: its API key. Does no I/O; `Debug` does not show the key.
#[derive(Clone)]
pub struct Mixpeek {
    base_url: Url,
    api_key: Secret,
    clock: Option<Arc<dyn Clock>>,
}

impl fmt::Debug for Mixpeek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mixpeek")
            .field("base_url", &self.base_url.as_str())
            .finish_non_exhaustive()
    }
}

impl Mixpeek {
    /// Starts from an API key (`sk_..`) with ADMIN permission.
    pub fn builder(api_key: impl Into<String>) -> Builder {
        Builder {
            api_key: api_key.into(),
            base_url: "https://api.mixpeek.com".to_owned(),
            clock: None,
        }
    }

    /// Base URL of the API.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }
    /// The clock that a simulated vendor lives by; `None` for the real one.
    pub(crate) fn clock(&self) -> Option<Arc<dyn Clock>> {
        self.clock.clone()
    }
    pub(crate) fn api_key(&self) -> &Secret {
        &self.api_key
    }

    /// Builds a request: no body, no parameters.
    pub(crate) fn request(&self, kind: DsarKind) -> Request {
        let path = match kind {
            DsarKind::Export => "v1/organizations/dsar/export",
            DsarKind::Deletion => "v1/organizations/dsar/delete",
        };
        let mut url = self.base_url.clone();
        let place = format!("{}/{path}", url.path().trim_end_matches('/'));
        url.set_path(&place);
        Request {
            method: Method::POST,
            url,
            query: Secret::new(""),
            auth: Auth::Bearer(self.api_key.clone()),
            body: None,
        }
    }
}

/// What its credential is called, and what helps when it is refused.
pub(crate) const CREDENTIAL: Credential = Credential {
    name: "API key",
    renew: "Use an API key (sk_..) that the vendor accepts.",
    permit: "The API key needs ADMIN permission.",
};

/// Builds a [`Mixpeek`].
#[derive(Clone)]
pub struct Builder {
    api_key: String,
    base_url: String,
    clock: Option<Arc<dyn Clock>>,
}

impl Builder {
    /// A proxy or the sandbox. `http` only for this machine.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }
    /// The clock that the client shall use: that of a simulated vendor.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }
    /// Checks everything. Errors are of kind `Config` and show no value.
    pub fn build(self) -> Result<Mixpeek> {
        Ok(Mixpeek {
            base_url: base_url(&self.base_url)?,
            api_key: Secret::token("API key", self.api_key)?,
            clock: self.clock,
        })
    }
}

/// What a success answer says, or what was seen instead.
pub(crate) fn read(body: &[u8]) -> Result<DsarRequest, &'static str> {
    #[derive(Deserialize)]
    struct Answer {
        request_id: String,
        status: String,
        requested_at: String,
        estimated_completion: String,
        data_categories: Vec<String>,
        #[serde(default)]
        warning: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| "an answer that is not as documented, or cut short")?;
    if answer.request_id.trim().is_empty() {
        return Err("no request id in the answer");
    }
    Ok(DsarRequest {
        request_id: answer.request_id,
        status: answer.status,
        requested_at: answer.requested_at,
        estimated_completion: answer.estimated_completion,
        data_categories: answer.data_categories,
        warning: answer.warning,
    })
}

/// What a refusal says: its subject, and named facts that are fit to be shown.
pub(crate) fn refusal(response: &Response) -> (Refusal, Vec<(&'static str, String)>) {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let error = body.get("error");
    let word = error
        .and_then(|error| error.get("type"))
        .and_then(Value::as_str)
        .filter(|word| word.len() <= 60 && word.chars().all(|c| c.is_ascii_alphanumeric()));
    let mut facts = Vec::new();
    if let Some(word) = word {
        facts.push(("type", word.to_owned()));
    }
    let fields = fields(&body);
    if !fields.is_empty() {
        facts.push(("fields", fields.join(", ")));
    }
    for (name, header) in [
        ("limit", "x-ratelimit-limit"),
        ("remaining", "x-ratelimit-remaining"),
        ("window", "x-ratelimit-window"),
    ] {
        let value = response.headers.get(header);
        let number = value.and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
        if let Some(number) = number {
            facts.push((name, number.to_string()));
        }
    }
    let about = match word {
        Some("QuotaExceededError") => Subject::Quota,
        _ => Subject::Unknown,
    };
    let refusal = Refusal {
        about,
        conflict: None,
    };
    (refusal, facts)
}

/// Where a 422 finds fault: `detail[].loc` in the OpenAPI document, `location` below
/// `error.details.validation_errors` in the guide to errors. Both are documented.
fn fields(body: &Value) -> Vec<String> {
    let of_schema = body.get("detail");
    let of_guide = body.pointer("/error/details/validation_errors");
    let items = [(of_schema, "loc"), (of_guide, "location")];
    let name = |part: &Value| match part {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let plain = |path: &String| {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        !path.is_empty() && path.len() <= 100 && path.chars().all(fine)
    };
    items
        .into_iter()
        .flat_map(|(list, key)| {
            let list = list.and_then(Value::as_array).into_iter().flatten();
            list.filter_map(move |item| item.get(key)?.as_array())
        })
        .map(|path| path.iter().filter_map(name).collect::<Vec<_>>().join("."))
        .filter(plain)
        .take(10)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use serde_json::json;

    fn refused(body: &Value) -> (Refusal, Vec<(&'static str, String)>) {
        refusal(&Response {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_string()),
        })
    }

    #[test]
    fn the_two_requests_have_no_body_and_no_parameters() {
        let mixpeek = Mixpeek::builder("sk_1").build().expect("valid");
        for (kind, place) in [
            (
                DsarKind::Export,
                "https://api.mixpeek.com/v1/organizations/dsar/export",
            ),
            (
                DsarKind::Deletion,
                "https://api.mixpeek.com/v1/organizations/dsar/delete",
            ),
        ] {
            let request = mixpeek.request(kind);
            assert_eq!(request.method, Method::POST);
            assert_eq!(request.url.as_str(), place);
            assert!(request.body.is_none() && request.query.expose().is_empty());
        }
        assert!(!format!("{mixpeek:?}").contains("sk_1"));
    }

    #[test]
    fn both_documented_forms_of_a_422_name_their_fields() {
        let schema = json!({"detail": [{"loc": ["body", "x", 0], "msg": "canary", "type": "t"}]});
        let guide = json!({"success": false, "status": 422, "error": {
            "type": "ValidationError", "message": "canary", "details": {"validation_errors": [
                {"type": "string_type", "location": ["body", "collection_name"], "message": "m"}]}}});
        assert_eq!(refused(&schema).1, [("fields", "body.x.0".to_owned())]);
        assert_eq!(
            refused(&guide).1,
            [
                ("type", "ValidationError".to_owned()),
                ("fields", "body.collection_name".to_owned())
            ]
        );
        // What could be somebody's data is not shown.
        let odd = json!({"detail": [{"loc": ["body", "a@b.c <x>"]}], "error": {"type": "a b"}});
        assert!(refused(&odd).1.is_empty());
    }

    #[test]
    fn a_quota_is_told_from_a_missing_permission() {
        let quota = json!({"error": {"type": "QuotaExceededError", "message": "m"}});
        assert_eq!(refused(&quota).0.about, Subject::Quota);
        let other = json!({"error": {"type": "ForbiddenError", "message": "quota"}});
        assert_eq!(refused(&other).0.about, Subject::Unknown);
    }

    #[test]
    fn an_answer_needs_every_documented_field() {
        let whole = json!({"request_id": "r", "status": "pending", "requested_at": "t",
            "estimated_completion": "30 days", "data_categories": ["a"]});
        let read_text = |value: &Value| read(value.to_string().as_bytes());
        assert_eq!(read_text(&whole).expect("read").warning, None);
        for key in whole.as_object().expect("object").keys() {
            let mut part = whole.clone();
            part.as_object_mut().expect("object").remove(key);
            assert!(read_text(&part).is_err(), "{key}");
        }
        let mut empty = whole;
        empty["request_id"] = json!(" ");
        assert!(read_text(&empty).is_err());
    }
}
