//! Calls that have no method here: a path below the base URL, with the project's credentials.

use bytes::Bytes;
use http::Method;

use super::Mixpanel;
use crate::error::{Error, ErrorKind, Result};
use crate::model::wire::{Auth, Request};
use crate::secret::Secret;

const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// Builds the request. Credentials go to the base URL's host and below its path, whatever the
/// caller writes.
pub(super) fn request(
    project: &Mixpanel,
    method: &Method,
    path: &str,
    body: Option<Bytes>,
) -> Result<Request> {
    if !METHODS.contains(method) {
        return refuse("the method of a raw call is GET, POST, PUT, PATCH or DELETE");
    }
    let (path, own) = path.split_once('?').unwrap_or((path, ""));
    let Some(path) = path.strip_prefix('/') else {
        return refuse("the path of a raw call begins with / and stands below the base URL");
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '~');
    let mut segments: Vec<&str> = path.split('/').collect();
    let last = segments.pop().unwrap_or_default();
    let fine = |part: &&str| part.chars().all(plain) && !matches!(*part, "." | "..");
    if !segments.iter().all(|part| !part.is_empty() && fine(part)) || !fine(&last) {
        return refuse(
            "the path of a raw call is made of letters, digits, - _ . : ~ between slashes",
        );
    }
    let mut url = project.base_url.clone();
    url.path_segments_mut()
        .map_err(|()| Error::new(ErrorKind::Config, "base_url cannot hold a path"))?
        .extend(segments)
        .push(last);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("token", project.project_token.expose());
    for (name, value) in url::form_urlencoded::parse(own.as_bytes()) {
        if name == "token" {
            return refuse("the project token is added to a raw call by itself");
        }
        query.append_pair(&name, &value);
    }
    Ok(Request {
        method: method.clone(),
        url,
        query: Secret::new(query.finish()),
        auth: Auth::Bearer(project.oauth_token.clone()),
        body,
    })
}

fn refuse(why: &'static str) -> Result<Request> {
    Err(Error::new(ErrorKind::InvalidInput, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_below_the_base_url() {
        let project = Mixpanel::builder("proj&1", "oauth").build().expect("valid");
        let build = |path: &str| request(&project, &Method::GET, path, None);
        for (path, url, query) in [
            ("/data-deletions/v3.0/7/", "data-deletions/v3.0/7/", ""),
            ("/me", "me", ""),
            ("/x/?page=2&q=a%20b", "x/", "&page=2&q=a+b"),
        ] {
            let request = build(path).expect(path);
            assert_eq!(
                request.url.as_str(),
                format!("https://mixpanel.com/api/app/{url}")
            );
            assert_eq!(request.query.expose(), format!("token=proj%261{query}"));
        }
        for bad in [
            "",
            "me",
            "//evil.example/",
            "/../me",
            "/a/../b",
            "/a//b",
            "/a/..",
            "/%2e%2e/b",
            "https://evil.example/",
            "/a@b",
            "/a?token=other",
            "/a#b",
            "/a b",
            "/\\evil",
        ] {
            let error = build(bad).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}");
        }
        assert!(request(&project, &Method::TRACE, "/me", None).is_err());
    }
}
