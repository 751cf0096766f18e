//! Actions: what an account asks the ledger to do. Imperative nouns and verbs; data only, the behaviour is in
//! `ledger`, one folder per step of the flow. The order here is the order of the flow.
//! Absent: defaults and validation beyond the shape; the ledger decides.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Amount, Asset, BasisPoints, Batch, ChannelId, ContributionId, DatanetAction, Hash, Name,
    ServiceKey,
};

/// One owner of a contribution and the owner's part, in `parts` of the sum over all owners.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct NewOwner {
    /// Who is paid.
    pub account: AccountId,
    /// The part, at least 1. Co-authors who agreed on nothing else have 1 each.
    pub parts: u16,
}

/// A contribution as it is committed: by content hash, with its owners and licence. The text stays outside the
/// ledger, in the datanet's snapshot.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct NewContribution {
    /// Content hash of the contribution.
    pub id: ContributionId,
    /// Hash of the normalised text: equal hashes are exact duplicates and form one cluster.
    pub cluster: Hash,
    /// Owners in the order in which they were named; the first gets what flooring leaves.
    pub owners: Vec<NewOwner>,
    /// SPDX licence expression or a name the datanet explains.
    pub license: String,
    /// Where readers find it, for example the external id of a page.
    pub label: String,
}

/// A part of the builder share that a model owes to an account.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Royalty {
    /// Who is paid.
    pub account: AccountId,
    /// Part of the builder share.
    pub share: BasisPoints,
}

