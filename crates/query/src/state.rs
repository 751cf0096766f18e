//! The state of the read models, and the only code that changes it: a block, a receipt, a label.
//!
//! Rule: heights arrive in order, from 1, each naming the digest of the one before. A height that was applied changes
//! nothing; a gap or another chain is refused before anything changes. Once a height is admitted, applying it cannot
//! fail. Absent: locks.

use openledger_types::record::{Pool, Role};
use openledger_types::{AccountId, Asset, DatanetEvent, Event, Hash, ModelEvent};

use crate::accounts::Accounts;
use crate::blocks::{Block, Blocks, Transaction};
use crate::datanets::{Datanets, Snapshot};
use crate::facts::{BlockFacts, ReceiptFacts, TransactionFacts};
use crate::lines::{Line, LineKind};
use crate::market::{Gateway, Market, Model, Provider};
use crate::receipts::{Insert, Receipts};
use crate::settings::Settings;
use crate::settlement::{Batch, Settlement};

mod money;

/// What became of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is new and changed the models.
    New,
    /// It was applied before; nothing changed.
    Known,
}

/// Why a block was refused. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Heights are missing.
    #[error(
        "block {given} does not follow; the next one needed is {expected}: deliver the blocks from there"
    )]
    Gap {
        /// The height that is needed next.
        expected: u64,
        /// The height that was given.
        given: u64,
    },
    /// The block names another parent.
    #[error(
        "block {height} follows {parent}, not {tip}, which was applied: replay this network's chain into new read models"
    )]
    ParentDiffers {
        /// The block's height.
        height: u64,
        /// The parent it names.
        parent: Hash,
        /// The digest that was applied before it.
        tip: Hash,
    },
    /// Another block was applied at this height.
    #[error(
        "block {height} was applied as {applied}, and now comes as {given}: replay this network's chain into new read models"
    )]
    DigestDiffers {
        /// The height.
        height: u64,
        /// What was applied.
        applied: Hash,
        /// What was given.
        given: Hash,
    },
}

/// Why a receipt was refused. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Its place or id belongs to another receipt.
    #[error(
        "receipt {id} is number {sequence} of its gateway, but that number or id belongs to another receipt: a gateway may not issue two"
    )]
    Conflict {
        /// The receipt's id.
        id: String,
        /// Its number.
        sequence: u64,
    },
}

/// Where in the chain an event happened.
#[derive(Debug, Clone, Copy)]
struct Moment {
    height: u64,
    timestamp_ms: u64,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) accounts: Accounts,
    pub(crate) datanets: Datanets,
    pub(crate) market: Market,
    pub(crate) settlement: Settlement,
    pub(crate) receipts: Receipts,
    pub(crate) blocks: Blocks,
}

impl State {
    pub(crate) fn new(settings: Settings) -> Self {
        let mut state = Self {
            accounts: Accounts::default(),
            datanets: Datanets::default(),
            market: Market::default(),
            settlement: Settlement::default(),
            receipts: Receipts::default(),
            blocks: Blocks::default(),
            settings,
        };
        let moment = Moment { height: 0, timestamp_ms: 0 };
        for balance in state.settings.genesis.clone() {
            state.deposit(moment, balance.account, openledger_types::Asset::Credit, balance.credits);
            state.deposit(moment, balance.account, openledger_types::Asset::Open, balance.open);
        }
        state
    }

    pub(crate) fn apply(&mut self, block: BlockFacts) -> Result<Applied, ApplyError> {
        let (tip, digest) = self.blocks.kept.back().map_or((0, None), |tip| (tip.height, Some(tip.digest)));
        if block.height <= tip {
            return self.known(&block);
        }
        let expected = tip + 1;
        if block.height != expected {
            return Err(ApplyError::Gap { expected, given: block.height });
        }
        if let Some(tip) = digest.filter(|digest| *digest != block.parent) {
            return Err(ApplyError::ParentDiffers { height: block.height, parent: block.parent, tip });
        }
        self.apply_next(block);
        Ok(Applied::New)
    }

