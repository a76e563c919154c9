//! The two actions, and the law they are taken under.
//!
//! A retrieval and a deletion are different types from the plan to the report, so that no slip of
//! a variable can turn one into the other.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// What is asked of the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Give people their data (access, portability).
    Retrieval,
    /// Erase people's data. Irreversible.
    Deletion,
}

impl Kind {
    /// `"retrieval"` or `"deletion"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retrieval => "retrieval",
            Self::Deletion => "deletion",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Type-level marker of an action.
pub trait Action: private::Sealed + Send + Sync + Unpin + 'static {
    /// The action as a value.
    const KIND: Kind;
}

/// Marks plans, runs and reports of a retrieval.
#[derive(Debug, Clone, Copy)]
pub struct Retrieval;

/// Marks plans, runs and reports of a deletion.
#[derive(Debug, Clone, Copy)]
pub struct Deletion;

impl Action for Retrieval {
    const KIND: Kind = Kind::Retrieval;
}
impl Action for Deletion {
    const KIND: Kind = Kind::Deletion;
}

mod private {
    pub trait Sealed {}
    impl Sealed for super::Retrieval {}
    impl Sealed for super::Deletion {}
}

/// The law a request is made under. Never derived from the region: a person in California may be
/// a user of an EU project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Compliance {
    /// The General Data Protection Regulation; one month to answer. The vendor's default.
    #[default]
    Gdpr,
    /// The California Consumer Privacy Act; 45 days to answer. A retrieval covers only the
    /// previous year (vendor documentation).
    Ccpa,
}

impl Compliance {
    /// `"GDPR"` or `"CCPA"`, as the request spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gdpr => "GDPR",
            Self::Ccpa => "CCPA",
        }
    }

    /// Reads `"GDPR"` or `"CCPA"`, in either case.
    pub fn parse(text: &str) -> Result<Self> {
        match text.to_ascii_uppercase().as_str() {
            "GDPR" => Ok(Self::Gdpr),
            "CCPA" => Ok(Self::Ccpa),
            _ => Err(Error::new(
                ErrorKind::InvalidInput,
                "compliance_type must be \"GDPR\" or \"CCPA\"",
            )),
        }
    }

    /// Milliseconds that the law allows for the answer: a month counted as 30 days (the shortest
    /// safe reading), or 45 days.
    pub fn time_limit_ms(self) -> i64 {
        let days = match self {
            Self::Gdpr => 30,
            Self::Ccpa => 45,
        };
        days * 86_400_000
    }
}

/// What a CCPA retrieval discloses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Disclosure {
    /// The data itself. The vendor's default.
    #[default]
    Data,
    /// The categories of data.
    Categories,
    /// The sources of data.
    Sources,
}

impl Disclosure {
    /// The word the request uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Categories => "Categories",
            Self::Sources => "Sources",
        }
    }

    /// Reads `"Data"`, `"Categories"` or `"Sources"`, in any case.
    pub fn parse(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "data" => Ok(Self::Data),
            "categories" => Ok(Self::Categories),
            "sources" => Ok(Self::Sources),
            _ => Err(Error::new(
                ErrorKind::InvalidInput,
                "disclosure_type must be \"Data\", \"Categories\" or \"Sources\"",
            )),
        }
    }
}

/// Everything a create call says besides the ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Terms {
    /// Retrieval or deletion.
    pub kind: Kind,
    /// The law.
    pub compliance: Compliance,
    /// Only with a CCPA retrieval.
    pub disclosure: Option<Disclosure>,
}

impl Terms {
    /// Refuses a disclosure type where the vendor's API has none (it is documented for CCPA
    /// retrievals only).
    pub fn check(self) -> Result<Self> {
        let allowed = self.kind == Kind::Retrieval && self.compliance == Compliance::Ccpa;
        if self.disclosure.is_some() && !allowed {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "disclosure_type goes with a CCPA retrieval only; leave it out",
            ));
        }
        Ok(self)
    }
}
