//! The block: a header that is signed by consensus, the transactions, and what executing them gave.
//!
//! Rule: the digest of a block is the digest of its header, so decoding checks that the body is the one the header
//! commits to; a block that exists in memory is consistent. Outputs travel in the block: readers replay them from
//! disk without executing again, and validators compare them with their own execution.
//! Absent: whether the state root is right; that is known only after execution ([`crate::validator::application`]).

use bytes::{BufMut, Bytes};
use commonware_codec::{
    Buf, Encode as _, EncodeSize, Error as CodecError, FixedSize as _, MaxEncodeSize, RangeCfg, Read,
    ReadExt as _, Write,
};
use commonware_consensus::{
    Block as ConsensusBlock, BoundedBlock, CertifiableBlock, Heightable, simplex,
    types::{Epoch, Height, Round, View},
};
use commonware_cryptography::{Digest as _, Digestible, Hasher as _, Sha256, ed25519, sha256};
use commonware_storage::{
    bmt,
    mmr::{self, Location},
};
use commonware_utils::range::NonEmptyRange;

use crate::beacon::{REVEAL_BYTES, Reveal};
use crate::limits::{
    BLOCK_OUTPUT_BYTES_MAX, BLOCK_TRANSACTION_BYTES_MAX, BLOCK_TRANSACTIONS_MAX, OUTPUT_BYTES_MAX,
    TRANSACTION_BYTES_MAX,
};

/// What consensus says about a block: its round, its leader, its parent.
pub(crate) type Context = simplex::types::Context<sha256::Digest, ed25519::PublicKey>;
/// The operations of the state's log that a block's state needs.
pub(crate) type OperationRange = NonEmptyRange<Location>;

const DIGEST_DOMAIN: &[u8] = b"openledger-block-v2";

/// Everything that validators sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) context: Context,
    pub(crate) parent: sha256::Digest,
    pub(crate) height: Height,
    pub(crate) timestamp_ms: u64,
    /// What the proposer had to reveal; the block's randomness follows from it.
    pub(crate) reveal: Reveal,
    /// Merkle root over the transactions' hashes.
    pub(crate) transactions_root: sha256::Digest,
    /// Merkle root over the hashes of [`Executed`]: the block's own step first, then one for each transaction.
    pub(crate) outputs_root: sha256::Digest,
    /// Root that proves which value a key has now.
    pub(crate) state_root: sha256::Digest,
    /// Root of the state's log of operations; recovery and synchronisation check against it.
    pub(crate) operations_root: sha256::Digest,
    pub(crate) operations: OperationRange,
}

impl Header {
    pub(crate) fn digest(&self) -> sha256::Digest {
        Sha256::hash(&[DIGEST_DOMAIN, &self.encode()])
    }
}

impl Write for Header {
    fn write(&self, buf: &mut impl BufMut) {
        self.context.write(buf);
        self.parent.write(buf);
        self.height.write(buf);
        self.timestamp_ms.write(buf);
        self.reveal.write(buf);
        self.transactions_root.write(buf);
        self.outputs_root.write(buf);
        self.state_root.write(buf);
        self.operations_root.write(buf);
        self.operations.write(buf);
    }
}

impl EncodeSize for Header {
    fn encode_size(&self) -> usize {
        self.context.encode_size()
            + self.height.encode_size()
            + self.operations.encode_size()
            + HEADER_FIXED_BYTES
    }
}

const HEADER_FIXED_BYTES: usize = 5 * sha256::Digest::SIZE + u64::SIZE + REVEAL_BYTES;

impl MaxEncodeSize for Header {
    const MAX_ENCODE_SIZE: usize = Context::MAX_ENCODE_SIZE
        + Height::MAX_ENCODE_SIZE
        + OperationRange::MAX_ENCODE_SIZE
        + HEADER_FIXED_BYTES;
}

impl Read for Header {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        Ok(Self {
            context: Context::read(buf)?,
            parent: sha256::Digest::read(buf)?,
            height: Height::read(buf)?,
            timestamp_ms: u64::read(buf)?,
            reveal: Reveal::read(buf)?,
            transactions_root: sha256::Digest::read(buf)?,
            outputs_root: sha256::Digest::read(buf)?,
            state_root: sha256::Digest::read(buf)?,
            operations_root: sha256::Digest::read(buf)?,
            operations: OperationRange::read(buf)?,
        })
    }
}

/// What one transaction (or the block's own first step) gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Executed {
    pub(crate) result: Result<(), u16>,
    pub(crate) output: Bytes,
}

impl Executed {
    pub(crate) fn nothing() -> Self {
        Self { result: Ok(()), output: Bytes::new() }
    }
}

impl Write for Executed {
    fn write(&self, buf: &mut impl BufMut) {
        self.result.err().write(buf);
        self.output.write(buf);
    }
}

