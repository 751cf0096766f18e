//! The GGUF checkpoint format, version 3: named metadata, then named tensors, then their bytes.
//!
//! Rule: the bytes are hostile. Every count and length is checked against the bytes that are left
//! before anything is allocated, every name appears once, every tensor lies inside the file at an
//! aligned offset, and no two tensors overlap.
//! Absent: big-endian files, split files, writing.
//!
//! Source: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>

mod cursor;
mod error;
mod tensor;
mod value;

use std::collections::BTreeMap;

pub use error::GgufError;
pub use tensor::{Tensor, TensorType};
pub use value::Value;

use cursor::Cursor;

/// Most metadata entries that a file may have.
pub const METADATA_ENTRIES_MAX: u64 = 4_096;
/// Most tensors that a file may have.
pub const TENSORS_MAX: u64 = 16_384;
/// Longest name of a metadata entry or a tensor, in bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// Most elements of all metadata arrays together.
pub const ARRAY_ELEMENTS_MAX: u64 = 4_194_304;
/// Deepest nesting of metadata arrays.
pub const ARRAY_DEPTH_MAX: u32 = 4;

const MAGIC: [u8; 4] = *b"GGUF";
const VERSION: u32 = 3;
const ALIGNMENT_DEFAULT: u64 = 32;

/// A parsed file: metadata by name, and tensors as slices of the file's bytes.
#[derive(Debug)]
pub struct Gguf<'a> {
    metadata: BTreeMap<String, Value<'a>>,
    tensors: BTreeMap<String, Tensor<'a>>,
}

impl<'a> Gguf<'a> {
    /// Reads and checks the whole header of `bytes`, which is the content of one file.
    pub fn parse(bytes: &'a [u8]) -> Result<Gguf<'a>, GgufError> {
        let mut cursor = Cursor::new(bytes);
        if cursor.array::<4>("magic")? != MAGIC {
            return Err(GgufError::NotGguf);
        }
        let version = cursor.u32("version")?;
        if version != VERSION {
            return Err(GgufError::Version { version });
        }
        let tensor_count = cursor.u64("tensor count")?;
        limit("tensors", tensor_count, TENSORS_MAX)?;
        let metadata_count = cursor.u64("metadata count")?;
        limit("metadata entries", metadata_count, METADATA_ENTRIES_MAX)?;

        let metadata = read_metadata(&mut cursor, metadata_count)?;
        let headers = tensor::read_headers(&mut cursor, tensor_count)?;
        let alignment = alignment(&metadata)?;
        let data_start = (cursor.position() as u64)
            .checked_next_multiple_of(alignment)
            .ok_or(GgufError::Alignment { alignment })?;
        let tensors = tensor::locate(bytes, data_start, alignment, headers)?;
        Ok(Gguf { metadata, tensors })
    }

    /// The metadata entry `name`, if the file has it.
    pub fn value(&self, name: &str) -> Option<&Value<'a>> {
        self.metadata.get(name)
    }

    /// A required whole number that fits `usize`.
    pub fn count(&self, name: &str) -> Result<usize, GgufError> {
        self.require(name)?
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| GgufError::wrong_type(name, "a whole number"))
    }

    /// A required finite number.
    pub fn number(&self, name: &str) -> Result<f32, GgufError> {
        self.require(name)?
            .as_f32()
            .filter(|number| number.is_finite())
            .ok_or_else(|| GgufError::wrong_type(name, "a finite number"))
    }

    /// A required text.
    pub fn text(&self, name: &str) -> Result<&'a str, GgufError> {
        self.require(name)?.as_str().ok_or_else(|| GgufError::wrong_type(name, "a text"))
    }

    /// A required list of texts.
    pub fn texts(&self, name: &str) -> Result<Vec<&'a str>, GgufError> {
        let Value::Array(items) = self.require(name)? else {
            return Err(GgufError::wrong_type(name, "a list of texts"));
        };
        items
            .iter()
            .map(|item| item.as_str().ok_or_else(|| GgufError::wrong_type(name, "a list of texts")))
            .collect()
    }

    /// A required list of whole numbers.
    pub fn numbers(&self, name: &str) -> Result<Vec<u64>, GgufError> {
        let Value::Array(items) = self.require(name)? else {
            return Err(GgufError::wrong_type(name, "a list of whole numbers"));
        };
        items
            .iter()
            .map(|item| item.as_u64().ok_or_else(|| GgufError::wrong_type(name, "a list of whole numbers")))
            .collect()
    }

    /// The tensor `name`, if the file has it.
    pub fn tensor(&self, name: &str) -> Option<&Tensor<'a>> {
        self.tensors.get(name)
    }

    /// All tensors, by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &Tensor<'a>)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    fn require(&self, name: &str) -> Result<&Value<'a>, GgufError> {
        self.metadata.get(name).ok_or_else(|| GgufError::MetadataMissing { name: name.to_owned() })
    }
}

fn limit(what: &'static str, count: u64, limit: u64) -> Result<(), GgufError> {
    if count > limit { Err(GgufError::TooMany { what, count, limit }) } else { Ok(()) }
}

fn read_metadata<'a>(cursor: &mut Cursor<'a>, count: u64) -> Result<BTreeMap<String, Value<'a>>, GgufError> {
    let mut metadata = BTreeMap::new();
    for _ in 0..count {
        let name = cursor.name("metadata name")?;
        let value = value::read(cursor, name)?;
        if metadata.insert(name.to_owned(), value).is_some() {
            return Err(GgufError::Duplicate { what: "metadata entry", name: name.to_owned() });
        }
    }
    Ok(metadata)
}

fn alignment(metadata: &BTreeMap<String, Value<'_>>) -> Result<u64, GgufError> {
    let Some(value) = metadata.get("general.alignment") else {
        return Ok(ALIGNMENT_DEFAULT);
    };
    let alignment =
        value.as_u64().ok_or_else(|| GgufError::wrong_type("general.alignment", "a whole number"))?;
    if alignment.is_power_of_two() && (8..=65_536).contains(&alignment) {
        Ok(alignment)
    } else {
        Err(GgufError::Alignment { alignment })
    }
}
