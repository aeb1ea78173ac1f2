//! Reads JSON values of the wrong kind as what the sender meant.
//!
//! The functions are for `#[serde(deserialize_with)]`. All go through [`Scalar`], which keeps a
//! string borrowed when it can. None recurses, and each loop ends with the list that it reads.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};

/// A JSON value without parts.
enum Scalar<'a> {
    Absent,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
}

/// A kind of value that a scalar can be read as; `None` when it says nothing of that kind.
trait FromScalar<'a>: Sized {
    fn from_scalar(scalar: Scalar<'a>) -> Option<Self>;
}

impl<'a> FromScalar<'a> for Cow<'a, str> {
    fn from_scalar(scalar: Scalar<'a>) -> Option<Self> {
        match scalar {
            Scalar::Absent => None,
            Scalar::Bool(value) => Some(Cow::Borrowed(if value { "true" } else { "false" })),
            Scalar::Int(value) => Some(Cow::Owned(value.to_string())),
            Scalar::Float(value) => Some(Cow::Owned(value.to_string())),
            Scalar::Text(text) => Some(text).filter(|text| !text.is_empty()),
        }
    }
}

impl FromScalar<'_> for i64 {
    fn from_scalar(scalar: Scalar<'_>) -> Option<Self> {
        match scalar {
            Scalar::Int(value) => Some(value),
            // A float's cast truncates and saturates; fields narrower than 64 bits then drop it.
            other => f64::from_scalar(other).map(|value| value as i64),
        }
    }
}

impl FromScalar<'_> for u32 {
    fn from_scalar(scalar: Scalar<'_>) -> Option<Self> {
        i64::from_scalar(scalar).and_then(|value| Self::try_from(value).ok())
    }
}

impl FromScalar<'_> for f64 {
    fn from_scalar(scalar: Scalar<'_>) -> Option<Self> {
        match scalar {
            Scalar::Absent => None,
            Scalar::Bool(value) => Some(f64::from(u8::from(value))),
            Scalar::Int(value) => Some(value as f64),
            Scalar::Float(value) => Some(value),
            Scalar::Text(text) => text.trim().parse().ok().filter(|value: &f64| value.is_finite()),
        }
    }
}

impl FromScalar<'_> for bool {
    fn from_scalar(scalar: Scalar<'_>) -> Option<Self> {
        match scalar {
            Scalar::Text(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            other => f64::from_scalar(other).map(|value| value != 0.0),
        }
    }
}

/// Text, or none if it is absent or empty.
pub(super) fn text<'de, D>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(Containers::Refused).map(Cow::from_scalar)
}

/// Text that a request cannot do without.
pub(super) fn required_text<'de, D>(deserializer: D) -> Result<Cow<'de, str>, D::Error>
where
    D: Deserializer<'de>,
{
    text(deserializer)?.ok_or_else(|| D::Error::custom("must be a non-empty string"))
}

/// A non-negative integer, or none if there is no such number in it.
pub(super) fn int<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    deserializer.deserialize_any(Containers::Refused).map(u32::from_scalar)
}

/// A finite number, or none if there is none in it.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    deserializer.deserialize_any(Containers::Refused).map(f64::from_scalar)
}

/// A flag: set by any number but zero, by `true` and by their texts.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let scalar = deserializer.deserialize_any(Containers::Refused)?;
    Ok(bool::from_scalar(scalar).unwrap_or(false))
}

/// A list of texts; empty ones are left out.
pub(super) fn texts<'de, D>(deserializer: D) -> Result<Vec<Cow<'de, str>>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(ListVisitor::new(Containers::Skipped))
}

/// A list of texts of which each restricts the bids, so that none may get lost.
pub(super) fn restrictions<'de, D>(deserializer: D) -> Result<Vec<Cow<'de, str>>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(ListVisitor::new(Containers::Refused))
}

