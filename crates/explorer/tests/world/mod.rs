//! A library in memory, and answers made of quotes from real texts on the real ledger: what the preview shows and the
//! tests look at. Absent: attribution; a quote is where it is said to be, and its mass is its length.

#![allow(dead_code, unreachable_pub, reason = "the preview and the tests each use a part")]

#[path = "../../../query/tests/network/mod.rs"]
pub mod network;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use network::{Answer, Network, account, name};
use openledger_attribution::words;
use openledger_explorer::{ContributionText, ExplorerState, Held, Library, Opening, StoredReceipt};
use openledger_receipt::{PassageRef, SpanFacts};
use openledger_types::*;

pub const GATEWAY: u8 = 1;
pub const PROVIDER: u8 = 2;
pub const BUILDER: u8 = 3;
pub const CONSUMER: u8 = 4;
pub const CURATOR: u8 = 5;
pub const MODEL: &str = "smollm2-135m-instruct";
pub const SALT: [u8; 32] = [0x5a; 32];

#[derive(Default)]
pub struct Memory {
    pub receipts: Mutex<BTreeMap<String, StoredReceipt>>,
    pub texts: Mutex<BTreeMap<(Name, ContributionId), ContributionText>>,
    pub private: Mutex<BTreeSet<Name>>,
}

impl Library for Memory {
    fn receipt(&self, id: &str) -> Option<StoredReceipt> {
        self.receipts.lock().unwrap().get(id).cloned()
    }

    fn contribution(&self, datanet: &Name, id: &ContributionId) -> Option<Held> {
        let text = self.texts.lock().unwrap().get(&(datanet.clone(), *id)).cloned()?;
        let is_private = self.private.lock().unwrap().contains(datanet);
        Some(if is_private { Held::Closed { bytes: text.text.len() as u64 } } else { Held::Open(text) })
    }
}

