//! The context of a receipt (method C) worked out again: the mixes from the snapshots' proven records, the players from the
//! index, and the likelihoods with the model, when its file is given. Absent: the comparison, which
//! `openledger_receipt::recompute` makes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use openledger_attribution::Index;
use openledger_gateway::{Explained, context_values, scorer, served_prompt_length};
use openledger_ledger::StateKey;
use openledger_model::{Adapter, AdapterBase, Model, NUMERIC_SPECIFICATION};
use openledger_receipt::{AttributionFacts, ContextFacts, MixFacts, Opening, PassageRef, Predicate};
use openledger_retrieval::Passage;
use openledger_types::Hash;
use openledger_types::record::SnapshotRecord;

use super::recompute::record;

/// Passages of one receipt that are read.
const PASSAGES_MAX: usize = 64;

/// What was done about the likelihoods of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Likelihoods {
    /// The receipt needs none.
    None,
    /// They are the receipt's own.
    NotChecked,
    /// They were computed again.
    Computed,
}

impl Likelihoods {
    /// In plain words; `None` when there is nothing to say.
    pub fn said(self, context: Option<&ContextFacts>) -> Option<String> {
        let context = context?;
        let how = match self {
            Self::None => return None,
            Self::NotChecked => "taken from the receipt and not checked; `--model FILE` computes them again",
            Self::Computed => "computed again with the model: the same",
        };
        let (values, players) = (context.values.len(), context.players.len());
        Some(format!("{values} likelihoods of the answer over {players} texts in its context: {how}"))
    }
}

/// What a receipt is worked out again from.
pub struct Sources<'a> {
    pub index: &'a Index,
    /// Proven records by state key.
    pub records: &'a BTreeMap<Vec<u8>, Vec<u8>>,
    /// What answered, where likelihoods are to be computed again.
    pub computed: &'a Computed,
}

/// The files of what answered.
pub struct Computed {
    /// The model.
    pub model: Option<PathBuf>,
    /// The adapter, where one answered.
    pub adapter: Option<PathBuf>,
}

/// The attribution by reuse of words, mixed with help in the context where the datanets of the receipt ask for it.
pub fn mixed(
    predicate: &Predicate,
    opening: &Opening,
    verbatim: AttributionFacts,
    sources: &Sources<'_>,
) -> Result<(AttributionFacts, Likelihoods)> {
    let (served, response) = (&predicate.served, &predicate.response);
    let mut mixes = Vec::new();
    for named in &served.snapshots {
        let key = StateKey::Snapshot(named.datanet.clone(), named.version);
        mixes.extend(MixFacts::of(&named.datanet, &record::<SnapshotRecord>(sources.records, &key)?.mix));
    }
    if mixes.is_empty() {
        return Ok((verbatim, Likelihoods::None));
    }
    let mut context = ContextFacts::to_value(mixes, sources.index, &served.retrieval).of_engine(served);
    let mut likelihoods = Likelihoods::None;
    if !context.players.is_empty() {
        (context.values, likelihoods) = match sources.computed.model.as_deref() {
            Some(path) => (values(predicate, opening, &context, sources, path)?, Likelihoods::Computed),
            None => (said(predicate)?, Likelihoods::NotChecked),
        };
    }
    let facts = verbatim.mixed(context, served, response).map_err(anyhow::Error::msg)?;
    Ok((facts, likelihoods))
}

/// The receipt's own likelihoods.
fn said(predicate: &Predicate) -> Result<Vec<i64>> {
    let context = predicate.attribution.context.as_ref();
    let values = context.map(|context| context.values.clone()).filter(|values| !values.is_empty());
    values.context(
        "the receipt leaves out the likelihoods that its datanets ask for; give the model's file (--model FILE) to see its shares",
    )
}

/// Computes the likelihoods of the answer again.
fn values(
    predicate: &Predicate,
    opening: &Opening,
    context: &ContextFacts,
    sources: &Sources<'_>,
    path: &Path,
) -> Result<Vec<i64>> {
    let served = &predicate.served;
    if served.numeric_specification != NUMERIC_SPECIFICATION {
        bail!(
            "the answer is of numeric specification {}, and this build computes {NUMERIC_SPECIFICATION}; use the version of openledger that served it",
            served.numeric_specification
        );
    }
    let model = Arc::new(
        Model::open(path)
            .with_context(|| format!("{} is not a model that can be computed", path.display()))?,
    );
    let adapter = match sources.computed.adapter.as_deref() {
        None => None,
        Some(folder) => {
            let base = AdapterBase { shape: *model.shape(), names: Vec::new() };
            let opened = Adapter::open(folder, &base);
            Some(Arc::new(opened.with_context(|| format!("{} is no adapter of it", folder.display()))?))
        }
    };
    let found = Hash(adapter.as_ref().map_or(model.sha256(), |adapter| adapter.id()));
    if found != served.weights {
        let shown = sources.computed.adapter.as_deref().unwrap_or(path);
        bail!(
            "{} is {found}, and {} answered; give its file, and the folder of its adapter with --adapter",
            shown.display(),
            served.weights
        );
    }
    let plan = context.plan(served, &predicate.response).map_err(anyhow::Error::msg)?;
    let passages = passages(sources.index, predicate)?;
    let explained = Explained {
        request: opening.request.as_bytes(),
        answer: &opening.answer,
        passages: &passages,
        players: &context.players,
    };
    let (length, said) = (served_prompt_length(&model, &explained)?, predicate.usage.prompt_tokens);
    if u32::try_from(length) != Ok(said) {
        bail!(
            "the receipt says that {said} tokens were read, and the question with the passages that it names has {length}: \
             other passages were served"
        );
    }
    let mut scorer = scorer(&model)?;
    scorer.adapt(adapter);
    Ok(context_values(&model, &mut scorer, &explained, plan.subsets())?)
}

/// The passages that a receipt names, with their texts, in its order.
pub fn passages(index: &Index, predicate: &Predicate) -> Result<Vec<Passage>> {
    let count = predicate.served.retrieval.len();
    if count > PASSAGES_MAX {
        bail!(
            "the receipt names {count} passages, and no gateway puts more than {PASSAGES_MAX} into a prompt"
        );
    }
    predicate.served.retrieval.iter().map(|named| passage(index, named)).collect()
}

/// A passage that the receipt names, with its text. Whatever was retrieved is in the index: copies are in neither.
fn passage(index: &Index, named: &PassageRef) -> Result<Passage> {
    let PassageRef { datanet, contribution, start, end } = named;
    let id = openledger_datanet::ContributionId(contribution.0);
    let segment = index.segments().iter().find(|segment| segment.datanet() == datanet.as_str());
    let found = segment.and_then(|segment| Some((segment, segment.contributions().position(|of| of == id)?)));
    let (segment, document) =
        found.with_context(|| format!("contribution {contribution} of {datanet} is in no index"))?;
    let (text, label) = (segment.text(document)?, segment.label(document)?);
    let (start, end) = (usize::try_from(*start)?, usize::try_from(*end)?);
    let text = text.get(start..end).with_context(|| {
        format!("contribution {contribution} of {datanet} has no passage at bytes {start} to {end}")
    })?;
    Ok(Passage {
        datanet: datanet.to_string(),
        contribution: id,
        external_id: label.external_id,
        title: label.title,
        text: text.to_owned(),
        start,
        end,
        score: 0.0,
    })
}
