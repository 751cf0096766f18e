//! One transaction against the state: check who sends it, dispatch to the step that owns the action, and return what
//! changed.
//!
//! Rule, in order of precedence: the bytes decode; the chain id is this network's; the signature is the sender's, or one of
//! a session key that may act for it; the nonce is the next of the account, or of the session; then the action's own
//! checks. An action that is rejected after the nonce check still uses the nonce, so that it cannot be replayed later;
//! everything else it did is thrown away.
//!
//! The state is loaded by the caller, because storage is slow and the rules are not. [`execute`] answers
//! [`Step::Load`] with all keys it can know of that are not in `loaded`; the caller loads them, adds them to `loaded`
//! (`None` for a key without a record) and calls again. Three rounds suffice for every action: one for the keys that the
//! action names, one for those that the records found lead to, and one for the clusters of accounts that were found so.
//! A batch needs two.
//!
//! Absent: fees, ordering, blocks. The caller applies `changes` before it executes the next transaction.

mod admission;
mod begin;
mod prepared;
mod transition;

use std::collections::BTreeMap;

use openledger_types::{Action, Event, Hash, Rejection, SignedTransaction};

use crate::state::{Applied, StateKey};
use crate::{
    accounts, advances, agents, audits, bonds, bridge, channels, datanets, escrow, funds, gateways,
    governance, markets, maturity, models, providers, settlement,
};

pub use admission::{next_nonce, nonce_key};
pub use begin::begin_block;
pub use prepared::Prepared;
pub(crate) use transition::{Transition, check_text};

/// What the chain knows about the block that holds the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockContext {
    /// Height of the block.
    pub height: u64,
    /// Timestamp of the block in milliseconds since the Unix epoch.
    pub timestamp_ms: u64,
    /// Randomness of the block, known to nobody before it.
    pub randomness: Hash,
}

/// Records by encoded [`StateKey`]; `None` means that the state holds nothing under the key.
pub type Loaded = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What a transaction did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it was applied, or why not.
    pub result: Result<(), Rejection>,
    /// What happened, in order; empty when rejected.
    pub events: Vec<Event>,
    /// Records that differ from what was loaded; `None` removes the record.
    pub changes: Loaded,
}

/// The answer to one call of [`execute`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Load these keys, in increasing order, and call again.
    Load(Vec<Vec<u8>>),
    /// The transaction is finished.
    Done(Outcome),
}

/// Runs one encoded [`SignedTransaction`] against the loaded records. Pure: the same arguments give the same step.
///
/// # Panics
/// When a record does not decode or the state has no parameters: the state was not written by this ledger.
pub fn execute(transaction: &[u8], context: &BlockContext, loaded: &Loaded) -> Step {
    Prepared::new(transaction).step(context, loaded)
}

/// All keys that the action is known to read before anything is loaded.
fn keys(signed: &SignedTransaction) -> Vec<StateKey> {
    let mut keys = keys_of_action(signed);
    keys.extend(governance::key_of_pause(&signed.transaction.action));
    keys
}

fn keys_of_action(signed: &SignedTransaction) -> Vec<StateKey> {
    let sender = signed.sender;
    match &signed.transaction.action {
        Action::Faucet { to, .. } | Action::Transfer { to, .. } => accounts::keys(*to),
        Action::CreateDatanet { name, .. } => datanets::keys_of_datanet(name),
        Action::Contribute { datanet, contributions } => datanets::keys_of_contribute(datanet, contributions),
        Action::RevokeContribution { datanet, contribution } => {
            datanets::keys_of_contribution(datanet, *contribution)
        }
        Action::SealSnapshot { datanet, .. } => datanets::keys_of_datanet(datanet),
        Action::RegisterModel { name, parent, .. } => models::keys(name, parent.as_ref()),
        Action::RegisterProvider { .. } => providers::keys(sender, None),
        Action::PostOffer { model, .. } => providers::keys(sender, Some(model)),
        Action::RegisterGateway { .. } => gateways::keys(sender),
        Action::OpenChannel { gateway, salt, .. } => channels::keys_of_opening(sender, *gateway, salt),
        Action::TopUpChannel { channel, .. } => channels::keys(*channel),
        Action::CloseChannel { channel } => channels::keys_of_close(*channel),
        Action::SettleBatch(batch) => settlement::keys(sender, batch),
        Action::ClaimTranches { role, epochs } => escrow::keys(sender, *role, epochs),
        Action::BridgeDeposit { to, reference, .. } => bridge::keys_of_deposit(*to, *reference),
        // A withdrawal's key has the number of this transaction, so nothing is under it.
        Action::Withdraw { .. } => Vec::new(),
        Action::CompleteWithdrawal { account, number } => bridge::keys_of_completion(*account, *number),
        Action::RaiseBond { role, .. } | Action::Unbond { role, .. } => bonds::keys(sender, *role),
        Action::ReleaseBond { role, epochs } => bonds::keys_of_release(sender, *role, epochs),
        Action::Accounts(action) => accounts::keys_of_action(sender, action),
        Action::Agents(action) => agents::keys(sender, action),
        Action::Datanets(action) => datanets::keys(sender, action),
        Action::Providers(action) => providers::keys_of_action(sender, action),
        Action::Models(action) => models::keys_of_action(action),
        Action::Audits(action) => audits::keys(sender, action),
        Action::Governance(action) => governance::keys(sender, action),
        Action::Funds(action) => funds::keys(sender, action),
        Action::Maturity(action) => maturity::keys(sender, action),
        Action::Advances(action) => advances::keys(sender, action),
        Action::Markets(action) => markets::keys(sender, action),
        Action::Settlement(action) => settlement::keys_of_action(sender, action),
    }
}

