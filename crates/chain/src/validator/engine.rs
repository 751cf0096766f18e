//! One validator's engine on its own thread: consensus, block store, state, network.
//!
//! The engine panics by design when its storage fails, and its parts end when one of them does. Both are caught
//! here: the reason is published, everybody who waits is told, and the process is expected to exit with it.
//! Absent: the handle that callers use ([`crate::validator::handle`]).

use std::any::Any;
use std::fs::File;
use std::num::{NonZeroU64, NonZeroUsize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use commonware_broadcast::buffered;
use commonware_consensus::{
    Heightable as _,
    marshal::{
        self, Identifier,
        core::Actor as MarshalActor,
        resolver::p2p as marshal_resolver,
        standard::{Deferred, Standard},
    },
    simplex::{
        self, SkipBudget,
        config::{ForwardPolicy, SkipPolicy},
        elector::RoundRobin,
        scheme::ed25519::Scheme,
    },
    types::{Epoch, FixedEpocher, ViewDelta},
};
use commonware_cryptography::{
    Digested, Digestible as _, Sha256, certificate::ConstantProvider, ed25519, sha256,
};
use commonware_glue::stateful::{Config as StatefulConfig, Stateful, SyncPlan, db::SyncEngineConfig};
use commonware_p2p::max_message_size;
use commonware_parallel::Sequential;
use commonware_runtime::{
    Clock as _, Handle, Runner as _, Spawner as _, Supervisor as _,
    buffer::paged::{CacheRef, page_size},
    tokio as runtime,
};
use commonware_storage::{
    archive::{Archive, prunable},
    translator::EightCap,
};
use commonware_utils::{NZDuration, NZU64, NZUsize};
use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::{mpsc, oneshot};

use crate::block::Block;
use crate::error::ChainError;
use crate::shared::Stopped;
use crate::state::{NoStateSync, database_config};
use crate::validator::admission::Admission;
use crate::validator::application::{Ledger, LedgerApplication};
use crate::validator::link::{Addresses, Inbound, Link, Outbound};
use crate::validator::pacing::Paced;
use crate::validator::service::{Marshal, Question, Service};

/// Prefix of every partition of the engine's storage.
const PREFIX: &str = "chain";
/// A single epoch: the validators never change.
const EPOCH_BLOCKS: NonZeroU64 = NZU64!(u64::MAX);
const MAILBOX: NonZeroUsize = NZUsize!(1024);
const BUFFER_BYTES: NonZeroUsize = NZUsize!(1 << 16);
/// Pages of 4 KiB kept in memory: 16 MiB.
const CACHED_PAGES: NonZeroUsize = NZUsize!(4096);
/// Blocks in one file of the archives. Fixed for the life of a directory.
const BLOCKS_PER_FILE: NonZeroU64 = NZU64!(4096);
/// Views that consensus keeps behind the finalized one.
const VIEWS_KEPT: ViewDelta = ViewDelta::new(64);
/// How long applying one stored block may take at start.
const RESTORE_STEP_MAX: Duration = Duration::from_secs(15);
/// How long a task may take to end when the chain is shut down.
const STOP_TIME_MAX: Duration = Duration::from_secs(3);

/// What the thread is given.
pub(crate) struct EngineConfig {
    pub(crate) storage: PathBuf,
    pub(crate) namespace: Vec<u8>,
    pub(crate) scheme: Scheme,
    pub(crate) signer: ed25519::PrivateKey,
    pub(crate) validators: u32,
    pub(crate) addresses: Option<Addresses>,
    pub(crate) idle_interval: Duration,
    pub(crate) min_interval: Duration,
    /// Held until the engine has ended.
    pub(crate) lock: File,
}

/// The engine's ends of the channels to the handles.
pub(crate) struct EngineEnds {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) questions: mpsc::Receiver<Question>,
    /// Transactions taken here that the other validators must hear of.
    pub(crate) gossip: mpsc::Receiver<bytes::Bytes>,
    /// For transactions heard from other validators.
    pub(crate) admission: Admission,
    pub(crate) shutdown: oneshot::Receiver<()>,
    pub(crate) ready: oneshot::Sender<()>,
    pub(crate) stopped: Stopped,
}

