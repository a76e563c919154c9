//! The base URL of an API.

use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// Reads a base URL. `https` only, except for this machine; no user, no query.
pub fn base_url(text: &str) -> Result<Url> {
    let refuse = |why: &str| Err(Error::new(ErrorKind::Config, format!("base_url {why}")));
    let Ok(mut url) = Url::parse(text.trim_end_matches('/')) else {
        return refuse("is not a URL");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not hold a user or a password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("must not hold a query or a fragment");
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return refuse("must be https (http is for this machine only)"),
        _ => return refuse("must start with https://"),
    }
    if url.host().is_none() {
        return refuse("has no host");
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Whether a URL points at this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
