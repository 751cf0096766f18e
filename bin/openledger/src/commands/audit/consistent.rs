//! `openledger audit replay` of an answer that an engine behind HTTP gave, whose operator names the weights: the model with these
//! weights writes along, with the draws that the request fixed.
//!
//! Rule: what was asked follows from the request that was signed, passages from the indexes that the receipt names. What is found is
//! called consistent or not, and never proved.
//! Absent: the measure (`openledger_inference::consistency`), what engines draw with (`openledger_upstream::draws`).

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use openledger_inference::{
    CONSISTENT_TOKENS, Consistency, ConsistencyVerdict, Draws, Model, Prompt, TextEnd, Told, consistency,
    prompt_tokens,
};
use openledger_receipt::{Check, Predicate};
use openledger_types::Hash;
use openledger_upstream::draws;
use serde_json::{Value, json};

use super::claim::Named;
use super::replay::{held, milliseconds, open_model, threads, verified};
use crate::cli::ReplayArguments;
use crate::commands::receipt;
use crate::models;
use crate::output::{Paint, printable};

/// A token whose draw is missed by more than this is shown as strange, in probability.
const STRANGE: f32 = 0.05;
/// Tokens that an engine may count and not tell: the one that ends the text, the beginning of a character.
const UNTOLD_TOKENS_MAX: usize = 4;

/// What was found.
pub struct Found {
    file: PathBuf,
    checks: Vec<Check>,
    /// `None` where a check failed before.
    followed: Option<Followed>,
}

/// An answer that was followed.
struct Followed {
    receipt: String,
    model: String,
    engine: String,
    weights: Hash,
    answer: String,
    found: Consistency,
    /// Why more may have been written than was told.
    untold: Option<String>,
    computing: Duration,
}

/// Follows the answer of a verified receipt.
pub async fn run(arguments: &ReplayArguments, named: Box<Named>) -> Result<Found> {
    fits(arguments)?;
    let file = arguments.file.clone();
    let served = &named.predicate.served;
    let mut checks = vec![verified(), held("tier", &tier(&named.predicate))];
    let draws = drawn_by(&named)?;
    let passages = receipt::passages(&named.predicate, &arguments.index)?;
    let Some(prompt) = named.asked.sent_to_engine(&passages) else {
        let detail = "the receipt names passages that the request has no place for".to_owned();
        checks.push(Check { name: "prompt", ok: false, detail });
        return Ok(Found { file, checks, followed: None });
    };
    checks.push(held("prompt", &prompted(passages.len())));
    let model = open_model(arguments.model.as_deref(), served.weights).await?;
    without_controls(&model, &prompt)?;
    let prompt = prompt_tokens(&model, &prompt).context("the prompt cannot be made again")?;
    let end = if is_ended(&named) { TextEnd::EndToken } else { TextEnd::Cut };
    let (answer, is_trimmed) = (named.opening.answer.clone(), named.asked.is_chat());
    let spinner = models::spinner(format!("writing along {} bytes", answer.len()));
    let begun = Instant::now();
    let followed = tokio::task::spawn_blocking(move || {
        let told = Told { prompt: &prompt, text: &answer, is_trimmed, end };
        consistency(&model, threads(), &told, draws).map(|found| (found, answer))
    });
    let followed = followed.await;
    spinner.finish_and_clear();
    let (found, answer) = followed?.context("the answer cannot be followed")?;
    let untold = untold(&named, &found);
    let Predicate { id, served, .. } = named.predicate;
    let followed = Followed {
        receipt: id,
        model: served.model.to_string(),
        engine: served.engine,
        weights: served.weights,
        answer,
        found,
        untold,
        computing: begun.elapsed(),
    };
    Ok(Found { file, checks, followed: Some(followed) })
}

/// What is for evidence alone is refused by name.
fn fits(arguments: &ReplayArguments) -> Result<()> {
    let ReplayArguments { windows, window, layer, beacon, adapter, .. } = arguments;
    for (name, is_given) in [
        ("--windows", windows.is_some()),
        ("--window", !window.is_empty()),
        ("--layer", layer.is_some()),
        ("--beacon", beacon.is_some()),
        ("--adapter", adapter.is_some()),
    ] {
        if is_given {
            bail!(
                "{name} is for answers of the tier exact; this one is of an engine behind HTTP and is followed whole: leave it out"
            );
        }
    }
    Ok(())
}

