//! The authenticated store: `qmdb::current`, unordered, values of variable size, SHA-256.
//!
//! A key of the state is stored under its SHA-256, so every key costs 32 bytes in the index and any bytes may be a
//! key. `current` (and not `any`) because its root also commits to which operations are still active: a proof says
//! that the key has this value now, not that it once had it.
//! Absent: iteration by key prefix; readers that need it keep their own model from the finalized blocks.

use commonware_codec::RangeCfg;
use commonware_cryptography::{Hasher as _, Sha256, sha256};
use commonware_glue::stateful::db::{AttachableResolver, DatabaseSet, Shared};
use commonware_parallel::Sequential;
use commonware_runtime::{buffer::paged::CacheRef, tokio};
use commonware_storage::{
    journal::contiguous::variable::Config as JournalConfig,
    merkle::full::Config as MerkleConfig,
    qmdb::{
        any::unordered::{Update, variable::Operation},
        any::value::VariableEncoding,
        current::{VariableConfig, unordered::proof::constant::KeyValueProof, unordered::variable},
        sync::{Request, Source, Target, source},
    },
    translator::EightCap,
};
use commonware_utils::{NZU64, NZUsize};

use crate::block::{Family, Header};
use crate::execution::StateReader;
use crate::limits::STATE_VALUE_BYTES_MAX;

/// Bytes of one chunk of the activity bitmap; 256 operations.
const CHUNK_BYTES: usize = 32;

pub(crate) type Value = Vec<u8>;
pub(crate) type StateOperation = Operation<Family, sha256::Digest, Value>;
pub(crate) type Database =
    variable::Db<Family, tokio::Context, sha256::Digest, Value, Sha256, EightCap, CHUNK_BYTES, Sequential>;
pub(crate) type Databases = Shared<Database>;
pub(crate) type Batch = <Databases as DatabaseSet<tokio::Context>>::Unmerkleized;
pub(crate) type SealedBatch = <Databases as DatabaseSet<tokio::Context>>::Merkleized;
pub(crate) type SyncTarget = Target<Family, sha256::Digest>;
pub(crate) type StateProof = KeyValueProof<Family, sha256::Digest, CHUNK_BYTES>;
type ValueConfig = (RangeCfg<usize>, ());
pub(crate) type DatabaseConfig = VariableConfig<EightCap, ((), ValueConfig), Sequential>;

/// Where a key lives in the store.
pub(crate) fn slot(key: &[u8]) -> sha256::Digest {
    Sha256::hash(&[key])
}

/// The operation that a state proof is about.
pub(crate) fn update_operation(key: &[u8], value: Value) -> StateOperation {
    Operation::Update(Update::<sha256::Digest, VariableEncoding<Value>>(slot(key), value))
}

/// The part of a header that the store checks.
pub(crate) fn sync_target(header: &Header) -> SyncTarget {
    Target::new(header.operations_root, header.operations.clone())
}

pub(crate) fn database_config(page_cache: CacheRef) -> DatabaseConfig {
    let buffer = NZUsize!(1 << 16);
    VariableConfig {
        merkle_config: MerkleConfig {
            journal_partition: "state-merkle-journal".into(),
            metadata_partition: "state-merkle-metadata".into(),
            items_per_blob: NZU64!(1 << 18),
            write_buffer: buffer,
            replay_buffer: buffer,
            strategy: Sequential,
            page_cache: page_cache.clone(),
        },
        journal_config: JournalConfig {
            partition: "state-log".into(),
            items_per_section: NZU64!(1 << 14),
            compression: None,
            codec_config: ((), (RangeCfg::new(..=STATE_VALUE_BYTES_MAX), ())),
            page_cache,
            write_buffer: buffer,
            replay_buffer: buffer,
        },
        grafted_metadata_partition: "state-grafted-metadata".into(),
        translator: EightCap,
        init_cache: Some(NZUsize!(1 << 16)),
        init_buffer: NZUsize!(1 << 21),
        init_concurrency: (),
    }
}

/// A block's parent state.
pub(crate) struct ParentState<'a>(pub(crate) &'a Batch);

impl StateReader for ParentState<'_> {
    async fn read(&self, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let slots: Vec<sha256::Digest> = keys.iter().map(|key| slot(key)).collect();
        let slots: Vec<&sha256::Digest> = slots.iter().collect();
        self.0
            .get_many(&slots)
            .await
            .expect("the state of a running block is readable; otherwise the store is damaged")
    }
}

/// State synchronisation is not offered: a new validator replays the blocks.
#[derive(Clone, Debug)]
pub(crate) struct NoStateSync;

/// The answer of [`NoStateSync`].
#[derive(Debug, thiserror::Error)]
#[error("state synchronisation is not offered; replay the blocks")]
pub(crate) struct NotOffered;

impl Source for NoStateSync {
    type Family = Family;
    type Digest = sha256::Digest;
    type Op = StateOperation;
    type Error = NotOffered;

    async fn serve(&self, _request: Request<Family>) -> source::Result<Self> {
        Err(NotOffered)
    }
}

impl AttachableResolver<Database> for NoStateSync {
    async fn attach_database(&self, _database: Databases) {}
}
