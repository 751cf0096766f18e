//! The market of A1: suppliers, a reviewer, answers, and a programme that pays for what is handed in.

use std::collections::BTreeSet;

use openledger_types::datanets::{
    Contributors, DatanetAction, Decision, Policy, Provenance, Reason, commitment,
};
use openledger_types::{
    Action, Amount, Asset, BasisPoints, ContributionId, Event, Hash, Holder, Name, NewContribution,
};

use crate::SimError;
use crate::adaptive::Crowd;
use crate::desk::{self, BOND_WHOLE, Desk, Sale};
use crate::random::{SplitMix64, derived};
use crate::world::{Actor, Holding, World};

const EPOCHS: u64 = 30;
/// Payouts and texts are measured in the last epochs, when the crowd has learned.
const MEASURED_EPOCHS: u64 = 10;
const HONEST: usize = 8;
const JUNKERS: usize = 8;
const HONEST_TEXTS: u64 = 2;
const ANSWERS: u64 = 24;
const PRICE: Amount = Amount(50_000);
/// What a supplier holds for bonds, in whole OPEN.
const SUPPLIER_WHOLE: u64 = 100;
const LICENSE: &str = "CC-BY-4.0";

/// What a text is, as nobody but the scenario knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Honest,
    Plain,
    Padded,
    Copy,
}

/// Strategy 0 stands aside.
const STRATEGIES: [(Kind, u64); 7] = [
    (Kind::Plain, 0),
    (Kind::Plain, 1),
    (Kind::Plain, 8),
    (Kind::Padded, 1),
    (Kind::Padded, 8),
    (Kind::Copy, 1),
    (Kind::Copy, 8),
];

struct Text {
    supplier: usize,
    kind: Kind,
    new: NewContribution,
}

/// What a world did.
pub(super) struct Played {
    /// By supplier in the measured epochs, and whether it is a junk supplier.
    pub(super) paid: Vec<(u64, bool)>,
    pub(super) texts_honest: u64,
    pub(super) texts_junk: u64,
    pub(super) junk_liquid: u64,
    /// Bonds of junk suppliers, at their collateral value.
    pub(super) junk_bonds: u64,
    pub(super) burned: u64,
    pub(super) junk_net: i128,
    pub(super) honest_liquid: u64,
    pub(super) honest_earned: u64,
    pub(super) fingerprint: Hash,
    pub(super) epochs: u64,
}

/// A market that is open.
pub(super) struct Market {
    on: bool,
    seed: u64,
    world: World,
    random: SplitMix64,
    crowd: Crowd,
    treasury: Actor,
    provider: Actor,
    desk: Desk,
    name: Name,
    /// Honest ones first.
    suppliers: Vec<Actor>,
    /// Texts in force.
    texts: Vec<Text>,
    /// Rejected texts, with the epoch in which their bonds can be decided.
    rejected: Vec<(u64, ContributionId)>,
    handed_in: u64,
    bonds_posted: u64,
    /// OPEN of each supplier that was burned.
    burned: Vec<u64>,
    begun: Vec<(u64, u64)>,
}

