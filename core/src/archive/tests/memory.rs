//! A store in memory that gives prepared answers and remembers what it was asked.

use std::sync::Mutex;

use bytes::Bytes;
use url::Url;

use super::super::{Body, ByteRange, ResumeFrom, Store, StoreAnswer, StoreFuture};
use crate::error::{Error, ErrorKind};

/// One prepared answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) etag: Option<&'static str>,
    pub(super) length: Option<u64>,
    pub(super) range: Option<ByteRange>,
    pub(super) body: Vec<u8>,
    /// The connection breaks behind the body.
    cut: bool,
}

impl Answer {
    pub(super) fn whole(body: &[u8]) -> Self {
        Self {
            status: 200,
            etag: Some("\"1\""),
            length: Some(body.len() as u64),
            range: None,
            body: body.to_vec(),
            cut: false,
        }
    }
    pub(super) fn rest(body: &[u8], start: u64) -> Self {
        let total = Some(body.len() as u64);
        let rest = &body[usize::try_from(start).expect("small")..];
        Self {
            status: 206,
            range: Some(ByteRange { start, total }),
            ..Self::whole(rest)
        }
    }
    pub(super) fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::whole(b"<Error>canary</Error>")
        }
    }
    pub(super) fn cut_at(mut self, at: usize) -> Self {
        self.body.truncate(at);
        self.cut = true;
        self
    }
    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

#[derive(Default)]
pub(super) struct Memory {
    answers: Mutex<Vec<Answer>>,
    asked: Mutex<Vec<Option<ResumeFrom>>>,
}

impl Memory {
    pub(super) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Self {
            answers: Mutex::new(answers),
            asked: Mutex::default(),
        }
    }
    pub(super) fn asked(&self) -> Vec<Option<(u64, String)>> {
        let asked = self.asked.lock().expect("lock");
        asked
            .iter()
            .map(|from| from.clone().map(|f| (f.offset, f.etag)))
            .collect()
    }
}

impl Store for Memory {
    fn get<'a>(&'a self, _: &'a Url, from: Option<ResumeFrom>) -> StoreFuture<'a, StoreAnswer> {
        Box::pin(async move {
            self.asked.lock().expect("lock").push(from);
            let answer = self.answers.lock().expect("lock").pop();
            let answer = answer.ok_or_else(|| Error::new(ErrorKind::Unavailable, "refused"))?;
            Ok(StoreAnswer {
                status: answer.status,
                etag: answer.etag.map(Into::into),
                content_length: answer.length,
                content_range: answer.range,
                body: Box::new(MemoryBody(answer)),
            })
        })
    }
}

struct MemoryBody(Answer);

impl Body for MemoryBody {
    fn next_chunk(&mut self) -> StoreFuture<'_, Option<Bytes>> {
        Box::pin(async move {
            if self.0.body.is_empty() {
                return if self.0.cut {
                    Err(Error::new(ErrorKind::Unavailable, "cut"))
                } else {
                    Ok(None)
                };
            }
            let n = self.0.body.len().min(100_000);
            Ok(Some(self.0.body.drain(..n).collect::<Vec<u8>>().into()))
        })
    }
}
