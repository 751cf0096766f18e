//! Certificates: the paid spans of a stored receipt get the proof that its file holds from then on. Made when the answer has
//! ended, on a thread for blocking work and one at a time, so that the stream and other answers do not wait for it.
//!
//! A receipt is whole without one: after a crash, or where none can be made, verifying says that there is none, and
//! recomputing shows the same and more. Absent: what a certificate proves (`openledger-attribution`).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use openledger_attribution::{Attribution, CertifyError, Index, certify};
use openledger_store::StoreError;
use tokio::sync::{Mutex, watch};

use crate::complete::now_ms;
use crate::gateway::Gateway;
use crate::metrics::Metrics;

/// The longest that whoever asks for a receipt's file waits for its certificate.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Certificates that are to come.
pub(crate) struct Certifying {
    /// Held by the one that is being made.
    turn: Mutex<()>,
    /// Numbers of their receipts: no more than requests in flight.
    pending: watch::Sender<BTreeSet<u64>>,
}

impl Certifying {
    pub(crate) fn new() -> Self {
        Self { turn: Mutex::new(()), pending: watch::Sender::default() }
    }

    /// Waits until the receipt with this number has its certificate or will have none, or until it takes too long.
    pub(crate) async fn wait(&self, sequence: u64) {
        let mut pending = self.pending.subscribe();
        let ended = pending.wait_for(|pending| !pending.contains(&sequence));
        let _ = tokio::time::timeout(WAIT_MAX, ended).await;
    }
}

/// A stored receipt whose certificate is to come. Until this is dropped, its file is waited for.
pub(crate) struct Uncertified {
    gateway: Arc<Gateway>,
    sequence: u64,
    answer: String,
    attribution: Attribution,
    index: Arc<Index>,
}

impl Drop for Uncertified {
    fn drop(&mut self) {
        let sequence = self.sequence;
        self.gateway.certifying.pending.send_modify(|pending| {
            pending.remove(&sequence);
        });
    }
}

/// What the certificate of a receipt will be made from; `None` when nobody is paid for a span.
pub(crate) fn prepare(
    gateway: &Arc<Gateway>,
    sequence: u64,
    answer: &str,
    attribution: &Attribution,
    index: &Arc<Index>,
) -> Option<Uncertified> {
    attribution.spans.iter().find(|span| !span.is_common)?;
    gateway.certifying.pending.send_modify(|pending| {
        pending.insert(sequence);
    });
    Some(Uncertified {
        gateway: gateway.clone(),
        sequence,
        answer: answer.to_owned(),
        attribution: attribution.clone(),
        index: index.clone(),
    })
}

/// Why a receipt has no certificate.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Made(#[from] CertifyError),
    #[error(transparent)]
    Stored(#[from] StoreError),
}

/// Makes and stores a certificate, unless a text around what it opens is private: it is for everyone who has the file.
pub(crate) async fn run(gateway: &Gateway, uncertified: Uncertified) {
    if is_any_private(gateway, &uncertified.index).await {
        return;
    }
    let _turn = gateway.certifying.turn.lock().await;
    let sequence = uncertified.sequence;
    let made = tokio::task::spawn_blocking(move || {
        let Uncertified { gateway, answer, attribution, index, .. } = &uncertified;
        let certificate = certify(answer, attribution, index)?.to_bytes();
        Ok::<_, Failure>(gateway.store.put_certificate(sequence, &certificate)?)
    });
    let reason = match made.await {
        Ok(Ok(())) => return Metrics::add(&gateway.metrics.certificates, 1),
        Ok(Err(failure)) => failure.to_string(),
        Err(cut) => cut.to_string(),
    };
    Metrics::add(&gateway.metrics.certificates_failed, 1);
    tracing::warn!("receipt {sequence} has no certificate: {reason}");
}

/// Whether one of the datanets is private, as far as the ledger says; one that it cannot be asked of counts as private.
async fn is_any_private(gateway: &Gateway, index: &Index) -> bool {
    for segment in index.segments() {
        let Ok(datanet) = segment.datanet().parse() else { return true };
        if gateway.is_private(&datanet, now_ms()).await.unwrap_or(true) {
            return true;
        }
    }
    false
}