impl EncodeSize for Executed {
    fn encode_size(&self) -> usize {
        self.result.err().encode_size() + self.output.encode_size()
    }
}

impl Read for Executed {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let rejection = Option::<u16>::read(buf)?;
        let output = Bytes::read_cfg(buf, &RangeCfg::new(..=OUTPUT_BYTES_MAX))?;
        Ok(Self { result: rejection.map_or(Ok(()), Err), output })
    }
}

/// A transaction with its hash, computed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transaction {
    pub(crate) bytes: Bytes,
    pub(crate) hash: sha256::Digest,
}

impl Transaction {
    pub(crate) fn new(bytes: Bytes) -> Self {
        let hash = Sha256::hash(&[&bytes]);
        Self { bytes, hash }
    }
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) header: Header,
    /// The block's own first step, before any transaction.
    pub(crate) begin: Executed,
    pub(crate) transactions: Vec<Transaction>,
    /// One for each transaction.
    pub(crate) executed: Vec<Executed>,
}

pub(crate) fn transactions_root(transactions: &[Transaction]) -> sha256::Digest {
    let mut tree = bmt::Builder::<Sha256>::new(transactions.len());
    for transaction in transactions {
        tree.add(&transaction.hash);
    }
    tree.build().root()
}

pub(crate) fn outputs_root(begin: &Executed, executed: &[Executed]) -> sha256::Digest {
    let mut tree = bmt::Builder::<Sha256>::new(executed.len().saturating_add(1));
    for one in std::iter::once(begin).chain(executed) {
        tree.add(&Sha256::hash(&[&one.encode()]));
    }
    tree.build().root()
}

impl Block {
    /// The block of height 0. Its state root is the genesis hash (nothing is proven at height 0), so that every
    /// later digest depends on the first state.
    pub(crate) fn genesis(
        genesis_hash: sha256::Digest,
        first_validator: ed25519::PublicKey,
        operations_root: sha256::Digest,
        operations: OperationRange,
    ) -> Self {
        let begin = Executed::nothing();
        let header = Header {
            context: Context {
                round: Round::new(Epoch::zero(), View::zero()),
                leader: first_validator,
                parent: (View::zero(), sha256::Digest::EMPTY),
            },
            parent: sha256::Digest::EMPTY,
            height: Height::zero(),
            timestamp_ms: 0,
            reveal: [0; REVEAL_BYTES],
            transactions_root: transactions_root(&[]),
            outputs_root: outputs_root(&begin, &[]),
            state_root: genesis_hash,
            operations_root,
            operations,
        };
        Self { header, begin, transactions: Vec::new(), executed: Vec::new() }
    }

    /// No transaction twice. A permanent rule: proposers never break it.
    pub(crate) fn has_repeated_transaction(&self) -> bool {
        let mut seen = std::collections::BTreeSet::new();
        !self.transactions.iter().all(|transaction| seen.insert(transaction.hash))
    }
}

impl Write for Block {
    fn write(&self, buf: &mut impl BufMut) {
        self.header.write(buf);
        self.begin.write(buf);
        self.transactions.len().write(buf);
        for transaction in &self.transactions {
            transaction.bytes.write(buf);
        }
        for one in &self.executed {
            one.write(buf);
        }
    }
}

impl EncodeSize for Block {
    fn encode_size(&self) -> usize {
        self.header.encode_size()
            + self.begin.encode_size()
            + self.transactions.len().encode_size()
            + self.transactions.iter().map(|transaction| transaction.bytes.encode_size()).sum::<usize>()
            + self.executed.iter().map(EncodeSize::encode_size).sum::<usize>()
    }
}

impl Read for Block {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        let header = Header::read(buf)?;
        let begin = Executed::read(buf)?;
        let count = usize::read_cfg(buf, &RangeCfg::new(..=BLOCK_TRANSACTIONS_MAX))?;
        let mut transactions = Vec::with_capacity(count);
        let mut transaction_bytes = 0usize;
        for _ in 0..count {
            let bytes = Bytes::read_cfg(buf, &RangeCfg::new(1..=TRANSACTION_BYTES_MAX))?;
            transaction_bytes = transaction_bytes.saturating_add(bytes.len());
            if transaction_bytes > BLOCK_TRANSACTION_BYTES_MAX {
                return Err(CodecError::Invalid("Block", "transactions above the limit of a block"));
            }
            transactions.push(Transaction::new(bytes));
        }
        let mut executed = Vec::with_capacity(count);
        let mut output_bytes = begin.output.len();
        for _ in 0..count {
            let one = Executed::read(buf)?;
            output_bytes = output_bytes.saturating_add(one.output.len());
            if output_bytes > BLOCK_OUTPUT_BYTES_MAX {
                return Err(CodecError::Invalid("Block", "outputs above the limit of a block"));
            }
            executed.push(one);
        }
        if transactions_root(&transactions) != header.transactions_root {
            return Err(CodecError::Invalid("Block", "transactions are not those of the header"));
        }
        if outputs_root(&begin, &executed) != header.outputs_root {
            return Err(CodecError::Invalid("Block", "outputs are not those of the header"));
        }
        Ok(Self { header, begin, transactions, executed })
    }
}

