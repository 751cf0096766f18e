//! A small network in memory. Every action sent through it is also checked: at most three rounds of loading, the same
//! outcome when everything is loaded at once, conservation over all records, and a rejection that changes the nonce
//! alone. So each table and each property proves those for every action that it happens to send.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use openledger_types::markets::QuoteRecord;
use openledger_types::record::{ChannelRecord, ContributionRecord, GatewayRecord, ModelRecord, Pool};
use openledger_types::transaction::channel_id;
use openledger_types::{
    AccountId, AccountSecret, Action, Amount, Asset, BasisPoints, Batch, ChannelId, ContributionId, Debit,
    Event, Hash, Name, NewContribution, NewOwner, Parameters, Quoted, Rejection, Royalty, ServiceKey,
    Transaction, Voucher, codec,
};

use crate::execute::Transition;
use crate::markets::MarketKey;
use crate::state::{Applied, Stop, View};
use crate::{
    BlockContext, CompletionTerms, DataShare, Genesis, GenesisAccount, Loaded, Netting, Outcome, Prepared,
    StateKey, Step, begin_block, check_conservation, split_completion,
};

pub(crate) const ACCOUNTS: u8 = 12;
pub(crate) const CURATOR: u8 = 0;
pub(crate) const AUTHOR: u8 = 1;
pub(crate) const COAUTHOR: u8 = 2;
pub(crate) const SECOND_AUTHOR: u8 = 3;
pub(crate) const BASE_BUILDER: u8 = 4;
pub(crate) const TUNER: u8 = 5;
pub(crate) const PROVIDER: u8 = 6;
pub(crate) const GATEWAY: u8 = 7;
pub(crate) const CONSUMER: u8 = 8;
pub(crate) const STRANGER: u8 = 9;

/// The quotes of rounds 1 and on of the prepared world: prices in millionths, and whether they are capped.
pub(crate) const QUOTES: [(u64, bool); 6] = [
    (1_200_080, false),
    (1_428_572, false),
    (1_125_000, false),
    (1_428_572, true),
    (1_200_000, true),
    (2_000_000, true),
];

/// One row of a table: who, what, and the expected result.
pub(crate) type Row = (u8, Action, Result<(), Rejection>);

pub(crate) fn secret(who: u8) -> AccountSecret {
    AccountSecret::from_bytes([who + 1; 32]).unwrap()
}

pub(crate) fn account(who: u8) -> AccountId {
    static ACCOUNTS: LazyLock<Vec<AccountId>> =
        LazyLock::new(|| (0..64).map(|who| secret(who).account()).collect());
    ACCOUNTS.get(usize::from(who)).copied().unwrap_or_else(|| secret(who).account())
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn bytes32(byte: u8) -> Hash {
    Hash([byte; 32])
}

/// A contribution with this id and cluster, and owners with their parts.
pub(crate) fn contribution(id: u8, cluster: u8, owners: &[(u8, u16)]) -> NewContribution {
    NewContribution {
        id: ContributionId([id; 32]),
        cluster: bytes32(cluster),
        owners: owners
            .iter()
            .map(|(who, parts)| NewOwner { account: account(*who), parts: *parts })
            .collect(),
        license: "CC-BY-SA-4.0".into(),
        label: format!("page {id}"),
    }
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) context: BlockContext,
    pub(crate) parameters: Parameters,
}

impl World {
    /// Accounts with 1,000 C and 10,000 OPEN each, on a local network.
    pub(crate) fn new() -> Self {
        Self::with(|_| {}, 1_000_000_000)
    }

    pub(crate) fn with(change: impl FnOnce(&mut Parameters), credits: u64) -> Self {
        let mut parameters = Parameters::starting(31_337, true, account(0));
        change(&mut parameters);
        let accounts = (0..ACCOUNTS).map(|who| GenesisAccount {
            account: account(who),
            credits: Amount(credits),
            open: Amount(10_000_000_000),
        });
        let genesis = Genesis { parameters: parameters.clone(), accounts: accounts.collect() };
        let context = BlockContext { height: 1, timestamp_ms: 1_000, randomness: bytes32(1) };
        let mut world = Self { state: genesis.state().unwrap(), context, parameters };
        world.begin_block();
        world
    }

    /// A datanet, two models, a provider, a gateway and a channel: everything that a batch needs.
    pub(crate) fn prepared() -> Self {
        Self::new().prepare()
    }