/// A part of an answer.
pub enum Part<'a> {
    /// Words of nobody.
    Plain(&'a str),
    /// Words of a contribution, by datanet and label.
    Quote(&'a str, &'a str, &'a str),
    /// Words that so many texts hold that they are nobody's.
    Common(&'a str),
}

/// The words of a text, from the first to the last: spans have no other ends.
fn trimmed(text: &str) -> std::ops::Range<usize> {
    let places: Vec<_> = words::words(text).map(|(place, _)| place).collect();
    places.first().unwrap().start..places.last().unwrap().end
}

/// A span of the words of a text without its sources; its value is what words of eight nats each are beyond thirty.
pub fn span(start: usize, text: &str) -> SpanFacts {
    let (start, text) = (start + trimmed(text).start, &text[trimmed(text)]);
    let nats = (text.split_whitespace().count() as u64 * 8).saturating_sub(30).max(1);
    SpanFacts {
        start: start as u64,
        end: (start + text.len()) as u64,
        value: nats << 16,
        mass: text.len() as u64 * 9_000,
        count: 1,
        clusters: 1,
        common: false,
        committed: 0,
        edits: 0,
        matched: vec![],
        sources: vec![],
    }
}

pub struct World {
    pub network: Network,
    pub library: Arc<Memory>,
    pub labels: BTreeMap<(String, String), ContributionId>,
}

/// An author's account: nobody needs its key here.
pub fn author(called: &str) -> AccountId {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&sha256(called.as_bytes()).0[..20]);
    AccountId(bytes)
}

impl World {
    pub fn new() -> Self {
        let mut network = Network::new(&[GATEWAY, PROVIDER, BUILDER, CONSUMER, CURATOR]);
        network.roles(GATEWAY, PROVIDER, BUILDER, CONSUMER, MODEL);
        network.block();
        Self { network, library: Arc::new(Memory::default()), labels: BTreeMap::new() }
    }

    /// A network before its first block.
    pub fn empty() -> Self {
        Self { network: Network::new(&[]), library: Arc::new(Memory::default()), labels: BTreeMap::new() }
    }

    /// Names the roles, as a binary would.
    pub fn name_roles(&self) {
        for (number, called, note) in [
            (GATEWAY, "Local gateway", "Routes questions, signs receipts, settles batches."),
            (PROVIDER, "Local provider", "Computes answers."),
            (BUILDER, "SmolLM2 builders", "Hugging Face TB, who trained SmolLM2."),
            (CONSUMER, "Demo consumer", "Asks the questions of the demo."),
            (CURATOR, "Demo curator", "Runs the demo's datanets."),
        ] {
            self.network.models.set_account_name(account(number), called, note);
        }
    }

    /// Creates a datanet of texts and seals it.
    pub fn datanet(&mut self, datanet: &str, title: &str, texts: Vec<ContributionText>) {
        let mut committed = Vec::new();
        for text in texts {
            let id = ContributionId(sha256(format!("{datanet}\n{}\n{}", text.label, text.text).as_bytes()).0);
            let mut owners: Vec<NewOwner> = Vec::new();
            for called in &text.authors {
                let account = author(called);
                self.network.models.set_account_name(account, called, &format!("Author in {datanet}."));
                if owners.iter().all(|owner| owner.account != account) {
                    owners.push(NewOwner { account, parts: 1 });
                }
            }
            committed.push(NewContribution {
                id,
                cluster: sha256(text.text.as_bytes()),
                owners,
                license: text.license.clone(),
                label: text.label.clone(),
            });
            self.labels.insert((datanet.to_owned(), text.label.clone()), id);
            self.library.texts.lock().unwrap().insert((name(datanet), id), text);
        }
        self.network.datanet(CURATOR, datanet, title, committed);
        self.network.block();
    }

    /// Answers a question from parts; settled by the next [`Network::settle`].
    pub fn ask(&mut self, id: &str, question: &str, premium: u64, parts: &[Part<'_>]) {
        let (mut answer, mut spans) = (String::new(), Vec::new());
        let (mut masses, mut unattributed) = (BTreeMap::<(Name, ContributionId), u64>::new(), 0);
        for part in parts {
            match part {
                Part::Plain(text) => {
                    answer.push_str(text);
                    unattributed += text.len() as u64 * 4_000;
                }
                Part::Common(text) => {
                    let common = SpanFacts { common: true, clusters: 65, ..span(answer.len(), text) };
                    unattributed += common.mass;
                    spans.push(common);
                    answer.push_str(text);
                }
                Part::Quote(datanet, label, text) => {
                    let key = (name(datanet), self.labels[&((*datanet).to_owned(), (*label).to_owned())]);
                    let found = self.library.texts.lock().unwrap()[&key].text.find(text);
                    let start = found.unwrap_or_else(|| panic!("{label} does not say {text:?}"));
                    let source = PassageRef {
                        datanet: key.0.clone(),
                        contribution: key.1,
                        start: (start + trimmed(text).start) as u64,
                        end: (start + trimmed(text).end) as u64,
                    };
                    spans.push(SpanFacts { sources: vec![source], ..span(answer.len(), text) });
                    *masses.entry(key).or_default() += text.len() as u64 * 9_000;
                    answer.push_str(text);
                }
            }
        }
        let tokens = (u32::try_from(question.len()).unwrap() + 700, u32::try_from(answer.len()).unwrap() / 4);
        let receipt = self.network.answer(Answer {
            id,
            gateway: GATEWAY,
            provider: PROVIDER,
            consumer: CONSUMER,
            model: MODEL,
            reference: u64::from(tokens.0) + u64::from(tokens.1) * 10,
            premium,
            tokens,
            shares: masses.into_iter().map(|((datanet, id), mass)| (datanet, id, mass)).collect(),
            unattributed,
        });
        self.network.timestamp_ms += 1_734;
        let opening = Opening {
            salt: SALT.to_vec(),
            question: question.to_owned(),
            answer,
            file: format!("{{\"id\":{id:?},\"opening\":true}}").into_bytes(),
        };
        let file = format!("{{\"id\":{id:?}}}").into_bytes();
        let stored = StoredReceipt {
            file,
            spans,
            context: BTreeMap::new(),
            certificate_bytes: Some(12_345),
            opening: Some(opening),
        };
        self.library.receipts.lock().unwrap().insert(id.to_owned(), stored);
        self.network.models.add_receipt(receipt).unwrap();
    }

    pub fn settle(&mut self) {
        self.network.settle(GATEWAY, CONSUMER);
        self.network.block();
    }

    pub fn state(self) -> ExplorerState {
        ExplorerState { models: Arc::new(self.network.models), library: self.library }
    }
}
