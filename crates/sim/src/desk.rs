//! A gateway's settlement desk: sales of completions become signed batches on the ledger.
//!
//! Rule: the same as a gateway's. Each sale is split by [`split_completion`], its carry continues the last one's, a
//! full batch is settled and another begun, and every channel's debit is a cumulative voucher that its consumer signs.
//! Absent: what receipts say. The ledger sees their Merkle root, which is over numbers here. Also absent: prices by tokens,
//! premiums, requests, routing.

use std::collections::BTreeMap;

use hashbrown::HashTable;
use openledger_ledger::{
    CompletionTerms, DataShare, DataTerms, Netting, StateKey, StateRecord, split_completion,
};
use openledger_types::record::{ChannelRecord, ContributionRecord, GatewayRecord, Pool};
use openledger_types::transaction::channel_id;
use openledger_types::{
    AccountId, Action, Amount, BasisPoints, ChannelId, ContributionId, Debit, Hash, Name, NewContribution,
    NewOwner, Royalty, ServiceKey, Voucher, tree,
};

use crate::SimError;
use crate::world::{Actor, World};

/// Whole OPEN that a desk bonds and a provider stakes: ten times the least.
pub(crate) const BOND_WHOLE: u64 = 10_000;

/// One sold completion.
#[derive(Debug, Clone)]
pub struct Sale {
    /// Which consumer pays, by the number that [`Desk::open_channel`] gave.
    pub consumer: usize,
    /// Reference price.
    pub price: Amount,
    /// Who computed the answer.
    pub provider: AccountId,
    /// The model that served.
    pub model: Name,
    /// Where the texts behind the answer live.
    pub datanet: Name,
    /// Those texts and their attribution mass.
    pub shares: Vec<(ContributionId, u64)>,
    /// Attribution mass that nothing explains.
    pub unattributed: u64,
}

/// What one sale charged and paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sold {
    /// Reference price and fee.
    pub charged: Amount,
    /// To the provider.
    pub share: Amount,
    /// To the gateway.
    pub router_fee: Amount,
}

/// A settled batch, with its sales in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// Its number at this gateway.
    pub number: u64,
    /// Its sales.
    pub receipts: Vec<Sold>,
}

impl Booked {
    /// The leaves under the batch's root.
    pub fn leaves(&self) -> Vec<Hash> {
        let payload = |place: usize| [self.number, place as u64].map(u64::to_le_bytes).concat();
        (0..self.receipts.len()).map(|place| tree::leaf(&payload(place))).collect()
    }
}

/// A gateway with its consumers' channels.
#[derive(Debug, Clone)]
pub struct Desk {
    gateway: Actor,
    consumers: Vec<(ChannelId, Actor)>,
}

impl Desk {
    /// Registers the gateway, with a bond of ten thousand OPEN.
    pub fn open(world: &mut World, gateway: &Actor, router_fee: BasisPoints) -> Result<Self, SimError> {
        let bond = Amount::whole(BOND_WHOLE).expect("ten thousand OPEN fit an amount");
        let (service_key, endpoint) = (ServiceKey([1; 32]), String::new());
        world.apply(gateway, Action::RegisterGateway { service_key, bond, router_fee, endpoint })?;
        Ok(Self { gateway: gateway.clone(), consumers: Vec::new() })
    }

    /// Opens a consumer's channel; returns the consumer's number at this desk.
    pub fn open_channel(
        &mut self,
        world: &mut World,
        consumer: &Actor,
        deposit: Amount,
    ) -> Result<usize, SimError> {
        let (gateway, authorizer, salt) = (self.gateway.account(), consumer.account(), Hash([0; 32]));
        world.apply(consumer, Action::OpenChannel { gateway, authorizer, deposit, salt })?;
        self.consumers.push((channel_id(&authorizer, &gateway, &salt), consumer.clone()));
        Ok(self.consumers.len() - 1)
    }

    /// A consumer's channel as the ledger holds it.
    pub fn channel(&self, world: &World, consumer: usize) -> Result<ChannelRecord, SimError> {
        let missing = || SimError::RecordMissing { what: format!("channel of consumer {consumer}") };
        let (channel, _) = self.consumers.get(consumer).ok_or_else(missing)?;
        match world.record(&StateKey::Channel(*channel)) {
            Some(StateRecord::Channel(record)) => Ok(record),
            _ => Err(missing()),
        }
    }

