//! A network without consensus for tests: the real ledger over a map, blocks made by hand, receipts split by the
//! ledger's own rules. The explorer's tests and preview use it too.
//! Absent: signatures of receipts, texts, attribution.

#![allow(dead_code, unreachable_pub, reason = "every test uses a part of it")]

use std::collections::BTreeMap;

use openledger_ledger::markets::MarketKey;
use openledger_ledger::state::StateKey;
use openledger_ledger::{
    BlockContext, CompletionLines, CompletionTerms, DataShare, Genesis, GenesisAccount, Loaded, Netting,
    Step, execute, split_completion,
};
use openledger_query::{
    Applied, BlockFacts, PayoutFacts, PoolFacts, ReadModels, ReceiptFacts, RetrievedFacts, Settings,
    ShareFacts, TransactionFacts,
};
use openledger_types::markets::{PRICE_WHOLE, QuoteRecord};
use openledger_types::record::{
    ChannelRecord, ContributionRecord, GatewayRecord, ModelRecord, Pool, Role, SupplyRecord,
};
use openledger_types::transaction::channel_id;
use openledger_types::*;

pub const CHAIN_ID: u64 = 31_337;
pub const START_MS: u64 = 1_790_000_000_000;

/// The account secret of a test account.
pub fn secret(number: u8) -> AccountSecret {
    let mut bytes = [7; 32];
    bytes[0] = number.max(1);
    AccountSecret::from_bytes(bytes).unwrap()
}

pub fn account(number: u8) -> AccountId {
    secret(number).account()
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub struct Network {
    pub models: ReadModels,
    pub parameters: Parameters,
    pub state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub blocks: Vec<BlockFacts>,
    pub pending: Vec<TransactionFacts>,
    pub height: u64,
    pub timestamp_ms: u64,
    receipts: u64,
    unsettled: Vec<(ReceiptFacts, CompletionLines)>,
}

/// A completion to charge.
pub struct Answer<'a> {
    pub id: &'a str,
    pub gateway: u8,
    pub provider: u8,
    pub consumer: u8,
    pub model: &'a str,
    pub reference: u64,
    pub premium: u64,
    pub tokens: (u32, u32),
    pub shares: Vec<(Name, ContributionId, u64)>,
    pub unattributed: u64,
}

impl Network {
    /// A network whose genesis gives `funded` accounts credits and OPEN.
    pub fn new(funded: &[u8]) -> Self {
        Self::with(funded, |_| {})
    }

    pub fn with(funded: &[u8], change: impl FnOnce(&mut Settings)) -> Self {
        let mut parameters = Parameters::starting(CHAIN_ID, true, account(250));
        parameters.bridge = Some(account(1));
        parameters.unbonding_epochs = 0;
        let whole = |count| Amount::whole(count).unwrap();
        let accounts: Vec<GenesisAccount> = funded
            .iter()
            .map(|number| GenesisAccount {
                account: account(*number),
                credits: whole(10),
                open: whole(5_000),
            })
            .collect();
        let mut settings = Settings::new("preview", parameters.clone());
        settings.genesis = accounts
            .iter()
            .map(|given| openledger_query::settings::GenesisBalance {
                account: given.account,
                credits: given.credits,
                open: given.open,
            })
            .collect();
        change(&mut settings);
        let state = Genesis { parameters: parameters.clone(), accounts }.state().unwrap();
        Self {
            models: ReadModels::new(settings),
            parameters,
            state,
            blocks: Vec::new(),
            pending: Vec::new(),
            height: 0,
            timestamp_ms: START_MS,
            receipts: 0,
            unsettled: Vec::new(),
        }
    }

    pub fn record<T: borsh::BorshDeserialize>(&self, key: StateKey) -> Option<T> {
        self.state.get(&key.encode()).map(|bytes| codec::decode("record", bytes, 1 << 20).unwrap())
    }

    pub fn nonce(&self, sender: AccountId) -> u64 {
        let record: Option<openledger_types::record::AccountRecord> = self.record(StateKey::Account(sender));
        record.unwrap_or_default().nonce
    }

    /// Runs an action in the block that is being made.
    pub fn act(&mut self, sender: u8, action: Action) -> Result<(), Rejection> {
        let secret = secret(sender);
        let nonce = self.nonce(secret.account());
        let signed = Transaction { chain_id: CHAIN_ID, nonce, action: action.clone() }.sign(&secret);
        let context = BlockContext {
            height: self.height + 1,
            timestamp_ms: self.timestamp_ms,
            randomness: Hash([0; 32]),
        };
        let mut loaded = Loaded::new();
        let outcome = loop {
            match execute(&signed.encode(), &context, &loaded) {
                Step::Load(keys) => {
                    for key in keys {
                        let value = self.state.get(&key).cloned();
                        loaded.insert(key, value);
                    }
                }
                Step::Done(outcome) => break outcome,
            }
        };
        for (key, value) in outcome.changes {
            match value {
                Some(value) => self.state.insert(key, value),
                None => self.state.remove(&key),
            };
        }
        let result = outcome.result;
        self.pending.push(TransactionFacts::of(
            signed.hash(),
            secret.account(),
            nonce,
            &action,
            result,
            outcome.events,
        ));
        result
    }

