//! An HTTP client that sends what it is given, byte by byte if need be, and reads what is there.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::Value;

use super::{Address, PATIENCE};

/// A stream socket of either kind.
trait Socket: Read + Write {
    fn set_read_patience(&self, patience: Duration) -> io::Result<()>;
}

impl Socket for TcpStream {
    fn set_read_patience(&self, patience: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(patience))
    }
}

impl Socket for UnixStream {
    fn set_read_patience(&self, patience: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(patience))
    }
}

/// One connection to the server.
pub(crate) struct Client {
    socket: Box<dyn Socket>,
    /// Bytes that were read and belong to no response yet.
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: &Address) -> io::Result<Self> {
        let socket: Box<dyn Socket> = match address {
            Address::Tcp(address) => {
                let socket = TcpStream::connect(address)?;
                socket.set_nodelay(true)?;
                socket.set_write_timeout(Some(PATIENCE))?;
                Box::new(socket)
            }
            Address::Unix(path) => {
                let socket = UnixStream::connect(path)?;
                socket.set_write_timeout(Some(PATIENCE))?;
                Box::new(socket)
            }
        };
        socket.set_read_patience(PATIENCE)?;
        Ok(Self { socket, buffer: Vec::new() })
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the server takes bytes");
    }

    /// Sends bytes to a server that may close meanwhile.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.socket.write_all(bytes.as_ref())
    }

    /// Sends bytes and reads one response.
    pub(crate) fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Response {
        self.send(bytes);
        self.receive()
    }

    /// Sends a bid request and reads its answer.
    pub(crate) fn bid(&mut self, body: impl AsRef<[u8]>) -> Response {
        self.ask(post(body))
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.ask(format!("GET {path} HTTP/1.1\r\nhost: bidder\r\n\r\n"))
    }

    /// Sends bytes and reads one response, if the server does not close instead.
    pub(crate) fn ask_unless_cut(&mut self, bytes: impl AsRef<[u8]>) -> Option<Response> {
        match self.try_send(bytes).and_then(|()| self.fill()) {
            Ok(0) => None,
            Ok(_) => Some(self.receive()),
            Err(error) if is_closed(&error) => None,
            Err(error) => panic!("neither an answer nor an end: {error}"),
        }
    }

    /// Reads one response.
    pub(crate) fn receive(&mut self) -> Response {
        let mut response = self.receive_head();
        response.body = self.body_of(&response);
        response
    }

    /// Reads one response that has no body, whatever its headers say, as one to HEAD.
    pub(crate) fn receive_head(&mut self) -> Response {
        let end = self.fill_until(|buffer| find(buffer, b"\r\n\r\n"));
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        Response::parse(std::str::from_utf8(&head).expect("a head is text"))
    }

    fn body_of(&mut self, response: &Response) -> Vec<u8> {
        if response.status < 200 || matches!(response.status, 204 | 304) {
            return Vec::new();
        }
        if response.header("transfer-encoding") == Some("chunked") {
            return self.chunks();
        }
        let length = response.header("content-length").expect("a length");
        let length: usize = length.parse().expect("the length is a number");
        self.take(length)
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let end = self.fill_until(|buffer| find(buffer, b"\r\n"));
            let line = self.take(end + 2);
            let size = std::str::from_utf8(&line[..end]).expect("a size is text");
            let size = usize::from_str_radix(size, 16).expect("a size is hexadecimal");
            body.extend(self.take(size));
            assert_eq!(self.take(2), b"\r\n");
            if size == 0 {
                return body;
            }
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        self.fill_until(|buffer| (buffer.len() >= count).then_some(()));
        self.buffer.drain(..count).collect()
    }

    fn fill_until<T>(&mut self, found: impl Fn(&[u8]) -> Option<T>) -> T {
        loop {
            if let Some(found) = found(&self.buffer) {
                return found;
            }
            let count = self.fill().expect("the server answers");
            let so_far = String::from_utf8_lossy(&self.buffer);
            assert!(count > 0, "the server closed the connection after {so_far:?}");
        }
    }

    /// Reads what is there, at least a byte, or none at the end.
    fn fill(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 16 << 10];
        let count = self.socket.read(&mut bytes)?;
        self.buffer.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    /// Reads until the server closes, and returns what came before that.
    pub(crate) fn read_to_close(&mut self) -> String {
        let mut bytes = std::mem::take(&mut self.buffer);
        match self.socket.read_to_end(&mut bytes) {
            Ok(_) => {}
            // A server that closes with bytes unread resets the connection.
            Err(error) if is_closed(&error) => {}
            Err(error) => panic!("the server does not close: {error}"),
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether the server has closed without a byte; if it says nothing, only after a moment.
    pub(crate) fn is_cut(&mut self, moment: Duration) -> bool {
        self.socket.set_read_patience(moment).expect("a time-out is set");
        let read = self.socket.read(&mut [0; 1]);
        self.socket.set_read_patience(PATIENCE).expect("a time-out is set");
        match read {
            Ok(0) => true,
            Ok(_) => panic!("the server sends what it was not asked for"),
            Err(error) if is_closed(&error) => true,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Whether a socket's error says that the other side has closed.
pub(crate) fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

/// A bid request as HTTP.
pub(crate) fn post(body: impl AsRef<[u8]>) -> Vec<u8> {
    post_with("", body)
}

/// A bid request with more headers, each with its line's end.
pub(crate) fn post_with(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "POST /bid HTTP/1.1\r\nhost: bidder\r\ncontent-type: application/json\r\n\
         {headers}content-length: {}\r\n\r\n",
        body.len(),
    );
    [head.as_bytes(), body].concat()
}

/// A body in chunks of a size, as `transfer-encoding: chunked` wants it.
pub(crate) fn chunked(body: impl AsRef<[u8]>, size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in body.as_ref().chunks(size) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

/// A parsed response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) version: String,
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    fn parse(head: &str) -> Self {
        let mut lines = head.lines();
        let mut status = lines.next().expect("a status line").splitn(3, ' ');
        let version = status.next().expect("a version").to_owned();
        let status = status.next().and_then(|code| code.parse().ok()).expect("a status");
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        Self { version, status, headers: headers.collect(), body: Vec::new() }
    }

    /// The value of a header, by its lower-case name; it may come once at most.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} comes twice");
        value
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("the body is text")
    }

    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_slice(&self.body);
        parsed.unwrap_or_else(|error| panic!("not JSON: {error}: {}", self.text()))
    }

    /// Why the request was answered 'no' unevaluated, if it was.
    pub(crate) fn no_bid_reason(&self) -> Option<&str> {
        self.header("x-no-bid-reason")
    }

    /// The `error.field` of a refusal.
    pub(crate) fn refused_field(&self) -> String {
        self.json()["error"]["field"].as_str().expect("a refusal names a field").to_owned()
    }

    /// The campaigns that bid, in the order of the response.
    pub(crate) fn campaigns(&self) -> Vec<String> {
        let response = self.json();
        let seats = response["seatbid"].as_array().expect("a bid has seats");
        let bids = seats.iter().flat_map(|seat| seat["bid"].as_array().expect("a seat bids"));
        bids.map(|bid| bid["cid"].as_str().expect("a bid has a campaign").to_owned()).collect()
    }
}
