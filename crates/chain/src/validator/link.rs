//! The way to the other validators: encrypted TCP between known keys, or nobody at all.
//!
//! A network of one opens no port: its channels accept everything, deliver nothing, and its peer set is itself. Both
//! kinds have the same types, so the engine is compiled once.
//! Absent: what the messages mean; discovery of addresses (they are configured).

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use commonware_actor::{Feedback, Unreliable};
use commonware_cryptography::{ChaCha20Poly1305, Signer as _, ed25519};
use commonware_p2p::{
    Address, AddressableManager as _, BlockedSubscription, Blocker, CheckedSender, LimitedSender, Message,
    PeerSetSubscription, PeerSetUpdate, Provider, Receiver, Recipients, Sender as _, TrackedPeers,
    authenticated::lookup,
};
use commonware_runtime::{Handle, IoBufs, Quota, Supervisor as _, tokio as runtime};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::{NZU32, NZUsize, channel::ring, ordered::Map, ordered::Set};
use tokio::sync::mpsc;

use crate::block::Transaction;
use crate::validator::admission::Admission;

type Key = ed25519::PublicKey;
type NetSender = lookup::Sender<Key, runtime::Context>;

/// Index of the only peer set: validators do not change.
const PEER_SET: u64 = 0;

/// Messages a second from one peer on one channel. Consensus needs few messages a block and hundreds of blocks a
/// second; a peer above this is slowed down, not cut off.
const MESSAGES_PER_SECOND: NonZeroU32 = NZU32!(8192);

/// Bodies (blocks, backfill, transactions) a second from one peer on one channel.
const BODIES_PER_SECOND: NonZeroU32 = NZU32!(512);

/// One channel, both directions.
pub(crate) type Channel = (Outbound, Inbound);

/// Everything the engine needs of the network.
pub(crate) struct Link {
    pub(crate) votes: Channel,
    pub(crate) certificates: Channel,
    pub(crate) resolver: Channel,
    pub(crate) backfill: Channel,
    pub(crate) broadcast: Channel,
    pub(crate) transactions: Channel,
    pub(crate) peers: Peers,
    /// The network's own task; none without a network.
    pub(crate) task: Option<Handle<()>>,
}

/// How to reach the others.
pub(crate) struct Addresses {
    pub(crate) listen: SocketAddr,
    pub(crate) peers: Vec<(Key, SocketAddr)>,
}

impl Link {
    /// A network of one: no port.
    pub(crate) fn alone(me: Key) -> Self {
        let channel = || (Outbound::Nobody, Inbound::Nobody);
        Self {
            votes: channel(),
            certificates: channel(),
            resolver: channel(),
            backfill: channel(),
            broadcast: channel(),
            transactions: channel(),
            peers: Peers::Alone(Arc::new(Alone::new(me))),
            task: None,
        }
    }

    /// Listens and dials.
    pub(crate) fn connect(
        context: &runtime::Context,
        signer: ed25519::PrivateKey,
        namespace: &[u8],
        addresses: Addresses,
        message_bytes_max: u32,
    ) -> Self {
        let upgrader = Cups::<_, ChaCha20Poly1305>::new(
            Sake {
                signer,
                synchrony_bound: Duration::from_secs(5),
                max_handshake_age: Duration::from_secs(10),
                version: sake::Version::V1,
            },
            cups::Version::V1,
        );
        let count = NonZeroUsize::new(addresses.peers.len()).unwrap_or(NonZeroUsize::MIN);
        // Private addresses and short cooldowns: validators are named one by one, nobody else is let in.
        let mut config = lookup::Config::local(
            upgrader,
            namespace,
            addresses.listen,
            count,
            message_bytes_max,
            NZUsize!(1024),
        );
        config.allowed_handshake_rate_per_ip = Quota::per_second(NZU32!(128));
        config.allowed_handshake_rate_per_subnet = Quota::per_second(NZU32!(256));
        config.block_duration = Duration::from_secs(60);
        let (mut network, mut oracle) = lookup::Network::new(context.child("network"), config);
        let peers: Map<Key, Address> =
            Map::from_iter_dedup(addresses.peers.into_iter().map(|(key, address)| (key, address.into())));
        // Tracking the set is queued; the network applies it when it runs.
        let _ = oracle.track(PEER_SET, peers);
        let mut channel = |index, quota| {
            let (sender, receiver) = network.register(index, Quota::per_second(quota));
            (Outbound::Net(sender), Inbound::Net(receiver))
        };
        Self {
            votes: channel(0, MESSAGES_PER_SECOND),
            certificates: channel(1, MESSAGES_PER_SECOND),
            resolver: channel(2, MESSAGES_PER_SECOND),
            backfill: channel(3, BODIES_PER_SECOND),
            broadcast: channel(4, BODIES_PER_SECOND),
            transactions: channel(5, BODIES_PER_SECOND),
            peers: Peers::Net(oracle),
            task: Some(network.start()),
        }
    }
}

/// Sends to the other validators, or to nobody.
#[derive(Clone)]
pub(crate) enum Outbound {
    Nobody,
    Net(NetSender),
}

