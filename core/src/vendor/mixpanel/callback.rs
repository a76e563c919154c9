//! Signed status callbacks (vendor documentation, new in 2026, version 3.0 only).
//!
//! The vendor signs the raw body: RSA, PKCS#1 v1.5, SHA-256. Its key stays the same when its
//! certificate is renewed, so the key is pinned; no chain of certificates is followed. There is no
//! nonce and no time in a callback: whoever saw one can send it again for ever. So a callback
//! changes nothing by itself, see `engine/callback.rs`.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::address::checked_task;
use super::answer::text_of;
use crate::error::{Error, ErrorKind, Result};
use crate::model::callback::{Callback, CallbackRequest, CallbackStatus};
use crate::secret::Secret;

const DOMAIN: &str = "opendsr.mixpanel.com";
const DOMAIN_HEADER: &str = "x-opendsr-processor-domain";
const SIGNATURE_HEADER: &str = "x-opendsr-signature";
/// A callback is about a thousand bytes long.
pub(crate) const MOST_BYTES: usize = 64 << 10;

/// The addresses of a create call are at most so many (vendor documentation).
const MOST_URLS: usize = 5;

/// Refuses what the vendor would answer with a 400.
pub(super) fn checked_urls(urls: Vec<String>) -> Result<Vec<String>> {
    let refuse = |why| {
        let message = format!("status_callback_urls {why}");
        Err(Error::new(ErrorKind::Config, message))
    };
    if urls.len() > MOST_URLS {
        return refuse("are at most five");
    }
    for url in &urls {
        let good = url::Url::parse(url).is_ok_and(|url| {
            url.scheme() == "https"
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
        });
        if !good {
            return refuse("must be https addresses without a user or a fragment");
        }
    }
    Ok(urls)
}

/// The key that a vendor signs its callbacks with.
#[derive(Clone)]
pub struct CallbackKey(Vec<u8>);

impl std::fmt::Debug for CallbackKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallbackKey")
    }
}

impl CallbackKey {
    /// Reads an RSA public key (`BEGIN PUBLIC KEY`) or a certificate that holds one (`BEGIN
    /// CERTIFICATE`, as the vendor publishes it).
    pub fn from_pem(text: &str) -> Result<Self> {
        let refuse = |why| Error::new(ErrorKind::Config, format!("the public key {why}"));
        let wrong = || refuse("is not PEM: pass the text from -----BEGIN to END-----");
        let (_, rest) = text.split_once("-----BEGIN ").ok_or_else(wrong)?;
        let (label, rest) = rest.split_once("-----").ok_or_else(wrong)?;
        let (inside, end) = rest.split_once("-----END ").ok_or_else(wrong)?;
        if !end.starts_with(label) {
            return Err(wrong());
        }
        let packed: String = inside.split_ascii_whitespace().collect();
        let der = STANDARD.decode(packed).map_err(|_| wrong())?;
        let key = match label {
            "PUBLIC KEY" | "RSA PUBLIC KEY" => der,
            "CERTIFICATE" => {
                let der = der.into();
                let certificate = webpki::EndEntityCert::try_from(&der)
                    .map_err(|_| refuse("is in a certificate that cannot be read"))?;
                certificate.subject_public_key_info().to_vec()
            }
            _ => return Err(refuse("must be a PUBLIC KEY or a CERTIFICATE")),
        };
        // Tells a key that can never fit from a signature that does not.
        aws_lc_rs::rsa::PublicKey::from_der(&key)
            .map_err(|_| refuse("is not an RSA key of 2048 bits or more"))?;
        Ok(Self(key))
    }

    fn fits(&self, body: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.0)
            .verify(body, signature)
            .is_ok()
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    api_version: &'a RawValue,
    #[serde(borrow)]
    controller_id: &'a RawValue,
    expected_completion_time: Option<String>,
    subject_request_id: String,
    subject_request_type: String,
    request_status: String,
    status_callback_url: String,
    results_url: Option<String>,
    #[serde(borrow)]
    extensions: Extensions<'a>,
}

#[derive(Deserialize)]
struct Extensions<'a> {
    #[serde(borrow, rename = "opendsr.mixpanel.com")]
    own: Extension<'a>,
}

#[derive(Deserialize)]
struct Extension<'a> {
    #[serde(default)]
    status: Option<String>,
    #[serde(borrow)]
    tracking_id: &'a RawValue,
}

/// Reads a status callback, if it is the vendor's: by the exact processor domain, the signature
/// over `body` (the raw bytes, before any framework touched them) under the pinned key, and the
/// address, when the one that received it is given. Anything else is refused with `InvalidInput`:
/// answer it with 403.
///
/// A callback that was seen before is as valid as the first time; [`crate::Client::receive_callback`]
/// makes nothing of it.
pub fn verify_callback<'h>(
    body: &[u8],
    headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    public_key: &CallbackKey,
    url: Option<&str>,
) -> Result<Callback> {
    let refuse = |why: &str| {
        Error::new(ErrorKind::InvalidInput, format!("a callback {why}"))
            .with_hint("Answer it with 403; what is true is what the status endpoint says.")
    };
    if body.len() > MOST_BYTES {
        return Err(refuse("of more than 64 KiB"));
    }
    let (mut domain, mut signature) = (None, None);
    for (name, value) in headers {
        let slot = if name.eq_ignore_ascii_case(DOMAIN_HEADER) {
            &mut domain
        } else if name.eq_ignore_ascii_case(SIGNATURE_HEADER) {
            &mut signature
        } else {
            continue;
        };
        if slot.replace(value).is_some() {
            return Err(refuse("that says a header twice"));
        }
    }
    if domain != Some(DOMAIN) {
        return Err(refuse("of another processor domain, or of none"));
    }
    let signature = signature.ok_or_else(|| refuse("without a signature"))?;
    let signature = STANDARD
        .decode(signature)
        .map_err(|_| refuse("whose signature is not base64"))?;
    if !public_key.fits(body, &signature) {
        return Err(refuse("whose signature does not fit"));
    }
    let read = read(body).ok_or_else(|| refuse("that is signed but not as documented"))?;
    if url.is_some_and(|url| url != read.url) {
        return Err(refuse("for another address than the one that received it"));
    }
    Ok(read)
}

fn read(body: &[u8]) -> Option<Callback> {
    let body: Body<'_> = serde_json::from_slice(body).ok()?;
    let task_id = text_of(body.extensions.own.tracking_id)?;
    checked_task(&task_id).ok()?;
    if text_of(body.api_version).is_some_and(|version| version != "3.0") {
        return None;
    }
    let own = body.extensions.own.status.unwrap_or_default();
    let status = match CallbackStatus::parse(&body.request_status) {
        // A failure is told as cancelled, and by its own name in the extension only.
        Some(CallbackStatus::Cancelled) if own == "failed" => CallbackStatus::Failed,
        // No word of this vocabulary: it belongs to the extension.
        Some(CallbackStatus::Failed | CallbackStatus::Other) | None => CallbackStatus::Other,
        Some(status) => status,
    };
    Some(Callback {
        task_id,
        request_id: body.subject_request_id,
        request: CallbackRequest::parse(&body.subject_request_type)?,
        status,
        url: body.status_callback_url,
        results_url: body
            .results_url
            .filter(|url| !url.is_empty())
            .map(Secret::new),
        expected_at: body.expected_completion_time.unwrap_or_default(),
        project_id: text_of(body.controller_id)?,
    })
}
