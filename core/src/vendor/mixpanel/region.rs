//! Where the API is: the vendor's regions, or an address that the caller gives.

use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// Where a project's data lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Region {
    /// United States: `mixpanel.com`.
    #[default]
    Us,
    /// European Union: `eu.mixpanel.com`.
    Eu,
    /// India: `in.mixpanel.com`.
    In,
}

impl Region {
    /// Reads `"us"`, `"eu"` or `"in"`.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "us" => Ok(Self::Us),
            "eu" => Ok(Self::Eu),
            "in" => Ok(Self::In),
            _ => Err(Error::new(
                ErrorKind::Config,
                "region must be \"us\", \"eu\" or \"in\" (where the project's data lives)",
            )),
        }
    }

    /// `"us"`, `"eu"` or `"in"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Eu => "eu",
            Self::In => "in",
        }
    }

    pub(super) fn base_url(self) -> &'static str {
        match self {
            Self::Us => "https://mixpanel.com/api/app",
            Self::Eu => "https://eu.mixpanel.com/api/app",
            Self::In => "https://in.mixpanel.com/api/app",
        }
    }
}

/// Reads a base URL. `https` only, except for this machine; no user, no query.
pub(super) fn base_url(text: &str) -> Result<Url> {
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
    let local = is_loopback(&url);
    match url.scheme() {
        "https" => {}
        "http" if local => {}
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
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