/// The first `LIMIT` texts of a list: for lists of which each entry only adds a possibility.
pub(super) fn first_texts<'de, D, const LIMIT: usize>(
    deserializer: D,
) -> Result<Vec<Cow<'de, str>>, D::Error>
where
    D: Deserializer<'de>,
{
    let mut list = texts(deserializer)?;
    list.truncate(LIMIT);
    Ok(list)
}

/// A set of non-negative integers: sorted, without repetitions, for binary search.
pub(super) fn int_set<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    sorted(deserializer.deserialize_any(ListVisitor::new(Containers::Skipped)))
}

/// The same for integers of which each restricts the bids. What is no such integer restricts
/// nothing: no creative has it.
pub(super) fn restricting_int_set<'de, D>(deserializer: D) -> Result<Vec<u32>, D::Error>
where
    D: Deserializer<'de>,
{
    sorted(deserializer.deserialize_any(ListVisitor::new(Containers::Refused)))
}

fn sorted<E>(list: Result<Vec<u32>, E>) -> Result<Vec<u32>, E> {
    let mut list = list?;
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

/// An object, or none if it is null. Unlike a derived `Option`, refuses a list, which serde would
/// read as the fields in order of declaration.
pub(super) fn object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(ObjectVisitor(PhantomData))
}

/// The first `LIMIT` objects of a list, or none if it is null. Null elements are left out; those
/// after the limit are skipped unread.
pub(super) fn objects<'de, D, T, const LIMIT: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_any(ObjectsVisitor::<T, LIMIT>(PhantomData))
}

/// Visits a scalar, and says what becomes of a list or an object in its place.
#[derive(Clone, Copy)]
enum Containers {
    /// They are errors: a field of one value, or an element that restricts the bids.
    Refused,
    /// They are absent: an element of any other list.
    Skipped,
}

impl<'de> DeserializeSeed<'de> for Containers {
    type Value = Scalar<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Containers {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number or a boolean")
    }

    fn visit_unit<E: Error>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Absent)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar<'de>, E> {
        Ok(match i64::try_from(value) {
            Ok(value) => Scalar::Int(value),
            // Identifiers use all 64 bits; as text they keep each digit.
            Err(_) => Scalar::Text(Cow::Owned(value.to_string())),
        })
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Float(value))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar<'de>, A::Error> {
        match self {
            Self::Refused => Err(A::Error::invalid_type(Unexpected::Seq, &self)),
            Self::Skipped => {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Absent)
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        match self {
            Self::Refused => Err(A::Error::invalid_type(Unexpected::Map, &self)),
            Self::Skipped => {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Absent)
            }
        }
    }
}

/// Visits a list of scalars, or a scalar in place of the list.
struct ListVisitor<T> {
    /// What becomes of elements that are no scalars.
    containers: Containers,
    kind: PhantomData<T>,
}

impl<T> ListVisitor<T> {
    const fn new(containers: Containers) -> Self {
        Self { containers, kind: PhantomData }
    }
}

/// Forwards the visits of scalars to the visitor of one scalar, as a list of at most one.
macro_rules! visit_as_list_of_one {
    ($($visit:ident($value:ty)),*) => {$(
        fn $visit<E: Error>(self, value: $value) -> Result<Vec<T>, E> {
            let scalar = Containers::Refused.$visit(value)?;
            Ok(T::from_scalar(scalar).into_iter().collect())
        }
    )*};
}

impl<'de, T: FromScalar<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    visit_as_list_of_one! {
        visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64),
        visit_borrowed_str(&'de str), visit_str(&str)
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings or numbers")
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(scalar) = seq.next_element_seed(self.containers)? {
            list.extend(T::from_scalar(scalar));
        }
        Ok(list)
    }
}

/// Visits an object or null.
struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for ObjectVisitor<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

/// Visits a list of objects or null.
struct ObjectsVisitor<T, const LIMIT: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const LIMIT: usize> Visitor<'de> for ObjectsVisitor<T, LIMIT> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while list.len() < LIMIT {
            match seq.next_element_seed(ObjectVisitor(PhantomData))? {
                Some(element) => list.extend(element),
                None => return Ok(list),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(list)
    }
}