/// Starts the engine's thread. It ends by itself after shutdown, and then sets `stopped`.
pub(crate) fn spawn(config: EngineConfig, ends: EngineEnds) -> std::io::Result<()> {
    let body = move || {
        let (stopped, ledger) = (ends.stopped.clone(), Arc::clone(&ends.ledger));
        let settings = runtime::Config::new()
            .with_storage_directory(config.storage.clone())
            .with_worker_threads(2)
            .with_catch_panics(false);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let EngineConfig { lock, .. } =
                runtime::Runner::new(settings).start(|context| run(context, config, ends));
            lock
        }));
        let error = match ended {
            Ok(lock) => {
                drop(lock);
                ChainError::ShutDown
            }
            Err(panic) => ChainError::Halted(panic_reason(panic.as_ref())),
        };
        // A reason found earlier stays.
        stopped.set(error);
        ledger.mempool.close();
    };
    // The runtime has its own threads; this one only waits for it.
    std::thread::Builder::new().name("chain-engine".into()).spawn(body).map(drop)
}

fn panic_reason(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a task of the engine panicked".to_owned())
}

async fn run(context: runtime::Context, config: EngineConfig, ends: EngineEnds) -> EngineConfig {
    let EngineEnds { ledger, questions, gossip, admission, mut shutdown, ready, stopped } = ends;
    let started = tokio::select! {
        started = start(&context, &config, &ledger) => Some(started),
        _ = &mut shutdown => None,
    };
    if let Some(Started { mut tasks, marshal, databases, transactions }) = started {
        let service =
            Service { runtime: context.child("service"), ledger: Arc::clone(&ledger), marshal, databases };
        tasks.push(("service", context.child("serve").spawn(move |_| service.run(questions))));
        if config.validators > 1 {
            let gossip = crate::validator::link::gossip(transactions, gossip, admission);
            tasks.push(("gossip", context.child("gossip").spawn(move |_| gossip)));
        }
        // A caller that gave up on the start has dropped its end.
        let _ = ready.send(());
        let mut tasks: FuturesUnordered<_> =
            tasks.into_iter().map(|(name, task)| async move { (name, task.await) }).collect();
        tokio::select! {
            biased;
            _ = &mut shutdown => {}
            Some((name, _)) = tasks.next() => {
                stopped.set(ChainError::Halted(format!("the {name} of the engine ended")));
            }
        }
        // Whatever does not end in time is dropped with the runtime; what is acknowledged is on disk already.
        let _ = context.stop(0, Some(STOP_TIME_MAX)).await;
    }
    config
}

