//! A request reduced to what the state machine needs, with every secret judged and left behind.
//!
//! The log holds these, so a replay takes the very same way as the first time, and a state file
//! holds no credential that a client sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::draw::fingerprint;
use crate::message::{Host, Request};
use crate::mixpeek;
use crate::options::Options;
use crate::store;

/// How a credential was judged.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Good,
    Forbidden,
    Unknown,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Credential {
    pub fingerprint: String,
    pub verdict: Verdict,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Seen {
    pub at_ms: i64,
    pub host: Host,
    pub method: String,
    pub path: String,
    pub auth: Option<Credential>,
    pub token: Option<Credential>,
    /// A secret of the API was anywhere in the request.
    pub credentials: bool,
    pub header_names: Vec<String>,
    /// The store's link: when it ends, and whether the signature is ours.
    pub expires: Option<i64>,
    pub signed: bool,
    pub range: Option<String>,
    pub if_range: Option<String>,
    pub body: String,
    /// The body was not UTF-8: it stands here in base64.
    pub base64: bool,
}

impl Seen {
    pub fn new(host: Host, request: &Request, at_ms: i64, options: &Options) -> Self {
        let auth = request.header("authorization");
        let token = request.parameter("token");
        let expires = request
            .parameter("expires")
            .and_then(|text| text.parse().ok());
        let signature = request.parameter("sig").unwrap_or_default();
        let (body, base64) = match std::str::from_utf8(&request.body) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (STANDARD.encode(&request.body), true),
        };
        Self {
            at_ms,
            host,
            method: request.method.clone(),
            path: request.path.clone(),
            credentials: auth.is_some() || token.is_some() || mentions_secret(request, options),
            auth: auth.map(|value| Credential {
                fingerprint: fingerprint(value),
                verdict: judge(value, &request.path, options),
            }),
            token: token.map(|value| Credential {
                fingerprint: fingerprint(&value),
                verdict: if value == options.project_token {
                    Verdict::Good
                } else {
                    Verdict::Unknown
                },
            }),
            header_names: request
                .headers
                .iter()
                .map(|(name, _)| name.to_ascii_lowercase())
                .collect(),
            signed: expires
                .is_some_and(|at| store::signature(options, &request.path, at) == signature),
            expires,
            range: request.header("range").map(str::to_owned),
            if_range: request.header("if-range").map(str::to_owned),
            body,
            base64,
        }
    }

    pub fn body(&self) -> Vec<u8> {
        if self.base64 {
            // Written by ourselves; a damaged line has already been refused as JSON.
            STANDARD.decode(&self.body).unwrap_or_default()
        } else {
            self.body.clone().into_bytes()
        }
    }
}

fn judge(value: &str, path: &str, options: &Options) -> Verdict {
    let Some((scheme, token)) = value.split_once(' ') else {
        return Verdict::Unknown;
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        Verdict::Unknown
    } else if options.forbidden_tokens.iter().any(|known| known == token) {
        Verdict::Forbidden
    } else if mixpeek::is_path(path) {
        if token == options.mixpeek_api_key {
            Verdict::Good
        } else {
            Verdict::Unknown
        }
    } else if token == options.oauth_token
        || options.oauth_tokens.iter().any(|known| known == token)
    {
        Verdict::Good
    } else {
        Verdict::Unknown
    }
}

fn mentions_secret(request: &Request, options: &Options) -> bool {
    let secrets = [
        &options.project_token,
        &options.oauth_token,
        &options.archive_secret,
        &options.mixpeek_api_key,
    ];
    let secrets = || {
        let all = secrets
            .into_iter()
            .chain(&options.oauth_tokens)
            .chain(&options.forbidden_tokens);
        all.filter(|secret| !secret.is_empty())
    };
    let inside = |text: &str| secrets().any(|secret| text.contains(secret.as_str()));
    inside(&request.path)
        || inside(&request.query)
        || request.headers.iter().any(|(_, value)| inside(value))
}
