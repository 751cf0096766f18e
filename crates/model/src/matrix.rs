//! Weight matrices, repacked so that sixteen rows can be multiplied at once.
//!
//! Rule: repacking moves bits and changes none; 4-bit and 8-bit values, scales and minima are those of
//! the file. Matrices that the file holds as floats are rounded to 8 bits per block of 32 when they are
//! read, and that rounding is part of the numeric specification.
//! Absent: adapters, whose factors are added as they are.

use std::ops::Range;

use crate::gguf::{Tensor, TensorType};
use crate::half::{f16_is_finite, f16_to_f32, f32_to_f16};
use crate::kernels::{BLOCK, GROUP, Kernels, Q4_BLOCK_BYTES, Q8_BLOCK_BYTES, Quantised};
use crate::memory::{Memory, NoMemory, Region};

/// A matrix of `rows` by `width`, rows in interleaved groups of 16 (the last group padded with zeros).
#[derive(Debug)]
pub(crate) struct Matrix {
    rows: usize,
    width: usize,
    bits: Bits,
    /// `[group][block]`, each block as the kernels read it.
    groups: Region,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bits {
    Four,
    Eight,
}

/// Why a tensor was not packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackError {
    /// It holds a scale that is no finite number.
    NotFinite,
    /// The system has no room for it.
    NoMemory(NoMemory),
}

impl Matrix {
    /// Repacks a tensor of two dimensions, of which the first is a multiple of 32.
    pub(crate) fn pack(tensor: &Tensor<'_>, memory: &mut Memory) -> Result<Matrix, PackError> {
        let (width, rows) = (tensor.dimensions[0], tensor.dimensions[1]);
        let bits = match tensor.kind {
            TensorType::Q4_0 | TensorType::Q4_1 => Bits::Four,
            TensorType::Q8_0 | TensorType::F16 | TensorType::F32 => Bits::Eight,
        };
        let block_bytes = bits.block_bytes();
        let blocks = width / BLOCK;
        let bytes = rows.div_ceil(GROUP) * blocks * block_bytes;
        let mut groups = memory.take(bytes).map_err(PackError::NoMemory)?;
        let row_bytes = tensor.bytes.len() / rows;
        for (row, source) in tensor.bytes.chunks_exact(row_bytes).enumerate() {
            let lane = row % GROUP;
            let group = &mut groups[row / GROUP * blocks * block_bytes..][..blocks * block_bytes];
            let sources = source.chunks_exact(row_bytes / blocks);
            for (target, source) in group.chunks_exact_mut(block_bytes).zip(sources) {
                pack_block(tensor.kind, source, lane, target)?;
            }
        }
        Ok(Matrix { rows, width, bits, groups })
    }

    /// Number of groups of 16 rows.
    pub(crate) fn groups(&self) -> usize {
        self.rows.div_ceil(GROUP)
    }

    /// Multiplies the rows of `groups` with the first `tokens` rows of `input`; `output` is
    /// `[group][token][16]`.
    pub(crate) fn multiply(
        &self,
        kernels: &Kernels,
        groups: Range<usize>,
        input: &Quantised,
        tokens: usize,
        output: &mut [f32],
    ) {
        let group_bytes = self.width / BLOCK * self.bits.block_bytes();
        let bytes = &self.groups[groups.start * group_bytes..groups.end * group_bytes];
        match self.bits {
            Bits::Four => kernels.multiply_q4(bytes, input, tokens, output),
            Bits::Eight => kernels.multiply_q8(bytes, input, tokens, output),
        }
    }

    /// Writes row `row` as floats: `fma(value, scale, minimum)`.
    pub(crate) fn row(&self, row: usize, output: &mut [f32]) {
        let block_bytes = self.bits.block_bytes();
        let blocks = self.width / BLOCK;
        let lane = row % GROUP;
        let group = &self.groups[row / GROUP * blocks * block_bytes..][..blocks * block_bytes];
        for (block, output) in group.chunks_exact(block_bytes).zip(output.chunks_exact_mut(BLOCK)) {
            for (index, output) in output.iter_mut().enumerate() {
                *output = self.bits.value(block, lane, index);
            }
        }
    }
}

