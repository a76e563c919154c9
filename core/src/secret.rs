//! Values that must not be seen: tokens, the project's API secret, signed URLs.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, ErrorKind, Result};

/// A secret text: redacted in `Debug` and `Display`, wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes any text as it is.
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// Takes a token that will travel in a header or a URL: not empty, no blanks, no control
    /// characters, ASCII only. A token pasted with its line end is the usual mistake; it is
    /// refused here because silently trimming it would hide which token is in use.
    pub fn token(name: &'static str, value: impl Into<String>) -> Result<Self> {
        let value = value.into();
        let problem = if value.is_empty() {
            "is empty"
        } else if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
            "holds a blank, a line end or a control character (was it pasted with its line end?)"
        } else if !value.is_ascii() {
            "holds a character outside ASCII"
        } else {
            return Ok(Self::new(value));
        };
        Err(Error::new(
            ErrorKind::Config,
            format!("the {name} {problem}"),
        ))
    }

    /// The text itself. Call this only where it goes into a request or a cipher.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_printed() {
        let secret = Secret::new("canary-token");
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
    }

    #[test]
    fn a_bad_token_is_refused_without_being_shown() {
        for bad in ["", "canary\n", " canary", "can ary", "canàry", "a\u{0}b"] {
            let error = Secret::token("project token", bad).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.to_string().contains("can"), "{error}");
        }
    }
}
