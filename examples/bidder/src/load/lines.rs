//! Reads lines of outside files with a bound on what one of them may hold in memory.

use std::io::{self, BufRead, Read};

use bytes::Bytes;

/// The longest line that is read, in bytes without its end of line.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 20;

/// A line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The line without surrounding white space.
    Text(Bytes),
    /// The line was longer than [`MAX_LINE_BYTES`]; its contents were skipped.
    TooLong,
}

/// The lines of a reader that are not blank; it ends after the first error.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    reader: R,
    ended: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads lines from `reader`.
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, ended: false }
    }

    fn read(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let limit = MAX_LINE_BYTES as u64 + 1;
            if (&mut self.reader).take(limit).read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            if line.len() > MAX_LINE_BYTES && line.last() != Some(&b'\n') {
                self.reader.skip_until(b'\n')?;
                return Ok(Some(Line::TooLong));
            }
            let text = line.trim_ascii();
            if !text.is_empty() {
                return Ok(Some(Line::Text(Bytes::copy_from_slice(text))));
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<io::Result<Line>> {
        if self.ended {
            return None;
        }
        let line = self.read().transpose();
        self.ended = !matches!(line, Some(Ok(_)));
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<Line> {
        Lines::new(text).map(Result::unwrap).collect()
    }

    fn text(line: &'static str) -> Line {
        Line::Text(Bytes::from_static(line.as_bytes()))
    }

    #[test]
    fn skips_blank_lines_and_trims_the_others() {
        assert_eq!(read(b"\n{}\r\n  \n\t[] \nlast"), [text("{}"), text("[]"), text("last")]);
    }

    #[test]
    fn a_line_at_the_bound_is_read_and_one_beyond_it_is_skipped() {
        let mut input = vec![b'a'; MAX_LINE_BYTES];
        input.push(b'\n');
        input.extend(vec![b'b'; MAX_LINE_BYTES + 1]);
        input.extend(b"\nnext\n");
        let lines = read(&input);
        assert!(matches!(&lines[0], Line::Text(line) if line.len() == MAX_LINE_BYTES));
        assert_eq!(lines[1..], [Line::TooLong, text("next")]);
    }

    #[test]
    fn an_endless_last_line_is_reported_once() {
        assert_eq!(read(&vec![b'x'; 3 * MAX_LINE_BYTES]), [Line::TooLong]);
    }

    #[test]
    fn ends_after_an_error() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let mut lines = Lines::new(io::BufReader::new(Broken));
        assert!(lines.next().unwrap().is_err());
        assert!(lines.next().is_none());
    }
}