impl Market {
    pub(super) fn open(seed: u64, on: bool) -> Result<Self, SimError> {
        let actor = |name: &str| Actor::derive(seed, name);
        let (treasury, provider, gateway, consumer) =
            (actor("treasury"), actor("provider"), actor("gateway"), actor("consumer"));
        let suppliers: Vec<Actor> =
            (0..HONEST + JUNKERS).map(|number| actor(&format!("supplier {number}"))).collect();
        let mut holdings = vec![
            Holding { actor: &treasury, credits: 1_000, open: 0 },
            Holding { actor: &provider, credits: 0, open: BOND_WHOLE },
            Holding { actor: &gateway, credits: 0, open: BOND_WHOLE },
            Holding { actor: &consumer, credits: 1_000, open: 0 },
        ];
        holdings.extend(suppliers.iter().map(|actor| Holding { actor, credits: 0, open: SUPPLIER_WHOLE }));
        let mut world = World::new(&holdings)?;
        let name: Name = "open".parse().expect("a name of four letters");
        let create = DatanetAction::Create { name: name.clone(), title: "Open".to_owned(), policy: policy() };
        world.apply(&treasury, Action::Datanets(create))?;
        desk::open_model(&mut world, &treasury, &name)?;
        desk::open_provider(&mut world, &provider)?;
        let mut desk = Desk::open(&mut world, &gateway, BasisPoints(100))?;
        desk.open_channel(&mut world, &consumer, Amount(1_000_000_000))?;
        let crowd = Crowd::new(SplitMix64::stream(seed, "junk crowd"), JUNKERS, STRATEGIES.len());
        let (begun, burned) = (Vec::new(), vec![0; suppliers.len()]);
        let (texts, rejected) = (Vec::new(), Vec::new());
        let random = SplitMix64::stream(seed, "junk market");
        let (handed_in, bonds_posted) = (0, 0);
        Ok(Self {
            on,
            seed,
            world,
            random,
            crowd,
            treasury,
            provider,
            desk,
            name,
            suppliers,
            texts,
            rejected,
            handed_in,
            bonds_posted,
            burned,
            begun,
        })
    }

    pub(super) fn play(mut self) -> Result<Played, SimError> {
        self.begun = self.purses();
        let mut paid = vec![0u64; self.suppliers.len()];
        let (mut texts_honest, mut texts_junk) = (0, 0);
        for epoch in 0..EPOCHS {
            let (before, known) = (self.purses(), self.texts.len());
            self.supply()?;
            if self.on {
                self.answer()?
            } else {
                self.reward(known)?
            }
            self.conclude()?;
            let after = self.purses();
            let earned =
                before.iter().zip(&after).skip(HONEST).map(|(before, after)| self.gained(before, after));
            let earned: Vec<i128> = earned.collect();
            self.crowd.learn(&earned);
            if epoch >= EPOCHS - MEASURED_EPOCHS {
                let gained = before.iter().zip(&after).map(|(before, after)| after.0 - before.0);
                paid.iter_mut().zip(gained).for_each(|(sum, gained)| *sum += gained);
                let honest = self.texts[known..].iter().filter(|text| text.kind == Kind::Honest).count();
                texts_honest += honest as u64;
                texts_junk += (self.texts.len() - known - honest) as u64;
            }
            self.world.end_epoch()?;
        }
        self.summary(paid, texts_honest, texts_junk)
    }

    fn summary(&self, paid: Vec<u64>, texts_honest: u64, texts_junk: u64) -> Result<Played, SimError> {
        let ended = self.purses();
        let liquid = |suppliers: &[Actor]| -> u64 {
            suppliers.iter().map(|supplier| self.world.account(supplier.account()).credits.0).sum()
        };
        let (honest, junk) = self.suppliers.split_at(HONEST);
        let changes = || self.begun.iter().zip(&ended);
        let burned: u64 = changes().skip(HONEST).map(|(begun, ended)| self.value(ended.1 - begun.1)).sum();
        Ok(Played {
            paid: paid.into_iter().enumerate().map(|(number, paid)| (paid, number >= HONEST)).collect(),
            texts_honest,
            texts_junk,
            junk_liquid: liquid(junk),
            junk_bonds: self.value(self.bonds_posted),
            burned,
            junk_net: changes().skip(HONEST).map(|(begun, ended)| self.gained(begun, ended)).sum(),
            honest_liquid: liquid(honest),
            honest_earned: changes().take(HONEST).map(|(begun, ended)| ended.0 - begun.0).sum(),
            fingerprint: self.world.fingerprint(),
            epochs: self.world.epochs(),
        })
    }

    /// Credits, liquid and held, of every supplier, and the OPEN that it lost so far.
    fn purses(&self) -> Vec<(u64, u64)> {
        let wealth = self.suppliers.iter().map(|supplier| self.world.wealth(supplier.account()).0);
        wealth.zip(self.burned.iter().copied()).collect()
    }

