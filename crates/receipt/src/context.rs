//! What the passages in the prompt did for an answer (method C), as a receipt tells it: who plays, the likelihood of the
//! answer given each set of them, and how the datanets mix both methods. From these, and from the spans, every share follows
//! without a model.
//!
//! Absent: the likelihoods' own proof; `openledger receipt recompute --model FILE` computes them again.

use std::collections::BTreeMap;

use openledger_attribution::context::{CONTEXT_VERSION, Part, Plan, mix, seed};
use openledger_attribution::{ClusterId, Index};
use openledger_types::datanets::Mix;
use openledger_types::{BasisPoints, ContributionId, Hash, Name};
use serde::{Deserialize, Serialize};

use crate::{AttributionFacts, PassageRef, ResponseFacts, ServedFacts, ShareFacts};

/// The method of a receipt whose datanets weigh reuse of words alone.
pub(crate) const VERBATIM: &str = "A";
/// The method of a receipt in which some datanet gives weight to the context.
pub(crate) const VERBATIM_AND_CONTEXT: &str = "A+C";

/// What the context explains, and what both methods count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextFacts {
    /// Version of the method.
    pub version: u16,
    /// The mixes of the snapshots that give weight to the context, sorted by datanet. The others weigh reuse of words alone.
    pub mixes: Vec<MixFacts>,
    /// The clusters whose passages were in the prompt, sorted by id; none when no owner's datanet gives weight to the context,
    /// or when the model's bits cannot be computed again.
    pub players: Vec<PlayerFacts>,
    /// The logarithm of the answer's probability for each set of players, in 2^-16 nat, in the order of the method's plan;
    /// none without players.
    pub values: Vec<i64>,
}

/// How a datanet mixes both methods: basis points that sum to 10,000.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixFacts {
    /// The datanet.
    pub datanet: Name,
    /// What reuse of words counts.
    pub verbatim: BasisPoints,
    /// What help in the context counts, above zero.
    pub context: BasisPoints,
}

/// A cluster with passages in the prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlayerFacts {
    /// The cluster.
    pub cluster: Hash,
    /// The datanet of its earliest commitment.
    pub datanet: Name,
    /// Its earliest commitment, whose owners are paid.
    pub contribution: ContributionId,
    /// Which of the receipt's passages are its own, by their places from 0, rising.
    pub passages: Vec<u32>,
}

impl MixFacts {
    /// The mix of a snapshot's record; `None` when it gives no weight to the context.
    pub fn of(datanet: &Name, mix: &Mix) -> Option<Self> {
        let Mix { verbatim, context, .. } = *mix;
        (context.0 > 0).then(|| Self { datanet: datanet.clone(), verbatim, context })
    }
}

/// By whom a contribution is named in a receipt.
pub(crate) type Key = (Name, ContributionId);

/// What one owner weighs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// By both methods.
    pub(crate) sum: u64,
    /// What of it is by help in the context.
    pub(crate) context: u64,
}

/// What each owner weighs when everybody is paid, and the common mass.
pub(crate) struct Division {
    pub(crate) weights: BTreeMap<Key, Weight>,
    pub(crate) common: u64,
}

impl AttributionFacts {
    /// These facts of reuse of words, of which every share is paid, mixed with the context. `served` and `response` are those
    /// of the same receipt.
    ///
    /// # Errors
    /// One sentence when the context cannot be of this answer.
    pub fn mixed(
        self,
        context: ContextFacts,
        served: &ServedFacts,
        response: &ResponseFacts,
    ) -> Result<Self, String> {
        let mut mixed = Self { method: VERBATIM_AND_CONTEXT.to_owned(), context: Some(context), ..self };
        let Division { weights, common } = mixed.divide(served, response)?;
        let shares = weights.into_iter().filter(|(_, weight)| weight.sum > 0);
        let share = |((datanet, contribution), weight): (Key, Weight)| ShareFacts {
            datanet,
            contribution,
            weight: weight.sum,
        };
        mixed.shares = shares.map(share).collect();
        mixed.common = common;
        let attributed = mixed.shares.iter().fold(common, |sum, share| sum.saturating_add(share.weight));
        mixed.unattributed = mixed.total.saturating_sub(attributed);
        Ok(mixed)
    }