impl Digestible for Block {
    type Digest = sha256::Digest;

    fn digest(&self) -> sha256::Digest {
        self.header.digest()
    }
}

impl Heightable for Block {
    fn height(&self) -> Height {
        self.header.height
    }
}

impl ConsensusBlock for Block {
    fn parent(&self) -> sha256::Digest {
        self.header.parent
    }
}

impl CertifiableBlock for Block {
    type Context = Context;

    fn context(&self) -> Context {
        self.header.context.clone()
    }
}

impl BoundedBlock for Block {
    fn max_encode_size((): &()) -> usize {
        /// Widest length prefix of a byte string, plus the result in front of an output.
        const FRAME_BYTES: usize = 16;
        Header::MAX_ENCODE_SIZE
            + BLOCK_TRANSACTION_BYTES_MAX
            + BLOCK_OUTPUT_BYTES_MAX
            + FRAME_BYTES * (2 * BLOCK_TRANSACTIONS_MAX + 2)
    }
}

/// The state's log is a Merkle mountain range.
pub(crate) type Family = mmr::Family;

#[cfg(test)]
mod tests {
    use commonware_codec::{Copying, DecodeExt as _};
    use commonware_utils::non_empty_range;

    use super::*;
    use crate::identity::ValidatorKey;

    fn block(transactions: &[&[u8]]) -> Block {
        let leader = ValidatorKey::from_seed(&[1; 32]).public_key().expect("a key");
        let range = non_empty_range!(Location::new(0), Location::new(1));
        let mut block = Block::genesis(sha256::Digest([7; 32]), leader, sha256::Digest([8; 32]), range);
        block.transactions =
            transactions.iter().map(|bytes| Transaction::new(Bytes::copy_from_slice(bytes))).collect();
        block.executed = transactions
            .iter()
            .map(|bytes| Executed { result: Err(7), output: Bytes::copy_from_slice(bytes) })
            .collect();
        block.header.height = Height::new(3);
        block.header.transactions_root = transactions_root(&block.transactions);
        block.header.outputs_root = outputs_root(&block.begin, &block.executed);
        block
    }

    #[test]
    fn encoding_is_canonical_and_bounded() {
        for transactions in [&[][..], &[b"a".as_slice()][..], &[b"a".as_slice(), b"bb", b"ccc"][..]] {
            let block = block(transactions);
            let bytes = block.encode();
            assert_eq!(bytes.len(), block.encode_size());
            assert!(bytes.len() <= Block::max_encode_size(&()));
            let decoded = Block::decode(bytes.clone()).expect("decodes");
            assert_eq!(decoded, block);
            assert_eq!(decoded.encode(), bytes);
        }
    }

    #[test]
    fn every_flipped_byte_is_refused_or_changes_the_digest() {
        let block = block(&[b"first", b"second"]);
        let bytes = block.encode().to_vec();
        for index in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[index] ^= 1;
            if let Ok(decoded) = Block::decode(Copying(&damaged)) {
                assert_ne!(decoded.digest(), block.digest(), "byte {index}");
            }
        }
    }

    #[test]
    fn a_body_of_another_header_is_refused() {
        let mut swapped = block(&[b"first", b"second"]);
        swapped.transactions.swap(0, 1);
        assert!(Block::decode(swapped.encode()).is_err());
        let mut forged = block(&[b"first"]);
        forged.executed[0].result = Ok(());
        assert!(Block::decode(forged.encode()).is_err());
    }

    #[test]
    fn limits_of_a_block() {
        let full = vec![5u8; TRANSACTION_BYTES_MAX];
        let mut parts: Vec<Vec<u8>> = (0..4u8).map(|n| [&[n], &full[1..]].concat()).collect();
        let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let mut fits = block(&slices);
        fits.executed.iter_mut().for_each(|one| one.output = Bytes::new());
        fits.header.outputs_root = outputs_root(&fits.begin, &fits.executed);
        assert!(Block::decode(fits.encode()).is_ok());
        parts.push(vec![9]);
        let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let mut over = block(&slices);
        over.executed.iter_mut().for_each(|one| one.output = Bytes::new());
        over.header.outputs_root = outputs_root(&over.begin, &over.executed);
        assert!(Block::decode(over.encode()).is_err());
    }

    #[test]
    fn repeated_transactions_are_seen() {
        assert!(block(&[b"a", b"a"]).has_repeated_transaction());
        assert!(!block(&[b"a", b"b"]).has_repeated_transaction());
    }
}