    fn known(&self, block: &BlockFacts) -> Result<Applied, ApplyError> {
        match self.blocks.at(block.height) {
            Some(applied) if applied.digest != block.digest => Err(ApplyError::DigestDiffers {
                height: block.height,
                applied: applied.digest,
                given: block.digest,
            }),
            _ => Ok(Applied::Known),
        }
    }

    fn apply_next(&mut self, block: BlockFacts) {
        let moment = Moment { height: block.height, timestamp_ms: block.timestamp_ms };
        for event in &block.begin_events {
            self.event(moment, event);
        }
        let mut events = block.begin_events.len() as u64;
        let hashes = block.transactions.iter().map(|transaction| transaction.hash).collect();
        for (index, transaction) in block.transactions.into_iter().enumerate() {
            events += self.transaction(moment, index, transaction);
        }
        let kept = Block {
            height: block.height,
            digest: block.digest,
            parent: block.parent,
            timestamp_ms: block.timestamp_ms,
            state_root: block.state_root,
            transactions: hashes,
            events,
        };
        self.blocks.push(kept, self.settings.limits.blocks_max.max(1));
    }

    /// Applies a transaction's events and keeps it; returns how many events it had.
    fn transaction(&mut self, moment: Moment, index: usize, facts: TransactionFacts) -> u64 {
        let events = if facts.result.is_ok() { facts.events } else { Vec::new() };
        for event in &events {
            self.event(moment, event);
        }
        let event_count = events.len() as u64;
        let transaction = Transaction {
            height: moment.height,
            index: u32::try_from(index).unwrap_or(u32::MAX),
            timestamp_ms: moment.timestamp_ms,
            sender: facts.sender,
            nonce: facts.nonce,
            name: facts.name,
            summary: facts.summary,
            result: facts.result,
            event_count,
            events: Some(events),
        };
        let limits = &self.settings.limits;
        self.blocks.push_transaction(facts.hash, transaction, limits.transactions_max, limits.events_max);
        event_count
    }

    fn event(&mut self, moment: Moment, event: &Event) {
        match event {
            Event::DatanetCreated { name, curator, title, license } => {
                self.datanets.create(name, *curator, title, license, moment.height);
            }
            Event::ContributionCommitted { datanet, sequence, contribution, owns_cluster } => {
                let max = self.settings.limits.contributions_max;
                self.datanets.commit(datanet, *sequence, contribution, *owns_cluster, moment.height, max);
            }
            Event::ContributionRevoked { datanet, contribution } => {
                self.datanets.revoke(datanet, contribution, moment.height);
            }
            Event::SnapshotSealed { datanet, version, root, index_root, contributions } => {
                let snapshot = Snapshot {
                    version: *version,
                    root: *root,
                    index_root: *index_root,
                    contributions: *contributions,
                    height: moment.height,
                    timestamp_ms: moment.timestamp_ms,
                };
                self.datanets.seal(datanet, snapshot);
            }
            Event::Datanets(DatanetEvent::CuratorChanged { datanet, to, .. }) => {
                self.datanets.set_curator(datanet, *to);
            }
            Event::Datanets(DatanetEvent::PolicySet { datanet, policy, from_epoch, .. }) => {
                let now = self.settings.parameters.epoch_at(moment.timestamp_ms);
                self.datanets.set_policy(datanet, now, *from_epoch, policy.private);
            }
            other => self.market_event(moment, other),
        }
    }

