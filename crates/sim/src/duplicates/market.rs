//! The market of A2: answers made of spans, owners, copiers, and a gateway that credits whom the ledger names.

use std::collections::{BTreeMap, BTreeSet};

use openledger_types::{Action, Amount, BasisPoints, ContributionId, Hash, Name, NewContribution, Rejection};

use crate::SimError;
use crate::desk::{self, BOND_WHOLE, Desk, Sale, cluster_owner};
use crate::random::{SplitMix64, derived};
use crate::world::{Actor, Holding, World};

const TEXTS: usize = 12;
const EPOCHS: u64 = 4;
const ANSWERS_PER_EPOCH: u64 = 40;

/// An answer: its price, its spans with the texts that have them, and what nobody explains.
pub(super) struct Answer {
    price: Amount,
    spans: Vec<(u64, BTreeSet<usize>)>,
    unattributed: u64,
}

/// The answers of every epoch: the same with and without an attack, and in both ways.
pub(super) fn demand(seed: u64, texts_per_span_max: u64) -> Vec<Vec<Answer>> {
    let mut random = SplitMix64::stream(seed, "demand");
    let mut answer = || {
        let mut spans = Vec::new();
        for _ in 0..random.between(1, 6) {
            let mass = random.between(100, 1_000);
            let wanted = usize::try_from(random.between(1, texts_per_span_max)).unwrap_or(1);
            let mut texts = BTreeSet::new();
            while texts.len() < wanted {
                texts.insert(popular(&mut random));
            }
            spans.push((mass, texts));
        }
        let unattributed = random.below(1_000);
        Answer { price: Amount(random.between(20_000, 80_000)), spans, unattributed }
    };
    (0..EPOCHS).map(|_| (0..ANSWERS_PER_EPOCH).map(|_| answer()).collect()).collect()
}

/// A text, the one at rank `r` from 0 with a weight of 12 / (r + 1), floored.
fn popular(random: &mut SplitMix64) -> usize {
    let weights = (1u64..).take(TEXTS).map(|rank| 12 / rank);
    let mut draw = random.below(weights.clone().sum());
    for (text, weight) in weights.enumerate() {
        if draw < weight {
            return text;
        }
        draw -= weight;
    }
    TEXTS - 1
}

/// Which text is copied, how often, and whether its words change.
#[derive(Clone, Copy)]
pub(super) struct Attack {
    pub(super) text: usize,
    pub(super) count: usize,
    pub(super) paraphrased: bool,
}

/// What a world paid.
pub(super) struct Played {
    /// To each owner, by text.
    pub(super) owners: Vec<u64>,
    /// To all copiers together.
    pub(super) copies: u64,
    /// Whether a batch that credits every identity was accepted.
    pub(super) copies_accepted: bool,
    pub(super) fingerprint: Hash,
    pub(super) epochs: u64,
}

/// A market that is open: all texts and copies are committed.
pub(super) struct Market {
    world: World,
    desk: Desk,
    provider: Actor,
    name: Name,
    owners: Vec<Actor>,
    copiers: Vec<Actor>,
    /// All contributions with each text, the owner's first.
    identities: Vec<Vec<ContributionId>>,
}

impl Market {
    pub(super) fn open(seed: u64, attack: Attack, on: bool) -> Result<Self, SimError> {
        let actor = |name: &str| Actor::derive(seed, name);
        let (curator, provider, gateway, consumer) =
            (actor("curator"), actor("provider"), actor("gateway"), actor("consumer"));
        let mut world = World::new(&[
            Holding { actor: &curator, credits: 0, open: 0 },
            Holding { actor: &provider, credits: 0, open: BOND_WHOLE },
            Holding { actor: &gateway, credits: 0, open: BOND_WHOLE },
            Holding { actor: &consumer, credits: 100, open: 0 },
        ])?;
        let name: Name = "texts".parse().expect("a name of five letters");
        desk::open_datanet(&mut world, &curator, &name)?;
        desk::open_model(&mut world, &curator, &name)?;
        desk::open_provider(&mut world, &provider)?;
        let mut desk = Desk::open(&mut world, &gateway, BasisPoints(100))?;
        desk.open_channel(&mut world, &consumer, Amount(100_000_000))?;
        let owners: Vec<Actor> = (0..TEXTS).map(|text| actor(&format!("owner {text}"))).collect();
        let copiers: Vec<Actor> = (0..attack.count).map(|copy| actor(&format!("copier {copy}"))).collect();
        let id = |what: &str, number: usize| ContributionId(derived(seed, &format!("{what} {number}")).0);
        let cluster_of = |what: &str, number: usize| derived(seed, &format!("words of {what} {number}"));
        let mut identities = Vec::new();
        let mut originals: Vec<NewContribution> = Vec::new();
        for (text, owner) in owners.iter().enumerate() {
            originals.push(desk::text_of(owner, id("text", text), cluster_of("text", text)));
            identities.push(vec![id("text", text)]);
        }
        let datanet = name.clone();
        world.apply(&curator, Action::Contribute { datanet, contributions: originals })?;
        let same_words = on && !attack.paraphrased;
        for (copy, copier) in copiers.iter().enumerate() {
            let cluster = if same_words { cluster_of("text", attack.text) } else { cluster_of("copy", copy) };
            let contributions = vec![desk::text_of(copier, id("copy", copy), cluster)];
            world.apply(&curator, Action::Contribute { datanet: name.clone(), contributions })?;
            identities[attack.text].push(id("copy", copy));
        }
        Ok(Self { world, desk, provider, name, owners, copiers, identities })
    }

