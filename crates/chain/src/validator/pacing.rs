//! When to propose, and when to vote: the engine's automaton with a sense of time.
//!
//! The engine would propose as fast as it can (hundreds of empty blocks a second). Here a proposal waits for a
//! transaction that no block in flight holds, or for the idle interval. The wait is outside the engine's own build,
//! because finalizing the parent waits for a build to end.
//!
//! A vote for a block stamped ahead of the local clock waits until the clock is near; the engine drops the request
//! when the round ends without us, so a wrong clock delays nobody but its owner.
//! Absent: what goes into a block ([`crate::validator::application`]).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use commonware_consensus::{
    Automaton, CertifiableAutomaton, Handoff,
    marshal::{
        core::{DigestFallback, Mailbox as MarshalMailbox},
        standard::Standard,
    },
    simplex::scheme::ed25519::Scheme,
    types::Round,
};
use commonware_cryptography::sha256;
use commonware_runtime::{Clock as _, Spawner as _, Supervisor as _, tokio as runtime};
use tokio::sync::oneshot;

use crate::block::{Block, Context};
use crate::limits::CLOCK_DRIFT_MS_MAX;
use crate::mempool::Mempool;
use crate::validator::application::now_ms;

/// Wraps the engine's automaton `A`.
pub(crate) struct Paced<A> {
    inner: A,
    shared: Arc<PacedShared>,
}

impl<A: Clone> Clone for Paced<A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

struct PacedShared {
    runtime: runtime::Context,
    mempool: Arc<Mempool>,
    marshal: MarshalMailbox<Scheme, Standard<Block>>,
    idle_interval: Duration,
    min_interval: Duration,
    last_proposal: Mutex<Option<Instant>>,
}

impl PacedShared {
    /// Until it is time to propose on `parent`.
    async fn proposal_time(&self, first: bool) {
        if first {
            // The first block brings the first state into being.
            return;
        }
        tokio::select! {
            () = self.mempool.has_fresh() => {
                let last = *self.last_proposal.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(rest) = last.and_then(|last| self.min_interval.checked_sub(last.elapsed())) {
                    self.runtime.sleep(rest).await;
                }
            }
            () = self.runtime.sleep(self.idle_interval) => {}
        }
    }

    /// Until the local clock has come near to the time of block `digest`.
    async fn vote_time(&self, digest: sha256::Digest) {
        // A valid verdict means that the block is here.
        let Ok(block) = self.marshal.subscribe_by_digest(digest, DigestFallback::Wait).await else { return };
        let timestamp_ms = block.inner().header.timestamp_ms;
        let ahead_ms = timestamp_ms.saturating_sub(now_ms(&self.runtime).saturating_add(CLOCK_DRIFT_MS_MAX));
        if ahead_ms > 0 {
            tracing::warn!(ahead_ms, "a proposed block is ahead of the local clock; the vote waits");
            self.runtime.sleep(Duration::from_millis(ahead_ms)).await;
        }
    }
}

impl<A> Paced<A> {
    pub(crate) fn new(
        inner: A,
        runtime: runtime::Context,
        mempool: Arc<Mempool>,
        marshal: MarshalMailbox<Scheme, Standard<Block>>,
        idle_interval: Duration,
        min_interval: Duration,
    ) -> Self {
        let last_proposal = Mutex::new(None);
        let shared = PacedShared { runtime, mempool, marshal, idle_interval, min_interval, last_proposal };
        Self { inner, shared: Arc::new(shared) }
    }
}

impl<A> Automaton for Paced<A>
where
    A: Automaton<Context = Context, Digest = sha256::Digest>,
{
    type Context = Context;
    type Digest = sha256::Digest;

    async fn propose(&mut self, context: Context) -> oneshot::Receiver<sha256::Digest> {
        let (mut answer, receiver) = oneshot::channel();
        let (mut inner, shared) = (self.inner.clone(), Arc::clone(&self.shared));
        // Owned by the runtime's supervision: it ends with the answer, with the request, or with the runtime.
        self.shared.runtime.child("propose").spawn(move |_| async move {
            let first = context.parent.0.is_zero();
            let proposed = async {
                shared.proposal_time(first).await;
                *shared.last_proposal.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                inner.propose(context).await.await
            };
            tokio::select! {
                () = answer.closed() => {}
                digest = proposed => if let Ok(digest) = digest {
                    // The engine may have left the round meanwhile.
                    let _ = answer.send(digest);
                }
            }
        });
        receiver
    }

    async fn verify(&mut self, context: Context, digest: sha256::Digest) -> oneshot::Receiver<bool> {
        // The engine's own verification starts at once; only its verdict waits for the clock.
        let verdict = self.inner.verify(context, digest).await;
        let (mut answer, receiver) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        self.shared.runtime.child("verify").spawn(move |_| async move {
            let timely = async {
                let valid = verdict.await;
                if valid == Ok(true) {
                    shared.vote_time(digest).await;
                }
                valid
            };
            tokio::select! {
                () = answer.closed() => {}
                valid = timely => if let Ok(valid) = valid {
                    let _ = answer.send(valid);
                }
            }
        });
        receiver
    }
}

impl<A> CertifiableAutomaton for Paced<A>
where
    A: CertifiableAutomaton<Context = Context, Digest = sha256::Digest>,
{
    async fn prepare(&mut self, context: Context) -> oneshot::Receiver<Handoff<sha256::Digest>> {
        self.inner.prepare(context).await
    }

    async fn certify(&mut self, round: Round, digest: sha256::Digest) -> oneshot::Receiver<bool> {
        self.inner.certify(round, digest).await
    }
}