    fn market_event(&mut self, moment: Moment, event: &Event) {
        match event {
            Event::ModelRegistered { name, builder, weights, parent, lineage, license } => {
                let model = Model {
                    builder: *builder,
                    weights: *weights,
                    parent: parent.clone(),
                    lineage: lineage.clone(),
                    license: license.clone(),
                    height: moment.height,
                    earned: 0,
                    answers: 0,
                };
                self.market.models.insert(name.clone(), model);
                self.market.own_model(name, *builder, moment.height);
            }
            Event::Models(ModelEvent::ModelTransferred { model, to, .. }) => {
                self.market.own_model(model, *to, moment.height);
            }
            Event::ProviderRegistered { provider, stake, endpoint } => {
                self.bond(moment, *provider, *stake, LineKind::Staked);
                let endpoint = endpoint.clone();
                let offers = std::collections::BTreeMap::new();
                let record = Provider { stake: *stake, endpoint, height: moment.height, offers, answers: 0 };
                self.market.providers.insert(*provider, record);
            }
            Event::OfferPosted { provider, model, offer } => {
                if let Some(provider) = self.market.providers.get_mut(provider) {
                    provider.offers.insert(model.clone(), offer.clone());
                }
            }
            Event::GatewayRegistered { gateway, bond, router_fee, endpoint } => {
                self.bond(moment, *gateway, *bond, LineKind::Bonded);
                let record = Gateway {
                    bond: *bond,
                    router_fee: *router_fee,
                    endpoint: endpoint.clone(),
                    height: moment.height,
                    batches: 0,
                    receipts: 0,
                    charged: 0,
                };
                self.market.gateways.insert(*gateway, record);
            }
            Event::BondRaised { account, role, amount, total } => {
                let kind = if *role == Role::Gateway { LineKind::Bonded } else { LineKind::Staked };
                self.bond(moment, *account, *amount, kind);
                self.market.set_bond(*account, *role, |_| *total);
            }
            Event::Unbonding { account, role, amount, .. } => {
                self.market.set_bond(*account, *role, |bonded| bonded.minus(*amount).unwrap_or_default());
            }
            Event::ChannelClosing { channel, closes_at_ms } => {
                if let Some(channel) = self.market.channels.get_mut(channel) {
                    channel.closes_at_ms = Some(*closes_at_ms);
                }
            }
            other => self.money_event(moment, other),
        }
    }

    pub(crate) fn add_receipt(&mut self, receipt: ReceiptFacts) -> Result<Applied, ReceiptError> {
        let conflict = ReceiptError::Conflict { id: receipt.id.clone(), sequence: receipt.sequence };
        let counted = receipt.clone();
        match self.receipts.insert(receipt, self.settings.limits.receipts_max) {
            Insert::Known => Ok(Applied::Known),
            Insert::Conflict => Err(conflict),
            Insert::New => {
                self.count_answer(&counted);
                Ok(Applied::New)
            }
        }
    }

    /// Counts an answer for everything that it used.
    fn count_answer(&mut self, receipt: &ReceiptFacts) {
        if let Some(model) = self.market.models.get_mut(&receipt.model) {
            model.answers += 1;
        }
        if let Some(provider) = self.market.providers.get_mut(&receipt.provider) {
            provider.answers += 1;
        }
        let mut counted = std::collections::BTreeSet::new();
        for share in receipt.shares.iter().filter(|share| share.mass > 0) {
            let Some(datanet) = self.datanets.by_name.get_mut(&share.datanet) else { continue };
            if counted.insert(&share.datanet) {
                datanet.answers += 1;
            }
            if let Some(contribution) = datanet.by_id.get_mut(&share.contribution) {
                contribution.answers += 1;
            }
        }
    }

    pub(crate) fn pool(&mut self, pool: Pool, change: i128) {
        match pool.asset() {
            Asset::Credit => self.accounts.totals.in_pools += change,
            Asset::Open => self.accounts.totals.open_in_pools += change,
        }
        *self.settlement.pools.entry(pool).or_default() += change;
    }

    pub(crate) fn line(&mut self, line: Line) {
        self.accounts.apply(line, self.settings.limits.lines_max);
    }

    fn batch_mut(&mut self, gateway: &AccountId, number: u64) -> Option<&mut Batch> {
        self.settlement.batches.get_mut(&(*gateway, number))
    }
}
