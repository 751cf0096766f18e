//! Digests of hidden states, taken by the thread that has just computed them.
//!
//! Rule: the residual stream of every position behind every layer has one digest, SHA-256 (FIPS 180-4) over
//! its floats, little-endian. They lie beside the keys and values of their positions, so whoever takes a
//! page of another sequence takes its digests too. Taking them changes no result.
//! Absent: what is done with them; `inference` builds its evidence from them.

use sha2::{Digest as _, Sha256};

/// SHA-256 of one position's hidden state behind one layer.
pub type StateDigest = [u8; 32];

/// Floats that are turned into bytes at a time.
const PIECE: usize = 256;

/// The digest of one row of the residual stream, `width` floats.
pub fn state_digest(state: &[f32]) -> StateDigest {
    let mut hasher = Sha256::new();
    hash_floats(&mut hasher, state);
    hasher.finalize().into()
}

/// Hashes floats as little-endian binary32.
pub(crate) fn hash_floats(hasher: &mut Sha256, floats: &[f32]) {
    let mut bytes = [0; PIECE * 4];
    for piece in floats.chunks(PIECE) {
        for (bytes, value) in bytes.chunks_exact_mut(4).zip(piece) {
            bytes.copy_from_slice(&value.to_bits().to_le_bytes());
        }
        hasher.update(&bytes[..piece.len() * 4]);
    }
}

/// The digests of one layer of one pass, `[row]`; without rows where none are wanted.
#[derive(Default)]
pub(crate) struct Record {
    rows: Vec<StateDigest>,
}

impl Record {
    /// Makes room for the rows of a pass, or for none.
    pub(crate) fn resize(&mut self, rows: usize) {
        self.rows.resize(rows, [0; 32]);
    }

    /// The rows in parts of `per_part`, then empty parts without end.
    pub(crate) fn parts(&mut self, per_part: usize) -> impl Iterator<Item = &mut [StateDigest]> {
        self.rows.chunks_mut(per_part).chain(std::iter::repeat_with(|| &mut [][..]))
    }

    /// The rows of the layer that was computed last.
    pub(crate) fn rows(&self) -> &[StateDigest] {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_of_the_bits() {
        let state: Vec<f32> = (0..600_u16).map(|index| f32::from(index) * 0.37 - 9.0).collect();
        let bytes: Vec<u8> = state.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(state_digest(&state), <[u8; 32]>::from(Sha256::digest(bytes)));
        assert_ne!(state_digest(&[0.0]), state_digest(&[-0.0]), "equal numbers, other bits");
    }
}
