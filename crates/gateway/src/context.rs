//! What the passages did for an answer (method C), where a served snapshot was sealed with a policy that gives weight to it:
//! before the provider starts, whose passages they are; after the last token and before the seal, the likelihood of the
//! answer for sets of them.
//!
//! Rule: the prompt of a set is the served prompt with the passages of that set alone; the continuation is a space and the
//! answer as it was given, cut where the model's context ends. Whoever has the receipt's texts, the snapshots and the model
//! computes the same integers ([`context_values`]). The form of the prompt belongs to the method's version.
//! Absent: the rules of shares (`openledger-attribution`), and a price: the likelihoods are at the gateway's cost. Answers of
//! engines whose bits nobody can compute again (numeric specification 0) have no values, and help in the context pays nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use openledger_inference::{Prompt, RegisterError, ReplayError, Scorer, SubmitError, prompt_tokens, value};
use openledger_ledger::StateKey;
use openledger_model::{Model, TokenizerError};
use openledger_receipt::{
    AttributionFacts, ContextFacts, MixFacts, PassageRef, PlayerFacts, ResponseFacts, ServedFacts,
};
use openledger_retrieval::Passage;
use openledger_types::ChannelId;
use openledger_types::record::SnapshotRecord;
use openledger_worker::Worker;
use tokio::sync::Mutex;

use crate::complete::{Context, Outcome};
use crate::error::ApiError;
use crate::gateway::{Gateway, Library};
use crate::ground::{question, quoting_text};
use crate::metrics::Metrics;
use crate::request;

/// Answers that are on their way to their likelihoods, the one being computed included. They wait for each other: one with
/// five passages takes some seconds.
const WAITING_MAX: usize = 8;
/// How many of them may be of one channel, so that nobody takes every place.
const WAITING_OF_CHANNEL_MAX: usize = 2;
/// Positions of the cache that stay filled between answers: the examples before every grounded prompt.
const REMEMBERED_TOKENS: usize = 1_024;
/// The most threads that compute likelihoods. At most half of the machine's cores: answers are written beside them.
const THREADS_MAX: usize = 8;

/// Computes likelihoods, one answer at a time.
#[derive(Default)]
pub(crate) struct Valuing {
    /// Made when the first answer needs it.
    scorer: Arc<Mutex<Option<Scorer>>>,
    /// The channels of the answers that have a place.
    places: Arc<std::sync::Mutex<Vec<ChannelId>>>,
}

impl Valuing {
    /// A place for an answer of this channel; `None` when there is none.
    fn place(&self, channel: ChannelId) -> Option<Place> {
        let mut taken = self.places.lock().expect("no holder of the lock panics");
        let own = taken.iter().filter(|of| **of == channel).count();
        if taken.len() >= WAITING_MAX || own >= WAITING_OF_CHANNEL_MAX {
            return None;
        }
        taken.push(channel);
        Some(Place { channel, places: self.places.clone() })
    }
}

/// A place among the answers whose likelihoods are computed; free again when it is dropped.
struct Place {
    channel: ChannelId,
    places: Arc<std::sync::Mutex<Vec<ChannelId>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock().expect("no holder of the lock panics");
        if let Some(place) = taken.iter().position(|of| *of == self.channel) {
            taken.swap_remove(place);
        }
    }
}

/// What an answer's context will be valued by; the values are to come.
pub(crate) struct ToValue {
    facts: ContextFacts,
    passages: Vec<Passage>,
    /// Held until the receipt is made; none when no values are needed.
    _place: Option<Place>,
}

/// Who plays for an answer from these passages; `None` when no served snapshot gives weight to the context.
pub(crate) async fn admit(
    gateway: &Gateway,
    library: &Arc<Library>,
    retrieval: &[PassageRef],
    passages: Vec<Passage>,
    channel: ChannelId,
) -> Result<Option<ToValue>, ApiError> {
    let mixes = mixes(gateway, library).await?;
    if mixes.is_empty() {
        return Ok(None);
    }
    // Who plays is looked up in every document of the index.
    let (library, retrieval) = (library.clone(), retrieval.to_vec());
    let facts =
        tokio::task::spawn_blocking(move || ContextFacts::to_value(mixes, &library.index, &retrieval));
    let facts = facts.await.map_err(ApiError::unavailable)?;
    let place = match facts.players.is_empty() {
        true => None,
        false => Some(gateway.valuing.place(channel).ok_or_else(|| {
            ApiError::busy(
                "the gateway has as many answers as it takes, from you or from all, from datanets that pay for help in the context; try again in a moment",
            )
        })?),
    };
    Ok(Some(ToValue { facts, passages, _place: place }))
}

