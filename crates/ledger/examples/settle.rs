//! Measures the rules in memory on one core and prints one JSON line: netted batches of completions with 64 clusters each,
//! through the same [`execute`] that a validator runs, signatures included.
//!
//! Rule: a payout is a line of a receipt (somebody gets an amount); netting writes many of them as one line of a batch.
//! Both rates are told: payouts that were settled, and lines that were applied to records. The curve gives the rates and
//! the memory for more and more accounts. A second argument names a file for the lines of the first curve's batches, so that
//! a peer can do the same postings.
//!
//! Absent: consensus, storage and the network; those are measured elsewhere.
#![expect(
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement, not the ledger"
)]

use openledger_ledger::{
    BlockContext, CompletionTerms, DataShare, Genesis, Loaded, Netting, Prepared, StateKey, Step,
    split_completion,
};
use openledger_types::record::{AccountRecord, ChannelRecord, ModelRecord, OwnerRecord, Pool};
use openledger_types::transaction::channel_id;
use openledger_types::{
    AccountId, AccountSecret, Action, Amount, Asset, BasisPoints, Batch, ContributionId, Debit, Hash, Name,
    NewContribution, NewOwner, Parameters, Royalty, ServiceKey, Transaction, Voucher, codec,
};
use std::collections::BTreeMap;
use std::io::Write as _;

/// Clusters behind one completion.
const CLUSTERS: usize = 64;
/// Contributions that the answers of one batch come from; their lines must fit into a batch.
const CONTRIBUTIONS: usize = 1_024;
/// Completions in one batch.
const COMPLETIONS: usize = 1_024;
/// Batches for each number of accounts.
const BATCHES: u64 = 20;
/// Reference price of one completion, uC.
const PRICE: u64 = 100_003;
/// Lines of every batch beside those of providers, builders and data: gateway, five pools, burn, carry.
const OTHER_LINES: usize = 8;

const TREASURY: u8 = 1;
const CURATOR: u8 = 2;
const BUILDER: u8 = 3;
const PROVIDER: u8 = 4;
const GATEWAY: u8 = 5;
const CONSUMER: u8 = 6;

struct World {
    state: BTreeMap<Vec<u8>, Vec<u8>>,
    parameters: Parameters,
    accounts: usize,
    height: u64,
    /// Derived once; deriving costs more than settling.
    provider: AccountId,
    gateway: AccountId,
}

fn secret(number: u8) -> AccountSecret {
    AccountSecret::from_bytes([number; 32]).unwrap()
}

fn named(text: &str) -> Name {
    text.parse().unwrap()
}

fn numbered(number: u64) -> AccountId {
    let mut id = [0xA0; 20];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    AccountId(id)
}

fn contribution_id(place: usize) -> ContributionId {
    let mut id = [0xC0; 32];
    id[..8].copy_from_slice(&(place as u64).to_be_bytes());
    ContributionId(id)
}

impl World {
    fn new(accounts: usize) -> Self {
        let parameters = Parameters::starting(31_337, true, secret(TREASURY).account());
        let genesis = Genesis { parameters: parameters.clone(), accounts: Vec::new() };
        let mut world = Self {
            state: genesis.state().unwrap(),
            parameters,
            accounts,
            height: 1,
            provider: secret(PROVIDER).account(),
            gateway: secret(GATEWAY).account(),
        };
        let empty = codec::encode(&AccountRecord { nonce: 1, ..AccountRecord::default() });
        for number in 0..accounts as u64 {
            world.state.insert(StateKey::Account(numbered(number)).encode(), empty.clone());
        }
        world.prepare();
        world
    }

    /// An owner, spread over all accounts.
    fn owner(&self, place: usize) -> AccountId {
        numbered((place.wrapping_mul(2_654_435_761) % self.accounts) as u64)
    }