    /// What of each share is for help in the context, in the order of the shares: the rest of its weight is for reuse of
    /// words. `served` and `response` are those of the same receipt.
    ///
    /// # Errors
    /// One sentence when spans, values and mixes cannot be of this answer; a receipt that was verified has none such.
    pub fn context_weights(
        &self,
        served: &ServedFacts,
        response: &ResponseFacts,
    ) -> Result<Vec<u64>, String> {
        let Division { weights, .. } = self.divide(served, response)?;
        let of = |share: &ShareFacts| weights.get(&(share.datanet.clone(), share.contribution));
        Ok(self.shares.iter().map(|share| of(share).map_or(0, |weight| weight.context)).collect())
    }

    /// What each owner of a span or of a player weighs by the rules, from spans, values and mixes alone.
    ///
    /// # Errors
    /// One sentence for the first thing that cannot be.
    pub(crate) fn divide(&self, served: &ServedFacts, response: &ResponseFacts) -> Result<Division, String> {
        let (verbatim, common) = self.span_masses()?;
        let Some(context) = &self.context else {
            let weights = verbatim.into_iter().map(|(key, sum)| (key, Weight { sum, context: 0 }));
            return Ok(Division { weights: weights.collect(), common });
        };
        context.check(served)?;
        let explained = context.masses(self.total, served, response)?;
        let mut both: BTreeMap<Key, (u64, u64)> = BTreeMap::new();
        for (key, mass) in verbatim {
            both.entry(key).or_default().0 = mass;
        }
        for (key, mass) in explained {
            let sum = &mut both.entry(key).or_default().1;
            *sum = sum.saturating_add(mass);
        }
        let parts: Vec<Part> = both.iter().map(|(key, masses)| context.part(&key.0, *masses)).collect();
        let mixed = mix(self.total, common, &parts).map_err(|error| error.to_string())?;
        let weights = mixed.masses.into_iter().zip(mixed.context);
        let weights = weights.map(|(sum, context)| Weight { sum, context });
        Ok(Division { weights: both.into_keys().zip(weights).collect(), common: mixed.common })
    }
}

impl ContextFacts {
    /// The context of an answer with these passages, by the index, before it is valued: there are players when the datanet of
    /// one of them gives weight to the context, and no values yet.
    pub fn to_value(mixes: Vec<MixFacts>, index: &Index, retrieval: &[PassageRef]) -> Self {
        let version = CONTEXT_VERSION;
        let mut facts = Self { version, mixes, players: players(index, retrieval), values: Vec::new() };
        if !facts.players.iter().any(|player| facts.mix(&player.datanet).is_some()) {
            facts.players.clear();
        }
        facts
    }

    /// The same for the engine that answered: nobody plays where its bits cannot be computed again.
    #[must_use]
    pub fn of_engine(mut self, served: &ServedFacts) -> Self {
        if served.numeric_specification == 0 {
            self.players.clear();
        }
        self
    }