    /// Seals the block and applies it.
    pub fn block(&mut self) -> Applied {
        let block = self.seal();
        self.models.apply(block).unwrap()
    }

    /// Seals the block without applying it.
    pub fn seal(&mut self) -> BlockFacts {
        self.height += 1;
        let parent = self.blocks.last().map_or(Hash([0; 32]), |block| block.digest);
        let root: Vec<u8> =
            self.state.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).flatten().collect();
        let state_root = sha256(&root);
        let block = BlockFacts {
            height: self.height,
            digest: sha256(&[parent.0, state_root.0].concat()),
            parent,
            timestamp_ms: self.timestamp_ms,
            state_root,
            begin_events: Vec::new(),
            transactions: std::mem::take(&mut self.pending),
        };
        self.timestamp_ms += 2_000;
        self.blocks.push(block.clone());
        block
    }

    /// A gateway, a provider with an offer, a model, and a consumer with a channel.
    pub fn roles(&mut self, gateway: u8, provider: u8, builder: u8, consumer: u8, model: &str) {
        let key = |number| ServiceSecret::from_bytes([number; 32]).key();
        let whole = |count| Amount::whole(count).unwrap();
        let (model, gateway_account) = (name(model), account(gateway));
        let register = Action::RegisterModel {
            name: model.clone(),
            weights: sha256(b"weights"),
            parent: None,
            royalties: Vec::new(),
            license: "Apache-2.0".into(),
        };
        self.act(builder, register).unwrap();
        let provide = Action::RegisterProvider {
            service_key: key(provider),
            stake: whole(2_000),
            endpoint: "http://127.0.0.1:8080".into(),
        };
        self.act(provider, provide).unwrap();
        let offer = Action::PostOffer {
            model,
            class: None,
            prompt_price: Amount(1),
            completion_price: Amount(10),
            capacity: 8,
        };
        self.act(provider, offer).unwrap();
        let route = Action::RegisterGateway {
            service_key: key(gateway),
            bond: whole(1_000),
            router_fee: BasisPoints(250),
            endpoint: "http://127.0.0.1:8080".into(),
        };
        self.act(gateway, route).unwrap();
        let open = Action::OpenChannel {
            gateway: gateway_account,
            authorizer: account(consumer),
            deposit: whole(2),
            salt: Hash([1; 32]),
        };
        self.act(consumer, open).unwrap();
    }

    /// Creates a datanet, commits contributions and seals a version. Contribution: id, owners, label.
    pub fn datanet(&mut self, curator: u8, datanet: &str, title: &str, texts: Vec<NewContribution>) {
        let net = name(datanet);
        let license = texts.first().map_or("CC0-1.0".into(), |text| text.license.clone());
        self.act(curator, Action::CreateDatanet { name: net.clone(), title: title.into(), license }).unwrap();
        let contributions = u32::try_from(texts.len()).unwrap();
        for chunk in texts.chunks(limits::CONTRIBUTIONS_PER_ACTION_MAX) {
            let contribute = Action::Contribute { datanet: net.clone(), contributions: chunk.to_vec() };
            self.act(curator, contribute).unwrap();
        }
        let seal = Action::SealSnapshot {
            root: sha256(datanet.as_bytes()),
            index_root: sha256(b"index"),
            datanet: net,
            version: 1,
            contributions,
        };
        self.act(curator, seal).unwrap();
    }

    /// A quote that makes this premium of this reference price, as if a round had been closed with it.
    fn quoted(&mut self, reference: u64, premium: u64) -> Option<Quoted> {
        let rate = (premium * PRICE_WHOLE).checked_div(reference).filter(|_| premium > 0)? + 1;
        let (class, round, price) =
            (self.parameters.markets.classes[0].name.clone(), self.receipts + 1, PRICE_WHOLE + rate);
        let key = StateKey::Markets(MarketKey::Quote(class.clone(), round));
        self.state.insert(key.encode(), codec::encode(&QuoteRecord { price, capped: false, epoch: 0 }));
        Some(Quoted { class, round, price, capped: false })
    }

    /// Charges a completion; it is settled by the next [`Network::settle`]. Returns its receipt.
    pub fn answer(&mut self, answer: Answer<'_>) -> ReceiptFacts {
        let (model, gateway) = (name(answer.model), account(answer.gateway));
        let quote = self.quoted(answer.reference, answer.premium);
        let record: ModelRecord = self.record(StateKey::Model(model.clone())).unwrap();
        let gateway_record: GatewayRecord = self.record(StateKey::Gateway(gateway)).unwrap();
        let carried = self.unsettled.iter().rev().find(|(_, lines)| lines.model == model);
        let carry: Option<Amount> = self.record(StateKey::Pool(Pool::Carry(gateway, model.clone())));
        let shares = answer.shares.iter().map(|(datanet, contribution, weight)| {
            let key = StateKey::Contribution(datanet.clone(), *contribution);
            let ContributionRecord { owners, factor, .. } = self.record(key).unwrap();
            DataShare {
                datanet: datanet.clone(),
                contribution: *contribution,
                weight: *weight,
                factor,
                owners: owners.into(),
            }
        });
        let terms = CompletionTerms {
            reference: Amount(answer.reference),
            quote,
            router_fee: gateway_record.router_fee,
            provider: account(answer.provider),
            model,
            lineage: record.lineage,
            shares: shares.collect(),
            unattributed: answer.unattributed,
            carry_in: carried.map_or(carry.unwrap_or_default(), |(_, lines)| lines.carry_out),
        };
        let lines = split_completion(&terms, &self.parameters).unwrap();
        self.receipts += 1;
        let receipt = receipt(&answer, &lines, self.receipts, self.timestamp_ms);
        self.unsettled.push((receipt.clone(), lines));
        receipt
    }

    /// Settles what was charged in the block that is being made, and hands the receipts to the models.
    pub fn settle(&mut self, gateway: u8, consumer: u8) -> u64 {
        let settled = std::mem::take(&mut self.unsettled);
        let id = channel_id(&account(consumer), &account(gateway), &Hash([1; 32]));
        let channel: ChannelRecord = self.record(StateKey::Channel(id)).unwrap();
        let record: GatewayRecord = self.record(StateKey::Gateway(account(gateway))).unwrap();
        let mut netting = Netting::new();
        let mut cumulative = channel.spent;
        for (receipt, lines) in &settled {
            netting.add(lines).unwrap();
            cumulative = cumulative.plus(receipt.total).unwrap();
        }
        let voucher = Voucher { chain_id: CHAIN_ID, channel: id, cumulative }.sign(&secret(consumer));
        let debit = Debit { channel: id, cumulative, voucher };
        let (number, first) = (record.batches + 1, record.receipts + 1);
        let batch = netting.finish(number, first, sha256(b"receipts"), vec![debit]);
        self.act(gateway, Action::SettleBatch(Box::new(batch))).unwrap();
        for (receipt, _) in settled {
            self.models.add_receipt(receipt).unwrap();
        }
        number
    }

    /// The lines of the completion that was charged last.
    pub fn last_lines(&self) -> CompletionLines {
        self.unsettled.last().unwrap().1.clone()
    }

    pub fn supply(&self) -> SupplyRecord {
        self.record(StateKey::Supply).unwrap()
    }
}

