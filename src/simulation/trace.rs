//! Recorded arrivals, read from comma-separated values.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::time::Duration;
use std::io::Read;

/// One recorded arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceRow {
    /// When the job arrived, counted from the start of the recording.
    pub at: Duration,
    /// The worker time that it took.
    pub cost: Duration,
    /// Its relative deadline, if it is another than its stream's.
    pub budget: Option<Duration>,
    /// Its value, if it is another than its stream's.
    pub value: Option<u32>,
    /// On whose behalf it was done, if that was recorded.
    pub tenant: Option<u64>,
}

/// Recorded arrivals in the order of time. A clone shares them.
///
/// ```
/// use punctual::simulation::Trace;
///
/// let recorded = "at_ns,cost_ns,budget_ns,tenant\n0,200000,10000000,7\n150000,90000,,8\n";
/// let trace = Trace::read(recorded.as_bytes(), 1_000)?;
/// assert_eq!(trace.rows().len(), 2);
/// assert_eq!((trace.rows()[1].budget, trace.rows()[1].tenant), (None, Some(8)));
///
/// let error = Trace::read("at_ns,cost_ns\n5,1\n3,1\n".as_bytes(), 1_000).unwrap_err();
/// assert_eq!(error.to_string(), "line 3: it is earlier than the line before");
/// # Ok::<(), punctual::simulation::TraceError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    rows: Arc<[TraceRow]>,
}

/// Why something is no trace, and in which line, counted from 1.
#[derive(Debug)]
#[non_exhaustive]
pub enum TraceError {
    /// The first line names no such column.
    NoColumn(&'static str),
    /// A field that must be there is empty, or one is no number, or too large.
    NotANumber {
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
    },
    /// A row is earlier than the one before it.
    Unsorted {
        /// The line.
        line: u64,
    },
    /// There are more rows, or more bytes, than the reader was told to take.
    TooLong {
        /// The line.
        line: u64,
    },
    /// The lines can't be read, or aren't comma-separated values.
    Csv(csv::Error),
}

/// A row has at most so many bytes on average: what has no line ends is not read to its end.
const MEAN_ROW_BYTES: u64 = 256;

const COLUMNS: [&str; 5] = ["at_ns", "cost_ns", "budget_ns", "value", "tenant"];

impl Trace {
    /// The trace of these rows.
    ///
    /// # Errors
    ///
    /// If a row is earlier than the one before it; the line is the row's place, counted from 1.
    pub fn new(rows: Vec<TraceRow>) -> Result<Self, TraceError> {
        match rows.windows(2).position(|pair| pair[1].at < pair[0].at) {
            Some(before) => Err(TraceError::Unsorted { line: before as u64 + 2 }),
            None => Ok(Self { rows: rows.into() }),
        }
    }

    /// Reads comma-separated values whose first line names the columns: `at_ns` and `cost_ns`,
    /// and perhaps `budget_ns`, `value` and `tenant`, of which a field may be empty. Other
    /// columns are left out. At most `most_rows` rows of 256 bytes on average.
    ///
    /// # Errors
    ///
    /// If the input can't be read, or is no such table, or is too long.
    pub fn read(input: impl Read, most_rows: usize) -> Result<Self, TraceError> {
        let most_bytes = (most_rows as u64 + 1).saturating_mul(MEAN_ROW_BYTES);
        let mut input = input.take(most_bytes);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(&mut input);
        let header = reader.headers()?;
        let places = COLUMNS.map(|column| header.iter().position(|named| named == column));
        for required in 0..2 {
            if places[required].is_none() {
                return Err(TraceError::NoColumn(COLUMNS[required]));
            }
        }
        let (mut rows, mut record, mut line) = (Vec::<TraceRow>::new(), Default::default(), 1);
        while reader.read_record(&mut record)? {
            line = record.position().map_or(line + 1, csv::Position::line);
            if rows.len() == most_rows {
                return Err(TraceError::TooLong { line });
            }
            let row = parse(&record, &places, line)?;
            if rows.last().is_some_and(|last| row.at < last.at) {
                return Err(TraceError::Unsorted { line });
            }
            rows.push(row);
        }
        drop(reader);
        // What was cut off may have looked like a whole row.
        if input.limit() == 0 {
            return Err(TraceError::TooLong { line });
        }
        Ok(Self { rows: rows.into() })
    }

