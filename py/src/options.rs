//! Options of plans and of `collect`, as dicts that our own Python makes.

use std::path::PathBuf;

use dsrkit::{CollectOptions, Error, ErrorKind, PlanOptions, Secret};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::raise;
use crate::settings;

/// The options of `collect`, as a dict.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Packing {
    html: bool,
    raw: bool,
    timezone: Option<String>,
    language: String,
    templates: Option<PathBuf>,
    protect: Option<String>,
    allow_plain: bool,
    secrets: Vec<String>,
}

impl From<Packing> for CollectOptions {
    fn from(options: Packing) -> Self {
        Self {
            html: options.html,
            timezone: options.timezone,
            language: Some(options.language),
            templates: options.templates,
            protect: options.protect.map(Secret::new),
            raw: options.raw,
            allow_plain: options.allow_plain,
            secrets: options.secrets.into_iter().map(Secret::new).collect(),
        }
    }
}

/// The options that were given; the others keep their defaults.
pub fn plan_options(given: &Bound<'_, PyDict>) -> PyResult<PlanOptions> {
    let mut options = PlanOptions::default();
    for (name, value) in given.iter() {
        let name: String = name.extract()?;
        match name.as_str() {
            "reference" => options.reference = value.extract()?,
            "received_at" => options.received_at = value.extract()?,
            "deadline" => options.deadline = value.extract()?,
            "skip_bad" => options.skip_bad = value.extract()?,
            "allow_unusual" => options.allow_unusual = value.extract()?,
            "hold_for" => options.hold_for = settings::seconds(&name, &value)?,
            "archives" => options.archives = value.extract()?,
            _ => {
                let message = format!("a plan has no option {name}");
                return Err(raise(given.py(), &Error::new(ErrorKind::Internal, message)));
            }
        }
    }
    Ok(options)
}
