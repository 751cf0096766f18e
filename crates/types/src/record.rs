//! Records: what the ledger's state holds, one per state key. Absent: how they are stored and proved.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::datanets::{Mix, Provenance};
use crate::{AccountId, Amount, Asset, BasisPoints, ContributionId, Hash, Name, Royalty, ServiceKey};

/// In which role an account earns.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Computed answers.
    Provider,
    /// Built a model or adapter.
    Builder,
    /// Contributed data.
    Data,
    /// Routed requests: the router fee.
    Gateway,
    /// Evaluated contributions.
    Evaluator,
    /// Checked the work of others.
    Auditor,
}

impl Role {
    /// The role in plain words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Builder => "builder",
            Self::Data => "contributor",
            Self::Gateway => "gateway",
            Self::Evaluator => "evaluator",
            Self::Auditor => "auditor",
        }
    }
}

/// A pool of the network.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// Pays audits, gold tasks and canaries.
    Verification,
    /// Pays maintainers.
    Maintenance,
    /// Pays harmed consumers.
    Insurance,
    /// Pays for new capacity.
    Capacity,
    /// Pays contributors of a model by measured uplift.
    Uplift(Name),
    /// The rounding carry of a model's data pool at a gateway.
    Carry(AccountId, Name),
    /// OPEN from slashes, held for whoever was harmed.
    Slashed,
    /// Pays what both houses grant.
    Treasury,
    /// What contributions of a datanet held and never matured for, shared by measured uplift.
    Unproven(Name),
}

impl Pool {
    /// What the pool holds.
    pub fn asset(&self) -> Asset {
        match self {
            Self::Slashed => Asset::Open,
            _ => Asset::Credit,
        }
    }
}

/// Supply of both assets. At every height: deposited − withdrawn − burned = everything held anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SupplyRecord {
    /// Credits ever deposited.
    pub credits_deposited: Amount,
    /// Credits ever withdrawn.
    pub credits_withdrawn: Amount,
    /// Credits ever burned.
    pub credits_burned: Amount,
    /// OPEN ever issued.
    pub open_issued: Amount,
    /// Credits held in balances.
    pub credits_in_balances: Amount,
    /// Credits held in channels.
    pub credits_in_channels: Amount,
    /// Credits held in tranches.
    pub credits_in_escrow: Amount,
    /// Credits held in pools, carries included.
    pub credits_in_pools: Amount,
    /// OPEN held in balances.
    pub open_in_balances: Amount,
    /// OPEN held as stake and bond.
    pub open_bonded: Amount,
    /// Credits held in records of steps: jobs, deposits, treasuries, auctions.
    pub credits_in_custody: Amount,
    /// OPEN held in records of steps.
    pub open_in_custody: Amount,
    /// OPEN held in pools.
    pub open_in_pools: Amount,
    /// OPEN ever burned.
    pub open_burned: Amount,
}

/// The chain's randomness at the turn of an epoch: what was committed before cannot have known it.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct BeaconRecord {
    /// Randomness of the epoch's first block.
    pub randomness: Hash,
    /// Height of that block.
    pub height: u64,
    /// Epoch of the beacon before it; 0 for the first. Epochs without a block have none, so the beacon that follows a
    /// commitment of epoch `e` is the one with `previous <= e < epoch`.
    pub previous: u64,
}

/// An account.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AccountRecord {
    /// How many transactions it has sent; the next one must carry this number.
    pub nonce: u64,
    /// Liquid credits.
    pub credits: Amount,
    /// Liquid OPEN.
    pub open: Amount,
    /// Credits in its tranches, not yet claimed.
    pub escrowed: Amount,
}

/// A datanet.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct DatanetRecord {
    /// Who curates it.
    pub curator: AccountId,
    /// Title for people.
    pub title: String,
    /// Default licence.
    pub license: String,
    /// How many contributions were committed.
    pub contributions: u64,
    /// Last sealed version, 0 before the first.
    pub version: u32,
}

/// A contribution.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ContributionRecord {
    /// Order of commitment in its datanet, from 0. The earliest of a cluster owns it.
    pub sequence: u64,
    /// Hash of the normalised text.
    pub cluster: Hash,
    /// Owners and their parts, in order.
    pub owners: Vec<OwnerRecord>,
    /// Licence.
    pub license: String,
    /// External id of the page.
    pub label: String,
    /// Height at which it was committed.
    pub height: u64,
    /// Height at which it was revoked.
    pub revoked_at: Option<u64>,
    /// Whether hidden evaluations showed an uplift (maturity gate): before that nothing is liquid.
    pub mature: bool,
    /// Where the text comes from.
    pub provenance: Provenance,
    /// What its attribution counts, by its provenance when it was accepted. It never changes, so a receipt can always be
    /// worked out again.
    pub factor: BasisPoints,
    /// Who contributed it openly; nobody for what the curator imported.
    pub contributor: Option<AccountId>,
}

/// One owner of a contribution.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct OwnerRecord {
    /// Who is paid.
    pub account: AccountId,
    /// Parts of the sum over all owners. Where the datanet's policy gives shares to its curator and treasury, these are
    /// owners too, and the parts are scaled so that all shares are exact.
    pub parts: u64,
}

