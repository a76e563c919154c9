//! Ids on their way in. Python pulls its own iterables, on its own thread, and hands over chunks:
//! a database cursor may be read only where it was made, and an iterable's exception stays in
//! Python.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use dsrkit::{Error, ErrorKind, IdSource};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFloat, PyInt, PyList, PyString};
use tokio::sync::mpsc;

use crate::columns::{self, Chunk, Packed, Window};
use crate::door::{Owned, Work};
use crate::error::raise;

/// Chunks that may wait to be read; more would only cost memory.
const WAITING: usize = 4;

enum Message {
    Chunk(Chunk),
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
                    Some(Message::Chunk(ids)) => ids.each(give)?,
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
        self.hand_over(py, |first| Ok(Chunk::Texts(texts(chunk, first)?)))
    }

    /// The same for a part of an Arrow column of texts: their bytes, and where each of them begins
    /// and the last one ends.
    fn put_texts(
        &self,
        py: Python<'_>,
        bytes: &[u8],
        offsets: &[u8],
        wide: bool,
    ) -> PyResult<Work> {
        self.hand_over(py, |first| {
            packed(py, columns::texts(bytes, offsets, wide), first)
        })
    }

    /// The same for a part of an Arrow column of views. A window is a part of one of the column's
    /// buffers: the buffer's number, where the window begins in it, and its bytes.
    #[allow(clippy::needless_pass_by_value)] // Python's values are owned here
    fn put_views(
        &self,
        py: Python<'_>,
        views: &[u8],
        windows: Vec<(usize, usize, Bound<'_, PyBytes>)>,
    ) -> PyResult<Work> {
        let windows: Vec<Window<'_>> = windows
            .iter()
            .map(|(buffer, start, bytes)| Window {
                buffer: *buffer,
                start: *start,
                bytes: bytes.as_bytes(),
            })
            .collect();
        self.hand_over(py, |first| {
            packed(py, columns::views(views, &windows), first)
        })
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

    /// Hands over a chunk that is made now that its first position is known.
    fn hand_over(
        &self,
        py: Python<'_>,
        make: impl FnOnce(u64) -> PyResult<Chunk>,
    ) -> PyResult<Work> {
        let mut state = self
            .0
            .get(py)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let ids = make(state.position)?;
        state.position += ids.len() as u64;
        let sender = state.sender.clone();
        if let Some(gathered) = &mut state.gathered {
            ids.each(&mut |id| {
                gathered.push(id.to_owned());
                Ok(())
            })
            .map_err(|error| raise(py, &error))?;
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

fn packed(
    py: Python<'_>,
    made: std::result::Result<Packed, (usize, &'static str)>,
    first: u64,
) -> PyResult<Chunk> {
    made.map(Chunk::Packed).map_err(|(row, what)| {
        let message = format!("position {}: {what}", first + row as u64);
        raise(py, &Error::new(ErrorKind::InvalidInput, message))
    })
}

/// How far apart the texts lie that a part of a column of views uses, for each of the column's
/// buffers: its number, where its first used byte is, where its last one ends, and how many are used.
#[pyfunction]
pub fn view_spans(views: &[u8]) -> Vec<(usize, usize, usize, usize)> {
    columns::spans(views)
}

/// The chunk's texts. Errors name the position and never the value.
fn texts(chunk: &Bound<'_, PyList>, first: u64) -> PyResult<Vec<String>> {
    let py = chunk.py();
    let mut ids = Vec::with_capacity(chunk.len());
    for (offset, item) in chunk.iter().enumerate() {
        let position = first + offset as u64;
        let Ok(text) = item.cast::<PyString>() else {
            let name = item.get_type().name()?;
            let advice = if item.is_exact_instance_of::<PyInt>() {
                "; if these are the numbers as they were given, pass ids_as=\"int\""
            } else if item.is_instance_of::<PyFloat>() {
                "; an id that went through a number may be another person's"
            } else {
                ""
            };
            return Err(PyTypeError::new_err(format!(
                "position {position}: an id is a str, not {name}{advice}"
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
