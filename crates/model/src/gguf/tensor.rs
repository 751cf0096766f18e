//! Tensors: names, shapes, types and their bytes in the file.

use std::collections::BTreeMap;

use super::cursor::Cursor;
use super::{GgufError, NAME_BYTES_MAX};
use crate::half::f16_to_f32;

/// Most dimensions of a tensor.
const DIMENSIONS_MAX: u32 = 4;

/// How the elements of a tensor are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorType {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// Blocks of 32: a half-precision scale, then 4-bit values offset by 8.
    Q4_0,
    /// Blocks of 32: a half-precision scale and minimum, then 4-bit values.
    Q4_1,
    /// Blocks of 32: a half-precision scale, then 8-bit signed values.
    Q8_0,
}

impl TensorType {
    fn from_number(kind: u32) -> Option<TensorType> {
        match kind {
            0 => Some(TensorType::F32),
            1 => Some(TensorType::F16),
            2 => Some(TensorType::Q4_0),
            3 => Some(TensorType::Q4_1),
            8 => Some(TensorType::Q8_0),
            _ => None,
        }
    }

    /// Elements per block.
    pub const fn block_elements(self) -> usize {
        match self {
            TensorType::F32 | TensorType::F16 => 1,
            TensorType::Q4_0 | TensorType::Q4_1 | TensorType::Q8_0 => 32,
        }
    }

    /// Bytes per block.
    pub const fn block_bytes(self) -> usize {
        match self {
            TensorType::F32 => 4,
            TensorType::F16 => 2,
            TensorType::Q4_0 => 18,
            TensorType::Q4_1 => 20,
            TensorType::Q8_0 => 34,
        }
    }
}

/// One tensor: its shape, innermost dimension first, and its bytes.
#[derive(Debug, Clone)]
pub struct Tensor<'a> {
    /// Dimensions, innermost (contiguous) first; 1 to 4 of them, none of them zero.
    pub dimensions: Vec<usize>,
    /// How elements are stored.
    pub kind: TensorType,
    /// Exactly the tensor's bytes.
    pub bytes: &'a [u8],
}

impl Tensor<'_> {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.bytes.len() / self.kind.block_bytes() * self.kind.block_elements()
    }

    /// All elements as `f32`, in file order. Quantised values are `scale * value + minimum` with one
    /// rounding per operation.
    pub fn to_f32(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.elements());
        for block in self.bytes.chunks_exact(self.kind.block_bytes()) {
            push_block(self.kind, block, &mut values);
        }
        values
    }
}

fn push_block(kind: TensorType, block: &[u8], values: &mut Vec<f32>) {
    let half = |at: usize| f16_to_f32(u16::from_le_bytes([block[at], block[at + 1]]));
    match kind {
        TensorType::F32 => values.push(f32::from_le_bytes([block[0], block[1], block[2], block[3]])),
        TensorType::F16 => values.push(half(0)),
        TensorType::Q4_0 => {
            values.extend(block[2..].iter().map(|byte| half(0) * (f32::from(byte & 15) - 8.0)));
            values.extend(block[2..].iter().map(|byte| half(0) * (f32::from(byte >> 4) - 8.0)));
        }
        TensorType::Q4_1 => {
            values.extend(block[4..].iter().map(|byte| half(0) * f32::from(byte & 15) + half(2)));
            values.extend(block[4..].iter().map(|byte| half(0) * f32::from(byte >> 4) + half(2)));
        }
        TensorType::Q8_0 => {
            values.extend(block[2..].iter().map(|byte| half(0) * f32::from(*byte as i8)));
        }
    }
}

/// What the header says about a tensor, checked by itself.
pub(super) struct Header {
    name: String,
    dimensions: Vec<usize>,
    kind: TensorType,
    offset: u64,
    bytes: u64,
}

pub(super) fn read_headers(cursor: &mut Cursor<'_>, count: u64) -> Result<Vec<Header>, GgufError> {
    // A header takes at least 25 bytes; the count is limited besides.
    if count.saturating_mul(25) > cursor.remaining() as u64 {
        return Err(cursor.truncated("the tensor table"));
    }
    (0..count).map(|_| read_header(cursor)).collect()
}

fn read_header(cursor: &mut Cursor<'_>) -> Result<Header, GgufError> {
    let name = cursor.name("tensor name")?;
    debug_assert!(name.len() <= NAME_BYTES_MAX);
    let shape = |reason| GgufError::TensorShape { name: name.to_owned(), reason };
    let dimension_count = cursor.u32(name)?;
    if !(1..=DIMENSIONS_MAX).contains(&dimension_count) {
        return Err(shape("it needs 1 to 4 dimensions"));
    }
    let mut dimensions = Vec::new();
    let mut elements = 1_u64;
    for _ in 0..dimension_count {
        let dimension = cursor.u64(name)?;
        elements = elements.checked_mul(dimension).ok_or_else(|| shape("its size overflows"))?;
        dimensions.push(usize::try_from(dimension).map_err(|_| shape("its size overflows"))?);
    }
    if elements == 0 {
        return Err(shape("a dimension is zero"));
    }
    let kind = cursor.u32(name)?;
    let kind =
        TensorType::from_number(kind).ok_or_else(|| GgufError::TensorType { name: name.to_owned(), kind })?;
    if !dimensions[0].is_multiple_of(kind.block_elements()) {
        return Err(shape("its first dimension is no multiple of 32"));
    }
    let bytes = (elements / kind.block_elements() as u64)
        .checked_mul(kind.block_bytes() as u64)
        .ok_or_else(|| shape("its size overflows"))?;
    let offset = cursor.u64(name)?;
    Ok(Header { name: name.to_owned(), dimensions, kind, offset, bytes })
}

/// Finds the bytes of every tensor and refuses those that lie outside, unaligned or over another.
pub(super) fn locate<'a>(
    file: &'a [u8],
    data_start: u64,
    alignment: u64,
    mut headers: Vec<Header>,
) -> Result<BTreeMap<String, Tensor<'a>>, GgufError> {
    headers.sort_by_key(|header| header.offset);
    let mut tensors = BTreeMap::new();
    let mut free_from = 0_u64;
    for header in headers {
        let place = |reason| GgufError::TensorPlace { name: header.name.clone(), reason };
        if !header.offset.is_multiple_of(alignment) {
            return Err(place("starts at an unaligned offset"));
        }
        if header.offset < free_from {
            return Err(place("overlaps another tensor"));
        }
        let outside = || place("reaches past the end of the file");
        free_from = header.offset.checked_add(header.bytes).ok_or_else(outside)?;
        let start = data_start.checked_add(header.offset).ok_or_else(outside)?;
        let end = data_start.checked_add(free_from).ok_or_else(outside)?;
        let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let bytes = range.and_then(|(start, end)| file.get(start..end)).ok_or_else(outside)?;
        let tensor = Tensor { dimensions: header.dimensions, kind: header.kind, bytes };
        if tensors.insert(header.name.clone(), tensor).is_some() {
            return Err(GgufError::Duplicate { what: "tensor", name: header.name });
        }
    }
    Ok(tensors)
}
