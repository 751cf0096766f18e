//! Arrays of numbers of a fixed width in bits, little-endian, read where they stand. Absent: writing in place.

/// Zero bytes behind every array, so that any number is read as eight bytes.
const PADDING: usize = 8;

/// An array of numbers, each of `bits` bits (1 to 32).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed<'a> {
    bytes: &'a [u8],
    bits: u32,
}

impl<'a> Packed<'a> {
    pub(crate) fn new(bytes: &'a [u8], bits: u32) -> Self {
        Self { bytes, bits: bits.clamp(1, 32) }
    }

    /// The number at `at`; 0 outside the array.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> usize {
        let bit = at.saturating_mul(self.bits as usize);
        match self.bytes.get(bit / 8..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(chunk) => {
                let number = u64::from_le_bytes(*chunk) >> (bit % 8);
                (number & ((1 << self.bits) - 1)) as usize
            }
            None => 0,
        }
    }
}

/// The least width, in bits, that holds all numbers up to `largest`.
pub(crate) fn width_of(largest: usize) -> u32 {
    (usize::BITS - largest.leading_zeros()).clamp(1, 32)
}

/// How many bytes `count` numbers of `bits` bits take.
pub(crate) fn packed_bytes(count: usize, bits: u32) -> usize {
    count.saturating_mul(bits as usize).div_ceil(8).saturating_add(PADDING)
}

/// Appends an array of numbers, none of which is wider than `bits` bits.
pub(crate) fn pack(numbers: impl Iterator<Item = u32>, bits: u32, bytes: &mut Vec<u8>) {
    let (mut pending, mut filled) = (0u64, 0u32);
    for number in numbers {
        pending |= u64::from(number) << filled;
        filled += bits;
        if filled >= 32 {
            bytes.extend_from_slice(&(pending as u32).to_le_bytes());
            pending >>= 32;
            filled -= 32;
        }
    }
    let rest = filled.div_ceil(8) as usize;
    bytes.extend_from_slice(&pending.to_le_bytes()[..rest]);
    bytes.extend_from_slice(&[0; PADDING]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gives_back_what_was_packed(numbers in prop::collection::vec(any::<u32>(), 0..40), bits in 1u32..=32) {
            let numbers: Vec<u32> = numbers.into_iter().map(|n| (u64::from(n) & ((1 << bits) - 1)) as u32).collect();
            let mut bytes = Vec::new();
            pack(numbers.iter().copied(), bits, &mut bytes);
            prop_assert_eq!(bytes.len(), packed_bytes(numbers.len(), bits));
            let packed = Packed::new(&bytes, bits);
            for (at, number) in numbers.iter().enumerate() {
                prop_assert_eq!(packed.get(at), *number as usize);
            }
            prop_assert_eq!(packed.get(usize::MAX), 0);
        }
    }
}