fn drawn_by(named: &Named) -> Result<Draws> {
    if named.asked.is_shaped() {
        bail!(
            "the engine gave the answer a form or calls of tools, which it sees to itself; only free text can be followed"
        );
    }
    Ok(draws(&named.predicate.served.engine, named.asked.sampling())?)
}

/// Engines read control tokens in texts that somebody wrote, and nobody here does: what such an engine read is not known.
fn without_controls(model: &Model, prompt: &Prompt) -> Result<()> {
    let has = |text: &str| model.tokenizer().has_controls(text);
    let is_held = match prompt {
        Prompt::Chat(talk) => talk.messages.iter().any(|message| has(&message.content)),
        Prompt::Text(text) => has(text),
        Prompt::Tokens(_) => false,
    };
    if is_held {
        bail!(
            "the request has a control token of the model written in its text, which the engine may have read as one; nothing follows from its answer"
        );
    }
    Ok(())
}

/// Why more may have been written than was told: clearly more tokens were charged for than the text has (thoughts, or a false count),
/// or the limit that is said to have cut it was not reached.
fn untold(named: &Named, found: &Consistency) -> Option<String> {
    let count = |tokens: u32| usize::try_from(tokens).unwrap_or(usize::MAX);
    let (charged, allowed) =
        (count(named.predicate.usage.completion_tokens), count(named.asked.max_tokens()));
    let (told, slack) = (found.drawn.len(), UNTOLD_TOKENS_MAX);
    let reason = named.predicate.response.finish_reason.as_str();
    // A string that ended the answer is not told.
    let is_whole = matches!(reason, "stop" | "length") && !named.asked.has_stops() && found.unfollowed == 0;
    if is_whole && charged > told.saturating_add(slack) {
        return Some(format!(
            "{charged} tokens were charged for, and the text has {told}: what was not told, such as thoughts, may have been anything"
        ));
    }
    (reason == "length" && charged.saturating_add(slack) < allowed).then(|| {
        format!(
            "its length is said to have ended it after {charged} tokens, and {allowed} were allowed: whether the model goes on there is not looked at"
        )
    })
}

/// Whether the token that ends a text ended this one.
fn is_ended(named: &Named) -> bool {
    named.predicate.response.finish_reason == "stop" && !named.asked.has_stops()
}

fn tier(predicate: &Predicate) -> String {
    let served = &predicate.served;
    format!(
        "consistent at best: {} answered, and its operator stands by the weights {}; what agrees with them is not proved",
        served.engine, served.weights
    )
}

fn prompted(passages: usize) -> String {
    match passages {
        0 => "made again from the request".to_owned(),
        1 => "made again from the request and the passage that the receipt names".to_owned(),
        count => format!("made again from the request and the {count} passages that the receipt names"),
    }
}

impl Found {
    /// What can be said; a check that failed is a difference.
    pub fn verdict(&self) -> ConsistencyVerdict {
        let Some(followed) = &self.followed else { return ConsistencyVerdict::Inconsistent };
        match followed.found.verdict() {
            // What was not told may have been anything, and what follows it is drawn with other numbers.
            _ if followed.untold.is_some() && !followed.found.is_foreign => ConsistencyVerdict::Undecided,
            verdict => verdict,
        }
    }

    /// The same in plain words.
    pub fn said(&self) -> String {
        let Some(followed) = &self.followed else {
            return self
                .checks
                .iter()
                .find(|check| !check.ok)
                .map_or_else(String::new, |check| format!("INCONSISTENT: {}: {}", check.name, check.detail));
        };
        let Followed { found, weights, .. } = followed;
        let tokens = found.drawn.len();
        match self.verdict() {
            ConsistencyVerdict::Consistent => {
                format!("consistent with the weights {weights}; that is no proof of them")
            }
            ConsistencyVerdict::Inconsistent if found.is_foreign => {
                format!(
                    "INCONSISTENT with the weights {weights}: no token of this model writes what follows its first {tokens}"
                )
            }
            ConsistencyVerdict::Inconsistent if found.missed() <= found.missed_max() => format!(
                "INCONSISTENT with the weights {weights}: a token is further away than roundings bring any, or the answer ends where the model goes on"
            ),
            ConsistencyVerdict::Inconsistent => format!(
                "INCONSISTENT with the weights {weights}: the draws of {CONSISTENT_TOKENS} tokens in a row are missed by {:.4} in the mean, and roundings explain {:.4}",
                found.missed(),
                found.missed_max()
            ),
            ConsistencyVerdict::Undecided => undecided(followed),
        }
    }

