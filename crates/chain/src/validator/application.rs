//! Builds and checks blocks: the rules meet the store.
//!
//! What makes a block valid, beyond its shape: no transaction twice; a time strictly after its parent's; and
//! execution on the parent's state gives exactly the outputs, the state root and the log root in its header. A block
//! stamped ahead of a validator's clock is not invalid (clocks differ); its vote waits ([`crate::validator::pacing`]).
//!
//! Rule: a proposal never holds a transaction of an ancestor that is not final yet.
//! Absent: when to propose ([`crate::validator::pacing`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use commonware_codec::Encode as _;
use commonware_consensus::{
    Heightable as _, marshal::ancestry::Ancestry, simplex::scheme::ed25519::Scheme, types::Height,
};
use commonware_cryptography::{Digested, Digestible as _, bls12381, ed25519};
use commonware_glue::stateful::{
    Application, Finality, Input, Proposed,
    db::{Merkleized as _, Reader, Unmerkleized as _},
};
use commonware_runtime::{Clock as _, tokio as runtime};
use commonware_utils::non_empty_range;
use futures::StreamExt as _;
use tokio::sync::watch;

use crate::beacon::{self, Beacon, Reveal};
use crate::block::{Block, Context, Executed, Header, Transaction, outputs_root, transactions_root};
use crate::execution::Execution;
use crate::limits::{
    BLOCK_OUTPUT_BYTES_MAX, BLOCK_TRANSACTION_BYTES_MAX, BLOCK_TRANSACTIONS_MAX, OUTPUT_BYTES_MAX,
};
use crate::machine::{BlockContext, StateMachine};
use crate::mempool::Mempool;
use crate::shared::TipBlock;
use crate::state::{Batch, Database, Databases, ParentState, SealedBatch, SyncTarget, sync_target};

/// A proposer stops adding transactions after executing for this long.
const BUILD_TIME_MAX: Duration = Duration::from_millis(400);

/// What every clone of the application shares.
pub(crate) struct Ledger {
    pub(crate) machine: Arc<dyn StateMachine>,
    pub(crate) chain_id: u64,
    pub(crate) beacon: Beacon,
    pub(crate) beacons: BTreeMap<ed25519::PublicKey, bls12381::PublicKey>,
    pub(crate) genesis_state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) genesis_block: TipBlock,
    pub(crate) mempool: Arc<Mempool>,
    pub(crate) tip: watch::Sender<TipBlock>,
}

/// The application that the engine drives.
#[derive(Clone)]
pub(crate) struct LedgerApplication(pub(crate) Arc<Ledger>);

/// A block executed on its parent's state.
struct Built {
    begin: Executed,
    transactions: Vec<Transaction>,
    executed: Vec<Executed>,
    sealed: SealedBatch,
}