    /// The rows, in the order of time.
    #[must_use]
    pub fn rows(&self) -> &[TraceRow] {
        &self.rows
    }
}

fn parse(
    record: &csv::StringRecord,
    places: &[Option<usize>; 5],
    line: u64,
) -> Result<TraceRow, TraceError> {
    let field = |column: usize| {
        let text = places[column].and_then(|place| record.get(place)).unwrap_or_default();
        let error = TraceError::NotANumber { line, column: COLUMNS[column] };
        match text {
            "" if column < 2 => Err(error),
            "" => Ok(None),
            text => text.parse::<u64>().map(Some).map_err(|_| error),
        }
    };
    let value = field(3)?.map(u32::try_from).transpose();
    let time = |ns: Option<u64>| Duration::from_nanos(ns.unwrap_or_default());
    Ok(TraceRow {
        at: time(field(0)?),
        cost: time(field(1)?),
        budget: field(2)?.map(Duration::from_nanos),
        value: value.map_err(|_| TraceError::NotANumber { line, column: COLUMNS[3] })?,
        tenant: field(4)?,
    })
}

impl fmt::Display for TraceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoColumn(column) => write!(formatter, "line 1: there is no column {column}"),
            Self::NotANumber { line, column } => {
                write!(formatter, "line {line}: {column} is not a number")
            }
            Self::Unsorted { line } => {
                write!(formatter, "line {line}: it is earlier than the line before")
            }
            Self::TooLong { line } => write!(formatter, "line {line}: the trace is too long"),
            Self::Csv(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                write!(formatter, "line {line}: {error}")
            }
        }
    }
}

impl Error for TraceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Csv(error) => Some(error),
            _ => None,
        }
    }
}

impl From<csv::Error> for TraceError {
    fn from(error: csv::Error) -> Self {
        Self::Csv(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    fn error(text: &str, most_rows: usize) -> String {
        Trace::read(text.as_bytes(), most_rows).expect_err(text).to_string()
    }

    #[test]
    fn errors_name_their_line() {
        assert_eq!(error("", 9), "line 1: there is no column at_ns");
        assert_eq!(error("at_ns\n1\n", 9), "line 1: there is no column cost_ns");
        assert_eq!(error("at_ns,cost_ns\n1,1\n2,x\n", 9), "line 3: cost_ns is not a number");
        assert_eq!(error("at_ns,cost_ns\n1,\n", 9), "line 2: cost_ns is not a number");
        let value = "at_ns,cost_ns,value\n1,1,4294967296\n";
        assert_eq!(error(value, 9), "line 2: value is not a number");
        assert_eq!(error("at_ns,cost_ns\n1,1\n1,1\n", 1), "line 3: the trace is too long");
        assert!(error("at_ns,cost_ns\n1,1\n1,1,1\n", 9).starts_with("line 3: "));
        assert!(error("at_ns,cost_ns\n1,\u{0}\u{1}\n", 9).starts_with("line 2: "));
    }

    #[test]
    fn endless_lines_are_not_read_to_their_end() {
        let endless = std::io::repeat(b'1');
        assert!(Trace::read(endless, 4).is_err());
        let header = "at_ns,cost_ns\n".as_bytes().chain(std::io::repeat(b'1'));
        assert!(Trace::read(header, 4).is_err());
    }

    #[test]
    fn rows_that_are_made_must_be_sorted() {
        let row = |at| TraceRow { at: Duration::from_nanos(at), ..TraceRow::default() };
        assert_eq!(Trace::new(Vec::from([row(1), row(1)])).map(|it| it.rows().len()).ok(), Some(2));
        let error = Trace::new(Vec::from([row(2), row(1)])).expect_err("it goes back");
        assert_eq!(error.to_string(), "line 2: it is earlier than the line before");
    }
}
