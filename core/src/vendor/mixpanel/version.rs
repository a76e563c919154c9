//! The versions of the API.

use crate::error::{Error, ErrorKind, Result};

/// A version of the API. Tasks of one are unknown to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V2,
    V3,
}

impl Version {
    pub(super) fn parse(text: &str) -> Result<Self> {
        match text {
            "2.0" => Ok(Self::V2),
            "3.0" => Ok(Self::V3),
            _ => Err(Error::new(
                ErrorKind::Config,
                "api_version must be \"3.0\" or \"2.0\"",
            )),
        }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::V2 => "v2.0",
            Self::V3 => "v3.0",
        }
    }
}