impl Bits {
    const fn block_bytes(self) -> usize {
        match self {
            Bits::Four => Q4_BLOCK_BYTES,
            Bits::Eight => Q8_BLOCK_BYTES,
        }
    }

    /// Element `index` of the row in lane `lane` of a packed block.
    fn value(self, block: &[u8], lane: usize, index: usize) -> f32 {
        match self {
            Bits::Four => {
                let byte = block[index / 8 * 64 + lane * 4 + index % 4];
                let value = if index % 8 < 4 { byte & 15 } else { byte >> 4 };
                let scale = half_at(block, 256 + 2 * lane);
                f32::from(value).mul_add(scale, half_at(block, 288 + 2 * lane))
            }
            Bits::Eight => {
                let value = block[index / 4 * 64 + lane * 4 + index % 4] as i8;
                f32::from(value) * half_at(block, 512 + 2 * lane)
            }
        }
    }
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16_to_f32(u16::from_le_bytes([block[at], block[at + 1]]))
}

/// Moves one block of one row into lane `lane` of the packed block.
fn pack_block(kind: TensorType, source: &[u8], lane: usize, target: &mut [u8]) -> Result<(), PackError> {
    match kind {
        TensorType::Q4_0 => {
            let scale = u16::from_le_bytes([source[0], source[1]]);
            // value - 8 becomes value with a minimum of -8 scales; eight times a half is exact.
            let minimum = f32_to_f16(f16_to_f32(scale) * -8.0);
            pack_four(&source[2..], scale, minimum, lane, target)
        }
        TensorType::Q4_1 => {
            let scale = u16::from_le_bytes([source[0], source[1]]);
            let minimum = u16::from_le_bytes([source[2], source[3]]);
            pack_four(&source[4..], scale, minimum, lane, target)
        }
        TensorType::Q8_0 => {
            let scale = u16::from_le_bytes([source[0], source[1]]);
            let mut values = [0_i8; BLOCK];
            for (value, byte) in values.iter_mut().zip(&source[2..]) {
                *value = *byte as i8;
            }
            pack_eight(values, scale, lane, target)
        }
        TensorType::F16 | TensorType::F32 => {
            let (values, scale) = round_block(kind, source)?;
            pack_eight(values, scale, lane, target)
        }
    }
}

fn pack_four(
    values: &[u8],
    scale: u16,
    minimum: u16,
    lane: usize,
    target: &mut [u8],
) -> Result<(), PackError> {
    let value = |index: usize| if index < 16 { values[index] & 15 } else { values[index - 16] >> 4 };
    for pair in 0..4 {
        for byte in 0..4 {
            let (low, high) = (value(pair * 8 + byte), value(pair * 8 + 4 + byte));
            target[pair * 64 + lane * 4 + byte] = low | (high << 4);
        }
    }
    put_half(target, 256 + 2 * lane, scale)?;
    put_half(target, 288 + 2 * lane, minimum)
}

fn pack_eight(values: [i8; BLOCK], scale: u16, lane: usize, target: &mut [u8]) -> Result<(), PackError> {
    for (index, value) in values.iter().enumerate() {
        target[index / 4 * 64 + lane * 4 + index % 4] = *value as u8;
    }
    put_half(target, 512 + 2 * lane, scale)
}

fn put_half(target: &mut [u8], at: usize, bits: u16) -> Result<(), PackError> {
    if !f16_is_finite(bits) {
        return Err(PackError::NotFinite);
    }
    target[at..at + 2].copy_from_slice(&bits.to_le_bytes());
    Ok(())
}

