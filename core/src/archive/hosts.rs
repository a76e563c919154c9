//! Where archives may be fetched from. The link comes from the vendor's answer, so it is checked
//! like any other foreign input before a single byte is sent to it.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::error::{Error, ErrorKind, Result};

use super::refused;

/// Hosts that archives may be fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRules {
    allowed: Vec<String>,
    loopback: bool,
}

impl HostRules {
    /// Allows exactly these: a host (`storage.example`), or everything below one
    /// (`.storage.example`). With `loopback`, which is for the sandbox only, this machine too.
    pub fn new<S: Into<String>>(
        allowed: impl IntoIterator<Item = S>,
        loopback: bool,
    ) -> Result<Self> {
        let mut rules = Self {
            allowed: Vec::new(),
            loopback,
        };
        for host in allowed {
            let host = host.into().to_ascii_lowercase();
            let name = host.strip_prefix('.').unwrap_or(&host);
            let label = |part: &str| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            };
            // A bare top-level domain would allow half of the internet, an address no name.
            let fits = name.split('.').all(label)
                && name.contains('.')
                && matches!(Host::parse(name), Ok(Host::Domain(_)));
            if !fits {
                return Err(Error::new(
                    ErrorKind::Config,
                    "archive_hosts takes host names such as storage.example.com or .example.com",
                )
                .with("host", host));
            }
            rules.allowed.push(host);
        }
        Ok(rules)
    }

    /// Mixpanel's archives lie on storage.googleapis.com ("Mixpanel GDPR API v2 overview").
    /// Buckets as sub-domains are our assumption.
    pub fn mixpanel(more: &[String], loopback: bool) -> Result<Self> {
        let known = ["storage.googleapis.com", ".storage.googleapis.com"];
        let more = more.iter().map(String::as_str);
        Self::new(known.into_iter().chain(more), loopback)
    }

    /// Whether this machine itself is allowed.
    pub fn allows_loopback(&self) -> bool {
        self.loopback
    }

    /// Refuses a link that does not lead where archives are. The message names the host and never
    /// the path or the query, which grant access.
    pub fn check(&self, link: &Url) -> Result<()> {
        let no = |reason: &str| {
            Err(refused(format!("the archive's link is refused: {reason}"))
                .with("host", link.host_str().unwrap_or("none")))
        };
        if !link.username().is_empty() || link.password().is_some() {
            return no("it carries a user name");
        }
        if self.loopback && is_loopback(link.host().as_ref()) {
            return match link.scheme() {
                "http" | "https" => Ok(()),
                _ => no("it is not https"),
            };
        }
        if link.scheme() != "https" {
            return no("it is not https");
        }
        let Some(Host::Domain(host)) = link.host() else {
            return no("it names an address instead of a host");
        };
        if link.port_or_known_default() != Some(443) {
            return no("its port is not 443");
        }
        let allowed = self.allowed.iter().any(|rule| {
            if rule.starts_with('.') {
                host.len() > rule.len() && host.ends_with(rule.as_str())
            } else {
                host == rule
            }
        });
        if !allowed {
            return no("its host is not one that archives come from").map_err(|e: Error| {
                e.with_hint("If the vendor's archives do lie there, add the host to archive_hosts.")
            });
        }
        Ok(())
    }
}

fn is_loopback(host: Option<&Host<&str>>) -> bool {
    match host {
        Some(Host::Domain(name)) => *name == "localhost",
        Some(Host::Ipv4(address)) => *address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => *address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &HostRules, link: &str) -> Result<()> {
        rules.check(&Url::parse(link).expect(link))
    }

    #[test]
    fn only_the_vendors_store_is_allowed() {
        let rules = HostRules::mixpanel(&["archive.example.org".into()], false).expect("rules");
        for link in [
            "https://storage.googleapis.com/b/o?X-Goog-Signature=1",
            "https://STORAGE.googleapis.com:443/b",
            "https://bucket.storage.googleapis.com/o",
            "https://archive.example.org/x",
        ] {
            check(&rules, link).expect(link);
        }
        for link in [
            "http://storage.googleapis.com/b",
            "file:///etc/passwd",
            "ftp://storage.googleapis.com/b",
            "data:text/plain,x",
            "https://storage.googleapis.com:8443/b",
            "https://storage.googleapis.com./b",
            "https://u@storage.googleapis.com/b",
            "https://u:p@storage.googleapis.com/b",
            "https://storage.googleapis.com@evil.example/b",
            "https://evilstorage.googleapis.com/b",
            "https://storage.googleapis.com.evil.example/b",
            "https://.storage.googleapis.com/b",
            "https://googleapis.com/b",
            "https://169.254.169.254/latest/meta-data",
            "https://metadata.google.internal/",
            "https://127.0.0.1/",
            "http://127.0.0.1:8080/",
            "https://[::1]/",
            "https://localhost/",
            "https://10.0.0.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.1/",
        ] {
            let error = check(&rules, link).expect_err(link);
            assert_eq!(error.kind(), ErrorKind::Archive, "{link}");
        }
    }

    #[test]
    fn the_sandbox_may_be_on_this_machine_and_nowhere_else() {
        let rules = HostRules::mixpanel(&[], true).expect("rules");
        for link in [
            "http://127.0.0.1:1234/a",
            "http://[::1]:1/a",
            "http://localhost:9/a",
        ] {
            check(&rules, link).expect(link);
        }
        for link in [
            "http://10.0.0.1/",
            "http://127.0.0.2/",
            "http://0.0.0.0/",
            "http://[::ffff:127.0.0.1]/",
            "http://u@127.0.0.1/",
            "ftp://127.0.0.1/",
            "http://storage.googleapis.com/",
            "http://localhost.evil.example/",
        ] {
            check(&rules, link).expect_err(link);
        }
    }

    #[test]
    fn a_refusal_shows_the_host_only() {
        let rules = HostRules::mixpanel(&[], false).expect("rules");
        let error = check(&rules, "https://evil.example/canary-path?sig=canary").expect_err("no");
        let text = format!("{error} {error:?} {}", error.hint());
        assert!(
            text.contains("evil.example") && text.contains("archive_hosts"),
            "{text}"
        );
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn rules_that_allow_everything_are_refused() {
        for host in [
            "",
            ".",
            "com",
            ".com",
            "*",
            "a b.c",
            "https://a.b",
            "a.b:1",
            "a.b/c",
            "a.b.",
            "10.0.0.1",
            "..a.b",
        ] {
            let error = HostRules::new([host], false).expect_err(host);
            assert_eq!(error.kind(), ErrorKind::Config);
        }
    }
}