/// Everything an account can ask for.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Local networks only: create `amount` of `asset` for `to`. Recorded as a deposit.
    Faucet {
        /// Who receives.
        to: AccountId,
        /// What.
        asset: Asset,
        /// How much, at most the parameter `faucet_max`.
        amount: Amount,
    },
    /// Move an amount to another account.
    Transfer {
        /// Who receives.
        to: AccountId,
        /// What.
        asset: Asset,
        /// How much, at least 1 unit.
        amount: Amount,
    },
    /// Create a datanet; the sender becomes its curator.
    CreateDatanet {
        /// Unique name.
        name: Name,
        /// Title for people.
        title: String,
        /// Licence that contributions carry unless they name another.
        license: String,
    },
    /// Commit contributions to a datanet. Sender: its curator.
    Contribute {
        /// Where.
        datanet: Name,
        /// What, at most `CONTRIBUTIONS_PER_ACTION_MAX`.
        contributions: Vec<NewContribution>,
    },
    /// Withdraw a contribution: from the next block on nothing is paid for it. Sender: its first owner, or the curator
    /// for what was imported and the contributor for what was contributed openly.
    RevokeContribution {
        /// Where.
        datanet: Name,
        /// Which.
        contribution: ContributionId,
    },
    /// Seal the next version of a datanet. Sender: its curator.
    SealSnapshot {
        /// Which datanet.
        datanet: Name,
        /// Version, one more than the last.
        version: u32,
        /// Merkle root over the contributions.
        root: Hash,
        /// Root of the attribution index built from them.
        index_root: Hash,
        /// How many contributions it holds.
        contributions: u32,
    },
    /// Register a base model or an adapter with its lineage. Sender: its builder.
    RegisterModel {
        /// Unique name, as consumers type it.
        name: Name,
        /// SHA-256 of the weights file.
        weights: Hash,
        /// The model it was made from, if any.
        parent: Option<Name>,
        /// Who shares the builder share; what is left goes to the parent's royalties, or to the builder.
        royalties: Vec<Royalty>,
        /// Licence of the weights.
        license: String,
    },
    /// Register the sender as a provider with a stake in OPEN.
    RegisterProvider {
        /// Key that countersigns receipts.
        service_key: ServiceKey,
        /// Stake in OPEN taken from the sender's balance.
        stake: Amount,
        /// Where it serves.
        endpoint: String,
    },
    /// Offer a model at a price. Sender: a provider. A new offer for the same model replaces the old one.
    PostOffer {
        /// Which model.
        model: Name,
        /// Its resource class; without one it takes no part in the market.
        class: Option<Name>,
        /// Price of one prompt token in uC.
        prompt_price: Amount,
        /// Price of one completion token in uC.
        completion_price: Amount,
        /// Sequences it serves at a time.
        capacity: u32,
    },
    /// Register the sender as a gateway with a bond in OPEN.
    RegisterGateway {
        /// Key that signs receipts.
        service_key: ServiceKey,
        /// Bond in OPEN taken from the sender's balance.
        bond: Amount,
        /// Router fee on top of the reference price.
        router_fee: BasisPoints,
        /// Where it serves.
        endpoint: String,
    },
    /// Open a payment channel to a gateway. The deposit leaves the sender's balance.
    OpenChannel {
        /// Which gateway.
        gateway: AccountId,
        /// Whose signature makes a voucher; the sender's own account, or a key it delegates to (an API key).
        authorizer: AccountId,
        /// Deposit in credits.
        deposit: Amount,
        /// Distinguishes channels between the same two accounts.
        salt: Hash,
    },
    /// Add credits to a channel. Sender: its consumer.
    TopUpChannel {
        /// Which.
        channel: ChannelId,
        /// How much.
        amount: Amount,
    },
    /// Close a channel. The gateway closes at once; the consumer asks first and repeats after the close delay.
    /// What was not spent goes back to the consumer.
    CloseChannel {
        /// Which.
        channel: ChannelId,
    },
    /// Settle a netted batch of completions. Sender: the gateway.
    SettleBatch(Box<Batch>),
    /// Move what has unlocked of the sender's tranches to its balance.
    ClaimTranches {
        /// Role whose tranches are claimed.
        role: crate::record::Role,
        /// Epochs in which they began, at most `TRANCHES_PER_CLAIM_MAX`.
        epochs: Vec<u64>,
    },
    /// Create credits for a payment outside. Sender: the network's bridge.
    BridgeDeposit {
        /// Who receives.
        to: AccountId,
        /// How much.
        amount: Amount,
        /// The payment outside, for example its transaction's hash; it counts once.
        reference: Hash,
    },
    /// Take credits out of the network. They cease to exist here, and the bridge owes them.
    Withdraw {
        /// How much.
        amount: Amount,
        /// Where the bridge pays, in its own words (an address, an account number).
        destination: String,
    },
    /// Say that a withdrawal was paid outside. Sender: the network's bridge.
    CompleteWithdrawal {
        /// Who withdrew.
        account: AccountId,
        /// The withdrawal's number, as its event says.
        number: u64,
    },
    /// Put more OPEN at stake. Sender: a provider or a gateway.
    RaiseBond {
        /// As which.
        role: crate::record::Role,
        /// How much, in OPEN.
        amount: Amount,
    },
    /// Begin to take OPEN back: all of it, or so much that at least the least stake remains.
    Unbond {
        /// As which.
        role: crate::record::Role,
        /// How much, in OPEN.
        amount: Amount,
    },
    /// Take back the OPEN that has waited long enough.
    ReleaseBond {
        /// As which.
        role: crate::record::Role,
        /// Epochs in which it was unbonded, at most `TRANCHES_PER_CLAIM_MAX`.
        epochs: Vec<u64>,
    },
    /// Accounts beyond balances: links.
    Accounts(crate::AccountAction),
    /// Rules, open contributions, disputes and tasks of datanets.
    Datanets(DatanetAction),
    /// Run a provider: heartbeats, and changes of offers, key and address.
    Providers(crate::ProviderAction),
    /// Manifests of adapters, transfer and delisting of models.
    Models(crate::ModelAction),
    /// Audits.
    Audits(crate::AuditAction),
    /// Agents: identities, mandates, jobs, performance bonds.
    Agents(crate::AgentAction),
    /// Decide about the network or a datanet.
    Governance(crate::GovernanceAction),
    /// Donate, measure use, and be paid by the funds.
    Funds(crate::FundsAction),
    /// Evaluations of contributions, and what follows from them.
    Maturity(crate::maturity::MaturityAction),
    /// Locked tranches, sold early.
    Advances(crate::advances::AdvanceAction),
    /// Prices, the capacity fund, leases, revenue notes.
    Markets(crate::MarketAction),
    /// Refunds of settled receipts.
    Settlement(crate::SettlementAction),
}