/// A send that passed the rate limits.
#[expect(clippy::large_enum_variant, reason = "it lives for one send, and a box would cost more")]
pub(crate) enum CheckedOutbound<'a> {
    Nobody,
    Net(<NetSender as LimitedSender>::Checked<'a>),
}

impl LimitedSender for Outbound {
    type PublicKey = Key;
    type Checked<'a> = CheckedOutbound<'a>;

    fn check(&mut self, recipients: Recipients<Key>) -> Result<CheckedOutbound<'_>, SystemTime> {
        match self {
            Self::Nobody => Ok(CheckedOutbound::Nobody),
            Self::Net(sender) => sender.check(recipients).map(CheckedOutbound::Net),
        }
    }
}

impl CheckedSender for CheckedOutbound<'_> {
    type PublicKey = Key;

    fn recipients(&self) -> Vec<Key> {
        match self {
            Self::Nobody => Vec::new(),
            Self::Net(checked) => checked.recipients(),
        }
    }

    fn send(self, message: impl Into<IoBufs> + Send, priority: bool) -> Unreliable<Feedback> {
        match self {
            Self::Nobody => Unreliable::new(Feedback::Ok),
            Self::Net(checked) => checked.send(message, priority),
        }
    }
}

/// Receives from the other validators, or from nobody.
#[derive(Debug)]
pub(crate) enum Inbound {
    Nobody,
    Net(lookup::Receiver<Key>),
}

impl Receiver for Inbound {
    type Error = lookup::Error;
    type PublicKey = Key;

    async fn recv(&mut self) -> Result<Message<Key>, lookup::Error> {
        match self {
            Self::Nobody => std::future::pending().await,
            Self::Net(receiver) => receiver.recv().await,
        }
    }

    fn capacity(&self) -> NonZeroUsize {
        match self {
            Self::Nobody => NZUsize!(16),
            Self::Net(receiver) => receiver.capacity(),
        }
    }
}

/// Who the validators are, and whom to shut out.
#[derive(Clone, Debug)]
pub(crate) enum Peers {
    Alone(Arc<Alone>),
    Net(lookup::Oracle<Key>),
}

/// The peer set of a network of one. It keeps its subscribers' channels open, because the engine ends when one closes.
#[derive(Debug)]
pub(crate) struct Alone {
    peers: TrackedPeers<Key>,
    sets: Mutex<Vec<mpsc::UnboundedSender<PeerSetUpdate<Key>>>>,
    blocked: Mutex<Vec<ring::Sender<Set<Key>>>>,
}

impl Alone {
    fn new(me: Key) -> Self {
        let peers = TrackedPeers::primary(Set::from_iter_dedup([me]));
        Self { peers, sets: Mutex::default(), blocked: Mutex::default() }
    }
}

impl Provider for Peers {
    type PublicKey = Key;

    async fn peer_set(&mut self, id: u64) -> Option<TrackedPeers<Key>> {
        match self {
            Self::Alone(alone) => (id == PEER_SET).then(|| alone.peers.clone()),
            Self::Net(oracle) => oracle.peer_set(id).await,
        }
    }

    async fn subscribe(&mut self) -> PeerSetSubscription<Key> {
        match self {
            Self::Alone(alone) => {
                // The engine's type is unbounded; exactly one update is ever sent.
                let (sender, receiver) = mpsc::unbounded_channel();
                let update =
                    PeerSetUpdate { index: PEER_SET, latest: alone.peers.clone(), all: alone.peers.clone() };
                let _ = sender.send(update);
                alone.sets.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
                receiver
            }
            Self::Net(oracle) => oracle.subscribe().await,
        }
    }
}

impl Blocker for Peers {
    type PublicKey = Key;

    fn block(&mut self, peer: Key) -> Feedback {
        match self {
            Self::Alone(_) => Feedback::Ok,
            Self::Net(oracle) => oracle.block(peer),
        }
    }

    fn blocked(&mut self) -> BlockedSubscription<Key> {
        match self {
            Self::Alone(alone) => {
                let (sender, receiver) = ring::channel(NonZeroUsize::MIN);
                alone.blocked.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
                receiver
            }
            Self::Net(oracle) => oracle.blocked(),
        }
    }
}

/// Carries transactions between the mempools until a channel closes. Lossy: a transaction that does not arrive is
/// proposed by the validator that has it when its turn comes.
pub(crate) async fn gossip(
    (mut outbound, mut inbound): Channel,
    mut taken: mpsc::Receiver<Bytes>,
    admission: Admission,
) {
    let tell = async {
        while let Some(transaction) = taken.recv().await {
            drop(outbound.send(Recipients::All, transaction, false));
        }
    };
    let hear = async {
        while let Ok((_, transaction)) = inbound.recv().await {
            let transaction = Transaction::new(Bytes::copy_from_slice(transaction.as_ref()));
            if let Err(error) = admission.admit(transaction).await {
                tracing::debug!(%error, "a transaction of another validator was not taken");
            }
        }
    };
    tokio::select! {
        () = tell => {}
        () = hear => {}
    }
}

/// The public key of `signer`.
pub(crate) fn public_key(signer: &ed25519::PrivateKey) -> Key {
    signer.public_key()
}