    fn prepare(&mut self) {
        let most = self.parameters.faucet_max;
        for (who, asset) in [(PROVIDER, Asset::Open), (GATEWAY, Asset::Open), (CONSUMER, Asset::Credit)] {
            self.act(TREASURY, Action::Faucet { to: secret(who).account(), asset, amount: most });
        }
        self.fill();
        let royalties = vec![Royalty { account: secret(BUILDER).account(), share: BasisPoints::WHOLE }];
        let (name, weights, license) = (named("base"), Hash([1; 32]), "MIT".to_owned());
        self.act(BUILDER, Action::RegisterModel { name, weights, parent: None, royalties, license });
        let (service_key, endpoint) = (ServiceKey([1; 32]), "http://127.0.0.1:1".to_owned());
        self.act(PROVIDER, Action::RegisterProvider { service_key, stake: most, endpoint: endpoint.clone() });
        let router_fee = BasisPoints(100);
        self.act(GATEWAY, Action::RegisterGateway { service_key, bond: most, router_fee, endpoint });
        let (gateway, authorizer) = (secret(GATEWAY).account(), secret(CONSUMER).account());
        let salt = Hash([0; 32]);
        self.act(CONSUMER, Action::OpenChannel { gateway, authorizer, deposit: most, salt });
    }

    fn fill(&mut self) {
        let (name, title, license) = (named("help"), "Help".to_owned(), "CC0-1.0".to_owned());
        self.act(CURATOR, Action::CreateDatanet { name: name.clone(), title, license });
        for first in (0..CONTRIBUTIONS).step_by(256) {
            let new = |place: usize| NewContribution {
                id: contribution_id(place),
                cluster: Hash(contribution_id(place).0),
                owners: vec![NewOwner { account: self.owner(place), parts: 1 }],
                license: "CC0-1.0".into(),
                label: "page".into(),
            };
            let contributions = (first..first + 256).map(new).collect();
            self.act(CURATOR, Action::Contribute { datanet: name.clone(), contributions });
        }
    }

    fn record<T: borsh::BorshDeserialize>(&self, key: &StateKey) -> Option<T> {
        self.state.get(&key.encode()).map(|bytes| codec::decode("record", bytes, 1 << 20).unwrap())
    }

    fn signed(&self, who: u8, action: Action) -> Vec<u8> {
        let secret = secret(who);
        let account: Option<AccountRecord> = self.record(&StateKey::Account(secret.account()));
        let nonce = account.unwrap_or_default().nonce;
        Transaction { chain_id: self.parameters.chain_id, nonce, action }.sign(&secret).encode()
    }

    fn act(&mut self, who: u8, action: Action) {
        let bytes = self.signed(who, action);
        self.apply(&bytes);
    }

    /// Loads what a transaction reads, executes it and writes what it changes, as a validator does.
    fn apply(&mut self, bytes: &[u8]) {
        self.height += 1;
        let context =
            BlockContext { height: self.height, timestamp_ms: self.height, randomness: Hash([0; 32]) };
        let (mut prepared, mut loaded) = (Prepared::new(bytes), Loaded::new());
        let outcome = loop {
            match prepared.step(&context, &loaded) {
                Step::Done(outcome) => break outcome,
                Step::Load(keys) => {
                    let records = keys.into_iter().map(|key| {
                        let record = self.state.get(&key).cloned();
                        (key, record)
                    });
                    loaded.append(&mut records.collect());
                }
            }
        };
        outcome.result.unwrap();
        for (key, value) in outcome.changes {
            match value {
                Some(value) => self.state.insert(key, value),
                None => self.state.remove(&key),
            };
        }
    }

    /// One batch of completions, and how many payouts its receipts hold.
    fn batch(&self, number: u64) -> (Batch, u64) {
        let model: ModelRecord = self.record(&StateKey::Model(named("base"))).unwrap();
        let pool = Pool::Carry(self.gateway, named("base"));
        let mut carry: Amount = self.record(&StateKey::Pool(pool)).unwrap_or_default();
        let mut netting = Netting::new();
        let (mut charged, mut payouts) = (0, 0);
        for completion in 0..COMPLETIONS {
            let terms = self.terms(number as usize * COMPLETIONS + completion, &model, carry);
            let lines = split_completion(&terms, &self.parameters).unwrap();
            carry = lines.carry_out;
            charged += lines.charged().unwrap().0;
            payouts += (OTHER_LINES + lines.builders.len() + lines.data.len()) as u64;
            netting.add(&lines).unwrap();
        }
        let channel = channel_id(&secret(CONSUMER).account(), &self.gateway, &Hash([0; 32]));
        let record: ChannelRecord = self.record(&StateKey::Channel(channel)).unwrap();
        let cumulative = Amount(record.spent.0 + charged);
        let voucher = Voucher { chain_id: self.parameters.chain_id, channel, cumulative };
        let debit = Debit { channel, cumulative, voucher: voucher.sign(&secret(CONSUMER)) };
        let first_receipt = (number - 1) * COMPLETIONS as u64 + 1;
        (netting.finish(number, first_receipt, Hash([9; 32]), vec![debit]), payouts)
    }