    /// OPEN at its collateral value, in uC.
    fn value(&self, open: u64) -> u64 {
        let price = self.world.parameters().collateral_per_open.0;
        Amount(open).fraction(price, 1_000_000).map_or(0, |value| value.0)
    }

    fn gained(&self, before: &(u64, u64), after: &(u64, u64)) -> i128 {
        i128::from(after.0) - i128::from(before.0) - i128::from(self.value(after.1 - before.1))
    }

    /// Everybody hands in what it wants to.
    fn supply(&mut self) -> Result<(), SimError> {
        let plays = self.crowd.plays();
        let honest = (0..HONEST).map(|supplier| (supplier, Kind::Honest, HONEST_TEXTS));
        let junk = plays.into_iter().enumerate().map(|(number, play)| {
            let (kind, texts) = STRATEGIES[play];
            (HONEST + number, kind, texts)
        });
        let work: Vec<(usize, Kind, u64)> = honest.chain(junk).collect();
        let mut imports = Vec::new();
        for (supplier, kind, texts) in work {
            for _ in 0..texts {
                let text = self.text(supplier, kind);
                if self.on { self.contribute(text)? } else { imports.push(text) }
            }
        }
        if !imports.is_empty() {
            let contributions = imports.iter().map(|text| text.new.clone()).collect();
            let import = Action::Contribute { datanet: self.name.clone(), contributions };
            self.world.apply(&self.treasury, import)?;
            self.texts.extend(imports);
        }
        Ok(())
    }

    /// A new text. A copy has the words of a text in force, if there is one.
    fn text(&mut self, supplier: usize, kind: Kind) -> Text {
        let number = self.handed_in;
        self.handed_in += 1;
        let id = ContributionId(derived(self.seed, &format!("text {number}")).0);
        let own = derived(self.seed, &format!("words {number}"));
        let place = self.random.place(self.texts.len());
        let copied = self.texts.get(place).filter(|_| self.on && kind == Kind::Copy);
        let cluster = copied.map_or(own, |text| text.new.cluster);
        let new = desk::text_of(&self.suppliers[supplier], id, cluster);
        Text { supplier, kind, new }
    }

    /// Commit, reveal, and the reviewer's decision.
    fn contribute(&mut self, text: Text) -> Result<(), SimError> {
        let supplier = self.suppliers[text.supplier].clone();
        let bond = self.world.parameters().datanets.commitment_bond.0;
        if self.world.account(supplier.account()).open.0 < bond {
            return Ok(());
        }
        let (datanet, salt) = (self.name.clone(), text.new.cluster);
        let (id, provenance) = (text.new.id, Provenance::Unverified);
        let commitment = commitment(&datanet, supplier.account(), &text.new, provenance, &salt);
        let commit = DatanetAction::Commit { datanet: datanet.clone(), commitment };
        self.world.apply(&supplier, Action::Datanets(commit))?;
        if text.kind != Kind::Honest {
            self.bonds_posted += bond;
        }
        let contribution = Box::new(text.new.clone());
        let reveal = DatanetAction::Reveal { datanet: datanet.clone(), contribution, provenance, salt };
        self.world.apply(&supplier, Action::Datanets(reveal))?;
        let decision = self.decision(&text);
        let decide = DatanetAction::Decide { datanet, contribution: id, decision };
        self.world.apply(&self.treasury, Action::Datanets(decide))?;
        match decision {
            Decision::Accept { .. } => self.texts.push(text),
            Decision::Reject { .. } => {
                let appeal = self.world.parameters().datanets.appeal_epochs;
                self.rejected.push((self.world.epoch() + appeal + 1, id));
            }
        }
        Ok(())
    }

