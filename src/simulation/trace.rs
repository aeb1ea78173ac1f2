//! Recorded arrivals, read from comma-separated values.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::time::Duration;
use std::io::Read;

use crate::scheduler::Class;

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
    /// Its class, if it is another than its stream's.
    pub class: Option<Class>,
    /// The cost that was declared for it, if its stream's [`Estimates`](super::Estimates) are
    /// not to say it.
    pub declared: Option<Duration>,
    /// The time that it needed after its run, if it is another than its stream's.
    pub lead: Option<Duration>,
    /// The time after its arrival before which it could not start, if it is another than its
    /// stream's.
    pub release_delay: Option<Duration>,
    /// By what it was coalesced, if that was recorded.
    pub identity: Option<u64>,
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

const COLUMNS: [&str; 10] = [
    "at_ns",
    "cost_ns",
    "budget_ns",
    "value",
    "tenant",
    "class",
    "declared_ns",
    "lead_ns",
    "release_ns",
    "identity",
];

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
    /// and perhaps `budget_ns`, `value`, `tenant`, `class`, `declared_ns`, `lead_ns`,
    /// `release_ns` (counted from the arrival) and `identity`, of which a field may be empty.
    /// Other columns are left out. At most `most_rows` rows of 256 bytes on average.
    ///
    /// # Errors
    ///
    /// If the input can't be read, or is no such table, or is too long.
    pub fn read(input: impl Read, most_rows: usize) -> Result<Self, TraceError> {
        let most_bytes = (most_rows as u64).saturating_add(1).saturating_mul(MEAN_ROW_BYTES);
        let input = input.take(most_bytes);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
        let rows = read_rows(&mut reader, most_rows);
        // A row that was cut off may have looked like a whole one, or like nonsense.
        let position = reader.position();
        if reader.get_ref().limit() == 0 && position.byte() >= most_bytes {
            return Err(TraceError::TooLong { line: position.line() });
        }
        rows.map(|rows| Self { rows: rows.into() })
    }

    /// The rows, in the order of time.
    #[must_use]
    pub fn rows(&self) -> &[TraceRow] {
        &self.rows
    }
}

fn read_rows(
    reader: &mut csv::Reader<impl Read>,
    most_rows: usize,
) -> Result<Vec<TraceRow>, TraceError> {
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
    Ok(rows)
}

fn parse(
    record: &csv::StringRecord,
    places: &[Option<usize>; COLUMNS.len()],
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
    let time = |column| field(column).map(|ns| ns.map(Duration::from_nanos));
    let too_large = |column: usize| TraceError::NotANumber { line, column: COLUMNS[column] };
    let value = field(3)?.map(u32::try_from).transpose();
    let class = field(5)?.map(u16::try_from).transpose();
    Ok(TraceRow {
        at: time(0)?.unwrap_or_default(),
        cost: time(1)?.unwrap_or_default(),
        budget: time(2)?,
        value: value.map_err(|_| too_large(3))?,
        tenant: field(4)?,
        class: class.map_err(|_| too_large(5))?.map(Class::new),
        declared: time(6)?,
        lead: time(7)?,
        release_delay: time(8)?,
        identity: field(9)?,
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
    fn a_line_that_is_cut_is_too_long_whatever_is_left_of_it() {
        // Four rows and the header may have 5 * 256 bytes: the cut is in a field, or behind it.
        let header = "at_ns,cost_ns,note\n";
        let length = 5 * MEAN_ROW_BYTES as usize - header.len() - "1,1,\n2,".len();
        for cut in ["3", "", "x"] {
            let note = "-".repeat(length - cut.len());
            let text = [header, "1,1,", &note, "\n2,", cut, ",9,9,9\n"].concat();
            assert_eq!(error(&text, 4), "line 3: the trace is too long", "{cut}");
        }
        let header = ["at_ns,".repeat(300), String::from("\n")].concat();
        assert_eq!(error(&header, 4), "line 1: the trace is too long");
    }

    #[test]
    fn any_number_of_rows_may_be_allowed() {
        let text = "at_ns,cost_ns\n1,1\n";
        let trace = Trace::read(text.as_bytes(), usize::MAX).expect("it is a trace");
        assert_eq!(trace.rows().len(), 1);
    }

    #[test]
    fn every_column_is_read() {
        let text = "identity,at_ns,cost_ns,budget_ns,value,tenant,class,declared_ns,lead_ns,\
                    release_ns,other\n9,1,2,3,4,5,6,7,8,10,x\n,1,2,,,,,,,,\n";
        let trace = Trace::read(text.as_bytes(), 9).expect("it is a trace");
        let ns = Duration::from_nanos;
        let plain = TraceRow { at: ns(1), cost: ns(2), ..TraceRow::default() };
        let full = TraceRow {
            budget: Some(ns(3)),
            value: Some(4),
            tenant: Some(5),
            class: Some(Class::new(6)),
            declared: Some(ns(7)),
            lead: Some(ns(8)),
            release_delay: Some(ns(10)),
            identity: Some(9),
            ..plain
        };
        assert_eq!(trace.rows(), [full, plain]);
        let class = "at_ns,cost_ns,class\n1,1,65536\n";
        assert_eq!(error(class, 9), "line 2: class is not a number");
    }

    #[test]
    fn rows_that_are_made_must_be_sorted() {
        let row = |at| TraceRow { at: Duration::from_nanos(at), ..TraceRow::default() };
        assert_eq!(Trace::new(Vec::from([row(1), row(1)])).map(|it| it.rows().len()).ok(), Some(2));
        let error = Trace::new(Vec::from([row(2), row(1)])).expect_err("it goes back");
        assert_eq!(error.to_string(), "line 2: it is earlier than the line before");
    }
}
