//! What a provider hands to an auditor who asks for a part of an answer.
//!
//! Rule: it is computed anew when it is asked for; because every bit comes again, nothing is kept for it.
//! Bytes: the number of leaves (u32), each with its hash (32), the length of its path (u8) and the path's
//! hashes; the number of floats (u32) and the floats; all little-endian. Which leaves they are follows from
//! the scope. Bytes come from strangers: no more memory is taken than a few times their length.
//! Absent: whether it is true; [`crate::Auditor::replay`] says.

use openledger_model::{Cache, Sequence};

use super::scope::OpenedLeaf;
use super::{Evidence, Hash, Scope, leaves, path};

/// The largest opening that a provider makes, in bytes: of one layer of a narrow model, 20,000 positions.
pub const OPENING_BYTES_MAX: usize = 48 * 1024 * 1024;

/// An opened part of the evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// The leaves of the scope, in its order, with their paths to the root.
    pub(crate) leaves: Vec<OpenedLeaf>,
    /// Of one layer: what enters it, `[position][width]`; empty for the first layer and for whole windows.
    pub(crate) inputs: Vec<f32>,
}

/// Bytes that are no opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the opening ends early or goes on too long: {bytes} bytes; ask the provider again")]
pub struct OpeningBytesError {
    /// How many bytes there are.
    pub bytes: usize,
}

impl Opening {
    /// The opening of what a runner that keeps digests has computed in `sequence`, for a scope of `evidence`
    /// (its windows below [`Evidence::windows`]); of a layer after the first with what entered it,
    /// `[position][width]`.
    pub fn of(
        scope: &Scope,
        evidence: &Evidence,
        salt: &[u8; 32],
        (cache, sequence): (&Cache, &Sequence),
        inputs: Vec<f32>,
    ) -> Opening {
        let layers = evidence.layers as usize;
        let all = leaves(salt, layers, cache, sequence);
        let opened = scope.opened(evidence.layers).into_iter().filter_map(|(window, layer)| {
            let index = window as usize * layers + layer as usize;
            Some(OpenedLeaf { hash: *all.get(index)?, path: path(&all, index) })
        });
        Opening { leaves: opened.collect(), inputs }
    }

    /// The encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let mut bytes = count(self.leaves.len()).to_vec();
        for leaf in &self.leaves {
            bytes.extend(leaf.hash.0);
            bytes.push(u8::try_from(leaf.path.len()).unwrap_or(u8::MAX));
            leaf.path.iter().for_each(|hash| bytes.extend(hash.0));
        }
        bytes.extend(count(self.inputs.len()));
        self.inputs.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        bytes
    }

    /// Reads an encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Opening, OpeningBytesError> {
        let mut rest = bytes;
        let opening = read(&mut rest).filter(|_| rest.is_empty());
        opening.ok_or(OpeningBytesError { bytes: bytes.len() })
    }
}

fn read(rest: &mut &[u8]) -> Option<Opening> {
    let leaves = (0..count(rest)?).map(|_| read_leaf(rest)).collect::<Option<_>>()?;
    let floats = count(rest)?;
    let bytes = take(rest, usize::try_from(floats).ok()?.checked_mul(4)?)?;
    let value = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    Some(Opening { leaves, inputs: bytes.chunks_exact(4).map(value).collect() })
}

fn read_leaf(rest: &mut &[u8]) -> Option<OpenedLeaf> {
    let hash = hash(rest)?;
    let length = *take(rest, 1)?.first()?;
    let path = (0..length).map(|_| self::hash(rest)).collect::<Option<_>>()?;
    Some(OpenedLeaf { hash, path })
}

fn hash(rest: &mut &[u8]) -> Option<Hash> {
    Some(Hash(take(rest, 32)?.try_into().ok()?))
}

fn count(rest: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(take(rest, 4)?.try_into().ok()?))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, later) = rest.split_at_checked(length)?;
    *rest = later;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_back_and_others_are_refused() {
        let leaf =
            |number: u8| OpenedLeaf { hash: Hash([number; 32]), path: vec![Hash([9; 32]); number.into()] };
        let opening = Opening { leaves: vec![leaf(0), leaf(3)], inputs: vec![1.5, f32::NAN, -0.0] };
        let bytes = opening.to_bytes();
        let back = Opening::from_bytes(&bytes).expect("its own encoding reads back");
        assert_eq!(back.to_bytes(), bytes);
        assert_eq!(back.leaves, opening.leaves);
        for length in 0..bytes.len() {
            assert!(Opening::from_bytes(&bytes[..length]).is_err(), "{length}");
        }
        assert!(Opening::from_bytes(&[bytes.as_slice(), &[0]].concat()).is_err());
        assert!(Opening::from_bytes(&[0xff; 64]).is_err(), "four thousand million leaves in 60 bytes");
    }
}
