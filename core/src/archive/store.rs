//! The place archives lie in: one trait, and the real one over HTTPS.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE, RANGE,
};
use url::Url;

use crate::error::{Error, ErrorKind, Result};

use super::refused;
use super::resolve::{NotPublic, PublicResolver};

/// What the methods of a store return.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Something that answers signed links. An implementation sends no credentials, follows no
/// redirect, and gives up by itself when nothing arrives any more.
pub trait Store: Send + Sync {
    /// Asks for a link's content, or for the rest of it.
    fn get<'a>(&'a self, link: &'a Url, from: Option<ResumeFrom>) -> StoreFuture<'a, StoreAnswer>;
}

/// Where to go on, and with which version of the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeFrom {
    /// Bytes that are here already.
    pub offset: u64,
    /// The version they are of.
    pub etag: String,
}

/// The range that an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// Its first byte.
    pub start: u64,
    /// The size of the whole content, when the store says it.
    pub total: Option<u64>,
}

/// The head of an answer; the body is still on its way.
pub struct StoreAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The version of the content.
    pub etag: Option<String>,
    /// How many bytes this answer's body has.
    pub content_length: Option<u64>,
    /// Which part of the content they are, with status 206.
    pub content_range: Option<ByteRange>,
    /// The body.
    pub body: Box<dyn Body>,
}

impl fmt::Debug for StoreAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreAnswer")
            .field("status", &self.status)
            .field("content_length", &self.content_length)
            .field("content_range", &self.content_range)
            .finish_non_exhaustive()
    }
}

/// A body that arrives piece by piece.
pub trait Body: Send {
    /// The next piece, or `None` at the end.
    fn next_chunk(&mut self) -> StoreFuture<'_, Option<Bytes>>;
}

/// How [`HttpStore`] connects.
#[derive(Clone)]
pub struct HttpStoreOptions {
    /// The time to establish a connection.
    pub connect_timeout: Duration,
    /// The time without a single byte after which a transfer counts as dead.
    pub stall_timeout: Duration,
    /// The proxy to go through; proxies of the environment are not used. With a proxy, names are
    /// resolved by it, and it is the proxy's task to keep them from leading inwards.
    pub proxy: Option<Url>,
    /// Certificates (PEM) to trust besides those of the system.
    pub ca_bundle: Option<Vec<u8>>,
    /// This machine may be connected to: for the sandbox only.
    pub loopback: bool,
}

impl fmt::Debug for HttpStoreOptions {
    // The proxy may carry a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpStoreOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("stall_timeout", &self.stall_timeout)
            .field("loopback", &self.loopback)
            .finish_non_exhaustive()
    }
}

impl Default for HttpStoreOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(20),
            proxy: None,
            ca_bundle: None,
            loopback: false,
        }
    }
}

/// The real store. It has a client of its own, which has never seen a credential.
#[derive(Clone)]
pub struct HttpStore {
    client: reqwest::Client,
}

impl fmt::Debug for HttpStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpStore")
    }
}

impl HttpStore {
    /// Builds the client. Nothing is connected yet.
    pub fn new(options: &HttpStoreOptions) -> Result<Self> {
        let config = |what: &str| Error::new(ErrorKind::Config, what.to_owned());
        let resolver = PublicResolver {
            loopback: options.loopback,
            proxy: options
                .proxy
                .as_ref()
                .and_then(|proxy| proxy.host_str().map(str::to_owned)),
        };
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .https_only(!options.loopback)
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.stall_timeout)
            .dns_resolver(Arc::new(resolver))
            .no_proxy();
        if let Some(proxy) = &options.proxy {
            // The sandbox on this machine is not behind the proxy.
            let direct = reqwest::NoProxy::from_string("localhost,127.0.0.1,::1");
            let proxy = reqwest::Proxy::all(proxy.clone())
                .map_err(|_| config("the proxy's address cannot be used"))?;
            builder = builder.proxy(proxy.no_proxy(direct));
        }
        if let Some(pem) = &options.ca_bundle {
            let bundle = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|_| config("ca_bundle holds no PEM certificates"))?;
            builder = builder.tls_certs_merge(bundle);
        }
        let client = builder.build().map_err(|e| {
            config("the client for archives cannot be built").with_source(e.without_url())
        })?;
        Ok(Self { client })
    }
}

impl Store for HttpStore {
    fn get<'a>(&'a self, link: &'a Url, from: Option<ResumeFrom>) -> StoreFuture<'a, StoreAnswer> {
        Box::pin(async move {
            let mut request = self
                .client
                .get(link.clone())
                .header(ACCEPT_ENCODING, "identity");
            if let Some(from) = from {
                request = request
                    .header(RANGE, format!("bytes={}-", from.offset))
                    .header(IF_RANGE, from.etag);
            }
            let response = request.send().await.map_err(unavailable)?;
            let headers = response.headers();
            Ok(StoreAnswer {
                status: response.status().as_u16(),
                etag: text(headers, &ETAG).map(str::to_owned),
                content_length: text(headers, &CONTENT_LENGTH).and_then(|n| n.parse().ok()),
                content_range: text(headers, &CONTENT_RANGE).and_then(byte_range),
                body: Box::new(HttpBody(response)),
            })
        })
    }
}

struct HttpBody(reqwest::Response);

impl Body for HttpBody {
    fn next_chunk(&mut self) -> StoreFuture<'_, Option<Bytes>> {
        Box::pin(async move { self.0.chunk().await.map_err(unavailable) })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `bytes 100-199/1234`, or `*` for an unknown size.
fn byte_range(value: &str) -> Option<ByteRange> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some(ByteRange {
        start: start.parse().ok()?,
        total: total.parse().ok(),
    })
}

fn unavailable(e: reqwest::Error) -> Error {
    let e = e.without_url();
    let mut below: Option<&(dyn std::error::Error + 'static)> = Some(&e);
    while let Some(error) = below {
        if error.is::<NotPublic>() {
            return refused(NotPublic.to_string());
        }
        below = error.source();
    }
    let what = if e.is_timeout() {
        "nothing arrives from the store of the archives any more"
    } else if e.is_connect() {
        "the store of the archives cannot be reached"
    } else {
        "the connection to the store of the archives broke"
    };
    Error::new(ErrorKind::Unavailable, what).with_source(e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let range = |start, total| Some(ByteRange { start, total });
        assert_eq!(byte_range("bytes 100-199/1234"), range(100, Some(1234)));
        assert_eq!(byte_range("bytes 0-9/*"), range(0, None));
        for bad in [
            "",
            "bytes */1234",
            "bytes 1/2",
            "items 1-2/3",
            "bytes -1-2/3",
        ] {
            assert_eq!(byte_range(bad), None, "{bad}");
        }
    }
}