    pub(crate) fn prepare(mut self) -> Self {
        let help = name("help");
        self.accept(
            CURATOR,
            Action::CreateDatanet { name: help.clone(), title: "Help".into(), license: "X".into() },
        );
        let contributions = vec![
            contribution(1, 1, &[(AUTHOR, 1)]),
            contribution(2, 2, &[(SECOND_AUTHOR, 1), (COAUTHOR, 2)]),
            contribution(3, 1, &[(STRANGER, 1)]),
            contribution(4, 4, &[(AUTHOR, 1)]),
        ];
        self.accept(CURATOR, Action::Contribute { datanet: help, contributions });
        self.accept(BASE_BUILDER, model("base", None, &[]));
        self.accept(TUNER, model("tuned", Some("base"), &[(TUNER, 3_000)]));
        self.accept(PROVIDER, provider(1_000_000_000));
        self.accept(GATEWAY, gateway(1_000_000_000, 100));
        for (round, (price, capped)) in (1..).zip(QUOTES) {
            let key = MarketKey::Quote(name("general"), round).state();
            self.state.insert(key.encode(), codec::encode(&QuoteRecord { price, capped, epoch: 0 }));
        }
        let authorizer = account(CONSUMER);
        let deposit = Amount(100_000_000.min(self.credits(CONSUMER)));
        self.accept(
            CONSUMER,
            Action::OpenChannel { gateway: account(GATEWAY), authorizer, deposit, salt: bytes32(0) },
        );
        self
    }

    /// Turns the clock; every epoch in between has a block with randomness of its own.
    pub(crate) fn pass(&mut self, epochs: u64) {
        for _ in 0..epochs {
            self.next_block(self.parameters.epoch_ms);
        }
    }

    pub(crate) fn begin_block(&mut self) {
        let mut loaded = Loaded::new();
        let outcome = loop {
            match begin_block(&self.context, &loaded) {
                Step::Done(outcome) => break outcome,
                Step::Load(keys) => {
                    loaded.extend(keys.into_iter().map(|key| (key.clone(), self.state.get(&key).cloned())));
                }
            }
        };
        self.commit(outcome.changes);
    }

    pub(crate) fn commit(&mut self, changes: Loaded) {
        let decided = changes.contains_key(&StateKey::Parameters.encode());
        for (key, value) in changes {
            match value {
                Some(value) => self.state.insert(key, value),
                None => self.state.remove(&key),
            };
        }
        if decided {
            self.parameters = self.record(&StateKey::Parameters).expect("a network has parameters");
        }
    }

    pub(crate) fn record<T: borsh::BorshDeserialize>(&self, key: &StateKey) -> Option<T> {
        let bytes = self.state.get(&key.encode())?;
        Some(codec::decode("record", bytes, 1 << 20).unwrap())
    }

    pub(crate) fn account(&self, who: u8) -> openledger_types::record::AccountRecord {
        self.record(&StateKey::Account(account(who))).unwrap_or_default()
    }

    pub(crate) fn credits(&self, who: u8) -> u64 {
        self.account(who).credits.0
    }

    /// Signs with the sender's next nonce.
    pub(crate) fn signed(&self, who: u8, action: Action) -> Vec<u8> {
        let nonce = self.account(who).nonce;
        Transaction { chain_id: self.parameters.chain_id, nonce, action }.sign(&secret(who)).encode()
    }

    /// The outcome of bytes, loaded on demand.
    pub(crate) fn outcome(&self, bytes: &[u8]) -> Outcome {
        let mut loaded = Loaded::new();
        let mut rounds = 0;
        let mut prepared = Prepared::new(bytes);
        loop {
            match prepared.step(&self.context, &loaded) {
                Step::Done(outcome) => break outcome,
                Step::Load(keys) => {
                    rounds += 1;
                    assert!(rounds <= 3, "more than three rounds of loading");
                    assert!(!keys.is_empty() && keys.iter().all(|key| !loaded.contains_key(key)));
                    loaded.extend(keys.into_iter().map(|key| (key.clone(), self.state.get(&key).cloned())));
                }
            }
        }
    }

    /// Loading everything gives what loading on demand gave.
    pub(crate) fn check_at_once(&self, bytes: &[u8], outcome: &Outcome) {
        self.check_knowing(bytes, outcome, []);
    }

    /// The same, where it is known before anybody asks that these keys have no record.
    pub(crate) fn check_knowing(
        &self,
        bytes: &[u8],
        outcome: &Outcome,
        absent: impl IntoIterator<Item = Vec<u8>>,
    ) {
        let everything = self.state.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
        let mut everything: Loaded = everything.collect();
        everything.extend(absent.into_iter().map(|key| (key, None)));
        // Keys without a record are asked for once; then they are known to have none.
        let mut prepared = Prepared::new(bytes);
        let at_once = loop {
            match prepared.step(&self.context, &everything) {
                Step::Done(outcome) => break outcome,
                Step::Load(keys) => {
                    assert!(keys.iter().all(|key| !everything.contains_key(key)));
                    everything.extend(keys.into_iter().map(|key| (key, None)));
                }
            }
        };
        assert_eq!(&at_once, outcome, "loading on demand gives what loading everything gives");
    }

