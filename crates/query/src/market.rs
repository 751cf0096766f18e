//! Models, providers, gateways and channels as events describe them. Absent: reputation and exposure, which have no
//! events yet that tell about them.

use std::collections::BTreeMap;

use openledger_types::models::title_of;
use openledger_types::record::{OfferRecord, Role};
use openledger_types::{AccountId, Amount, BasisPoints, ChannelId, Hash, Name, Royalty};

/// A model or adapter.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) builder: AccountId,
    pub(crate) weights: Hash,
    pub(crate) parent: Option<Name>,
    pub(crate) lineage: Vec<Royalty>,
    pub(crate) license: String,
    pub(crate) height: u64,
    pub(crate) earned: i128,
    pub(crate) answers: u64,
}

/// A provider.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    pub(crate) stake: Amount,
    pub(crate) endpoint: String,
    pub(crate) height: u64,
    pub(crate) offers: BTreeMap<Name, OfferRecord>,
    pub(crate) answers: u64,
}

/// A gateway.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    pub(crate) bond: Amount,
    pub(crate) router_fee: BasisPoints,
    pub(crate) endpoint: String,
    pub(crate) height: u64,
    pub(crate) batches: u64,
    pub(crate) receipts: u64,
    pub(crate) charged: i128,
}

/// A channel.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) consumer: AccountId,
    pub(crate) gateway: AccountId,
    pub(crate) authorizer: AccountId,
    pub(crate) deposit: i128,
    pub(crate) spent: i128,
    pub(crate) closes_at_ms: Option<u64>,
    pub(crate) closed: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Market {
    pub(crate) models: BTreeMap<Name, Model>,
    pub(crate) providers: BTreeMap<AccountId, Provider>,
    pub(crate) gateways: BTreeMap<AccountId, Gateway>,
    pub(crate) channels: BTreeMap<ChannelId, Channel>,
    pub(crate) channels_of: BTreeMap<AccountId, Vec<ChannelId>>,
    /// Owners of each model's title, with the height from which they own it.
    pub(crate) titles: BTreeMap<AccountId, Vec<(u64, AccountId)>>,
}

impl Market {
    pub(crate) fn open_channel(&mut self, id: ChannelId, channel: Channel) {
        self.channels_of.entry(channel.consumer).or_default().push(id);
        self.channels.insert(id, channel);
    }

    /// Who owns a model from this height on.
    pub(crate) fn own_model(&mut self, model: &Name, owner: AccountId, height: u64) {
        self.titles.entry(title_of(model)).or_default().push((height, owner));
        if let Some(model) = self.models.get_mut(model) {
            model.builder = owner;
        }
    }

    /// Who is paid at this height for a line of a receipt: a title's owner, or the account itself.
    pub(crate) fn payee(&self, line: AccountId, height: u64) -> AccountId {
        let owners = self.titles.get(&line).map(Vec::as_slice).unwrap_or_default();
        owners.iter().rev().find(|(from, _)| *from <= height).map_or(line, |(_, owner)| *owner)
    }

    /// Changes what a provider or gateway has at stake.
    pub(crate) fn set_bond(&mut self, account: AccountId, role: Role, change: impl Fn(Amount) -> Amount) {
        match role {
            Role::Gateway => {
                if let Some(gateway) = self.gateways.get_mut(&account) {
                    gateway.bond = change(gateway.bond);
                }
            }
            Role::Provider => {
                if let Some(provider) = self.providers.get_mut(&account) {
                    provider.stake = change(provider.stake);
                }
            }
            _ => {}
        }
    }
}