fn apply(transition: &mut Transition<'_>, action: &Action) -> Applied {
    governance::check_pause(transition, action)?;
    match action {
        Action::Faucet { to, asset, amount } => accounts::faucet(transition, *to, *asset, *amount),
        Action::Transfer { to, asset, amount } => accounts::transfer(transition, *to, *asset, *amount),
        Action::CreateDatanet { name, title, license } => datanets::create(transition, name, title, license),
        Action::Contribute { datanet, contributions } => {
            datanets::contribute(transition, datanet, contributions)
        }
        Action::RevokeContribution { datanet, contribution } => {
            datanets::revoke(transition, datanet, *contribution)
        }
        Action::SealSnapshot { datanet, version, root, index_root, contributions } => {
            datanets::seal(transition, datanet, *version, *root, *index_root, *contributions)
        }
        Action::RegisterModel { name, weights, parent, royalties, license } => {
            models::register(transition, name, *weights, parent.as_ref(), royalties, license)
        }
        Action::RegisterProvider { service_key, stake, endpoint } => {
            providers::register(transition, *service_key, *stake, endpoint)
        }
        Action::PostOffer { model, class, prompt_price, completion_price, capacity } => {
            providers::post_offer(
                transition,
                model,
                class.as_ref(),
                *prompt_price,
                *completion_price,
                *capacity,
            )
        }
        Action::RegisterGateway { service_key, bond, router_fee, endpoint } => {
            gateways::register(transition, *service_key, *bond, *router_fee, endpoint)
        }
        Action::OpenChannel { gateway, authorizer, deposit, salt } => {
            channels::open(transition, *gateway, *authorizer, *deposit, salt)
        }
        Action::TopUpChannel { channel, amount } => channels::top_up(transition, *channel, *amount),
        Action::CloseChannel { channel } => channels::close(transition, *channel),
        Action::SettleBatch(batch) => settlement::settle(transition, batch),
        Action::ClaimTranches { role, epochs } => escrow::claim(transition, *role, epochs),
        Action::BridgeDeposit { to, amount, reference } => {
            bridge::deposit(transition, *to, *amount, *reference)
        }
        Action::Withdraw { amount, destination } => bridge::withdraw(transition, *amount, destination),
        Action::CompleteWithdrawal { account, number } => bridge::complete(transition, *account, *number),
        Action::RaiseBond { role, amount } => bonds::raise(transition, *role, *amount),
        Action::Unbond { role, amount } => bonds::unbond(transition, *role, *amount),
        Action::ReleaseBond { role, epochs } => bonds::release(transition, *role, epochs),
        Action::Accounts(action) => accounts::apply(transition, action),
        Action::Agents(action) => agents::apply(transition, action),
        Action::Maturity(action) => maturity::apply(transition, action),
        Action::Advances(action) => advances::apply(transition, action),
        Action::Datanets(action) => datanets::apply(transition, action),
        Action::Providers(action) => providers::apply(transition, action),
        Action::Models(action) => models::apply(transition, action),
        Action::Audits(action) => audits::apply(transition, action),
        Action::Governance(action) => governance::apply(transition, action),
        Action::Funds(action) => funds::apply(transition, action),
        Action::Markets(action) => markets::apply(transition, action),
        Action::Settlement(action) => settlement::apply(transition, action),
    }
}
