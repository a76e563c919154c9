//! A person, by the vendor's name for them.

use std::fmt;

/// The vendor's name of a person in a project, byte for byte as it was given. `Debug` does not
/// show it: ids are personal data (often e-mail addresses).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DistinctId(Box<str>);

impl DistinctId {
    /// Takes the id as it is.
    pub fn new(id: impl Into<Box<str>>) -> Self {
        Self(id.into())
    }

    /// The id itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Hands the text out.
    pub fn into_string(self) -> String {
        self.0.into()
    }
}

impl fmt::Debug for DistinctId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DistinctId(..)")
    }
}

impl From<String> for DistinctId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}
