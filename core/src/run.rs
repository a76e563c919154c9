//! A run as Rust code holds it: awaitable to its end, and a stream of events on the way.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::error::Result;
use crate::handle::{EventReader, RunHandle};
use crate::model::action::Action;
use crate::model::event::Event;
use crate::model::report::ReportData;
use crate::model::time::BoxFuture;

/// A run. `run.await` waits until nothing more can happen without a person, and gives the report.
#[derive(Debug, Clone)]
pub struct Run<A: Action> {
    handle: RunHandle,
    action: PhantomData<A>,
}

impl<A: Action> Run<A> {
    pub(crate) fn new(handle: RunHandle) -> Self {
        Self {
            handle,
            action: PhantomData,
        }
    }
}

impl RunHandle {
    /// The run's events from the first one on. Reading them drives the run.
    pub fn events(&self) -> Events {
        Events {
            state: State::Idle(Box::new(self.events_after(0))),
        }
    }
}

impl IntoFuture for RunHandle {
    type Output = Result<ReportData>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.wait().await })
    }
}

impl<A: Action> Deref for Run<A> {
    type Target = RunHandle;
    fn deref(&self) -> &RunHandle {
        &self.handle
    }
}

impl<A: Action> IntoFuture for Run<A> {
    type Output = Result<ReportData>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        self.handle.into_future()
    }
}

/// A stream of a run's events. It ends when nothing more can happen without a person, and after
/// an error.
pub struct Events {
    state: State,
}

enum State {
    Idle(Box<EventReader>),
    Reading(BoxFuture<'static, (Box<EventReader>, Result<Option<Event>>)>),
    Ended,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}

impl Events {
    /// The next event, without any stream library.
    pub async fn next(&mut self) -> Option<Result<Event>> {
        std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl Stream for Events {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Idle(mut reader) => {
                    self.state = State::Reading(Box::pin(async move {
                        let event = reader.next().await;
                        (reader, event)
                    }));
                }
                State::Reading(mut reading) => match reading.as_mut().poll(context) {
                    Poll::Pending => {
                        self.state = State::Reading(reading);
                        return Poll::Pending;
                    }
                    Poll::Ready((reader, Ok(Some(event)))) => {
                        self.state = State::Idle(reader);
                        return Poll::Ready(Some(Ok(event)));
                    }
                    Poll::Ready((_, Ok(None))) => return Poll::Ready(None),
                    Poll::Ready((_, Err(error))) => return Poll::Ready(Some(Err(error))),
                },
                State::Ended => return Poll::Ready(None),
            }
        }
    }
}