/// Milliseconds since 1970 by the local clock.
pub(crate) fn now_ms(context: &runtime::Context) -> u64 {
    let since = context.current().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Ledger {
    /// Executes `transactions` in order. A proposal (`bounded`) stops where the block would become too large or take
    /// too long; a given block is executed whole.
    async fn build(
        &self,
        context: BlockContext,
        transactions: Vec<Transaction>,
        batch: Batch,
        bounded: bool,
    ) -> Built {
        let started = Instant::now();
        let mut execution = Execution::new(self.machine.as_ref(), context);
        if context.height == 1 {
            execution.write_genesis(&self.genesis_state);
        }
        let begin = execution.begin(&ParentState(&batch)).await;
        let mut output_bytes = begin.output.len();
        let mut executed = Vec::with_capacity(transactions.len());
        for transaction in &transactions {
            let full = output_bytes.saturating_add(OUTPUT_BYTES_MAX) > BLOCK_OUTPUT_BYTES_MAX;
            if bounded && (full || started.elapsed() > BUILD_TIME_MAX) {
                break;
            }
            let one = execution.transaction(&ParentState(&batch), &transaction.bytes).await;
            output_bytes = output_bytes.saturating_add(one.output.len());
            executed.push(one);
        }
        let mut transactions = transactions;
        transactions.truncate(executed.len());
        let mut batch = batch;
        for (key, value) in execution.into_changes() {
            batch = batch.write(crate::state::slot(&key), value);
        }
        let sealed = batch
            .merkleize()
            .await
            .expect("the state of a running block is writable; otherwise the store is damaged");
        Built { begin, transactions, executed, sealed }
    }

    fn header(
        &self,
        context: Context,
        parent: &Digested<Block>,
        timestamp_ms: u64,
        reveal: Reveal,
        built: &Built,
    ) -> Header {
        Header {
            context,
            parent: parent.digest(),
            height: parent.height().next(),
            timestamp_ms,
            reveal,
            transactions_root: transactions_root(&built.transactions),
            outputs_root: outputs_root(&built.begin, &built.executed),
            state_root: built.sealed.root(),
            operations_root: built.sealed.ops_root(),
            operations: non_empty_range!(built.sealed.sync_boundary(), built.sealed.bounds().tip.size),
        }
    }

    fn block_context(&self, height: Height, timestamp_ms: u64, reveal: &Reveal) -> BlockContext {
        let randomness = beacon::randomness(reveal);
        BlockContext { height: height.get(), timestamp_ms, chain_id: self.chain_id, randomness }
    }

    /// Whether the proposer revealed what it had to.
    fn revealed(&self, header: &Header, parent: &Header) -> bool {
        self.beacons
            .get(&header.context.leader)
            .is_some_and(|key| self.beacon.verify(key, header.height, &parent.reveal, &header.reveal))
    }

    /// Hashes of the transactions in `parent` and its ancestors that are not final yet.
    async fn undecided(
        &self,
        parent: &Digested<Block>,
        mut ancestry: impl Ancestry<Block>,
    ) -> Option<BTreeSet<commonware_cryptography::sha256::Digest>> {
        let finalized = self.tip.borrow().header.height;
        let mut hashes = BTreeSet::new();
        let mut block = parent.clone();
        while block.height() > finalized {
            hashes.extend(block.inner().transactions.iter().map(|transaction| transaction.hash));
            block = ancestry.next().await?;
        }
        Some(hashes)
    }

    /// Whether `block` is what executing its transactions gives.
    fn agrees(block: &Block, built: &Built) -> bool {
        let header = &block.header;
        block.begin.encode() == built.begin.encode()
            && block.executed == built.executed
            && header.state_root == built.sealed.root()
            && header.operations_root == built.sealed.ops_root()
    }
}

impl Application<runtime::Context> for LedgerApplication {
    type SigningScheme = Scheme;
    type Context = Context;
    type Block = Block;
    type Databases = Databases;
    type Captured = ();
    type Provider = ();
    type Input = ();

    fn sync_targets(block: &Block) -> SyncTarget {
        sync_target(&block.header)
    }

    async fn genesis(&mut self) -> Block {
        (*self.0.genesis_block).clone()
    }

    async fn propose(
        &mut self,
        (runtime, context): (runtime::Context, Context),
        mut ancestry: impl Ancestry<Block>,
        batch: Batch,
        _input: Input<(), ()>,
    ) -> Option<Proposed<Self, runtime::Context>> {
        let ledger = &self.0;
        let parent = ancestry.next().await?;
        let undecided = ledger.undecided(&parent, ancestry).await?;
        let transactions =
            ledger.mempool.select(&undecided, BLOCK_TRANSACTIONS_MAX, BLOCK_TRANSACTION_BYTES_MAX);
        let timestamp_ms = now_ms(&runtime).max(parent.inner().header.timestamp_ms.checked_add(1)?);
        let reveal = ledger.beacon.reveal(parent.height().next(), &parent.inner().header.reveal);
        let block_context = ledger.block_context(parent.height().next(), timestamp_ms, &reveal);
        let built = ledger.build(block_context, transactions, batch, true).await;
        ledger.mempool.mark_in_flight(&built.transactions);
        let header = ledger.header(context, &parent, timestamp_ms, reveal, &built);
        let Built { begin, transactions, executed, sealed } = built;
        Some(Proposed { block: Block { header, begin, transactions, executed }, merkleized: sealed })
    }

    async fn process(
        &mut self,
        _context: (runtime::Context, Context),
        mut ancestry: impl Ancestry<Block>,
        batch: Batch,
        finality: Finality,
    ) -> Option<SealedBatch> {
        let ledger = &self.0;
        let block = ancestry.next().await?;
        let block = block.inner();
        if finality == Finality::Candidate {
            let parent = ancestry.next().await?;
            if block.has_repeated_transaction()
                || block.header.timestamp_ms <= parent.inner().header.timestamp_ms
                || !ledger.revealed(&block.header, &parent.inner().header)
            {
                return None;
            }
            ledger.mempool.mark_in_flight(&block.transactions);
        }
        let context =
            ledger.block_context(block.header.height, block.header.timestamp_ms, &block.header.reveal);
        let built = ledger.build(context, block.transactions.clone(), batch, false).await;
        Ledger::agrees(block, &built).then_some(built.sealed)
    }

    async fn capture(
        &mut self,
        _context: (runtime::Context, Context),
        _block: &Block,
        _batch: &SealedBatch,
        _reader: Reader<Database>,
    ) {
    }

    async fn finalized(
        &mut self,
        _context: (runtime::Context, Context),
        block: &Block,
        (): (),
        _reader: Reader<Database>,
    ) {
        let block = Arc::new(block.clone());
        // The tip moves first, so that whoever is told of a transaction sees a state that has it.
        self.0.tip.send_replace(Arc::clone(&block));
        self.0.mempool.finalized(&block);
    }
}
