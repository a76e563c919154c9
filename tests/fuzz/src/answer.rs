//! The reader of the vendor's answers. The first three bytes choose the call, the status and the
//! headers; the rest is the body.

use std::sync::LazyLock;

use dsrkit::http::classify::{Limits, classify};
use dsrkit::model::wire::{IdsJson, Operation, PathForm, Response};
use dsrkit::vendor::Vendor;
use dsrkit::{Compliance, Kind, Mixpanel, Terms};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::said;

static VENDOR: LazyLock<Mixpanel> = LazyLock::new(|| {
    Mixpanel::builder("canary-project", "canary-oauth")
        .build()
        .expect("a vendor")
});

const STATUS: &[u16] = &[
    200, 200, 200, 201, 201, 202, 204, 301, 302, 307, 400, 401, 403, 404, 405, 409, 409, 413, 422,
    429, 500, 502, 503, 504, 520,
];

pub fn run(data: &[u8]) {
    let [call, status, header, body @ ..] = data else {
        return;
    };
    let kind = match call & 1 {
        0 => Kind::Deletion,
        _ => Kind::Retrieval,
    };
    let operation = match call >> 1 & 3 {
        0 | 1 => Operation::Create {
            terms: Terms {
                kind,
                compliance: Compliance::Gdpr,
                disclosure: None,
            },
            ids_json: IdsJson(r#"["canary-id","b"]"#.into()),
            request_id: (call & 8 != 0).then(|| "2f0e4c9a-7c1b-4f6e-9d2a-1b3c5d7e9f01".into()),
        },
        2 => Operation::Get {
            kind,
            task: "7".into(),
            form: PathForm::Slash,
        },
        _ => Operation::Cancel {
            kind,
            task: "7".into(),
            form: PathForm::Bare,
        },
    };
    let mut headers = HeaderMap::new();
    let line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if let (Ok(value), true) = (HeaderValue::from_bytes(line), header & 1 != 0) {
        let name = if header & 2 == 0 {
            "retry-after"
        } else {
            "location"
        };
        headers.insert(name, value);
    }
    let response = Response {
        status: StatusCode::from_u16(STATUS[*status as usize % STATUS.len()]).expect("a status"),
        headers,
        body: bytes::Bytes::copy_from_slice(body),
    };
    let reading = VENDOR.read(&operation, &response);
    let mut text = format!("{reading:?} {response:?} {operation:?}");
    let limits = Limits {
        scan_budget: call & 32 != 0,
        quiet: call & 16 != 0,
        interval: VENDOR.interval(),
        credential: VENDOR.credential(),
    };
    match classify(&operation, &response, reading, limits, 1_767_603_600_000) {
        Ok(answer) => text.push_str(&format!("{answer:?}")),
        Err(failure) => {
            let said = said(&failure.error);
            // The host of a redirect is named, whatever it is.
            assert!(
                !said.contains("canary-id") || !response.headers.is_empty(),
                "{said}"
            );
            assert!(!failure.error.message().contains('\n'), "{said}");
            text.push_str(&said);
        }
    }
    let quoted = body.windows(7).any(|part| part == b"canary-");
    assert!(quoted || !text.contains("canary-"), "{text}");
}
