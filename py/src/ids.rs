//! Ids on their way in. Python pulls its own iterables, on its own thread, and hands over chunks:
//! a database cursor may be read only where it was made, and an iterable's exception stays in
//! Python.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use dsrkit::{Error, ErrorKind, IdSource};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList, PyString};
use tokio::sync::mpsc;

use crate::door::{Owned, Work};
use crate::error::raise;

/// Chunks that may wait to be read; more would only cost memory.
const WAITING: usize = 4;

enum Message {
    Chunk(Vec<String>),
    /// Without it the import is not whole: the iterable raised, or the caller went away.
    End,
}

struct State {
    source: Option<IdSource>,
    sender: Option<mpsc::Sender<Message>>,
    /// Set when all ids are gathered before anything is done with them.
    gathered: Option<Vec<String>>,
    column: Option<String>,
    position: u64,
}

/// Ids of one call: a file, or an iterable in chunks.
#[pyclass(frozen, module = "dsrkit._native")]
pub struct Ids(Owned<Mutex<State>>);

#[pymethods]
impl Ids {
    /// A file of ids.
    #[staticmethod]
    fn file(path: PathBuf, column: Option<String>) -> Self {
        let source = IdSource::file(path);
        Self::new(State {
            source: Some(match column {
                Some(column) => source.column(column),
                None => source,
            }),
            sender: None,
            gathered: None,
            column: None,
            position: 0,
        })
    }

    /// Chunks that are read while they come.
    #[staticmethod]
    fn stream(column: Option<String>) -> Self {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let source = IdSource::each(move |give| {
            loop {
                match receiver.blocking_recv() {
                    Some(Message::Chunk(ids)) => ids.iter().try_for_each(|id| give(id))?,
                    Some(Message::End) => return Ok(()),
                    None => {
                        return Err(Error::new(
                            ErrorKind::Cancelled,
                            "the ids did not come to their end; nothing was taken in",
                        ));
                    }
                }
            }
        });
        Self::new(State {
            source: Some(match column {
                Some(column) => source.column(column),
                None => source,
            }),
            sender: Some(sender),
            gathered: None,
            column: None,
            position: 0,
        })
    }

    /// Chunks of a call that holds few ids: gathered first.
    #[staticmethod]
    fn few(column: Option<String>) -> Self {
        Self::new(State {
            source: None,
            sender: None,
            gathered: Some(Vec::new()),
            column,
            position: 0,
        })
    }

    /// Hands a chunk over. Gives whether more is wanted.
    fn put(&self, chunk: &Bound<'_, PyList>) -> PyResult<Work> {
        let py = chunk.py();
        let mut state = self
            .0
            .get(py)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut ids = texts(chunk, state.position)?;
        state.position += ids.len() as u64;
        let sender = state.sender.clone();
        if let Some(gathered) = &mut state.gathered {
            gathered.append(&mut ids);
            return Ok(Work::new(async { Ok(true) }, boolean));
        }
        let send = async move {
            match sender {
                Some(sender) => Ok(sender.send(Message::Chunk(ids)).await.is_ok()),
                None => Ok(false),
            }
        };
        Ok(Work::new(send, boolean))
    }

    /// Says that all ids were handed over.
    fn end(&self, py: Python<'_>) -> PyResult<Work> {
        let sender = self
            .0
            .get(py)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .sender
            .take();
        let send = async move {
            match sender {
                Some(sender) => Ok(sender.send(Message::End).await.is_ok()),
                None => Ok(false),
            }
        };
        Ok(Work::new(send, boolean))
    }

    /// Gives the import up.
    fn abandon(&self, py: Python<'_>) -> PyResult<()> {
        self.0
            .get(py)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .sender = None;
        Ok(())
    }
}

impl Ids {
    fn new(state: State) -> Self {
        Self(Owned::new(Mutex::new(state)))
    }

    /// The source, once.
    pub fn take(&self, py: Python<'_>) -> PyResult<IdSource> {
        let mut state = self
            .0
            .get(py)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let source = match state.gathered.take() {
            Some(ids) => {
                let source = IdSource::iter(ids);
                Some(match state.column.take() {
                    Some(column) => source.column(column),
                    None => source,
                })
            }
            None => state.source.take(),
        };
        source.ok_or_else(|| raise(py, &Error::new(ErrorKind::Internal, "these ids were used")))
    }
}

fn boolean(py: Python<'_>, yes: bool) -> PyResult<Bound<'_, PyAny>> {
    Ok(yes.into_pyobject(py)?.to_owned().into_any())
}

/// The chunk's texts. Errors name the position and never the value.
fn texts(chunk: &Bound<'_, PyList>, first: u64) -> PyResult<Vec<String>> {
    let py = chunk.py();
    let mut ids = Vec::with_capacity(chunk.len());
    for (offset, item) in chunk.iter().enumerate() {
        let position = first + offset as u64;
        let Ok(text) = item.cast::<PyString>() else {
            let name = item.get_type().name()?;
            let advice = match item.is_exact_instance_of::<PyInt>() {
                true => "if these are the numbers as they were given, pass ids_as=\"int\"",
                false => "an id that went through a number may be another person's",
            };
            return Err(PyTypeError::new_err(format!(
                "position {position}: an id is a str, not {name}; {advice}"
            )));
        };
        let Ok(id) = text.to_str() else {
            return Err(raise(
                py,
                &Error::new(
                    ErrorKind::InvalidInput,
                    format!("position {position}: a lone surrogate, which is no Unicode text"),
                ),
            ));
        };
        ids.push(id.to_owned());
    }
    Ok(ids)
}