fn receipt(answer: &Answer<'_>, lines: &CompletionLines, sequence: u64, issued_at_ms: u64) -> ReceiptFacts {
    let payout = |role, account, source: String, amount| PayoutFacts { role, account, source, amount };
    let (split, premium) = (&lines.reference_split, &lines.premium_split);
    let provided = split.provider.plus(premium.provider).unwrap();
    let mut payouts = vec![payout(Role::Provider, lines.provider, String::new(), provided)];
    payouts.push(payout(Role::Gateway, account(answer.gateway), String::new(), lines.router_fee));
    payouts.extend(
        lines
            .builders
            .iter()
            .map(|line| payout(Role::Builder, line.account, line.model.to_string(), line.amount)),
    );
    payouts.extend(lines.data.iter().map(|line| {
        payout(Role::Data, line.owner, format!("{}/{}", line.datanet, line.contribution), line.amount)
    }));
    let pools = [
        (Pool::Verification, split.verification),
        (Pool::Maintenance, split.maintenance),
        (Pool::Insurance, split.insurance),
        (Pool::Capacity, premium.capacity),
        (Pool::Uplift(lines.model.clone()), lines.uplift),
    ];
    ReceiptFacts {
        id: answer.id.to_owned(),
        gateway: account(answer.gateway),
        sequence,
        issued_at_ms,
        model: lines.model.clone(),
        provider: lines.provider,
        consumer: account(answer.consumer),
        prompt_tokens: answer.tokens.0,
        completion_tokens: answer.tokens.1,
        reference: lines.reference,
        premium: lines.premium,
        router_fee: lines.router_fee,
        total: lines.charged().unwrap(),
        shares: answer
            .shares
            .iter()
            .map(|(datanet, contribution, mass)| ShareFacts {
                datanet: datanet.clone(),
                contribution: *contribution,
                mass: *mass,
            })
            .collect(),
        unattributed: answer.unattributed,
        mass: answer.unattributed + answer.shares.iter().map(|(_, _, mass)| mass).sum::<u64>(),
        payouts: payouts.into_iter().filter(|payout| payout.amount > Amount::ZERO).collect(),
        pools: pools
            .into_iter()
            .filter(|(_, amount)| *amount > Amount::ZERO)
            .map(|(pool, amount)| PoolFacts { pool, amount })
            .collect(),
        burned: split.burn.plus(premium.burn).unwrap(),
        carry_change: lines.carry_out.0 as i64 - lines.carry_in.0 as i64,
        retrieved: answer
            .shares
            .iter()
            .map(|(datanet, contribution, _)| RetrievedFacts {
                datanet: datanet.clone(),
                contribution: *contribution,
            })
            .collect(),
    }
}