/// A sealed version of a datanet.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SnapshotRecord {
    /// Merkle root over the contributions.
    pub root: Hash,
    /// Root of the attribution index.
    pub index_root: Hash,
    /// How many contributions.
    pub contributions: u32,
    /// Height at which it was sealed.
    pub height: u64,
    /// Hash of the policy in force when it was sealed.
    pub policy: Hash,
    /// How that policy mixes the methods of attribution: answers from this snapshot are shared by it.
    pub mix: Mix,
}

/// The first contribution with a normalised text in a datanet: the owner of that cluster.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// The earliest contribution.
    pub owner: ContributionId,
    /// How many contributions repeat it.
    pub copies: u32,
    /// Height of the owner's commitment: whoever committed the same text before it takes the cluster over.
    pub since: u64,
}

/// A model or adapter.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Who registered it.
    pub builder: AccountId,
    /// SHA-256 of the weights file; [`Hash::UNKNOWN`] of a model that is served by engines whose files nobody else sees, so that
    /// its name is its builder's word.
    pub weights: Hash,
    /// What it was made from.
    pub parent: Option<Name>,
    /// The whole builder share, lineage resolved: sums to [`BasisPoints::WHOLE`], each account once, own royalties
    /// in the order in which they were named, then the parent's. The first gets what flooring leaves, so that nobody
    /// gains by taking part under several accounts.
    pub lineage: Vec<Royalty>,
    /// How many models above it.
    pub depth: u8,
    /// Licence of the weights.
    pub license: String,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ProviderRecord {
    /// Key that countersigns receipts.
    pub service_key: ServiceKey,
    /// Stake in OPEN.
    pub stake: Amount,
    /// Where it serves.
    pub endpoint: String,
    /// Liquid payouts that no audit has covered yet; never above half the collateral.
    pub exposure: Amount,
}

/// An offer of a provider for a model.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct OfferRecord {
    /// Its resource class, if it takes part in the market.
    pub class: Option<Name>,
    /// Price of one prompt token in uC.
    pub prompt_price: Amount,
    /// Price of one completion token in uC.
    pub completion_price: Amount,
    /// Sequences at a time.
    pub capacity: u32,
}

/// A gateway.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct GatewayRecord {
    /// Key that signs receipts.
    pub service_key: ServiceKey,
    /// Bond in OPEN.
    pub bond: Amount,
    /// Router fee on top.
    pub router_fee: BasisPoints,
    /// Where it serves.
    pub endpoint: String,
    /// Batches settled so far; the next has this number plus one.
    pub batches: u64,
    /// Receipts settled so far; the next batch begins at this number plus one.
    pub receipts: u64,
    /// Liquid router fees that no audit has covered yet; never above half the collateral.
    pub exposure: Amount,
}

/// A payment channel.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ChannelRecord {
    /// Who pays.
    pub consumer: AccountId,
    /// Who is paid.
    pub gateway: AccountId,
    /// Whose signature makes a voucher.
    pub authorizer: AccountId,
    /// Deposited in total.
    pub deposit: Amount,
    /// Spent in total by settled vouchers.
    pub spent: Amount,
    /// When the consumer may take the rest back, milliseconds of block time.
    pub closes_at_ms: Option<u64>,
    /// Closed: nothing is left in it.
    pub closed: bool,
}

/// A settled batch.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct BatchRecord {
    /// Merkle root over its receipts.
    pub receipts_root: Hash,
    /// Sequence number of its first receipt.
    pub first_receipt: u64,
    /// How many receipts.
    pub receipts: u32,
    /// Everything it charged.
    pub charged: Amount,
    /// Height at which it was settled.
    pub height: u64,
}

/// Money held back: what an account earned in one role in one epoch and may not spend yet.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct TrancheRecord {
    /// Everything put in.
    pub amount: Amount,
    /// Taken out so far.
    pub claimed: Amount,
    /// Lost to proven faults: what would have unlocked last.
    pub forfeited: Amount,
    /// Owed to the advance pool: repaid first when something is claimed.
    pub pledged: Amount,
    /// Epochs before anything unlocks.
    pub cliff_epochs: u64,
    /// Epochs of linear unlocking after the cliff.
    pub linear_epochs: u64,
}

/// Money that a contribution earned for one of its owners before it was mature. Its clock stands still: a tranche
/// begins only when the contribution matures.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ImmatureRecord {
    /// Everything earned so far.
    pub amount: Amount,
    /// Epoch of the first payment.
    pub first_epoch: u64,
    /// Taken out early, secured by the owner's bond.
    pub drawn: Amount,
}

/// A payment outside that was deposited; it counts once.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct DepositRecord {
    /// Who received.
    pub account: AccountId,
    /// How much.
    pub amount: Amount,
    /// Height of the deposit.
    pub height: u64,
}

/// A withdrawal that the bridge owes.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct WithdrawalRecord {
    /// How much.
    pub amount: Amount,
    /// Where the bridge pays.
    pub destination: String,
    /// Height of the withdrawal.
    pub height: u64,
}

/// OPEN on its way back from stake or bond: still bonded, and securing nothing new.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct UnbondingRecord {
    /// How much.
    pub amount: Amount,
    /// First epoch in which it can be released.
    pub releases_in_epoch: u64,
}
