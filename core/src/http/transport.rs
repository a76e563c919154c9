//! The way to the vendor: a trait, so that simulations need no socket, and reqwest.

use std::fs;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::error::{Error, ErrorKind, Result, Sent};
use crate::model::time::BoxFuture;
use crate::model::wire::{Request, Response};
use crate::settings::Settings;

/// The largest answer that is read. The largest documented one echoes 2,000 ids.
const BODY_MAX: usize = 16 * 1024 * 1024;

/// Sends one request and gives its response as it came. An error says whether the vendor may
/// have seen the request.
pub trait Transport: Send + Sync {
    /// Sends.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>>;
}

/// HTTP by reqwest, with every default that could leak switched off: no redirects, no referer, no
/// proxy from the environment, no cookies, no compression, https only except for this machine.
pub struct HttpTransport {
    client: reqwest::Client,
}

impl std::fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpTransport")
    }
}

impl HttpTransport {
    /// `loopback` allows plain http; the caller has checked that the API is on this machine.
    pub fn new(settings: &Settings, loopback: bool) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .https_only(!loopback)
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.request_timeout)
            // A connection that the server closes just as it is used again looks like a lost
            // answer. At one call a second there is nothing to gain from keeping one for long.
            .pool_idle_timeout(std::time::Duration::from_secs(15))
            .user_agent(concat!("dsrkit/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &settings.proxy {
            let proxy = reqwest::Proxy::all(proxy.as_str())
                .map_err(|_| Error::new(ErrorKind::Config, "proxy is not a usable URL"))?;
            builder = builder.proxy(proxy);
        }
        if let Some(path) = &settings.ca_bundle {
            let pem = fs::read(path).map_err(|error| crate::error::io("read", path, error))?;
            let bundle = reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| {
                Error::new(
                    ErrorKind::Config,
                    "ca_bundle holds no certificate in PEM form",
                )
            })?;
            builder = builder.tls_certs_merge(bundle);
        }
        let client = builder.build().map_err(|error| {
            Error::new(ErrorKind::Config, "cannot set up TLS").with_source(error.without_url())
        })?;
        Ok(Self { client })
    }

    async fn exchange(&self, request: Request) -> Result<Response> {
        let mut headers = HeaderMap::new();
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", request.bearer.expose()))
            .map_err(|_| Error::new(ErrorKind::Config, "the OAuth token cannot be sent"))?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let mut url = request.url;
        url.set_query(Some(request.query.expose()));
        let mut builder = self.client.request(request.method, url);
        if let Some(body) = request.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            builder = builder.body(body);
        }
        let mut response = builder
            .headers(headers)
            .send()
            .await
            .map_err(|error| failed(error.without_url()))?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        // The status is known from here on. A body that breaks off is handed on as far as it
        // came: what it means depends on the status, and that is judged elsewhere.
        let mut body = BytesMut::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > BODY_MAX {
                body.clear();
                break;
            }
        }
        Ok(Response {
            status,
            headers,
            body: Bytes::from(body),
        })
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(self.exchange(request))
    }
}

/// Before a connection stands nothing was sent; after that, nobody can tell.
fn failed(error: reqwest::Error) -> Error {
    if error.is_builder() {
        return Error::new(ErrorKind::Config, "the request cannot be built").with_source(error);
    }
    if error.is_connect() {
        return unconnected(error);
    }
    let (sent, message) = if error.is_timeout() {
        (Sent::Maybe, "the vendor did not answer in time")
    } else {
        (
            Sent::Maybe,
            "the connection broke before the vendor answered",
        )
    };
    Error::new(ErrorKind::Unavailable, message)
        .sent(sent)
        .with_source(error)
}

/// Why no connection stands, as far as the layers below tell it in words. A part of what they say,
/// what to say instead, and what to do about it. Their own text may quote the other side.
const UNCONNECTED: &[(&str, &str, &str)] = &[
    (
        "certificate expired",
        "the vendor's TLS certificate has expired",
        BY_CERTIFICATE,
    ),
    (
        "certificate not valid yet",
        "the vendor's TLS certificate is not valid yet",
        BY_CERTIFICATE,
    ),
    (
        "not valid for name",
        "the TLS certificate is for another host",
        BY_CERTIFICATE,
    ),
    (
        "UnknownIssuer",
        "the TLS certificate is signed by nobody that is trusted",
        BY_CERTIFICATE,
    ),
    (
        "invalid peer certificate",
        "the vendor's TLS certificate does not hold",
        BY_CERTIFICATE,
    ),
    ("peer is incompatible", NO_TLS, BY_TLS),
    ("peer misbehaved", NO_TLS, BY_TLS),
    ("received fatal alert", NO_TLS, BY_TLS),
    ("received corrupt message", NO_TLS, BY_TLS),
    (
        "proxy authorization required",
        "the proxy wants credentials (407)",
        BY_PROXY,
    ),
    (
        "tunnel error",
        "cannot connect to the vendor: the proxy gives no tunnel",
        BY_PROXY,
    ),
];

const NO_TLS: &str = "the vendor and this machine do not agree on TLS";
const BY_TLS: &str =
    "TLS 1.2 or later is needed; check base_url and what stands between. A run goes on by itself.";
const BY_CERTIFICATE: &str = "Check this machine's clock and base_url; if a proxy of your own stands between, give its certificate in ca_bundle. A run goes on by itself.";
const BY_PROXY: &str =
    "Check proxy, with its user and password if it wants them. A run goes on by itself.";

/// No connection stands: nothing was sent.
fn unconnected(error: reqwest::Error) -> Error {
    let mut said = String::new();
    let mut below: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(link) = below {
        said.push_str(&link.to_string());
        below = link.source();
    }
    let known = UNCONNECTED.iter().find(|(part, ..)| said.contains(part));
    let message = known.map_or("cannot connect to the vendor", |(_, message, _)| message);
    let error = Error::new(ErrorKind::Unavailable, message)
        .sent(Sent::No)
        .with_source(error);
    match known {
        Some((_, _, hint)) => error.with_hint(*hint),
        None => error,
    }
}
