//! Limits and times, in seconds, by the names of the core's `Settings`.

use std::path::PathBuf;
use std::time::Duration;

use dsrkit::{AmbiguityPolicy, Error, ErrorKind, Settings};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::raise;

/// The core's defaults.
#[pyfunction]
pub fn default_settings(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let settings = Settings::default();
    let dict = PyDict::new(py);
    let seconds = [
        ("request_timeout", settings.request_timeout),
        ("connect_timeout", settings.connect_timeout),
        ("backoff_initial", settings.backoff_initial),
        ("backoff_max", settings.backoff_max),
        ("request_worth", settings.request_worth),
        ("poll_initial", settings.poll_initial),
        ("poll_max", settings.poll_max),
        ("ambiguous_retry_after", settings.ambiguous_retry_after),
        ("lost_after", settings.lost_after),
        ("keep_deleted_for", settings.keep_deleted_for),
        ("keep_retrieved_for", settings.keep_retrieved_for),
    ];
    for (name, value) in seconds {
        dict.set_item(name, value.as_secs_f64())?;
    }
    dict.set_item("requests_per_second", settings.requests_per_second)?;
    dict.set_item("scan_budget_days", settings.scan_budget_days)?;
    dict.set_item("project_age_days", settings.project_age_days)?;
    dict.set_item("on_ambiguous", settings.on_ambiguous.as_str())?;
    dict.set_item(
        "max_ids_per_deletion_plan",
        settings.max_ids_per_deletion_plan,
    )?;
    dict.set_item("archive_max_bytes", settings.archive_max_bytes)?;
    dict.set_item("proxy", settings.proxy)?;
    dict.set_item("ca_bundle", settings.ca_bundle)?;
    Ok(dict)
}

/// Refuses values that cannot work.
#[pyfunction]
pub fn check_settings(py: Python<'_>, given: &Bound<'_, PyDict>) -> PyResult<()> {
    from_dict(given)?.check().map_err(|error| raise(py, &error))
}

/// Reads settings; what is not given keeps its default.
pub fn from_dict(given: &Bound<'_, PyDict>) -> PyResult<Settings> {
    let mut settings = Settings::default();
    for (name, value) in given.iter() {
        let name: String = name.extract()?;
        match name.as_str() {
            "requests_per_second" => settings.requests_per_second = value.extract()?,
            "request_timeout" => settings.request_timeout = seconds(&name, &value)?,
            "connect_timeout" => settings.connect_timeout = seconds(&name, &value)?,
            "backoff_initial" => settings.backoff_initial = seconds(&name, &value)?,
            "backoff_max" => settings.backoff_max = seconds(&name, &value)?,
            "request_worth" => settings.request_worth = seconds(&name, &value)?,
            "poll_initial" => settings.poll_initial = seconds(&name, &value)?,
            "poll_max" => settings.poll_max = seconds(&name, &value)?,
            "scan_budget_days" => settings.scan_budget_days = value.extract()?,
            "project_age_days" => settings.project_age_days = value.extract()?,
            "on_ambiguous" => settings.on_ambiguous = policy(&value)?,
            "ambiguous_retry_after" => settings.ambiguous_retry_after = seconds(&name, &value)?,
            "lost_after" => settings.lost_after = seconds(&name, &value)?,
            "keep_deleted_for" => settings.keep_deleted_for = seconds(&name, &value)?,
            "keep_retrieved_for" => settings.keep_retrieved_for = seconds(&name, &value)?,
            "max_ids_per_deletion_plan" => settings.max_ids_per_deletion_plan = value.extract()?,
            "archive_max_bytes" => settings.archive_max_bytes = value.extract()?,
            "proxy" => settings.proxy = value.extract()?,
            "ca_bundle" => settings.ca_bundle = value.extract::<Option<PathBuf>>()?,
            _ => return Err(PyTypeError::new_err(format!("there is no setting {name}"))),
        }
    }
    Ok(settings)
}

/// A time in seconds; `ConfigError` for one that is none.
pub fn seconds(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let number: f64 = value.extract()?;
    Duration::try_from_secs_f64(number).map_err(|_| {
        let message = format!("{name} must be a number of seconds, not negative");
        raise(value.py(), &Error::new(ErrorKind::Config, message))
    })
}

/// The age of what is purged.
pub fn older_than(value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    seconds("older_than", value)
}

fn policy(value: &Bound<'_, PyAny>) -> PyResult<AmbiguityPolicy> {
    let word: String = value.extract()?;
    AmbiguityPolicy::parse(&word).ok_or_else(|| {
        let message = "on_ambiguous must be \"resolve\", \"resubmit\" or \"hold\"";
        raise(value.py(), &Error::new(ErrorKind::Config, message))
    })
}
