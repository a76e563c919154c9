//! The way to the vendor: a trait, so that simulations need no socket, and HTTP.

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};

use super::connect::{BoxError, Connector};
use super::pool::{Free, Origin, Pool};
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

/// HTTP/1.1 and nothing on top of it that could leak or repeat: no redirects, no referer, no
/// proxy from the environment, no cookies, no compression, https only except for this machine.
pub struct HttpTransport {
    pool: Pool,
    timeout: std::time::Duration,
}

impl std::fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpTransport")
    }
}

/// How far an exchange has come: what is true of it if its time is over now.
#[derive(Default)]
struct Progress {
    /// The vendor may have seen a part of the request.
    asked: bool,
    head: Option<(StatusCode, HeaderMap)>,
    body: BytesMut,
}

impl HttpTransport {
    /// `loopback` allows plain http; the caller has checked that the API is on this machine.
    pub fn new(settings: &Settings, loopback: bool) -> Result<Self> {
        let connector = Connector::new(settings, loopback)?;
        Ok(Self {
            pool: Pool::new(connector, settings.connect_timeout),
            timeout: settings.request_timeout,
        })
    }

    async fn send_within(&self, request: Request) -> Result<Response> {
        let mut progress = Progress::default();
        let exchange = self.exchange(request, &mut progress);
        let done = tokio::time::timeout(self.timeout, exchange).await;
        // Once the status is known, a body that breaks off is handed on as far as it came: what it
        // means depends on the status, and that is judged elsewhere.
        if let Some((status, headers)) = progress.head {
            return Ok(Response {
                status,
                headers,
                body: progress.body.freeze(),
            });
        }
        match done {
            Ok(Err(error)) => Err(error),
            Err(elapsed) if !progress.asked => Err(unconnected(elapsed.into())),
            _ => Err(
                Error::new(ErrorKind::Unavailable, "the vendor did not answer in time")
                    .sent(Sent::Maybe),
            ),
        }
    }

    async fn exchange(&self, request: Request, progress: &mut Progress) -> Result<()> {
        let origin = Origin::of(&request.url)
            .ok_or_else(|| Error::new(ErrorKind::Config, "the request cannot be built"))?;
        let mut message = message(request)?;
        loop {
            let taken = self.pool.take(&origin).await.map_err(unconnected)?;
            let Free {
                mut sender,
                fresh,
                in_use: _in_use,
            } = taken;
            if !fresh && sender.ready().await.is_err() {
                continue; // closed while it lay there
            }
            progress.asked = true;
            match sender.try_send_request(message).await {
                Ok(response) => {
                    let (head, mut body) = response.into_parts();
                    progress.head = Some((head.status, head.headers));
                    while let Some(frame) = body.frame().await {
                        let Ok(frame) = frame else { return Ok(()) };
                        if let Ok(data) = frame.into_data() {
                            progress.body.extend_from_slice(&data);
                        }
                        if progress.body.len() > BODY_MAX {
                            progress.body.clear();
                            return Ok(());
                        }
                    }
                    self.pool.put(origin, sender);
                    return Ok(());
                }
                Err(mut error) => {
                    // Given back, it was not written: not one byte of it went out.
                    let unsent = error.take_message();
                    progress.asked = unsent.is_none();
                    match unsent {
                        Some(unsent) if !fresh => message = unsent,
                        Some(_) => return Err(unconnected(error.into_error().into())),
                        None => return Err(broken(error.into_error())),
                    }
                }
            }
        }
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(self.send_within(request))
    }
}

/// A request as it goes out.
fn message(request: Request) -> Result<http::Request<Full<Bytes>>> {
    let unbuildable = || Error::new(ErrorKind::Config, "the request cannot be built");
    let (credential, secret) = request.auth.header()?;
    let url = &request.url;
    let host = match (url.host_str(), url.port()) {
        (Some(host), None) => HeaderValue::try_from(host),
        (Some(host), Some(port)) => HeaderValue::try_from(format!("{host}:{port}")),
        (None, _) => return Err(unbuildable()),
    };
    let to = match request.query.expose() {
        "" => url.path().to_owned(),
        query => format!("{}?{query}", url.path()),
    };
    let mut message = http::Request::new(Full::default());
    *message.uri_mut() = Uri::try_from(to).map_err(|_| unbuildable())?;
    let mut put = |name: HeaderName, value: HeaderValue| message.headers_mut().insert(name, value);
    put(HOST, host.map_err(|_| unbuildable())?);
    put(credential, secret);
    put(ACCEPT, HeaderValue::from_static("application/json"));
    let agent = concat!("dsrkit/", env!("CARGO_PKG_VERSION"));
    put(USER_AGENT, HeaderValue::from_static(agent));
    if let Some(body) = request.body {
        put(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *message.body_mut() = Full::new(body);
    }
    *message.method_mut() = request.method;
    Ok(message)
}

/// The request went out, or a part of it: nobody can tell what became of it.
fn broken(error: hyper::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the connection broke before the vendor answered",
    )
    .sent(Sent::Maybe)
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
fn unconnected(error: BoxError) -> Error {
    let mut said = String::new();
    let mut below: Option<&(dyn std::error::Error + 'static)> = Some(error.as_ref());
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