    /// All of it as JSON (stable).
    pub fn to_json(&self) -> Value {
        let replay = self.followed.as_ref().map(|followed| {
            let Followed { receipt, model, engine, weights, answer, found, computing, .. } = followed;
            json!({
                "receipt": receipt, "tier": "consistent", "model": model, "model_sha256": weights, "engine": engine,
                "tokens": found.drawn.len(), "tokens_same": found.same(), "tokens_strange": strange(found), "bytes": answer.len(),
                "bytes_unfollowed": found.unfollowed, "missed": found.missed(),
                "missed_max": found.missed_max(), "computing_ms": milliseconds(*computing),
            })
        });
        let (ok, found) = match self.verdict() {
            ConsistencyVerdict::Consistent => (true, "consistent"),
            ConsistencyVerdict::Inconsistent => (false, "inconsistent"),
            ConsistencyVerdict::Undecided => (false, "undecided"),
        };
        json!({ "file": self.file, "ok": ok, "found": found, "verdict": self.said(), "checks": self.checks, "replay": replay })
    }

    /// Prints the checks, the answer with the tokens that the model draws otherwise, and the verdict.
    pub fn print(&self, paint: Paint) {
        super::picture::checks(paint, &self.file, &self.checks);
        if let Some(followed) = &self.followed {
            println!();
            marked(paint, followed).lines().for_each(|line| println!("  {line}"));
            println!();
            let Followed { found, computing, .. } = followed;
            println!(
                "  {} of {} tokens are what these weights draw; at the worst {CONSISTENT_TOKENS} in a row they are missed by {:.4} in the mean (roundings explain {:.4}); computed in {:.2} s",
                found.same(),
                found.drawn.len(),
                found.missed(),
                found.missed_max(),
                computing.as_secs_f64()
            );
        }
        let said = self.said();
        println!(
            "  {}",
            if self.verdict() == ConsistencyVerdict::Consistent {
                paint.green(&said)
            } else {
                paint.red(&said)
            }
        );
    }
}

/// Why nothing can be said.
fn undecided(followed: &Followed) -> String {
    let Followed { found, answer, untold, .. } = followed;
    let tokens = found.drawn.len();
    if let Some(untold) = untold {
        return untold.clone();
    }
    if found.unfollowed > 0 {
        return format!(
            "the last {} of {} bytes cannot be followed, because the engine could not tell some of them as text",
            found.unfollowed,
            answer.len()
        );
    }
    format!("of {tokens} tokens nothing can be said; it takes {CONSISTENT_TOKENS}")
}

/// Tokens that are shown as strange.
fn strange(found: &Consistency) -> usize {
    found.drawn.iter().filter(|drawn| drawn.missed > STRANGE).count()
}

/// The answer, with marks around the tokens whose draw is missed by more than roundings usually do.
fn marked(paint: Paint, followed: &Followed) -> String {
    let (mut shown, mut place, mut end) = (String::new(), 0, 0);
    for drawn in &followed.found.drawn {
        // A character may be written by several tokens; it is shown with the last of them.
        end += drawn.bytes;
        let next = followed.answer.floor_char_boundary(end).max(place);
        let piece = printable(&followed.answer[place..next]);
        match drawn.missed > STRANGE {
            true if paint.is_on() => shown.push_str(&paint.red(&piece)),
            true => shown.push_str(&format!("[{piece}]")),
            false => shown.push_str(&piece),
        }
        place = next;
    }
    shown.push_str(&paint.dim(&printable(&followed.answer[place..])));
    shown
}