    pub(super) fn play(mut self, demand: &[Vec<Answer>]) -> Result<Played, SimError> {
        let copies_accepted = self.accepts_every_identity(&demand[0])?;
        for answers in demand {
            let sales = self.sales(answers, cluster_owner)?;
            self.desk.settle(&mut self.world, &sales)?;
            self.world.end_epoch()?;
        }
        let paid = |actor: &Actor| self.world.wealth(actor.account()).0;
        Ok(Played {
            owners: self.owners.iter().map(paid).collect(),
            copies: self.copiers.iter().map(paid).sum(),
            copies_accepted,
            fingerprint: self.world.fingerprint(),
            epochs: self.world.epochs(),
        })
    }

    /// Whether a dishonest gateway can credit every contribution, the copies among them. Tried in a copy of the world.
    fn accepts_every_identity(&self, answers: &[Answer]) -> Result<bool, SimError> {
        let sales = self.sales(answers, |_, _, id| Ok(id))?;
        match self.desk.settle(&mut self.world.clone(), &sales) {
            Ok(_) => Ok(true),
            Err(SimError::Rejected { rejection: Rejection::ClusterNotOwned, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn sales(
        &self,
        answers: &[Answer],
        credited: impl Fn(&World, &Name, ContributionId) -> Result<ContributionId, SimError>,
    ) -> Result<Vec<Sale>, SimError> {
        answers.iter().map(|answer| self.sale(answer, &credited)).collect()
    }

    /// Each span's mass in equal parts, floored, to everyone credited for a text that has it; the rest explains nobody.
    fn sale(
        &self,
        answer: &Answer,
        credited: &impl Fn(&World, &Name, ContributionId) -> Result<ContributionId, SimError>,
    ) -> Result<Sale, SimError> {
        let mut shares: BTreeMap<ContributionId, u64> = BTreeMap::new();
        let mut unattributed = answer.unattributed;
        for (mass, texts) in &answer.spans {
            let having = texts.iter().flat_map(|text| self.identities[*text].iter());
            let parties = having.map(|id| credited(&self.world, &self.name, *id));
            let parties = parties.collect::<Result<BTreeSet<ContributionId>, SimError>>()?;
            let count = u64::try_from(parties.len()).unwrap_or(u64::MAX);
            unattributed += mass % count;
            for party in parties {
                *shares.entry(party).or_default() += mass / count;
            }
        }
        Ok(Sale {
            consumer: 0,
            price: answer.price,
            provider: self.provider.account(),
            model: self.name.clone(),
            datanet: self.name.clone(),
            shares: shares.into_iter().collect(),
            unattributed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(on: bool, texts_per_span_max: u64, text: usize, count: usize) -> (u64, u64) {
        let attack = Attack { text, count, paraphrased: false };
        let demand = demand(5, texts_per_span_max);
        let played = Market::open(5, attack, on).unwrap().play(&demand).unwrap();
        assert_eq!(
            played.copies_accepted,
            !on || count == 0,
            "only copies of their own clusters can be named"
        );
        (played.owners[text], played.copies)
    }

    #[test]
    fn spans_of_one_text_alone_give_no_gain_to_its_copiers_and_divide_its_pay() {
        let (alone, _) = paid(false, 1, 0, 0);
        let (owner, copies) = paid(false, 1, 0, 3);
        let together = owner + copies;
        assert!(together <= alone && alone - together < alone / 100, "{together} of {alone}");
        assert!(owner.abs_diff(alone / 4) < alone / 100, "{owner} of {alone}");
        assert_eq!(paid(true, 1, 0, 3), (alone, 0));
    }

    #[test]
    fn shared_spans_pay_copiers_without_clusters_only() {
        let (alone, _) = paid(false, 4, 2, 0);
        let (owner, copies) = paid(false, 4, 2, 3);
        assert!(owner + copies > alone * 5 / 4);
        assert_eq!(paid(true, 4, 2, 3), (alone, 0));
    }
}