    fn terms(&self, seed: usize, model: &ModelRecord, carry_in: Amount) -> CompletionTerms {
        let first = seed.wrapping_mul(40_503) % (CONTRIBUTIONS - CLUSTERS);
        let datanet = named("help");
        let share = |place: usize| DataShare {
            datanet: datanet.clone(),
            contribution: contribution_id(place),
            weight: 1 + (place as u64 * 7) % 97,
            factor: BasisPoints::WHOLE,
            owners: [OwnerRecord { account: self.owner(place), parts: 1 }].into(),
        };
        CompletionTerms {
            reference: Amount(PRICE + seed as u64 % 977),
            quote: None,
            router_fee: BasisPoints(100),
            provider: self.provider,
            model: named("base"),
            lineage: model.lineage.clone(),
            shares: (first..first + CLUSTERS).map(share).collect(),
            unattributed: 13,
            carry_in,
        }
    }
}

/// Seconds that this thread has had a core. What other processes take of the machine does not count.
#[expect(clippy::disallowed_methods, reason = "the measurement reads its own clock")]
fn core_s() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let ran_ns: f64 = text.split(' ').next().and_then(|field| field.parse().ok()).unwrap();
    ran_ns / 1e9
}

/// Resident memory of this process, in bytes.
#[expect(clippy::disallowed_methods, reason = "the measurement reads its own memory")]
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4_096
}

#[expect(clippy::disallowed_types, reason = "the measurement writes postings for a peer")]
fn main() {
    let mut arguments = std::env::args().skip(1);
    let most: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let mut postings = arguments.next().map(|path| std::fs::File::create(path).unwrap());
    let mut curve = Vec::new();
    let mut accounts = 10_000;
    while accounts <= most {
        curve.push(measure(accounts, &mut postings));
        postings = None;
        accounts *= 10;
    }
    let line =
        serde_json::json!({ "clusters": CLUSTERS, "completions_per_batch": COMPLETIONS, "curve": curve });
    println!("{line}");
}

fn measure(accounts: usize, postings: &mut Option<std::fs::File>) -> serde_json::Value {
    let before = resident();
    let mut world = World::new(accounts);
    let memory = resident().saturating_sub(before);
    let (mut netting_s, mut applying_s, mut payouts, mut lines) = (0.0, 0.0, 0, 0);
    for number in 1..=BATCHES {
        let begun = core_s();
        let (batch, paid) = world.batch(number);
        netting_s += core_s() - begun;
        payouts += paid;
        lines += batch.providers.len() + batch.builders.len() + batch.data.len() + OTHER_LINES;
        if let Some(file) = postings {
            for line in &batch.data {
                writeln!(file, "{number} {} {}", line.owner, line.amount.0).unwrap();
            }
            for line in &batch.providers {
                writeln!(file, "{number} {} {}", line.provider, line.amount.0).unwrap();
            }
        }
        let bytes = world.signed(GATEWAY, Action::SettleBatch(Box::new(batch)));
        let begun = core_s();
        world.apply(&bytes);
        applying_s += core_s() - begun;
    }
    let completions = BATCHES as f64 * COMPLETIONS as f64;
    let payouts = payouts as f64;
    serde_json::json!({
        "accounts": accounts,
        "bytes_per_account": memory / accounts as u64,
        "settled_completions_per_s": (completions / applying_s).round(),
        "settled_payouts_per_s": (payouts / applying_s).round(),
        "applied_lines_per_s": (lines as f64 / applying_s).round(),
        "netted_payouts_per_s": (payouts / netting_s).round(),
        "netted_and_settled_payouts_per_s": (payouts / (netting_s + applying_s)).round(),
    })
}
