//! Why a file of campaigns is refused: the campaign, the field and the reason.

use std::fmt;

use serde_path_to_error::Segment;

use super::file::CampaignsFile;

/// A file of campaigns that breaks a rule of `campaigns.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CampaignError {
    /// Position in the list, from 0; none if the error is not within one campaign.
    pub(crate) index: Option<usize>,
    /// Identifier of that campaign, if it has one.
    pub(crate) id: Option<String>,
    /// Path of the field within the campaign, or within the file; empty if it is the whole.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) message: String,
    /// Line and column, if reading stopped there.
    pub(crate) place: Option<(usize, usize)>,
}

impl CampaignError {
    /// An error of the file as a whole.
    pub(super) fn of_file(field: &str, message: String) -> Self {
        Self { index: None, id: None, field: field.to_owned(), message, place: None }
    }
}

impl fmt::Display for CampaignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(index) = self.index {
            write!(f, "campaigns[{index}]")?;
            if let Some(id) = &self.id {
                write!(f, " ({id:?})")?;
            }
            f.write_str(": ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        match self.place {
            Some((line, column)) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CampaignError {}

/// Reads a refused `file` again, now keeping track of the path, and looks up the campaign's id.
#[cold]
pub(super) fn locate(file: &[u8], error: &serde_json::Error) -> CampaignError {
    let place = (error.line(), error.column());
    let text = error.to_string();
    let suffix = format!(" at line {} column {}", place.0, place.1);
    let message = text.strip_suffix(&suffix).unwrap_or(&text).to_owned();

    let mut deserializer = serde_json::Deserializer::from_slice(file);
    let path = match serde_path_to_error::deserialize::<_, CampaignsFile>(&mut deserializer) {
        Err(error) => error.path().clone(),
        // The object is sound: what was refused comes after it.
        Ok(_) => {
            return CampaignError { place: Some(place), ..CampaignError::of_file("", message) };
        }
    };
    let segments: Vec<_> = path.iter().collect();
    let (index, within) = match segments.as_slice() {
        [Segment::Map { key }, Segment::Seq { index }, within @ ..] if key == "campaigns" => {
            (Some(*index), within)
        }
        whole => (None, whole),
    };
    let dotted: String = within.iter().map(|segment| format!("{segment}.")).collect();
    CampaignError {
        index,
        id: index.and_then(|index| id_of(file, index)),
        field: dotted.trim_end_matches('.').replace(".[", "["),
        message,
        place: Some(place),
    }
}

/// The id of a campaign in a file of the wrong shape, if the file is JSON at all.
fn id_of(file: &[u8], index: usize) -> Option<String> {
    let file: serde_json::Value = serde_json::from_slice(file).ok()?;
    Some(file["campaigns"][index]["id"].as_str()?.to_owned())
}