type Task = (&'static str, Handle<()>);

struct Started {
    tasks: Vec<Task>,
    marshal: Marshal,
    databases: crate::state::Databases,
    transactions: (Outbound, Inbound),
}

/// Largest message between validators.
fn message_bytes_max(validators: u32) -> u32 {
    max_message_size(&[
        simplex::max_payload_size::<Scheme, sha256::Digest>(validators),
        marshal::max_payload_size::<Standard<Block>, Scheme>(validators, &()),
    ])
}

fn archive_config<C>(name: &str, page_cache: CacheRef, codec_config: C) -> prunable::Config<EightCap, C> {
    prunable::Config {
        translator: EightCap,
        metadata_partition: format!("{PREFIX}-{name}-metadata"),
        key_partition: format!("{PREFIX}-{name}-key"),
        key_page_cache: page_cache,
        value_partition: format!("{PREFIX}-{name}-value"),
        compression: None,
        codec_config,
        items_per_section: BLOCKS_PER_FILE,
        key_write_buffer: BUFFER_BYTES,
        value_write_buffer: BUFFER_BYTES,
        replay_buffer: BUFFER_BYTES,
    }
}

/// Opens the stores, replays what is stored, and joins consensus.
async fn start(context: &runtime::Context, config: &EngineConfig, ledger: &Arc<Ledger>) -> Started {
    let me = crate::validator::link::public_key(&config.signer);
    let link = match &config.addresses {
        None => Link::alone(me.clone()),
        Some(Addresses { listen, peers }) => Link::connect(
            context,
            config.signer.clone(),
            &config.namespace,
            Addresses { listen: *listen, peers: peers.clone() },
            message_bytes_max(config.validators),
        ),
    };
    let page_cache = CacheRef::new(page_size(4096), CACHED_PAGES);
    let genesis = Digested::precomputed(Arc::clone(&ledger.genesis_block), ledger.genesis_block.digest());

    let backfill = marshal_resolver::init(
        context.child("backfill"),
        marshal_resolver::Config {
            public_key: me.clone(),
            peer_provider: link.peers.clone(),
            blocker: link.peers.clone(),
            mailbox_size: MAILBOX,
            fetch_timeout: NZDuration!(Duration::from_secs(2)),
            fetch_retry_delay: Duration::from_millis(100),
            priority_requests: false,
            priority_responses: false,
        },
        link.backfill,
    );
    let (broadcast, buffer) = buffered::Engine::new(
        context.child("broadcast"),
        buffered::Config {
            public_key: me,
            mailbox_size: MAILBOX,
            deque_size: 16,
            priority: false,
            codec_config: (),
            peer_provider: link.peers.clone(),
            strategy: Sequential,
        },
    );
    let broadcast = broadcast.start(link.broadcast);

    let finalizations = prunable::Archive::init(
        context.child("finalizations"),
        archive_config("finalizations", page_cache.clone(), config.validators as usize),
    )
    .await
    .expect("the certificates on disk can be opened");
    let blocks =
        prunable::Archive::init(context.child("blocks"), archive_config("blocks", page_cache.clone(), ()))
            .await
            .expect("the blocks on disk can be opened");

    let stored = contiguous_end(&blocks);

    let plan = SyncPlan::init(context.child("plan"), PREFIX).await;
    let (marshal_actor, marshal, floor) = MarshalActor::<_, Standard<Block>, _, _, _, _, _>::init(
        context.child("marshal"),
        finalizations,
        blocks,
        marshal::Config {
            provider: ConstantProvider::new(config.scheme.clone()),
            epocher: FixedEpocher::new(EPOCH_BLOCKS),
            start: plan.marshal_start(genesis),
            partition_prefix: PREFIX.into(),
            mailbox_size: MAILBOX,
            view_retention: VIEWS_KEPT,
            prunable_items_per_section: NZU64!(64),
            page_cache: page_cache.clone(),
            replay_buffer: BUFFER_BYTES,
            key_write_buffer: BUFFER_BYTES,
            value_write_buffer: BUFFER_BYTES,
            block_codec_config: (),
            max_repair: NZUsize!(64),
            max_pending_acks: NZUsize!(16),
            strategy: Sequential,
        },
    )
    .await;
    let (stateful, mailbox) = Stateful::new(
        context.child("stateful"),
        StatefulConfig {
            application: LedgerApplication(Arc::clone(ledger)),
            db_config: database_config(page_cache.clone()),
            provider: (),
            marshal: (marshal.clone(), floor),
            mailbox_size: MAILBOX,
            plan,
            resolvers: NoStateSync,
            sync_config: SyncEngineConfig {
                fetch_batch_size: NZU64!(64),
                apply_batch_size: NZU64!(64),
                max_outstanding_requests: NZUsize!(8),
            },
            // Every block stays readable, so that a read model can be rebuilt from height 1.
            prune_config: None,
            strategy: Sequential,
        },
    );
    let deferred = Deferred::new(
        context.child("deferred"),
        mailbox.clone(),
        marshal.clone(),
        FixedEpocher::new(EPOCH_BLOCKS),
    );
    let marshal_task = marshal_actor.start(mailbox.clone(), buffer, backfill);
    let stateful = stateful.start();
    let databases = mailbox.subscribe_databases().await;
    restore_tip(context, ledger, &marshal, config.validators, stored).await;

    let paced = Paced::new(
        deferred.clone(),
        context.child("paced"),
        Arc::clone(&ledger.mempool),
        marshal.clone(),
        config.idle_interval,
        config.min_interval,
    );
    // A leader may be idle for the whole interval before it proposes.
    let leader_timeout = config.idle_interval + Duration::from_millis(1500);
    let certification_timeout = leader_timeout + Duration::from_millis(1000);
    let consensus = simplex::Engine::new(
        context.child("consensus"),
        simplex::Config {
            scheme: config.scheme.clone(),
            elector: RoundRobin::<Sha256>::default(),
            blocker: link.peers.clone(),
            automaton: paced,
            relay: deferred.clone(),
            reporter: deferred,
            strategy: Sequential,
            partition: format!("{PREFIX}-consensus"),
            mailbox_size: MAILBOX,
            epoch: Epoch::zero(),
            floor: simplex::config::Floor::Genesis(ledger.genesis_block.digest()),
            replay_buffer: BUFFER_BYTES,
            write_buffer: BUFFER_BYTES,
            page_cache,
            leader_timeout,
            certification_timeout,
            timeout_retry: Duration::from_millis(500),
            view_retention: VIEWS_KEPT,
            skip: SkipPolicy::Enabled {
                timeout: certification_timeout + Duration::from_millis(1500),
                budget: SkipBudget::Participants,
            },
            fetch_timeout: NZDuration!(Duration::from_secs(2)),
            fetch_retry_delay: Duration::from_millis(200),
            forward: ForwardPolicy::Disabled,
            track_historical_votes: false,
        },
    );
    let consensus = consensus.start(link.votes, link.certificates, link.resolver);
    let mut tasks = vec![
        ("broadcast", broadcast),
        ("block store", marshal_task),
        ("state", stateful),
        ("consensus", consensus),
    ];
    tasks.extend(link.task.map(|task| ("network", task)));
    Started { tasks, marshal, databases, transactions: link.transactions }
}

/// The stored blocks that follow genesis without a hole end at this height.
fn contiguous_end(blocks: &impl Archive) -> u64 {
    blocks.next_gap(0).0.unwrap_or(0)
}

/// Waits until every block that was final before the last stop is applied, so that an answer given before a crash
/// is never followed by an older state.
async fn restore_tip(
    context: &runtime::Context,
    ledger: &Ledger,
    marshal: &Marshal,
    validators: u32,
    contiguous_end: u64,
) {
    let Some((processed, block)) = marshal.get_anchor().await else { return };
    // The archive drops what fails its checksum. A hole that was applied once cannot be read again by readers.
    let processed = processed.height();
    assert!(
        contiguous_end >= processed.get(),
        "block {} is missing or damaged, although height {processed} was applied",
        contiguous_end.saturating_add(1),
    );
    if block.height() == processed {
        let applied = block.inner_shared();
        ledger.tip.send_if_modified(|tip| {
            let newer = applied.header.height > tip.header.height;
            if newer {
                *tip = applied;
            }
            newer
        });
    }
    let Some((latest, _)) = marshal.get_info(Identifier::Latest).await else { return };
    let mut tip = ledger.tip.subscribe();
    loop {
        let height = tip.borrow_and_update().header.height;
        if height >= latest {
            return;
        }
        tokio::select! {
            // The sender lives in the ledger that is borrowed here.
            _ = tip.changed() => {}
            () = context.sleep(RESTORE_STEP_MAX) => {
                // Among others, a missing block is fetched, and that must not keep a validator from joining them.
                assert!(validators > 1, "block {} is missing or damaged, although {latest} is final", height.next());
                return;
            }
        }
    }
}