    /// Settles sales in their order, in as many batches as they need; returns those.
    pub fn settle(&self, world: &mut World, sales: &[Sale]) -> Result<Vec<Booked>, SimError> {
        let mut batches = Vec::new();
        let mut receipts = Vec::new();
        let mut netting = Netting::new();
        let mut charged: BTreeMap<usize, Amount> = BTreeMap::new();
        let mut known = Known::new(self.gateway.account(), self.record(world)?.router_fee);
        for sale in sales {
            let unsplittable = || SimError::Unsplittable { price: sale.price };
            let terms = known.terms(world, sale)?;
            let lines = split_completion(&terms, world.parameters()).ok_or_else(unsplittable)?;
            if !netting.fits(&lines) {
                let (netting, charged) = (std::mem::take(&mut netting), std::mem::take(&mut charged));
                batches.push(self.submit(world, netting, charged, std::mem::take(&mut receipts))?);
            }
            netting.add(&lines).map_err(SimError::Netting)?;
            known.carry(&lines.model, lines.carry_out);
            let sum = charged.entry(sale.consumer).or_default();
            let price = lines.charged().ok_or_else(unsplittable)?;
            *sum = price.plus(*sum).ok_or_else(unsplittable)?;
            let share = lines.reference_split.provider;
            receipts.push(Sold { charged: price, share, router_fee: lines.router_fee });
        }
        if netting.receipts() > 0 {
            batches.push(self.submit(world, netting, charged, receipts)?);
        }
        Ok(batches)
    }

    fn record(&self, world: &World) -> Result<GatewayRecord, SimError> {
        match world.record(&StateKey::Gateway(self.gateway.account())) {
            Some(StateRecord::Gateway(record)) => Ok(record),
            _ => Err(SimError::RecordMissing { what: format!("gateway {}", self.gateway.account()) }),
        }
    }

    fn submit(
        &self,
        world: &mut World,
        netting: Netting,
        charged: BTreeMap<usize, Amount>,
        receipts: Vec<Sold>,
    ) -> Result<Booked, SimError> {
        let gateway = self.record(world)?;
        let debits = charged.into_iter().map(|(consumer, amount)| {
            let spent = self.channel(world, consumer)?.spent;
            let (channel, authorizer) = &self.consumers[consumer];
            let cumulative = spent.plus(amount).ok_or(SimError::Unsplittable { price: amount })?;
            let (chain_id, channel) = (world.parameters().chain_id, *channel);
            let voucher = Voucher { chain_id, channel, cumulative }.sign(authorizer.secret());
            Ok(Debit { channel, cumulative, voucher })
        });
        let debits = debits.collect::<Result<Vec<_>, SimError>>()?;
        let number = gateway.batches + 1;
        let booked = Booked { number, receipts };
        let root = tree::batch_root(&booked.leaves());
        let batch = netting.finish(number, gateway.receipts + 1, root, debits);
        world.apply(&self.gateway, Action::SettleBatch(Box::new(batch)))?;
        Ok(booked)
    }
}

/// What one settlement reads of the ledger, each record once: settling changes none of it but the carries.
struct Known {
    gateway: AccountId,
    router_fee: BasisPoints,
    /// By model: lineage, and the carry that the next completion begins with.
    models: BTreeMap<Name, (Vec<Royalty>, Amount)>,
    texts: Vec<(Name, ContributionId, DataTerms)>,
    /// Where a text is in `texts`, by the beginning of its id, which is a hash itself.
    places: HashTable<(u64, usize)>,
}

impl Known {
    fn new(gateway: AccountId, router_fee: BasisPoints) -> Self {
        Self { gateway, router_fee, models: BTreeMap::new(), texts: Vec::new(), places: HashTable::new() }
    }

    fn carry(&mut self, model: &Name, carry: Amount) {
        if let Some((_, held)) = self.models.get_mut(model) {
            *held = carry;
        }
    }

