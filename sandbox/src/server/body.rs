//! The body of an answer, given out as the state machine says.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::Closed;
use crate::message::Wire;

pub(super) struct Script {
    pieces: VecDeque<Bytes>,
    /// Between two pieces, and before a break: what was written before has left by then.
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    breaks: bool,
}

impl Script {
    pub fn new(body: Bytes, wire: Wire) -> Self {
        let (pieces, pause_ms, breaks) = match wire {
            Wire::Slow { chunk, pause_ms } => (cut(body, chunk), pause_ms, false),
            Wire::Truncate(length) => (
                VecDeque::from([body.slice(..length.min(body.len()))]),
                1,
                true,
            ),
            Wire::Reset => (VecDeque::from([body.slice(..body.len() / 2)]), 1, true),
            _ => (VecDeque::from([body]), 0, false),
        };
        let pieces = pieces
            .into_iter()
            .filter(|piece| !piece.is_empty())
            .collect();
        Self {
            pieces,
            pause: Duration::from_millis(pause_ms),
            sleep: None,
            breaks,
        }
    }
}

fn cut(mut body: Bytes, chunk: usize) -> VecDeque<Bytes> {
    let mut pieces = VecDeque::new();
    while !body.is_empty() {
        pieces.push_back(body.split_to(chunk.clamp(1, body.len())));
    }
    pieces
}

impl Body for Script {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        let piece = self.pieces.pop_front();
        let more = self.breaks || !self.pieces.is_empty();
        match piece {
            Some(piece) => {
                if more && !self.pause.is_zero() {
                    self.sleep = Some(Box::pin(tokio::time::sleep(self.pause)));
                }
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            None if self.breaks => Poll::Ready(Some(Err(Closed))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && !self.breaks
    }

    fn size_hint(&self) -> SizeHint {
        // The announced length is in the head; a body that breaks off is shorter than that.
        SizeHint::default()
    }
}
