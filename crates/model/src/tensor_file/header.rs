//! The header of a file in the format safetensors, looked at before it is read.
//!
//! Rule: `safetensors` reads it with maps that keep the last of two equal names and grow with what the header says. So its
//! length, its names and the sizes of its parts are held to limits here, without keeping more than the names.
//! Absent: offsets and sizes, which `safetensors` checks: they must cover the file without gaps or overlaps.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

use crate::adapter::Module;

/// Longest accepted header, in bytes.
const HEADER_BYTES_MAX: u64 = 4 << 20;
/// Most tensors: two of each projection of the most layers.
const TENSORS_MAX: usize = 2 * Module::COUNT * 512;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 256;
/// Most notes beside the tensors.
const NOTES_MAX: usize = 64;
/// Most dimensions of a tensor.
const DIMENSIONS_MAX: usize = 4;

/// Bytes that tell the length of the header, which follows them.
pub(super) const LENGTH_BYTES: u64 = 8;

/// The length of the header, within the limit.
pub(super) fn length(file: &[u8]) -> Result<u64, String> {
    let Some((length, _)) = file.split_first_chunk::<8>() else {
        return Err("it is shorter than its header's length".to_owned());
    };
    let length = u64::from_le_bytes(*length);
    if length > HEADER_BYTES_MAX {
        return Err(format!("its header has {length} bytes, at most {HEADER_BYTES_MAX} are read"));
    }
    Ok(length)
}

/// Holds a file's header to the limits.
pub(super) fn check(file: &[u8]) -> Result<(), String> {
    let length = length(file)?;
    let end = usize::try_from(LENGTH_BYTES + length).map_err(|error| error.to_string())?;
    let Some(header) = file.get(LENGTH_BYTES as usize..end) else {
        return Err(format!("its header of {length} bytes goes beyond its end"));
    };
    let Header = serde_json::from_slice(header).map_err(|error| format!("its header: {error}"))?;
    Ok(())
}

/// A header within the limits.
struct Header;

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Header, D::Error> {
        deserializer.deserialize_map(Header)
    }
}

impl<'de> Visitor<'de> for Header {
    type Value = Header;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with one entry for each tensor")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if name.len() > NAME_BYTES_MAX {
                return Err(A::Error::custom(format!("a name has {} bytes", name.len())));
            }
            if name == "__metadata__" {
                map.next_value_seed(Few(NOTES_MAX))?;
            } else {
                map.next_value::<Entry>()?;
            }
            if names.contains(&name) {
                return Err(A::Error::custom(format!("the name {name} is there twice")));
            }
            if names.len() >= TENSORS_MAX {
                return Err(A::Error::custom(format!("there are more than {TENSORS_MAX} tensors")));
            }
            names.insert(name);
        }
        Ok(Header)
    }
}

/// What a header says of one tensor, read for its form alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the form is what counts here; `safetensors` reads the numbers")]
struct Entry {
    dtype: String,
    shape: Dimensions,
    data_offsets: (u64, u64),
}

/// A list of few numbers.
struct Dimensions;

impl<'de> Deserialize<'de> for Dimensions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dimensions, D::Error> {
        deserializer.deserialize_seq(Few(DIMENSIONS_MAX))?;
        Ok(Dimensions)
    }
}

/// A list of at most so many numbers, or an object of at most so many texts.
struct Few(usize);

impl<'de> DeserializeSeed<'de> for Few {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Few {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "at most {} entries", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for _ in 0..self.0 {
            if list.next_element::<u64>()?.is_none() {
                return Ok(());
            }
        }
        match list.next_element::<IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(de::Error::invalid_length(self.0 + 1, &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        for _ in 0..self.0 {
            if map.next_entry::<String, String>()?.is_none() {
                return Ok(());
            }
        }
        match map.next_key::<IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(de::Error::invalid_length(self.0 + 1, &self)),
        }
    }
}
