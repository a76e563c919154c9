//! What comes in and goes out, free of any HTTP library.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which of the vendor's two hosts was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Host {
    /// The API.
    Api,
    /// The object store that holds the archives.
    Store,
}

/// One HTTP request. No `Debug`: it carries tokens and ids.
#[derive(Clone, Default)]
pub struct Request {
    /// Method in upper case.
    pub method: String,
    /// Path without the query, still percent-encoded.
    pub path: String,
    /// Query without the question mark, still percent-encoded.
    pub query: String,
    /// Names in any case.
    pub headers: Vec<(String, String)>,
    /// As received.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// The first decoded value of that query parameter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(key) == name).then(|| percent_decode(value))
        })
    }
}

/// What the HTTP shell does to the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wire {
    /// The answer is given out whole.
    #[default]
    Normal,
    /// Not processed; the connection is closed with no answer.
    DropBeforeProcessing,
    /// Processed; the connection is closed with no answer.
    DropAfterProcessing,
    /// Processed; the connection is reset in the middle of the answer.
    Reset,
    /// So many bytes of the body, then close, with the full Content-Length announced.
    Truncate(usize),
    /// The body in pieces with a pause after each.
    Slow {
        /// Bytes in a piece.
        chunk: usize,
        /// Milliseconds (of real time) between two pieces.
        pause_ms: u64,
    },
}

impl Wire {
    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::DropBeforeProcessing => "drop_before",
            Self::DropAfterProcessing => "drop_after",
            Self::Reset => "reset",
            Self::Truncate(_) => "truncate",
            Self::Slow { .. } => "slow",
        }
    }
}

/// One HTTP answer. No `Debug`: it echoes ids and carries signed links.
#[derive(Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Without Content-Length: the shell adds it.
    pub headers: Vec<(String, String)>,
    /// The whole body, whatever [`Wire`] then does to it.
    pub body: Vec<u8>,
    /// What happens to the connection.
    pub wire: Wire,
}

impl Reply {
    /// An answer with nothing in it.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            wire: Wire::Normal,
        }
    }

    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::typed(status, "application/json", body.to_string().into_bytes())
    }

    /// Any other answer.
    pub fn typed(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self {
            body,
            ..Self::empty(status)
        }
        .with("content-type", content_type)
    }

    /// A redirect.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::empty(status).with("location", location)
    }

    /// One more header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// Did the vendor say yes?
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

fn find_header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_str())
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match (byte, digit(at), digit(at + 1)) {
            (b'%', Some(high), Some(low)) => {
                out.extend(u8::try_from(high * 16 + low));
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(*byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let request = Request {
            query: "a=1&to%6ben=x%2By+z%zz&token=2".into(),
            ..Request::default()
        };
        assert_eq!(request.parameter("token").as_deref(), Some("x+y z%zz"));
        assert_eq!(request.parameter("b"), None);
    }
}
