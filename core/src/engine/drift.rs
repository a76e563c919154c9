//! The forms of a vendor's answers, from the calls into the book, and so into the journal. Nothing
//! is decided by them.

use super::project::Project;
use super::run::Engine;
use crate::error::Result;
use crate::model::drift::{ShapeCount, Standing};
use crate::pace::learnt::Learnt;

/// Takes up what the last calls showed. Gives whether some of it is new, and worth a line in the
/// journal now; mere counts wait for the next one.
pub(super) fn take(project: &Project, learnt: &mut Learnt) -> bool {
    let new = learnt.drift.add(project.take_drift());
    for shape in &new {
        if shape.standing == Standing::Undocumented {
            tracing::warn!(
                target: "dsrkit",
                shape = shape.name,
                "the vendor sent something undocumented; nothing depends on it"
            );
        }
    }
    !new.is_empty()
}

impl Engine {
    /// All forms that were seen.
    pub fn drift(&self) -> Result<Vec<ShapeCount>> {
        self.check()?;
        let mut book = self.book();
        take(&self.project, &mut book.learnt);
        Ok(book.learnt.drift.list())
    }
}
