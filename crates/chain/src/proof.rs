//! Proof that a key had a value in the state that the validators finalized, checked offline.
//!
//! A proof holds the key, the value, the path to the state root, the block header with that root, and the finality
//! certificate over the header's digest. Checking needs the network identity alone: no runtime, no clock, no I/O.
//! Bytes from outside are hostile: sizes are checked before allocation, and the encoding is canonical, so a proof
//! with any byte changed is no proof.
//! Absent: proof that a key has no value; proof of a single transaction's output.

use bytes::BufMut;
use commonware_codec::{
    Buf, Copying, Decode as _, Encode as _, EncodeSize, Error as CodecError, RangeCfg, Read, ReadExt as _,
    Write,
};
use commonware_consensus::simplex::{scheme::ed25519::Scheme, types::Finalization};
use commonware_cryptography::{Sha256, sha256};
use commonware_parallel::Sequential;
use commonware_storage::merkle::MAX_PROOF_DIGESTS_PER_ELEMENT;
use commonware_utils::sys_rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::beacon::randomness;
use crate::block::Header;
use crate::identity::{Digest, IdentityError, NetworkIdentity};
use crate::limits::{PROOF_BYTES_MAX, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX, VALIDATORS_MAX};
use crate::state::{StateProof, update_operation};

/// First byte of an encoded proof.
const VERSION: u8 = 1;

pub(crate) type Certificate = Finalization<Scheme, sha256::Digest>;

/// Why something is not a proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Too many bytes.
    #[error("the proof has {bytes} bytes; at most {PROOF_BYTES_MAX} are allowed")]
    TooLarge {
        /// The size found.
        bytes: usize,
    },
    /// Not an encoded proof.
    #[error("the bytes are not an inclusion proof: {reason}")]
    Malformed {
        /// What the decoder said.
        reason: String,
    },
    /// Not hexadecimal.
    #[error("the text is not hexadecimal")]
    NotHex,
    /// The identity it is checked against is not usable.
    #[error("the network identity is not usable")]
    Identity(#[source] IdentityError),
    /// The certificate is about another block than the one in the proof.
    #[error("the certificate is about block {certified}, the proof holds block {held}")]
    AnotherBlock {
        /// Digest under the certificate.
        certified: Digest,
        /// Digest of the header in the proof.
        held: Digest,
    },
    /// The signatures are not those of enough validators of the network.
    #[error("block {block} is not finalized by the validators of {network}")]
    NotFinalized {
        /// Digest of the block.
        block: Digest,
        /// Name of the network checked against.
        network: String,
    },
    /// The path does not lead from key and value to the state root.
    #[error("the key does not have this value under the state root {state_root}")]
    NotIncluded {
        /// The root in the certified header.
        state_root: Digest,
    },
}

/// A self-contained proof. Serialised as hexadecimal text.
#[derive(Clone, Debug, PartialEq)]
pub struct InclusionProof {
    key: Vec<u8>,
    value: Vec<u8>,
    state: StateProof,
    header: Header,
    certificate: Certificate,
}

/// What a checked proof establishes: the network's validators finalized a state in which `key` has `value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedInclusion {
    /// Height of the block.
    pub height: u64,
    /// Time of the block, milliseconds since 1970.
    pub timestamp_ms: u64,
    /// Root of the state after the block.
    pub state_root: Digest,
    /// Digest of the block.
    pub block_digest: Digest,
    /// Randomness of the block: nobody knew it before, and its proposer could not choose it.
    pub randomness: [u8; 32],
    /// The key.
    pub key: Vec<u8>,
    /// Its value in that state.
    pub value: Vec<u8>,
}

impl InclusionProof {
    pub(crate) fn new(
        key: Vec<u8>,
        value: Vec<u8>,
        state: StateProof,
        header: Header,
        certificate: Certificate,
    ) -> Self {
        Self { key, value, state, header, certificate }
    }

    /// The canonical encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode().to_vec()
    }

    /// Decodes; nothing is verified yet.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(ProofError::TooLarge { bytes: bytes.len() });
        }
        let proof = Self::decode_cfg(Copying(bytes), &())
            .map_err(|error| ProofError::Malformed { reason: error.to_string() })?;
        // Whatever the decoder would forgive, only the canonical bytes are a proof.
        if proof.encode().as_ref() != bytes {
            return Err(ProofError::Malformed { reason: "the encoding is not canonical".into() });
        }
        Ok(proof)
    }

    /// The canonical encoding as hexadecimal text.
    pub fn to_hex(&self) -> String {
        hex::encode(self.encode())
    }

    /// Decodes hexadecimal text; nothing is verified yet.
    pub fn from_hex(text: &str) -> Result<Self, ProofError> {
        if text.len() > 2 * PROOF_BYTES_MAX {
            return Err(ProofError::TooLarge { bytes: text.len() / 2 });
        }
        Self::from_bytes(&hex::decode(text).map_err(|_| ProofError::NotHex)?)
    }
}

/// Checks a proof against the network's public identity, offline.
pub fn verify_inclusion(
    identity: &NetworkIdentity,
    proof: &InclusionProof,
) -> Result<VerifiedInclusion, ProofError> {
    let verifier = identity.verifier().map_err(ProofError::Identity)?;
    let held = proof.header.digest();
    let certified = proof.certificate.proposal.payload;
    if held != certified {
        return Err(ProofError::AnotherBlock { certified: certified.into(), held: held.into() });
    }
    // The random numbers only weigh the signatures of a batch against each other.
    if !proof.certificate.verify(&mut sys_rng(), &verifier, &Sequential) {
        return Err(ProofError::NotFinalized { block: held.into(), network: identity.name.clone() });
    }
    let operation = update_operation(&proof.key, proof.value.clone());
    if !proof.state.verify::<Sha256, _>(operation, &proof.header.state_root) {
        return Err(ProofError::NotIncluded { state_root: proof.header.state_root.into() });
    }
    Ok(VerifiedInclusion {
        height: proof.header.height.get(),
        timestamp_ms: proof.header.timestamp_ms,
        state_root: proof.header.state_root.into(),
        block_digest: held.into(),
        randomness: randomness(&proof.header.reveal),
        key: proof.key.clone(),
        value: proof.value.clone(),
    })
}

impl Write for InclusionProof {
    fn write(&self, buf: &mut impl BufMut) {
        VERSION.write(buf);
        self.key.write(buf);
        self.value.write(buf);
        self.state.write(buf);
        self.header.write(buf);
        self.certificate.write(buf);
    }
}

impl EncodeSize for InclusionProof {
    fn encode_size(&self) -> usize {
        1 + self.key.encode_size()
            + self.value.encode_size()
            + self.state.encode_size()
            + self.header.encode_size()
            + self.certificate.encode_size()
    }
}

impl Read for InclusionProof {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        if u8::read(buf)? != VERSION {
            return Err(CodecError::Invalid("InclusionProof", "unknown version"));
        }
        Ok(Self {
            key: Vec::read_cfg(buf, &(RangeCfg::new(1..=STATE_KEY_BYTES_MAX), ()))?,
            value: Vec::read_cfg(buf, &(RangeCfg::new(..=STATE_VALUE_BYTES_MAX), ()))?,
            state: StateProof::read_cfg(buf, &MAX_PROOF_DIGESTS_PER_ELEMENT)?,
            header: Header::read(buf)?,
            certificate: Certificate::read_cfg(buf, &VALIDATORS_MAX)?,
        })
    }
}

impl Serialize for InclusionProof {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for InclusionProof {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_hex(&text).map_err(serde::de::Error::custom)
    }
}