impl Action {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Faucet { .. } => "Faucet",
            Self::Transfer { .. } => "Transfer",
            Self::CreateDatanet { .. } => "Create datanet",
            Self::Contribute { .. } => "Contribute",
            Self::RevokeContribution { .. } => "Revoke contribution",
            Self::SealSnapshot { .. } => "Seal snapshot",
            Self::RegisterModel { .. } => "Register model",
            Self::RegisterProvider { .. } => "Register provider",
            Self::PostOffer { .. } => "Post offer",
            Self::RegisterGateway { .. } => "Register gateway",
            Self::OpenChannel { .. } => "Open channel",
            Self::TopUpChannel { .. } => "Top up channel",
            Self::CloseChannel { .. } => "Close channel",
            Self::SettleBatch(_) => "Settle batch",
            Self::ClaimTranches { .. } => "Claim tranches",
            Self::BridgeDeposit { .. } => "Deposit",
            Self::Withdraw { .. } => "Withdraw",
            Self::CompleteWithdrawal { .. } => "Complete withdrawal",
            Self::RaiseBond { .. } => "Raise bond",
            Self::Unbond { .. } => "Unbond",
            Self::ReleaseBond { .. } => "Release bond",
            Self::Accounts(action) => action.name(),
            Self::Agents(action) => action.name(),
            Self::Datanets(action) => action.name(),
            Self::Providers(action) => action.name(),
            Self::Models(action) => action.name(),
            Self::Audits(action) => action.name(),
            Self::Governance(action) => action.name(),
            Self::Funds(action) => action.name(),
            Self::Maturity(action) => action.name(),
            Self::Advances(action) => action.name(),
            Self::Markets(action) => action.name(),
            Self::Settlement(action) => action.name(),
        }
    }

    /// What the action does, in plain words. A wallet shows this text, and the signature covers it.
    pub fn summary(&self) -> String {
        match self {
            Self::Faucet { to, asset, amount } => format!("Give {amount} {} to {to}", asset.symbol()),
            Self::Transfer { to, asset, amount } => format!("Send {amount} {} to {to}", asset.symbol()),
            Self::CreateDatanet { name, title, license } => {
                format!("Create the datanet {name} ({title}) under {license}")
            }
            Self::Contribute { datanet, contributions } => {
                let mut owners: Vec<String> = contributions
                    .iter()
                    .flat_map(|new| new.owners.iter().map(|owner| owner.account.to_string()))
                    .collect();
                owners.sort_unstable();
                owners.dedup();
                format!(
                    "Commit {} contributions to {datanet}, owned by {}",
                    contributions.len(),
                    owners.join(", ")
                )
            }
            Self::RevokeContribution { datanet, contribution } => {
                format!("Revoke contribution {contribution} of {datanet}")
            }
            Self::SealSnapshot { datanet, version, root, contributions, .. } => {
                format!("Seal version {version} of {datanet}: {contributions} contributions, root {root}")
            }
            Self::RegisterModel { name, weights, parent, royalties, license } => {
                let made_from =
                    parent.as_ref().map(|parent| format!(", made from {parent}")).unwrap_or_default();
                let shares: Vec<String> = royalties
                    .iter()
                    .map(|line| {
                        format!("{} basis points of the builder share to {}", line.share.0, line.account)
                    })
                    .collect();
                format!(
                    "Register the model {name} (weights {weights}) under {license}{made_from}: {}",
                    shares.join(", ")
                )
            }
            Self::RegisterProvider { stake, endpoint, .. } => {
                format!("Become a provider at {endpoint} with a stake of {stake} OPEN")
            }
            Self::PostOffer { model, class, prompt_price, completion_price, capacity } => format!(
                "Offer {model}{} at {prompt_price} C per prompt token and {completion_price} C per completion token, {capacity} at a time",
                class.as_ref().map(|class| format!(" in the class {class}")).unwrap_or_default()
            ),
            Self::RegisterGateway { bond, router_fee, endpoint, .. } => format!(
                "Become a gateway at {endpoint} with a bond of {bond} OPEN and a fee of {} basis points",
                router_fee.0
            ),
            Self::OpenChannel { gateway, authorizer, deposit, .. } => {
                format!(
                    "Open a channel to gateway {gateway} with {deposit} C, spent by vouchers of {authorizer}"
                )
            }
            Self::TopUpChannel { channel, amount } => format!("Add {amount} C to channel {channel}"),
            Self::CloseChannel { channel } => format!("Close channel {channel}"),
            Self::SettleBatch(batch) => format!(
                "Settle batch {}: {} receipts, {} C",
                batch.number, batch.receipts, batch.reference_total
            ),
            Self::ClaimTranches { role, epochs } => {
                format!("Claim what has unlocked of {} tranches as {}", epochs.len(), role.name())
            }
            Self::BridgeDeposit { to, amount, reference } => {
                format!("Deposit {amount} C for {to}, for the payment {reference}")
            }
            Self::Withdraw { amount, destination } => format!("Withdraw {amount} C to {destination}"),
            Self::CompleteWithdrawal { account, number } => {
                format!("Complete withdrawal {number} of {account}")
            }
            Self::RaiseBond { role, amount } => format!("Put {amount} OPEN more at stake as {}", role.name()),
            Self::Unbond { role, amount } => {
                format!("Take {amount} OPEN of the stake back as {}", role.name())
            }
            Self::ReleaseBond { role, epochs } => {
                format!("Release what was unbonded in {} epochs as {}", epochs.len(), role.name())
            }
            Self::Accounts(action) => action.summary(),
            Self::Agents(action) => action.summary(),
            Self::Datanets(action) => action.summary(),
            Self::Providers(action) => action.summary(),
            Self::Models(action) => action.summary(),
            Self::Audits(action) => action.summary(),
            Self::Governance(action) => action.summary(),
            Self::Funds(action) => action.summary(),
            Self::Maturity(action) => action.summary(),
            Self::Advances(action) => action.summary(),
            Self::Markets(action) => action.summary(),
            Self::Settlement(action) => action.summary(),
        }
    }
}
