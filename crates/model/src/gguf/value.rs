//! Metadata values.

use super::cursor::Cursor;
use super::{ARRAY_DEPTH_MAX, GgufError};

/// One metadata value. Texts borrow from the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Any unsigned whole number.
    Unsigned(u64),
    /// Any signed whole number.
    Signed(i64),
    /// Any floating-point number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(&'a str),
    /// A list; its elements have one type.
    Array(Vec<Value<'a>>),
}

impl<'a> Value<'a> {
    /// The value as a non-negative whole number.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::Unsigned(number) => Some(*number),
            Value::Signed(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The value as a floating-point number.
    pub fn as_f32(&self) -> Option<f32> {
        match self {
            Value::Float(number) => Some(*number as f32),
            _ => None,
        }
    }

    /// The value as a truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The value as a text.
    pub fn as_str(&self) -> Option<&'a str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads the type number and the value of the entry `name`.
pub(super) fn read<'a>(cursor: &mut Cursor<'a>, name: &str) -> Result<Value<'a>, GgufError> {
    let kind = cursor.u32(name)?;
    read_kind(cursor, name, kind, 0)
}

fn read_kind<'a>(cursor: &mut Cursor<'a>, name: &str, kind: u32, depth: u32) -> Result<Value<'a>, GgufError> {
    Ok(match kind {
        0 => Value::Unsigned(cursor.array::<1>(name)?[0].into()),
        1 => Value::Signed(i8::from_le_bytes(cursor.array(name)?).into()),
        2 => Value::Unsigned(u16::from_le_bytes(cursor.array(name)?).into()),
        3 => Value::Signed(i16::from_le_bytes(cursor.array(name)?).into()),
        4 => Value::Unsigned(cursor.u32(name)?.into()),
        5 => Value::Signed(i32::from_le_bytes(cursor.array(name)?).into()),
        6 => Value::Float(f32::from_le_bytes(cursor.array(name)?).into()),
        7 => match cursor.array::<1>(name)?[0] {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            _ => return Err(GgufError::wrong_type(name, "a truth value of 0 or 1")),
        },
        8 => Value::Text(cursor.text(name)?),
        9 => read_array(cursor, name, depth)?,
        10 => Value::Unsigned(cursor.u64(name)?),
        11 => Value::Signed(i64::from_le_bytes(cursor.array(name)?)),
        12 => Value::Float(f64::from_le_bytes(cursor.array(name)?)),
        _ => return Err(GgufError::ValueType { name: name.to_owned(), kind }),
    })
}

fn read_array<'a>(cursor: &mut Cursor<'a>, name: &str, depth: u32) -> Result<Value<'a>, GgufError> {
    if depth >= ARRAY_DEPTH_MAX {
        return Err(GgufError::ArrayDepth { name: name.to_owned() });
    }
    let kind = cursor.u32(name)?;
    let count = cursor.u64(name)?;
    cursor.add_elements(count)?;
    // An element takes at least this many bytes, so a false count cannot make us reserve memory.
    let element_bytes_min = match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        8 | 10..=12 => 8,
        9 => 12,
        _ => return Err(GgufError::ValueType { name: name.to_owned(), kind }),
    };
    if count * element_bytes_min > cursor.remaining() as u64 {
        return Err(cursor.truncated(name));
    }
    let mut items = Vec::with_capacity(count as usize);
    for _ in 0..count {
        items.push(read_kind(cursor, name, kind, depth + 1)?);
    }
    Ok(Value::Array(items))
}
