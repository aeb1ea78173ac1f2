//! Why a body is not a bid request: the field, the reason and the place.

use std::fmt;

use serde::Serialize;

use super::request::Root;

/// Longest `field` and `message` that are reported, in characters. Both may quote the body.
const MAX_REPORTED_CHARS: usize = 200;

/// A body that is not a bid request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RequestError {
    /// Path of the offending field, as `imp[0].banner.w`; empty when it is the body itself.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) message: String,
    /// Line at which reading stopped, from 1.
    pub(crate) line: usize,
    /// Column at which reading stopped, in bytes.
    pub(crate) column: usize,
}

impl RequestError {
    /// The error as the body of an HTTP 400:
    /// `{"error":{"field":"id","message":"..","line":1,"column":9}}`.
    pub(crate) fn to_json(&self) -> String {
        serde_json::json!({ "error": self }).to_string()
    }

    fn new(path: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let message = text.strip_suffix(&format!(" at line {line} column {column}"));
        let message = message.unwrap_or(&text);
        // A place between two fields is reported as `?`.
        let path = path.trim_end_matches('?').trim_end_matches('.');
        let field = match field_in(message) {
            None => truncated(path),
            Some(name) if path.is_empty() => name.to_owned(),
            Some(name) => format!("{path}.{name}"),
        };
        // An error about the whole body has no place: it is the beginning.
        let (line, column) = (line.max(1), column.max(1));
        Self { field, message: truncated(message), line, column }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, message, line, column } = self;
        let field = if field.is_empty() { "body" } else { field };
        write!(f, "{field}: {message} (line {line}, column {column})")
    }
}

impl std::error::Error for RequestError {}

/// Reads a refused `body` once more, now keeping track of the path. Kept off the fast path, where
/// the bookkeeping would cost more than the reading.
#[cold]
pub(super) fn locate(body: &[u8], fallback: &serde_json::Error) -> RequestError {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, Root<'_>>(&mut deserializer) {
        Err(error) => RequestError::new(&error.path().to_string(), error.inner()),
        // The object is sound: what was refused comes after it.
        Ok(_) => RequestError::new(".", fallback),
    }
}

/// The name in serde's report of a field that is missing or given twice, which comes with the path
/// of the parent only.
fn field_in(message: &str) -> Option<&str> {
    let name = |prefix| message.strip_prefix(prefix)?.strip_suffix('`');
    name("missing field `").or_else(|| name("duplicate field `"))
}

fn truncated(text: &str) -> String {
    match text.char_indices().nth(MAX_REPORTED_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
