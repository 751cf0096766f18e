//! Events: what happened, as past facts, in the order in which it happened. Read models are built from them alone,
//! so every change of a balance is in one. Absent: anything that is not decided by the ledger.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::datanets::DatanetEvent;
use crate::record::{OfferRecord, Pool, Role};
use crate::{
    AccountId, Amount, Asset, AuditEvent, BasisPoints, Cause, ChannelId, ContributionId, EscrowEvent, Hash,
    Holder, Name, NewContribution, ReputationEvent, Royalty,
};

/// A fact of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's documented fields")]
pub enum Event {
    /// An asset came into existence for an account (faucet).
    Deposited { to: AccountId, asset: Asset, amount: Amount },
    /// An amount moved between accounts.
    Transferred { from: AccountId, to: AccountId, asset: Asset, amount: Amount },
    /// A datanet was created.
    DatanetCreated { name: Name, curator: AccountId, title: String, license: String },
    /// A contribution was committed; `owns_cluster` is false for a repeat of an earlier text.
    ContributionCommitted { datanet: Name, sequence: u64, contribution: NewContribution, owns_cluster: bool },
    /// A contribution was withdrawn.
    ContributionRevoked { datanet: Name, contribution: ContributionId },
    /// A version was sealed.
    SnapshotSealed { datanet: Name, version: u32, root: Hash, index_root: Hash, contributions: u32 },
    /// A model was registered.
    ModelRegistered {
        name: Name,
        builder: AccountId,
        weights: Hash,
        parent: Option<Name>,
        lineage: Vec<Royalty>,
        license: String,
    },
    /// A provider registered; its stake left its balance.
    ProviderRegistered { provider: AccountId, stake: Amount, endpoint: String },
    /// An offer was posted.
    OfferPosted { provider: AccountId, model: Name, offer: OfferRecord },
    /// A gateway registered; its bond left its balance.
    GatewayRegistered { gateway: AccountId, bond: Amount, router_fee: BasisPoints, endpoint: String },
    /// A channel was opened; the deposit left the consumer's balance.
    ChannelOpened {
        channel: ChannelId,
        consumer: AccountId,
        gateway: AccountId,
        authorizer: AccountId,
        deposit: Amount,
    },
    /// Credits were added to a channel.
    ChannelToppedUp { channel: ChannelId, amount: Amount },
    /// The consumer asked to close a channel.
    ChannelClosing { channel: ChannelId, closes_at_ms: u64 },
    /// A channel was closed; the rest went back to the consumer's balance.
    ChannelClosed { channel: ChannelId, consumer: AccountId, refunded: Amount },
    /// A batch was settled. The events until the next `BatchSettled` that name it follow in order.
    BatchSettled {
        gateway: AccountId,
        number: u64,
        first_receipt: u64,
        receipts: u32,
        receipts_root: Hash,
        charged: Amount,
    },
    /// A channel was debited by a batch.
    ChannelDebited { gateway: AccountId, batch: u64, channel: ChannelId, consumer: AccountId, amount: Amount },
    /// An account was paid by a batch: part at once, part into the tranche of this epoch and role.
    /// `source` is `datanet/contribution` for data, the model for builders, empty otherwise. Data escrowed before
    /// its contribution is mature is held for the contribution; its tranche begins when it matures.
    Paid {
        gateway: AccountId,
        batch: u64,
        account: AccountId,
        role: Role,
        source: String,
        liquid: Amount,
        escrowed: Amount,
        epoch: u64,
    },
    /// A pool was paid by a batch.
    PoolPaid { gateway: AccountId, batch: u64, pool: Pool, amount: Amount },
    /// A carry changed: `after` is what the pool holds now.
    CarrySet { gateway: AccountId, batch: u64, model: Name, before: Amount, after: Amount },
    /// Credits were destroyed by a batch.
    Burned { gateway: AccountId, batch: u64, amount: Amount },
    /// Unlocked escrow moved to the account's balance.
    TrancheClaimed { account: AccountId, role: Role, epoch: u64, amount: Amount },
    /// The bridge created credits for a payment outside.
    BridgeDeposited { to: AccountId, amount: Amount, reference: Hash },
    /// Credits ceased to exist here; the bridge owes them.
    Withdrawn { account: AccountId, number: u64, amount: Amount, destination: String },
    /// The bridge has paid a withdrawal.
    WithdrawalCompleted { account: AccountId, number: u64 },
    /// More OPEN went to stake or bond; `total` is at stake now.
    BondRaised { account: AccountId, role: Role, amount: Amount, total: Amount },
    /// OPEN began to leave stake or bond; it is bonded until it is released.
    Unbonding { account: AccountId, role: Role, amount: Amount, releases_in_epoch: u64 },
    /// Unbonded OPEN went back to the balance.
    Unbonded { account: AccountId, role: Role, amount: Amount },
    /// An amount moved from one holder to another.
    Moved { from: Holder, to: Holder, asset: Asset, amount: Amount, cause: Cause },
    /// A reputation changed.
    Reputation(ReputationEvent),
    /// Accounts beyond balances: links and clusters.
    Accounts(crate::AccountEvent),
    /// Something happened to the rules, contributions, disputes or tasks of a datanet.
    Datanets(DatanetEvent),
    /// Something happened to a provider.
    Providers(crate::ProviderEvent),
    /// Something happened to a model.
    Models(crate::ModelEvent),
    /// Escrow changed beyond movements of money.
    Escrow(EscrowEvent),
    /// Something happened in an audit.
    Audits(AuditEvent),
    /// Agents, mandates and jobs.
    Agents(crate::AgentEvent),
    /// Something happened in governance.
    Governance(crate::GovernanceEvent),
    /// Something happened in the funds.
    Funds(crate::FundsEvent),
    /// Something happened to evaluations, or followed from them.
    Maturity(crate::maturity::MaturityEvent),
    /// The advance pool changed.
    Advances(crate::advances::AdvanceEvent),
    /// Something happened in a market.
    Markets(crate::MarketEvent),
    /// Something happened to a settled receipt.
    Settlement(crate::SettlementEvent),
}