/// Rounds 32 floats to 8 bits: `scale = half(largest magnitude / 127)`, `value = round(x / scale)`.
fn round_block(kind: TensorType, source: &[u8]) -> Result<([i8; BLOCK], u16), PackError> {
    let mut floats = [0.0_f32; BLOCK];
    let size = kind.block_bytes();
    for (float, bytes) in floats.iter_mut().zip(source.chunks_exact(size)) {
        *float = match bytes {
            [a, b] => f16_to_f32(u16::from_le_bytes([*a, *b])),
            [a, b, c, d] => f32::from_le_bytes([*a, *b, *c, *d]),
            _ => return Err(PackError::NotFinite),
        };
        if !float.is_finite() {
            return Err(PackError::NotFinite);
        }
    }
    let largest = floats.iter().fold(0.0_f32, |most, float| most.max(float.abs()));
    let scale = f32_to_f16(largest / 127.0);
    let step = f16_to_f32(scale);
    let mut values = [0_i8; BLOCK];
    if step > 0.0 {
        for (value, float) in values.iter_mut().zip(floats) {
            *value = (float / step).round_ties_even().clamp(-127.0, 127.0) as i8;
        }
    }
    Ok((values, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(tensor: &Tensor<'_>) -> Result<Matrix, PackError> {
        Matrix::pack(tensor, &mut Memory::default())
    }

    fn tensor(kind: TensorType, dimensions: Vec<usize>, bytes: &[u8]) -> Tensor<'_> {
        Tensor { dimensions, kind, bytes }
    }

    /// Blocks whose scales are small normal halves and whose values are arbitrary.
    fn blocks(kind: TensorType, count: usize) -> Vec<u8> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let mut bytes = Vec::new();
        for _ in 0..count {
            for half in 0..(kind.block_bytes() - 16 * if kind == TensorType::Q8_0 { 2 } else { 1 }) / 2 {
                bytes.extend([next(), 0x1c | (next() & 3) | if half == 1 { 0x80 } else { 0 }]);
            }
            let values = kind.block_bytes() - (bytes.len() % kind.block_bytes());
            bytes.extend((0..values).map(|_| next()));
        }
        bytes
    }

    #[test]
    fn rows_read_back_as_the_file_states_them() {
        for kind in [TensorType::Q4_0, TensorType::Q4_1, TensorType::Q8_0] {
            // 19 rows: the last group is partly padding.
            let bytes = blocks(kind, 19 * 3);
            let tensor = tensor(kind, vec![96, 19], &bytes);
            let expected = tensor.to_f32();
            let matrix = pack(&tensor).expect("scales are finite");
            let mut row = [0.0; 96];
            for index in 0..19 {
                matrix.row(index, &mut row);
                for (got, expected) in row.iter().zip(&expected[index * 96..]) {
                    assert!((got - expected).abs() <= 1e-6 * expected.abs().max(0.01), "{kind:?}");
                }
            }
        }
    }

    #[test]
    fn floats_are_rounded_to_half_a_step() {
        let floats: Vec<f32> = (0..64).map(|index| (index as f32 - 31.0) * 0.013).collect();
        let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
        let matrix = pack(&tensor(TensorType::F32, vec![64, 1], &bytes)).expect("finite");
        let mut row = [0.0; 64];
        matrix.row(0, &mut row);
        for (got, expected) in row.iter().zip(&floats) {
            assert!((got - expected).abs() < 0.51 * 0.42 / 127.0, "{got} {expected}");
        }
    }

    #[test]
    fn scales_that_are_not_finite_are_refused() {
        let mut bytes = blocks(TensorType::Q8_0, 1);
        bytes[1] = 0x7c;
        assert_eq!(pack(&tensor(TensorType::Q8_0, vec![32, 1], &bytes)).err(), Some(PackError::NotFinite));
        let bytes = [0xff_u8; 128];
        assert_eq!(pack(&tensor(TensorType::F32, vec![32, 1], &bytes)).err(), Some(PackError::NotFinite));
    }
}
