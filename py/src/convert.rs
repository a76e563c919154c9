//! Plain values, out to Python and in from it.

use std::time::Duration;

use dsrkit::model::wire::Response;
use dsrkit::{
    Compliance, Disclosure, Error, ErrorKind, FlowOutcome, Job, Kind, PlanHandle, SubjectOutcome,
    Terms,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use serde_json::Value;

use crate::error::raise;

/// Any of the core's data as dicts, lists, texts and numbers.
pub fn plain<'py>(py: Python<'py>, data: &impl serde::Serialize) -> PyResult<Bound<'py, PyAny>> {
    let value = serde_json::to_value(data).map_err(|error| {
        raise(
            py,
            &Error::new(ErrorKind::Internal, "an answer cannot be shown").with_source(error),
        )
    })?;
    json(py, &value)
}

/// A report as plain data, and as text for people.
pub fn report<'py>(py: Python<'py>, data: &dsrkit::ReportData) -> PyResult<Bound<'py, PyAny>> {
    let report = plain(py, data)?;
    report.set_item("text", data.to_string())?;
    Ok(report)
}

/// Texts.
pub fn list(py: Python<'_>, texts: Vec<String>) -> PyResult<Bound<'_, PyAny>> {
    Ok(PyList::new(py, texts)?.into_any())
}

/// Rows of id, outcome, batch, task id, package.
pub fn outcomes(py: Python<'_>, rows: Vec<SubjectOutcome>) -> PyResult<Bound<'_, PyList>> {
    let rows = rows.into_iter().map(|row| {
        let outcome = row.outcome.as_str();
        (row.id, outcome, row.batch, row.task_id, row.package)
    });
    PyList::new(py, rows.collect::<Vec<_>>())
}

/// A raw answer: status, headers that are text, body.
pub fn answer(py: Python<'_>, answer: Response) -> PyResult<Bound<'_, PyAny>> {
    let headers = PyDict::new(py);
    for (name, value) in &answer.headers {
        if let Ok(text) = value.to_str() {
            headers.set_item(name.as_str(), text)?;
        }
    }
    let body = PyBytes::new(py, &answer.body);
    Ok((answer.status.as_u16(), headers, body)
        .into_pyobject(py)?
        .into_any())
}

/// A JSON value as Python sees it.
pub fn json<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(yes) => yes.into_pyobject(py)?.to_owned().into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into_pyobject(py)?.into_any(),
            (_, Some(number)) => number.into_pyobject(py)?.into_any(),
            _ => number.as_f64().into_pyobject(py)?.into_any(),
        },
        Value::String(text) => text.into_pyobject(py)?.into_any(),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(json(py, item)?)?;
            }
            list.into_any()
        }
        Value::Object(items) => {
            let dict = PyDict::new(py);
            for (name, item) in items {
                dict.set_item(name, json(py, item)?)?;
            }
            dict.into_any()
        }
    })
}

/// A job, with its link: Python's `repr` leaves the link's query out.
pub fn job<'py>(py: Python<'py>, job: &Job) -> PyResult<Bound<'py, PyAny>> {
    let dict = PyDict::new(py);
    dict.set_item("id", &job.id)?;
    dict.set_item("kind", job.kind.as_str())?;
    dict.set_item("status", job.status.as_str())?;
    dict.set_item(
        "download_url",
        job.download_url.as_ref().map(dsrkit::Secret::expose),
    )?;
    dict.set_item("requested_at", &job.requested_at)?;
    Ok(dict.into_any())
}

/// The outputs of a flow.
pub fn flow<'py>(py: Python<'py>, outcome: &FlowOutcome) -> PyResult<Bound<'py, PyAny>> {
    let link = outcome.download_url.as_ref().map(dsrkit::Secret::expose);
    let dict = PyDict::new(py);
    dict.set_item("task_id", &outcome.task_id)?;
    dict.set_item("task_status", outcome.task_status.as_str())?;
    dict.set_item("download_url", link)?;
    Ok(dict.into_any())
}

/// What a plan shows.
pub fn plan<'py>(py: Python<'py>, plan: &PlanHandle) -> PyResult<Bound<'py, PyAny>> {
    let estimate = plan.estimate();
    let dict = PyDict::new(py);
    dict.set_item("id", plan.id())?;
    dict.set_item("kind", plan.kind().as_str())?;
    dict.set_item("subjects", plan.subjects())?;
    dict.set_item("duplicates", plan.duplicates())?;
    dict.set_item("batches", plan.batches())?;
    dict.set_item("refused", plain(py, &plan.row().refused)?)?;
    dict.set_item("reference", &plan.row().reference)?;
    dict.set_item("confirm", plan.confirm())?;
    dict.set_item("deadline_ms", plan.row().deadline_at)?;
    dict.set_item("requests", estimate.requests)?;
    dict.set_item("sending", estimate.sending.as_secs_f64())?;
    dict.set_item("text", estimate.text)?;
    dict.set_item("expected_requests", estimate.expected_requests)?;
    let seconds = |(least, most): (Duration, Duration)| (least.as_secs_f64(), most.as_secs_f64());
    dict.set_item("expected", estimate.expected.map(seconds))?;
    dict.set_item("bound", estimate.bound.as_str())?;
    Ok(dict.into_any())
}

/// Retrieval or deletion, by the word that our own Python passes.
pub fn kind(py: Python<'_>, word: &str) -> PyResult<Kind> {
    match word {
        "retrieval" => Ok(Kind::Retrieval),
        "deletion" => Ok(Kind::Deletion),
        _ => Err(raise(
            py,
            &Error::new(ErrorKind::Internal, "no such kind of request"),
        )),
    }
}

/// Kind, law and disclosure type.
pub fn terms(
    py: Python<'_>,
    word: &str,
    compliance: &str,
    disclosure: Option<&str>,
) -> PyResult<Terms> {
    let read = || {
        Ok((
            Compliance::parse(compliance)?,
            disclosure.map(Disclosure::parse).transpose()?,
        ))
    };
    let (compliance, disclosure) = read().map_err(|error| raise(py, &error))?;
    Ok(Terms {
        kind: kind(py, word)?,
        compliance,
        disclosure,
    })
}
