//! The vendor's regions.

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
