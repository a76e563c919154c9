//! Making connections: TCP, a proxy's tunnel where one is set, TLS, and HTTP/1.1 on it.

use std::fs;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderValue, Uri};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;
use tower_service::Service;
use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::settings::Settings;

/// Between two signs of life on a connection that waits for a slow answer.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The end of a connection that requests go into.
pub(super) type Sender = http1::SendRequest<Full<Bytes>>;
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

type Direct = HttpsConnector<HttpConnector>;

/// The way to servers.
#[derive(Clone)]
pub(super) enum Connector {
    Direct(Direct),
    /// A proxy is asked for a tunnel, and learns nothing but where it leads.
    Proxied(Box<HttpsConnector<Tunnel<Direct>>>),
}

impl Connector {
    /// `loopback` allows plain http; the caller has checked that the API is on this machine.
    pub fn new(settings: &Settings, loopback: bool) -> Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_connect_timeout(Some(settings.connect_timeout));
        let tls = tls(settings)?;
        let builder = || {
            let builder = HttpsConnectorBuilder::new().with_tls_config(tls.clone());
            if loopback {
                builder.https_or_http().enable_http1()
            } else {
                builder.https_only().enable_http1()
            }
        };
        let Some(proxy) = &settings.proxy else {
            return Ok(Self::Direct(builder().wrap_connector(tcp)));
        };
        let to_proxy = HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let way = builder().wrap_connector(tunnel(proxy, to_proxy)?);
        Ok(Self::Proxied(Box::new(way)))
    }

    /// A new connection. It lives in a task of its own until either side closes it.
    pub async fn connect(&self, to: Uri) -> std::result::Result<Sender, BoxError> {
        match self {
            Self::Direct(connector) => open(connector.clone(), to).await,
            Self::Proxied(connector) => open(connector.as_ref().clone(), to).await,
        }
    }
}

async fn open<C>(mut connector: C, to: Uri) -> std::result::Result<Sender, BoxError>
where
    C: Service<Uri, Error: Into<BoxError>>,
    C::Response: Read + Write + Unpin + Send + 'static,
{
    poll_fn(|context| connector.poll_ready(context))
        .await
        .map_err(Into::into)?;
    let stream = connector.call(to).await.map_err(Into::into)?;
    let (sender, connection) = http1::handshake(stream).await?;
    // How it ends is told to whoever waits for an answer on it.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

fn tunnel(proxy: &str, way: Direct) -> Result<Tunnel<Direct>> {
    let unusable = || Error::new(ErrorKind::Config, "proxy is not a usable URL");
    let url = Url::parse(proxy).map_err(|_| unusable())?;
    let parts = (url.scheme(), url.host_str(), url.port_or_known_default());
    let ("http" | "https", Some(host), Some(port)) = parts else {
        return Err(unusable());
    };
    let to: Uri = format!("{}://{host}:{port}", url.scheme())
        .parse()
        .map_err(|_| unusable())?;
    let tunnel = Tunnel::new(to, way);
    if url.username().is_empty() && url.password().is_none() {
        return Ok(tunnel);
    }
    let mut user = percent_decode_str(url.username()).collect::<Vec<u8>>();
    user.push(b':');
    user.extend(percent_decode_str(url.password().unwrap_or_default()));
    let user = base64::engine::general_purpose::STANDARD.encode(user);
    let user = HeaderValue::try_from(format!("Basic {user}")).map_err(|_| unusable())?;
    Ok(tunnel.with_auth(user))
}

/// TLS 1.2 or later. A certificate and its name are always checked, by the system's authorities and
/// those of `ca_bundle`.
fn tls(settings: &Settings) -> Result<ClientConfig> {
    let cannot = |error: rustls::Error| {
        Error::new(ErrorKind::Config, "cannot set up TLS").with_source(error)
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = match &settings.ca_bundle {
        None => Verifier::new(Arc::clone(&provider)),
        Some(path) => {
            let pem = fs::read(path).map_err(|error| crate::error::io("read", path, error))?;
            let roots = CertificateDer::pem_slice_iter(&pem).collect::<std::result::Result<_, _>>();
            let roots: Vec<_> = roots.map_err(|_| no_certificate())?;
            if roots.is_empty() {
                return Err(no_certificate());
            }
            Verifier::new_with_extra_roots(roots, Arc::clone(&provider))
        }
    };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(cannot)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier.map_err(cannot)?))
        .with_no_client_auth())
}

fn no_certificate() -> Error {
    Error::new(
        ErrorKind::Config,
        "ca_bundle holds no certificate in PEM form",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_proxy(proxy: &str) -> Result<Connector> {
        let settings = Settings {
            proxy: Some(proxy.to_owned()),
            ..Settings::default()
        };
        Connector::new(&settings, false)
    }

    #[test]
    fn a_proxy_is_a_url_of_http_or_https() {
        for good in ["http://proxy.example:3128", "https://us%40er:p%3Aw@[::1]"] {
            assert!(with_proxy(good).is_ok(), "{good}");
        }
        for bad in ["proxy.example", "socks5://canary@x:1", "http://", "canary"] {
            let error = with_proxy(bad).err().expect(bad);
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!format!("{error:?}").contains("canary"));
        }
    }
}