    /// Executes bytes and applies what changed.
    pub(crate) fn execute(&mut self, bytes: &[u8]) -> Outcome {
        let outcome = self.outcome(bytes);
        self.check_at_once(bytes, &outcome);
        self.commit(outcome.changes.clone());
        check_conservation(&self.state).unwrap();
        outcome
    }

    /// The epoch of this block.
    pub(crate) fn epoch(&self) -> u64 {
        self.parameters.epoch_at(self.context.timestamp_ms)
    }

    /// Begins the next block, so much later.
    pub(crate) fn next_block(&mut self, elapsed_ms: u64) {
        self.context.height += 1;
        self.context.timestamp_ms += elapsed_ms;
        let seed = [self.context.randomness.0, bytes32(7).0].concat();
        self.context.randomness = openledger_types::sha256(&seed);
        self.begin_block();
    }

    /// The records whose keys begin like this one, by so many bytes.
    pub(crate) fn alike(&self, key: &StateKey, bytes: usize) -> Vec<(StateKey, &[u8])> {
        let prefix = key.encode()[..bytes].to_vec();
        let found = self.state.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
        found.map(|(key, value)| (StateKey::decode(key).unwrap(), value.as_slice())).collect()
    }

    /// Those records, read.
    pub(crate) fn records<T: borsh::BorshDeserialize>(
        &self,
        key: &StateKey,
        bytes: usize,
    ) -> Vec<(StateKey, T)> {
        let read = |value| codec::decode("record", value, 1 << 20).unwrap();
        self.alike(key, bytes).into_iter().map(|(key, value)| (key, read(value))).collect()
    }