/// The mixes of the served snapshots that give weight to the context.
async fn mixes(gateway: &Gateway, library: &Library) -> Result<Vec<MixFacts>, ApiError> {
    let mut mixes = Vec::new();
    for snapshot in &library.snapshots {
        let key = StateKey::Snapshot(snapshot.datanet.clone(), snapshot.version);
        let record: SnapshotRecord =
            gateway.facts.must(&key, "record of a sealed snapshot").await.map_err(ApiError::unavailable)?;
        mixes.extend(MixFacts::of(&snapshot.datanet, &record.mix));
    }
    Ok(mixes)
}

/// The attribution of an answer when every share of it is paid: by reuse of words, mixed with help in the context where
/// datanets ask for it.
pub(crate) async fn attribution(
    gateway: &Gateway,
    context: &Context,
    outcome: &Outcome,
    served: &ServedFacts,
    response: &ResponseFacts,
) -> Result<AttributionFacts, ApiError> {
    let facts = AttributionFacts::of(&outcome.attribution);
    let Some(ToValue { facts: to_value, passages, .. }) = &context.to_value else { return Ok(facts) };
    let mut valued = to_value.clone().of_engine(served);
    if !valued.players.is_empty() {
        let subsets = valued.plan(served, response).map_err(ApiError::unavailable)?.subsets().to_vec();
        let work = Work {
            request: context.body.clone(),
            answer: outcome.answer.clone(),
            passages: passages.clone(),
            players: valued.players.clone(),
            subsets,
        };
        let worker = &context.worker;
        valued.values = values(gateway, worker, served, work).await.map_err(ApiError::unavailable)?;
    }
    facts.mixed(valued, served, response).map_err(ApiError::unavailable)
}

/// What is computed on a thread for blocking work.
struct Work {
    request: Vec<u8>,
    answer: String,
    passages: Vec<Passage>,
    players: Vec<PlayerFacts>,
    subsets: Vec<u32>,
}

async fn values(
    gateway: &Gateway,
    worker: &Arc<Worker>,
    served: &ServedFacts,
    work: Work,
) -> Result<Vec<i64>, ContextFailure> {
    let (model, worker, weights) = (gateway.model.clone(), worker.clone(), served.weights.0);
    let (mut held, sets) = (gateway.valuing.scorer.clone().lock_owned().await, work.subsets.len());
    let begun = Instant::now();
    let values = tokio::task::spawn_blocking(move || {
        let adapter = worker.adapter()?;
        if weights != adapter.as_ref().map_or(model.sha256(), |adapter| adapter.id()) {
            return Err(ContextFailure::OtherModel);
        }
        let scorer = match &mut *held {
            Some(scorer) => scorer,
            empty => empty.insert(scorer(&model)?),
        };
        let explained = Explained {
            request: &work.request,
            answer: &work.answer,
            passages: &work.passages,
            players: &work.players,
        };
        scorer.adapt(adapter);
        let values = context_values(&model, scorer, &explained, &work.subsets);
        scorer.forget(REMEMBERED_TOKENS);
        values
    });
    let values = values.await.map_err(|_| ContextFailure::Stopped)??;
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Metrics::add(&gateway.metrics.contexts, 1);
    Metrics::add(&gateway.metrics.context_values, sets as u64);
    Metrics::add(&gateway.metrics.context_ms, ms);
    Ok(values)
}

