//! Addresses: those that the vendor names for its archives, and those of the settings.

use std::sync::LazyLock;

use dsrkit::Mixpanel;
use dsrkit::archive::HostRules;
use url::{Host, Url};

use super::said;

static RULES: LazyLock<HostRules> =
    LazyLock::new(|| HostRules::mixpanel(&[".example.com".into()], false).expect("rules"));

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(link) = Url::parse(text) {
        match RULES.check(&link) {
            Ok(()) => {
                let Some(Host::Domain(host)) = link.host() else {
                    panic!("an address is no archive host");
                };
                let known = host == "storage.googleapis.com"
                    || host.ends_with(".storage.googleapis.com")
                    || host.ends_with(".example.com");
                let bare = link.username().is_empty() && link.password().is_none();
                let port = link.port_or_known_default() == Some(443);
                assert!(known && bare && port && link.scheme() == "https", "{host}");
            }
            Err(error) => silent(&said(&error), &link),
        }
    }
    let built = Mixpanel::builder("canary-project", "canary-oauth")
        .base_url(text)
        .archive_host(text)
        .build();
    if let Err(error) = &built {
        let told = said(error);
        assert!(
            !told.contains("canary-project") && !told.contains("canary-oauth"),
            "{told}"
        );
        if let Ok(link) = Url::parse(text) {
            secrets(&told, &link);
        }
    }
    let _ = Mixpanel::builder(text, text).archive_secret(text).build();
}

/// Neither the path nor the query is told: whoever has them has the archive.
fn silent(told: &str, link: &Url) {
    secrets(told, link);
    let path = link.path();
    assert!(path.len() < 12 || !told.contains(path), "{told}");
}

fn secrets(told: &str, link: &Url) {
    for part in [link.query(), link.password()].into_iter().flatten() {
        assert!(part.len() < 12 || !told.contains(part), "{told}");
    }
}
