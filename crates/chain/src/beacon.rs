//! Randomness that nobody knows before a block and its proposer cannot choose.
//!
//! Rule: every block carries its proposer's BLS12-381 signature over the height and the parent's signature, under a key that
//! the network's identity names. A BLS signature is unique: there is one valid value for each proposer and parent, so
//! nothing can be tried until the outcome is liked. The block's randomness is the signature's hash. This is the mix of
//! Ethereum's consensus layer (`process_randao` in the phase 0 specification) with a chain of signatures instead of a running xor.
//!
//! Absent: a threshold. A proposer can still give up its block, and so choose between its own value and the next proposer's:
//! one bit for each block that it gives up.

use std::fmt;
use std::str::FromStr;

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use commonware_consensus::types::Height;
use commonware_cryptography::{Signer as _, Verifier as _, bls12381};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::identity::IdentityError;

const SECRET_DOMAIN: &[u8] = b"openledger-beacon-secret-v1";
const RANDOMNESS_DOMAIN: &[u8] = b"openledger-beacon-randomness-v1";
const NAMESPACE_SUFFIX: &[u8] = b"-beacon";

/// Bytes of a public key of the beacon.
const KEY_BYTES: usize = 48;
/// Bytes of what a proposer reveals.
pub(crate) const REVEAL_BYTES: usize = 96;

/// A proposer's signature; zeros at height 0.
pub(crate) type Reveal = [u8; REVEAL_BYTES];

/// The public key of a validator's beacon. Written as 96 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BeaconKey(pub [u8; KEY_BYTES]);

impl BeaconKey {
    /// The public key that belongs to a validator's secret seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let encoded = secret(seed).public_key().encode();
        let mut bytes = [0; KEY_BYTES];
        bytes.copy_from_slice(&encoded);
        Self(bytes)
    }

    pub(crate) fn public_key(&self) -> Result<bls12381::PublicKey, IdentityError> {
        bls12381::PublicKey::decode(Copying(&self.0)).map_err(|_| IdentityError::NotABeaconKey { key: *self })
    }
}

impl fmt::Display for BeaconKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BeaconKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BeaconKey({self})")
    }
}

impl FromStr for BeaconKey {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let mut bytes = [0; KEY_BYTES];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| IdentityError::Hex {
            text: text.chars().take(80).collect(),
            digits: KEY_BYTES.saturating_mul(2),
        })?;
        Ok(Self(bytes))
    }
}

impl Serialize for BeaconKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BeaconKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The secret key of a seed: its hash with the two highest bits cleared, which is below the group's order.
fn secret(seed: &[u8; 32]) -> bls12381::PrivateKey {
    let mut scalar: [u8; 32] = Sha256::new().chain_update(SECRET_DOMAIN).chain_update(seed).finalize().into();
    scalar[0] &= 0b0011_1111;
    bls12381::PrivateKey::decode(Copying(&scalar)).expect("a nonzero number below the group's order is a key")
}

/// The beacon of a network, as one validator runs it.
pub(crate) struct Beacon {
    namespace: Vec<u8>,
    secret: bls12381::PrivateKey,
}

impl Beacon {
    /// The beacon of the network with this namespace, revealing with the key of `seed`.
    pub(crate) fn new(mut namespace: Vec<u8>, seed: &[u8; 32]) -> Self {
        namespace.extend_from_slice(NAMESPACE_SUFFIX);
        Self { namespace, secret: secret(seed) }
    }

    /// What this validator reveals in its block of this height on this parent.
    pub(crate) fn reveal(&self, height: Height, parent: &Reveal) -> Reveal {
        let signature = self.secret.sign(&self.namespace, &message(height, parent)).encode();
        let mut reveal = [0; REVEAL_BYTES];
        reveal.copy_from_slice(&signature);
        reveal
    }

    /// Whether `reveal` is what the proposer with this key had to reveal.
    pub(crate) fn verify(
        &self,
        key: &bls12381::PublicKey,
        height: Height,
        parent: &Reveal,
        reveal: &Reveal,
    ) -> bool {
        bls12381::Signature::decode(Copying(reveal.as_slice()))
            .is_ok_and(|signature| key.verify(&self.namespace, &message(height, parent), &signature))
    }
}

fn message(height: Height, parent: &Reveal) -> Vec<u8> {
    [&height.get().to_be_bytes(), parent.as_slice()].concat()
}

/// The randomness of the block that reveals this.
pub(crate) fn randomness(reveal: &Reveal) -> [u8; 32] {
    Sha256::new().chain_update(RANDOMNESS_DOMAIN).chain_update(reveal).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposer_has_one_valid_reveal_for_each_height_and_parent() {
        let (one, other) = (Beacon::new(vec![1], &[1; 32]), Beacon::new(vec![1], &[2; 32]));
        let key = BeaconKey::from_seed(&[1; 32]).public_key().unwrap();
        let (height, parent) = (Height::new(5), [3; REVEAL_BYTES]);
        let reveal = one.reveal(height, &parent);
        assert_eq!(reveal, one.reveal(height, &parent));
        assert!(other.verify(&key, height, &parent, &reveal), "everyone can check it");
        assert!(!one.verify(&key, Height::new(6), &parent, &reveal), "another height");
        assert!(!one.verify(&key, height, &[4; REVEAL_BYTES], &reveal), "another parent");
        assert!(!one.verify(&key, height, &parent, &other.reveal(height, &parent)), "another proposer");
        assert!(!Beacon::new(vec![2], &[1; 32]).verify(&key, height, &parent, &reveal), "another network");
        let mut damaged = reveal;
        damaged[50] ^= 1;
        assert!(!one.verify(&key, height, &parent, &damaged));
        assert!(!one.verify(&key, height, &parent, &[0; REVEAL_BYTES]));
        assert_ne!(randomness(&reveal), randomness(&damaged));
    }
}