/// Why likelihoods cannot be worked out.
#[derive(Debug, thiserror::Error)]
pub enum ContextFailure {
    /// The gateway computes another model than the one that answered.
    #[error("the context cannot be valued: the model that answered is not at hand")]
    OtherModel,
    /// The adapter that answered cannot be read again.
    #[error("the context cannot be valued: {0}")]
    Adapter(#[from] RegisterError),
    /// The computation was stopped.
    #[error("the context cannot be valued: the computation was stopped")]
    Stopped,
    /// The request of the receipt is no request.
    #[error("the context cannot be valued: the request cannot be read: {0}")]
    Request(String),
    /// A prompt does not go through the tokenizer, or is too long.
    #[error("the context cannot be valued: a prompt cannot be made: {0}")]
    Prompt(#[from] SubmitError),
    /// The answer does not go through the tokenizer.
    #[error("the context cannot be valued: the answer cannot be turned into tokens: {0}")]
    Answer(#[from] TokenizerError),
    /// The model does not compute it.
    #[error("the context cannot be valued: {0}")]
    Score(#[from] ReplayError),
}

/// An answer whose context is valued.
pub struct Explained<'a> {
    /// The raw body of the request.
    pub request: &'a [u8],
    /// The answer as it was given.
    pub answer: &'a str,
    /// The passages that were put into the prompt, in order.
    pub passages: &'a [Passage],
    /// Whose passages they are.
    pub players: &'a [PlayerFacts],
}

/// The logarithm of the answer's probability with the passages of each set of players, in 2^-16 nat; `subsets` are those of
/// the method's plan. The scorer is of `model`, under the adapter that answered.
///
/// # Errors
/// The request or the answer cannot be read, or the model cannot compute them.
pub fn context_values(
    model: &Model,
    scorer: &mut Scorer,
    explained: &Explained<'_>,
    subsets: &[u32],
) -> Result<Vec<i64>, ContextFailure> {
    let request = request::parse(request::Endpoint::Chat, explained.request)
        .map_err(|error| ContextFailure::Request(error.message))?;
    let prompts = subsets.iter().map(|set| {
        let (text, _) = quoting_text(question(&request.input), &chosen(explained, *set));
        prompt_tokens(model, &Prompt::Text(text))
    });
    let prompts: Vec<Vec<u32>> = prompts.collect::<Result<_, _>>()?;
    let longest = prompts.iter().map(Vec::len).max().unwrap_or(0);
    let mut answer = model.tokenizer().encode(&format!(" {}", explained.answer))?;
    answer.truncate(model.context_length().saturating_sub(longest));
    let scores = scorer.score_all(&prompts, &answer)?;
    Ok(scores.iter().map(|scores| value(scores)).collect())
}

/// How many tokens the served prompt has, by its request and its passages.
///
/// # Errors
/// The request cannot be read, or the prompt does not go through the tokenizer.
pub fn served_prompt_length(model: &Model, explained: &Explained<'_>) -> Result<usize, ContextFailure> {
    let request = request::parse(request::Endpoint::Chat, explained.request)
        .map_err(|error| ContextFailure::Request(error.message))?;
    let all: Vec<&Passage> = explained.passages.iter().collect();
    let (text, _) = quoting_text(question(&request.input), &all);
    Ok(prompt_tokens(model, &Prompt::Text(text))?.len())
}

/// The passages of the players in `set`, and those of no player, in the order of the prompt.
fn chosen<'a>(explained: &Explained<'a>, set: u32) -> Vec<&'a Passage> {
    let absent = explained.players.iter().enumerate().filter(|(player, _)| set >> player & 1 == 0);
    let absent: BTreeSet<u32> = absent.flat_map(|(_, player)| &player.passages).copied().collect();
    let present = explained.passages.iter().zip(0u32..).filter(|(_, place)| !absent.contains(place));
    present.map(|(passage, _)| passage).collect()
}

/// A scorer of a model that takes prompts as long as the model's context.
///
/// # Errors
/// Its threads cannot start.
pub fn scorer(model: &Arc<Model>) -> Result<Scorer, ReplayError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = (threads / 2).clamp(1, THREADS_MAX);
    Scorer::new(model.clone(), threads, model.context_length())
}

#[cfg(test)]
mod tests {
    use openledger_attribution::context::CONTEXT_VERSION;
    use openledger_types::{ContributionId, Hash, sha256};

    use super::*;

    fn passage(title: &str, text: &str) -> Passage {
        Passage {
            datanet: "plants".to_owned(),
            contribution: openledger_attribution::ContributionId([1; 32]),
            external_id: "orchid".to_owned(),
            title: title.to_owned(),
            text: text.to_owned(),
            start: 0,
            end: text.len(),
            score: 1.0,
        }
    }

    fn player(passages: &[u32]) -> PlayerFacts {
        PlayerFacts {
            cluster: Hash([1; 32]),
            datanet: "plants".parse().unwrap(),
            contribution: ContributionId([1; 32]),
            passages: passages.to_vec(),
        }
    }

    #[test]
    fn a_set_has_the_passages_of_its_players_and_of_nobody() {
        let passages = ["a", "b", "c", "d"].map(|text| passage("", text));
        let players = [player(&[0, 2]), player(&[3])];
        let explained = Explained { request: b"", answer: "", passages: &passages, players: &players };
        for (set, expected) in [(0, "b"), (1, "abc"), (2, "bd"), (3, "abcd")] {
            let texts: String = chosen(&explained, set).iter().map(|passage| passage.text.as_str()).collect();
            assert_eq!(texts, expected, "{set}");
        }
    }

    /// Receipts are recomputed with this very prompt: whoever changes it raises `CONTEXT_VERSION`.
    #[test]
    fn the_form_of_the_prompt_is_that_of_the_version() {
        let passages = [
            passage("Watering", "Watering\n\nOnce a week\n\nis enough for it"),
            passage("", &"Long. ".repeat(300)),
        ];
        let (text, quoted) = quoting_text("How\noften?", &passages.iter().collect::<Vec<_>>());
        assert!(text[quoted].starts_with("Once a week. is enough for it. Long. Long."), "{text}");
        assert_eq!(
            (CONTEXT_VERSION, sha256(text.as_bytes()).to_string().as_str()),
            (2, "0xacb11163ddec23c90428d727ce119ae009cd3d11d611d68ab30eaa3d1b004331")
        );
    }
}