    /// What a step reads, as of this block. Nothing changes.
    pub(crate) fn ask<T>(&self, mut part: impl FnMut(&mut Transition<'_>) -> Applied<T>) -> T {
        let mut loaded = Loaded::new();
        loaded.insert(StateKey::Supply.encode(), self.state.get(&StateKey::Supply.encode()).cloned());
        loop {
            let view = View::new(&loaded);
            let parameters = self.parameters.clone();
            let mut transition = Transition::begin(view, self.context, parameters, account(0), None).unwrap();
            match part(&mut transition) {
                Ok(found) => break found,
                Err(Stop::Rejected(rejection)) => panic!("{rejection}"),
                Err(Stop::Missing) => {
                    let missing = transition.view.missing().into_iter();
                    let found: Vec<_> =
                        missing.map(|key| (key.clone(), self.state.get(&key).cloned())).collect();
                    loaded.extend(found);
                }
            }
        }
    }

    /// Runs a part of a step that no action reaches by itself, and applies what it changed.
    pub(crate) fn transit(
        &mut self,
        who: u8,
        mut part: impl FnMut(&mut Transition<'_>) -> Applied,
    ) -> Vec<Event> {
        let mut loaded = Loaded::new();
        loaded.insert(StateKey::Supply.encode(), self.state.get(&StateKey::Supply.encode()).cloned());
        let (events, changes) = loop {
            let view = View::new(&loaded);
            let mut transition =
                Transition::begin(view, self.context, self.parameters.clone(), account(who), None).unwrap();
            match part(&mut transition) {
                Ok(()) => break transition.finish(),
                Err(Stop::Rejected(rejection)) => panic!("{rejection}"),
                Err(Stop::Missing) => {
                    let missing = transition.view.missing().into_iter();
                    let found: Vec<_> =
                        missing.map(|key| (key.clone(), self.state.get(&key).cloned())).collect();
                    loaded.extend(found);
                }
            }
        };
        self.commit(changes);
        check_conservation(&self.state).unwrap();
        events
    }

    /// Sends an action and checks what a rejection leaves behind.
    pub(crate) fn send(&mut self, who: u8, action: Action) -> Result<Vec<Event>, Rejection> {
        let before = self.state.clone();
        let mut expected = self.account(who);
        let bytes = self.signed(who, action);
        let outcome = self.execute(&bytes);
        expected.nonce += 1;
        assert_eq!(self.account(who).nonce, expected.nonce, "every admitted action uses its nonce");
        if let Err(rejection) = outcome.result {
            let mut only_nonce = before;
            only_nonce.insert(StateKey::Account(account(who)).encode(), codec::encode(&expected));
            assert_eq!(self.state, only_nonce, "a rejection changes the nonce alone");
            assert!(outcome.events.is_empty());
            return Err(rejection);
        }
        Ok(outcome.events)
    }

    pub(crate) fn accept(&mut self, who: u8, action: Action) -> Vec<Event> {
        let shown = action.summary();
        self.send(who, action).unwrap_or_else(|rejection| panic!("{shown}: {rejection}"))
    }

    /// Runs the rows of a table in order.
    pub(crate) fn check(&mut self, rows: impl IntoIterator<Item = Row>) {
        for (row, (who, action, expected)) in rows.into_iter().enumerate() {
            let shown = action.summary();
            assert_eq!(self.send(who, action).map(drop), expected, "row {row}: {shown}");
        }
    }

    pub(crate) fn channel(&self) -> ChannelId {
        channel_id(&account(CONSUMER), &account(GATEWAY), &bytes32(0))
    }

    pub(crate) fn carry(&self, model: &str) -> Amount {
        self.record(&StateKey::Pool(Pool::Carry(account(GATEWAY), name(model)))).unwrap_or_default()
    }

    /// A completion by the provider of the prepared world; shares are (contribution, weight).
    pub(crate) fn terms(
        &self,
        model: &str,
        reference: u64,
        round: u64,
        shares: &[(u8, u64)],
        unattributed: u64,
    ) -> CompletionTerms {
        let record: ModelRecord = self.record(&StateKey::Model(name(model))).unwrap();
        let shares = shares.iter().map(|(id, weight)| {
            let id = ContributionId([*id; 32]);
            let key = StateKey::Contribution(name("help"), id);
            let ContributionRecord { owners, factor, .. } = self.record(&key).unwrap();
            DataShare {
                datanet: name("help"),
                contribution: id,
                weight: *weight,
                factor,
                owners: owners.into(),
            }
        });
        let gateway: GatewayRecord = self.record(&StateKey::Gateway(account(GATEWAY))).unwrap();
        CompletionTerms {
            reference: Amount(reference),
            quote: self.quoted(round),
            router_fee: gateway.router_fee,
            provider: account(PROVIDER),
            model: name(model),
            lineage: record.lineage,
            shares: shares.collect(),
            unattributed,
            carry_in: self.carry(model),
        }
    }

    /// The quote of a round of the prepared class; round 0 stands for a completion without a class.
    pub(crate) fn quoted(&self, round: u64) -> Option<Quoted> {
        let class = name("general");
        let key = MarketKey::Quote(class.clone(), round).state();
        let QuoteRecord { price, capped, .. } = self.record(&key)?;
        Some(Quoted { class, round, price, capped })
    }

    /// Nets completions into the gateway's next batch, debited from the prepared channel. Carries are chained here.
    pub(crate) fn batch(&self, completions: &[CompletionTerms]) -> Batch {
        let mut netting = Netting::new();
        let mut carries: BTreeMap<Name, Amount> = BTreeMap::new();
        let mut charged = Amount::ZERO;
        for terms in completions {
            let mut terms = terms.clone();
            terms.carry_in = carries.get(&terms.model).copied().unwrap_or(terms.carry_in);
            let lines = split_completion(&terms, &self.parameters).unwrap();
            carries.insert(terms.model, lines.carry_out);
            charged = charged.plus(lines.charged().unwrap()).unwrap();
            netting.add(&lines).unwrap();
        }
        let gateway: GatewayRecord = self.record(&StateKey::Gateway(account(GATEWAY))).unwrap();
        let channel: ChannelRecord = self.record(&StateKey::Channel(self.channel())).unwrap();
        let debit = self.debit(self.channel(), channel.spent.plus(charged).unwrap(), CONSUMER);
        netting.finish(gateway.batches + 1, gateway.receipts + 1, bytes32(5), vec![debit])
    }

    pub(crate) fn debit(&self, channel: ChannelId, cumulative: Amount, signer: u8) -> Debit {
        let voucher = Voucher { chain_id: self.parameters.chain_id, channel, cumulative };
        Debit { channel, cumulative, voucher: voucher.sign(&secret(signer)) }
    }
}

pub(crate) fn model(model: &str, parent: Option<&str>, royalties: &[(u8, u16)]) -> Action {
    let royalty = |(who, share): &(u8, u16)| Royalty { account: account(*who), share: BasisPoints(*share) };
    Action::RegisterModel {
        name: name(model),
        weights: bytes32(9),
        parent: parent.map(name),
        royalties: royalties.iter().map(royalty).collect(),
        license: "Apache-2.0".into(),
    }
}

pub(crate) fn provider(stake: u64) -> Action {
    Action::RegisterProvider {
        service_key: ServiceKey([1; 32]),
        stake: Amount(stake),
        endpoint: "http://127.0.0.1:1".into(),
    }
}

pub(crate) fn gateway(bond: u64, fee: u16) -> Action {
    Action::RegisterGateway {
        service_key: ServiceKey([2; 32]),
        bond: Amount(bond),
        router_fee: BasisPoints(fee),
        endpoint: "http://127.0.0.1:2".into(),
    }
}

pub(crate) fn transfer(to: u8, asset: Asset, amount: u64) -> Action {
    Action::Transfer { to: account(to), asset, amount: Amount(amount) }
}

pub(crate) fn settling(batch: Batch) -> Action {
    Action::SettleBatch(Box::new(batch))
}
