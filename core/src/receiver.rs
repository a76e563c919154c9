//! Where the vendor's status callbacks arrive: a `tower` service to mount in a web framework.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Empty, Limited};
use tower_service::Service;

use crate::client::Client;
use crate::error::ErrorKind;
use crate::vendor::mixpanel::callback::{CallbackKey, MOST_BYTES, verify_callback};

/// When to call again, in seconds: a run looks at one task no more than once a minute, either.
const LATER: &str = "60";

/// Receives status callbacks for a client: 202 for what is the vendor's, 403 for what is not, 503
/// with a `Retry-After` while they cannot be written down (the vendor calls again). Answers hold no
/// text.
///
/// ```no_run
/// # fn mount(client: dsrkit::Client, pem: &str) -> dsrkit::Result<()> {
/// let key = dsrkit::CallbackKey::from_pem(pem)?;
/// let receiver = dsrkit::CallbackReceiver::new(client, key, "https://dsr.example.com/mixpanel");
/// // axum: Router::new().route_service("/mixpanel", receiver)
/// # drop(receiver); Ok(()) }
/// ```
#[derive(Clone)]
pub struct CallbackReceiver {
    client: Client,
    key: Arc<CallbackKey>,
    url: Arc<str>,
}

impl std::fmt::Debug for CallbackReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallbackReceiver")
    }
}

impl CallbackReceiver {
    /// `url`: the address that was given to the vendor, as the vendor knows it (a proxy in front of
    /// this service may show it another one).
    pub fn new(client: Client, public_key: CallbackKey, url: impl Into<String>) -> Self {
        Self {
            client,
            key: Arc::new(public_key),
            url: url.into().into(),
        }
    }

    async fn answer<B>(self, request: Request<B>) -> StatusCode
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if request.method() != Method::POST {
            return StatusCode::METHOD_NOT_ALLOWED;
        }
        let (parts, body) = request.into_parts();
        let Ok(body) = Limited::new(body, MOST_BYTES).collect().await else {
            return StatusCode::PAYLOAD_TOO_LARGE;
        };
        let headers = parts
            .headers
            .iter()
            // What is not text cannot be one of the headers that count.
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
        let body = body.to_bytes();
        let Ok(callback) = verify_callback(&body, headers, &self.key, Some(&self.url)) else {
            return StatusCode::FORBIDDEN;
        };
        match self.client.receive_callback(&callback).await {
            Ok(heard) => {
                tracing::debug!(target: "dsrkit", heard = heard.as_str(), "callback");
                StatusCode::ACCEPTED
            }
            Err(error) => {
                let kind: ErrorKind = error.kind();
                tracing::warn!(target: "dsrkit", kind = kind.as_str(), "callback not taken");
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

impl<B> Service<Request<B>> for CallbackReceiver
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let receiver = self.clone();
        Box::pin(async move {
            let mut response = Response::new(Empty::new());
            let status = receiver.answer(request).await;
            if status == StatusCode::SERVICE_UNAVAILABLE {
                let later = HeaderValue::from_static(LATER);
                response.headers_mut().insert(RETRY_AFTER, later);
            }
            *response.status_mut() = status;
            Ok(response)
        })
    }
}
