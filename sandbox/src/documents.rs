//! OpenAPI documents of what the sandbox serves, in this project's own words.

/// Name and text of each document. Their server is an example address.
pub const DOCUMENTS: [(&str, &str); 4] = [
    ("mixpanel-3.0", include_str!("../openapi/mixpanel-3.0.yaml")),
    ("mixpanel-2.0", include_str!("../openapi/mixpanel-2.0.yaml")),
    ("mixpeek", include_str!("../openapi/mixpeek.yaml")),
    (
        "mixpanel-arazzo",
        include_str!("../openapi/mixpanel-arazzo.yaml"),
    ),
];

/// The address that stands in the documents.
const EXAMPLE: &str = "http://127.0.0.1:8080";

/// A document for a server at this address (scheme, host, port).
pub fn document(name: &str, origin: &str) -> Option<String> {
    let (_, text) = DOCUMENTS.into_iter().find(|(known, _)| *known == name)?;
    Some(text.replace(EXAMPLE, origin))
}