    fn terms(&mut self, world: &World, sale: &Sale) -> Result<CompletionTerms, SimError> {
        if !self.models.contains_key(&sale.model) {
            let Some(StateRecord::Model(model)) = world.record(&StateKey::Model(sale.model.clone())) else {
                return Err(SimError::RecordMissing { what: format!("model {}", sale.model) });
            };
            let carry = world.pool(Pool::Carry(self.gateway, sale.model.clone()));
            self.models.insert(sale.model.clone(), (model.lineage, carry));
        }
        let (lineage, carry_in) = self.models[&sale.model].clone();
        let mut shares = Vec::with_capacity(sale.shares.len());
        for (contribution, weight) in &sale.shares {
            let terms = self.text(world, &sale.datanet, *contribution)?;
            shares.push(DataShare {
                datanet: sale.datanet.clone(),
                contribution: *contribution,
                weight: *weight,
                factor: terms.factor,
                owners: terms.owners.clone(),
            });
        }
        Ok(CompletionTerms {
            reference: sale.price,
            quote: None,
            router_fee: self.router_fee,
            provider: sale.provider,
            model: sale.model.clone(),
            lineage,
            shares,
            unattributed: sale.unattributed,
            carry_in,
        })
    }

    fn text(&mut self, world: &World, datanet: &Name, id: ContributionId) -> Result<&DataTerms, SimError> {
        let [a, b, c, d, e, f, g, h, ..] = id.0;
        let hash = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let is = |(_, place): &(u64, usize)| self.texts[*place].1 == id && self.texts[*place].0 == *datanet;
        let place = match self.places.find(hash, is) {
            Some((_, place)) => *place,
            None => {
                let terms = contribution_of(world, datanet, id)?.into();
                self.texts.push((datanet.clone(), id, terms));
                let place = self.texts.len() - 1;
                self.places.insert_unique(hash, (hash, place), |(hash, _)| *hash);
                place
            }
        };
        Ok(&self.texts[place].2)
    }
}

/// Registers a provider with a stake of ten thousand OPEN.
pub fn open_provider(world: &mut World, provider: &Actor) -> Result<(), SimError> {
    let stake = Amount::whole(BOND_WHOLE).expect("ten thousand OPEN fit an amount");
    let (service_key, endpoint) = (ServiceKey([2; 32]), String::new());
    world.apply(provider, Action::RegisterProvider { service_key, stake, endpoint }).map(drop)
}

/// Registers a base model, all of whose builder share is its builder's.
pub fn open_model(world: &mut World, builder: &Actor, name: &Name) -> Result<(), SimError> {
    let (weights, license) = (Hash([3; 32]), "Apache-2.0".to_owned());
    let register =
        Action::RegisterModel { name: name.clone(), weights, parent: None, royalties: Vec::new(), license };
    world.apply(builder, register).map(drop)
}

/// Creates a datanet; its creator curates it.
pub fn open_datanet(world: &mut World, curator: &Actor, name: &Name) -> Result<(), SimError> {
    let (title, license) = (name.to_string(), "CC-BY-4.0".to_owned());
    world.apply(curator, Action::CreateDatanet { name: name.clone(), title, license }).map(drop)
}

/// A text as it is committed, with one owner.
pub(crate) fn text_of(owner: &Actor, id: ContributionId, cluster: Hash) -> NewContribution {
    let owners = vec![NewOwner { account: owner.account(), parts: 1 }];
    NewContribution { id, cluster, owners, license: "CC-BY-4.0".to_owned(), label: String::new() }
}

/// A contribution as the ledger holds it.
pub(crate) fn contribution_of(
    world: &World,
    datanet: &Name,
    id: ContributionId,
) -> Result<ContributionRecord, SimError> {
    match world.record(&StateKey::Contribution(datanet.clone(), id)) {
        Some(StateRecord::Contribution(record)) => Ok(record),
        _ => Err(SimError::RecordMissing { what: format!("contribution {id}") }),
    }
}

/// Which contribution owns the cluster of this one: itself, or the earliest with the same text.
pub fn cluster_owner(world: &World, datanet: &Name, id: ContributionId) -> Result<ContributionId, SimError> {
    let cluster = contribution_of(world, datanet, id)?.cluster;
    match world.record(&StateKey::Cluster(datanet.clone(), cluster)) {
        Some(StateRecord::Cluster(record)) => Ok(record.owner),
        _ => Err(SimError::RecordMissing { what: format!("cluster of contribution {id}") }),
    }
}