    /// Whether mixes, players and values have the form that the method gives them.
    fn check(&self, served: &ServedFacts) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("the context's {what}"));
        if self.version != CONTEXT_VERSION {
            return wrong(&format!("version {} is unknown; this one knows {CONTEXT_VERSION}", self.version));
        }
        let is_served = |name: &Name| served.snapshots.iter().any(|snapshot| snapshot.datanet == *name);
        let is_whole =
            |line: &MixFacts| line.verbatim.0.checked_add(line.context.0) == Some(BasisPoints::WHOLE.0);
        let known = |line: &MixFacts| is_served(&line.datanet) && is_whole(line) && line.context.0 > 0;
        if self.mixes.is_empty() || !self.mixes.iter().all(known) {
            return wrong("mixes are none, of datanets that are not named, or do not sum to the whole");
        }
        if !self.mixes.is_sorted_by(|one, next| one.datanet < next.datanet) {
            return wrong("mixes are not sorted, or repeat one");
        }
        if !self.players.is_sorted_by(|one, next| one.cluster < next.cluster) {
            return wrong("players are not sorted, or repeat one");
        }
        let mut passages: Vec<u32> = Vec::new();
        for player in &self.players {
            if player.passages.is_empty() || !player.passages.is_sorted_by(|one, next| one < next) {
                return wrong("players have no passages, or not in order");
            }
            if !is_served(&player.datanet) {
                return wrong(&format!("players are of {}, of which no snapshot is named", player.datanet));
            }
            passages.extend(&player.passages);
        }
        passages.sort_unstable();
        let is_retrieved =
            |place: &u32| usize::try_from(*place).is_ok_and(|place| place < served.retrieval.len());
        if !passages.is_sorted_by(|one, next| one < next) || !passages.iter().all(is_retrieved) {
            return wrong("players share a passage, or have one that was not retrieved");
        }
        Ok(())
    }

    /// What each player weighs of an answer of the weight `total`, by its owner.
    fn masses(
        &self,
        total: u64,
        served: &ServedFacts,
        response: &ResponseFacts,
    ) -> Result<Vec<(Key, u64)>, String> {
        if self.players.is_empty() {
            return match self.values.len() {
                0 => Ok(Vec::new()),
                values => Err(format!("the context has {values} values and no players")),
            };
        }
        let plan = self.plan(served, response)?;
        let masses = plan.masses(&self.values, total).map_err(|error| error.to_string())?;
        let keys = self.players.iter().map(|player| (player.datanet.clone(), player.contribution));
        Ok(keys.zip(masses).collect())
    }

    /// Which sets of the players are valued.
    ///
    /// # Errors
    /// There are too many players.
    pub fn plan(&self, served: &ServedFacts, response: &ResponseFacts) -> Result<Plan, String> {
        let clusters: Vec<ClusterId> =
            self.players.iter().map(|player| ClusterId(player.cluster.0)).collect();
        let seed = seed(&served.index_root.0, &clusters, &response.salted_sha256.0);
        Plan::new(clusters.len(), &seed).map_err(|error| error.to_string())
    }

    fn mix(&self, datanet: &Name) -> Option<&MixFacts> {
        self.mixes.iter().find(|line| line.datanet == *datanet)
    }

    /// What an owner of this datanet claims with these masses by reuse and by help.
    fn part(&self, datanet: &Name, (verbatim, context): (u64, u64)) -> Part {
        let points = self.mix(datanet).map(|line| (line.verbatim.0, line.context.0));
        let (verbatim_points, context_points) = points.unwrap_or((BasisPoints::WHOLE.0, 0));
        Part { verbatim, context, verbatim_points, context_points }
    }
}

/// The players behind a receipt's passages.
fn players(index: &Index, retrieval: &[PassageRef]) -> Vec<PlayerFacts> {
    let id = |passage: &PassageRef| openledger_attribution::ContributionId(passage.contribution.0);
    let passages: Vec<_> = retrieval.iter().map(|passage| (passage.datanet.as_str(), id(passage))).collect();
    let players = openledger_attribution::context::players(index, &passages);
    let facts = players.into_iter().filter_map(|player| {
        Some(PlayerFacts {
            cluster: Hash(player.cluster.0),
            datanet: player.datanet.parse().ok()?,
            contribution: ContributionId(player.contribution.0),
            passages: player.passages.iter().filter_map(|place| u32::try_from(*place).ok()).collect(),
        })
    });
    facts.collect()
}