    fn decision(&mut self, text: &Text) -> Decision {
        let fault = |reason| Decision::Reject { quality: BasisPoints(1_000), reason };
        let accept = Decision::Accept { quality: BasisPoints(8_000), verified: false };
        let repeats = self.texts.iter().any(|known| known.new.cluster == text.new.cluster);
        match text.kind {
            Kind::Honest if self.random.happens(2, 100) => fault(Reason::Quality),
            Kind::Plain | Kind::Copy if !repeats && self.random.happens(95, 100) => fault(Reason::Spam),
            Kind::Padded if self.random.happens(70, 100) => fault(Reason::Spam),
            Kind::Copy if repeats => fault(Reason::Copy),
            _ => accept,
        }
    }

    /// Bonds of rejected texts come back or burn.
    fn conclude(&mut self) -> Result<(), SimError> {
        let now = self.world.epoch();
        let (due, later): (Vec<_>, Vec<_>) = self.rejected.drain(..).partition(|(epoch, _)| *epoch <= now);
        self.rejected = later;
        for (_, contribution) in due {
            let conclude = DatanetAction::Conclude { datanet: self.name.clone(), contribution };
            for event in self.world.apply(&self.treasury, Action::Datanets(conclude))? {
                if let Event::Moved { from: Holder::Bond(loser), to: Holder::Burned, amount, .. } = event {
                    let lost = self.suppliers.iter().zip(&mut self.burned);
                    lost.filter(|(supplier, _)| supplier.account() == loser)
                        .for_each(|(_, sum)| *sum += amount.0);
                }
            }
        }
        Ok(())
    }

    /// One epoch's answers.
    fn answer(&mut self) -> Result<(), SimError> {
        let of = |wanted: Kind| -> Vec<ContributionId> {
            self.texts.iter().filter(|text| text.kind == wanted).map(|text| text.new.id).collect()
        };
        let (honest, padded) = (of(Kind::Honest), of(Kind::Padded));
        let mut sales = Vec::new();
        for _ in 0..ANSWERS {
            let mut texts: BTreeSet<ContributionId> = BTreeSet::new();
            let mut shares = Vec::new();
            for _ in 0..self.random.between(1, 4) {
                texts.insert(honest[self.random.place(honest.len())]);
            }
            for id in texts {
                shares.push((id, self.random.between(100, 1_000)));
            }
            if self.random.happens(1, 4) && !padded.is_empty() {
                let having: BTreeSet<ContributionId> =
                    (0..4).map(|_| padded[self.random.place(padded.len())]).collect();
                let mass = self.random.between(10, 100) / having.len() as u64;
                shares.extend(having.into_iter().map(|id| (id, mass)));
            }
            let unattributed = self.random.below(1_000);
            sales.push(Sale {
                consumer: 0,
                price: PRICE,
                provider: self.provider.account(),
                model: self.name.clone(),
                datanet: self.name.clone(),
                shares,
                unattributed,
            });
        }
        self.desk.settle(&mut self.world, &sales).map(drop)
    }

    /// The programme beside the ledger: the epoch's budget in proportion to the texts handed in, floored.
    fn reward(&mut self, known: usize) -> Result<(), SimError> {
        let budget = Amount(PRICE.0 * ANSWERS).basis_points(self.world.parameters().split.data);
        let mut counts = vec![0u64; self.suppliers.len()];
        self.texts[known..].iter().for_each(|text| counts[text.supplier] += 1);
        let whole: u64 = counts.iter().sum();
        for (supplier, count) in self.suppliers.iter().zip(counts) {
            let amount = budget.fraction(count, whole).unwrap_or(Amount::ZERO);
            if amount > Amount::ZERO {
                let (to, asset) = (supplier.account(), Asset::Credit);
                self.world.apply(&self.treasury, Action::Transfer { to, asset, amount })?;
            }
        }
        Ok(())
    }
}

/// Anybody contributes; the curator decides.
fn policy() -> Box<Policy> {
    Box::new(Policy {
        licenses: vec![LICENSE.to_owned()],
        contributors: Contributors::Anyone,
        provenance: vec![Provenance::Unverified, Provenance::Human],
        quality_bar: BasisPoints(5_000),
        ..Policy::imports_only()
    })
}
