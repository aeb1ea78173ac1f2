//! One HTTP/1.1 connection: opened, used for one request at a time, closed when dropped.

use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::{AbortHandle, spawn_local};

use super::outcome::{Answer, Failure, REASON_HEADER};
use super::target::{Address, Endpoint};

/// The largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// What every request carries besides its body, built once.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    path: Uri,
    headers: HeaderMap,
}

impl Envelope {
    /// Builds the request line and headers for an endpoint.
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        let host = HeaderValue::from_str(&endpoint.host)
            .expect("a host comes from a parsed URI, which holds only visible ASCII");
        let headers = HeaderMap::from_iter([
            (HOST, host),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ]);
        Self { path: endpoint.path.clone(), headers }
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// A connection that could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The socket could not be connected.
    #[error(transparent)]
    Socket(#[from] io::Error),
    /// The HTTP client refused the socket.
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

/// An open connection with its driving task, which must be inside a `LocalSet`.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Connection {
    /// Connects to the endpoint; small requests are never held back (`TCP_NODELAY`).
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self, OpenError> {
        match &endpoint.address {
            Address::Tcp(addresses) => {
                let stream = TcpStream::connect(addresses.as_slice()).await?;
                stream.set_nodelay(true)?;
                Self::start(stream).await
            }
            Address::Unix(socket) => Self::start(UnixStream::connect(socket).await?).await,
        }
    }

    async fn start<S>(stream: S) -> Result<Self, OpenError>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        // A driver's error also reaches the request that it breaks, which is where it is counted.
        let driver = spawn_local(async move { drop(driver.await) }).abort_handle();
        Ok(Self { sender, driver })
    }

    /// Waits until the previous answer is out of the way; false if the peer has closed.
    pub(crate) async fn is_usable(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request and reads its whole answer.
    ///
    /// After an error, or if the future is dropped before its end, the connection must be dropped:
    /// a later request could read the earlier one's answer.
    pub(crate) async fn post(
        &mut self,
        envelope: &Envelope,
        body: Bytes,
    ) -> Result<Answer, Failure> {
        let sent = self.sender.send_request(envelope.request(body)).await;
        read(sent.map_err(|error| failure(&error))?).await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, Failure> {
    let (head, body) = response.into_parts();
    let reason = head
        .headers
        .get(REASON_HEADER)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    match Limited::new(body, MAX_ANSWER_BYTES).collect().await {
        Ok(body) => Ok(Answer { status: head.status, reason, body: body.to_bytes() }),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::Malformed),
        Err(error) => Err(error.downcast_ref().map_or(Failure::Closed, failure)),
    }
}

fn failure(error: &hyper::Error) -> Failure {
    if error.is_parse() { Failure::Malformed } else { Failure::Closed }
}
