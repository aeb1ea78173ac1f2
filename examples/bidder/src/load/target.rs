//! Where requests go: a URL read once, resolved once, connected to many times.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use hyper::Uri;

/// The path that requests go to when a Unix socket is given alone.
const DEFAULT_PATH: &str = "/bid";

/// The address of a bidder as written by an operator.
///
/// It reads `http://host:port/path`, `unix:/path/to.sock` (requests go to `/bid`) and, as nginx
/// writes it, `unix:/path/to.sock:/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    place: Place,
    path: Uri,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Tcp { authority: String, host: String, port: u16 },
    Unix(PathBuf),
}

/// A string that is not the address of a bidder.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected http://host:port/path or unix:/path/to.sock, not {0:?}")]
pub(crate) struct TargetError(String);

/// A target whose name has been looked up, so that a new connection costs no look-up.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// What to connect to.
    pub(crate) address: Address,
    /// The value of the `host` header.
    pub(crate) host: String,
    /// The request target, without a host.
    pub(crate) path: Uri,
}

/// What a socket connects to.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    /// Addresses of one host, to be tried in turn.
    Tcp(Vec<SocketAddr>),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Target {
    /// Looks the host up; a Unix socket needs no look-up.
    pub(crate) async fn resolve(&self) -> io::Result<Endpoint> {
        let (address, host) = match &self.place {
            Place::Tcp { authority, host, port } => {
                let found = tokio::net::lookup_host((host.as_str(), *port)).await?;
                (Address::Tcp(found.collect()), authority.clone())
            }
            Place::Unix(socket) => (Address::Unix(socket.clone()), "localhost".to_owned()),
        };
        Ok(Endpoint { address, host, path: self.path.clone() })
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let parsed = match text.strip_prefix("unix:") {
            Some(socket) => parse_unix(socket),
            None => parse_http(text),
        };
        parsed.ok_or_else(|| TargetError(text.to_owned()))
    }
}

fn parse_unix(text: &str) -> Option<Target> {
    let (socket, path) = text
        .split_once(":/")
        .map_or((text, DEFAULT_PATH), |(socket, _)| (socket, &text[socket.len() + 1..]));
    let path = path.parse().ok()?;
    socket.starts_with('/').then(|| Target { place: Place::Unix(socket.into()), path })
}

fn parse_http(text: &str) -> Option<Target> {
    let uri: Uri = text.parse().ok()?;
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    // `Uri` keeps the brackets of an IPv6 address, which a look-up does not take.
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let place = Place::Tcp {
        authority: authority.to_string(),
        host,
        // `port` is also `None` for a port out of range, which must not become the default.
        port: if authority.as_str() == authority.host() { 80 } else { authority.port_u16()? },
    };
    Some(Target { place, path: uri.path_and_query()?.as_str().parse().ok()? })
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { authority, .. } => write!(f, "http://{authority}{}", self.path),
            Place::Unix(socket) => write!(f, "unix:{}:{}", socket.display(), self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for (text, written) in [
            ("http://127.0.0.1:8080/bid", "http://127.0.0.1:8080/bid"),
            ("http://bidder:1/rtb?x=adx", "http://bidder:1/rtb?x=adx"),
            ("http://[::1]:9", "http://[::1]:9/"),
            ("unix:/run/bidder.sock", "unix:/run/bidder.sock:/bid"),
            ("unix:/run/b.sock:/rtb/26", "unix:/run/b.sock:/rtb/26"),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), written);
            assert_eq!(written.parse(), Ok(target));
        }
    }

    #[test]
    fn refuses_what_it_cannot_reach() {
        for text in [
            "",
            "127.0.0.1:80",
            "https://a:1/bid",
            "http://",
            "http://a:70000/",
            "http://u@a:1/",
            "unix:",
            "unix:bid.sock",
            "unix:/a.sock:/b c",
        ] {
            assert_eq!(text.parse::<Target>(), Err(TargetError(text.to_owned())), "{text}");
        }
    }

    #[tokio::test]
    async fn resolves_addresses_without_brackets() {
        let target: Target = "http://[::1]:9/bid".parse().unwrap();
        let endpoint = target.resolve().await.unwrap();
        assert!(matches!(endpoint.address, Address::Tcp(found) if found[0].port() == 9));
        assert_eq!((endpoint.host.as_str(), endpoint.path.path()), ("[::1]:9", "/bid"));
    }
}
