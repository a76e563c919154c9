//! Outcomes and events as Arrow streams: a page at a time, read from the journal by whoever reads the
//! stream, on whatever thread, without Python.

use std::sync::Arc;

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{
    ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchReader, StringArray,
    TimestampMillisecondArray,
};
use arrow_schema::ffi::FFI_ArrowSchema;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use dsrkit::{Error, ErrorKind, Event, Result, SubjectOutcome};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::error::raise;
use crate::gate::Gate;

/// Events that are read at once.
pub const PAGE: u32 = 1024;

/// What stands in the rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Table {
    Outcomes,
    Events,
}

impl Table {
    fn parse(py: Python<'_>, word: &str) -> PyResult<Self> {
        match word {
            "outcomes" => Ok(Self::Outcomes),
            "events" => Ok(Self::Events),
            _ => Err(raise(py, &Error::new(ErrorKind::Internal, "no such table"))),
        }
    }

    fn schema(self) -> SchemaRef {
        let field = |name: &str, of, empty| Field::new(name, of, empty);
        let time = || DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
        let fields = match self {
            Self::Outcomes => vec![
                field("id", DataType::Utf8, false),
                field("outcome", DataType::Utf8, false),
                field("batch", DataType::Int32, false),
                field("task_id", DataType::Utf8, true),
                field("package", DataType::Utf8, true),
            ],
            Self::Events => vec![
                field("seq", DataType::Int64, false),
                field("at", time(), false),
                field("kind", DataType::Utf8, false),
                field("batch", DataType::Int32, true),
                field("task_id", DataType::Utf8, true),
                field("text", DataType::Utf8, false),
            ],
        };
        Arc::new(Schema::new(fields))
    }
}

/// The schema of a table, by its name.
#[pyfunction]
pub fn table_schema<'py>(py: Python<'py>, table: &str) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = Table::parse(py, table)?.schema();
    let schema = FFI_ArrowSchema::try_from(schema.as_ref()).map_err(|error| unshown(py, error))?;
    PyCapsule::new_with_value(py, schema, c"arrow_schema")
}

/// A stream of a run's rows.
pub fn stream<'py>(
    py: Python<'py>,
    gate: Arc<Gate>,
    run: String,
    table: &str,
) -> PyResult<Bound<'py, PyCapsule>> {
    let table = Table::parse(py, table)?;
    // A closed client says so here, where an exception can still be raised as it is.
    gate.client().map_err(|error| raise(py, &error))?;
    let pages = Pages {
        gate,
        run,
        table,
        schema: table.schema(),
        next: 0,
        pid: std::process::id(),
    };
    let stream = FFI_ArrowArrayStream::new(Box::new(pages));
    PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
}

/// Reads page after page. Holds no client between two of them, so that closing it frees the journal.
struct Pages {
    gate: Arc<Gate>,
    run: String,
    table: Table,
    schema: SchemaRef,
    /// The next batch, or the last event that was read.
    next: u64,
    pid: u32,
}

impl Pages {
    fn page(&mut self) -> Result<Option<Vec<ArrayRef>>> {
        if self.pid != std::process::id() {
            return Err(Error::new(
                ErrorKind::Fork,
                "this was made before fork(); create a client in the child process",
            ));
        }
        let run = self.gate.client()?.run(&self.run)?;
        match self.table {
            Table::Outcomes => {
                let batch = u32::try_from(self.next).unwrap_or(u32::MAX);
                self.next += 1;
                Ok(run.outcomes(batch)?.map(|rows| outcomes(&rows)))
            }
            Table::Events => {
                let rows = run.history(self.next, PAGE)?;
                let last = rows.last().map(|event| event.seq);
                self.next = last.unwrap_or(self.next);
                Ok(last.map(|_| events(&rows)))
            }
        }
    }
}

impl Iterator for Pages {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let page = self
            .page()
            .map_err(|error| ArrowError::ExternalError(error.to_string().into()));
        let schema = Arc::clone(&self.schema);
        page.transpose()
            .map(|page| RecordBatch::try_new(schema, page?))
    }
}

impl RecordBatchReader for Pages {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

fn outcomes(rows: &[SubjectOutcome]) -> Vec<ArrayRef> {
    vec![
        texts(rows.iter().map(|row| Some(row.id.as_str()))),
        texts(rows.iter().map(|row| Some(row.outcome.as_str()))),
        Arc::new(numbers(rows.iter().map(|row| Some(row.batch)))),
        texts(rows.iter().map(|row| row.task_id.as_deref())),
        texts(rows.iter().map(|row| row.package.as_ref()?.to_str())),
    ]
}

fn events(rows: &[Event]) -> Vec<ArrayRef> {
    let seqs = rows
        .iter()
        .map(|row| i64::try_from(row.seq).unwrap_or(i64::MAX));
    let times = rows.iter().map(|row| row.at_ms);
    vec![
        Arc::new(Int64Array::from_iter_values(seqs)),
        Arc::new(TimestampMillisecondArray::from_iter_values(times).with_timezone("UTC")),
        texts(rows.iter().map(|row| Some(row.kind.as_str()))),
        Arc::new(numbers(rows.iter().map(|row| row.batch))),
        texts(rows.iter().map(|row| row.task_id.as_deref())),
        texts(rows.iter().map(|row| Some(row.text.as_str()))),
    ]
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn numbers(values: impl Iterator<Item = Option<u32>>) -> Int32Array {
    values
        .map(|number| number.and_then(|number| i32::try_from(number).ok()))
        .collect()
}

fn unshown(py: Python<'_>, error: ArrowError) -> PyErr {
    let message = "these rows cannot be shown as Arrow";
    raise(
        py,
        &Error::new(ErrorKind::Internal, message).with_source(error),
    )
}
