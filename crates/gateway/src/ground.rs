//! Grounding: the last user message is searched in the snapshots, and the best passages go into a few-shot prompt that
//! makes a small model quote (decision 0006). Examples work where instructions do not: asked plainly, this size of model
//! talks about the passage instead of quoting it. Models whose tokenizer is not here get the passages as text (`ground_messages`).
//!
//! Rule: texts from outside are put on one line and encoded without special tokens, so neither a question nor a passage
//! can add structure to the prompt. Absent: which passages are paid for; attribution decides that from the answer.

use std::ops::Range;

use openledger_inference::{Prompt, Quote, prompt_tokens, quote_part};
use openledger_model::{ChatMessage, Conversation, Model, Role};
use openledger_receipt::PassageRef;
use openledger_retrieval::Passage;
use openledger_types::{ContributionId, Name};
use openledger_worker::WorkError;

use crate::error::ApiError;
use crate::gateway::Library;
use crate::ground_messages::with_passages;
use crate::request::{Input, ValidRequest};

/// Bytes of one passage in the prompt; longer ones are cut at a sentence.
const PASSAGE_BYTES_MAX: usize = 1_200;
/// Bytes of the question in the prompt.
const QUESTION_BYTES_MAX: usize = 600;
/// How strongly the model prefers to go on quoting (added to a logit).
const QUOTE_BONUS: f32 = 10.0;
/// The grounded answer ends at a line's end.
const STOP: &str = "\n";

/// The constant beginning of every grounded prompt, kept to the byte: its tokens stay in the engine's cache. The texts are
/// our own and in no datanet.
const EXAMPLES: &str = "\
Passage: A fern needs moist soil at all times. Water it twice a week in summer and once a week in winter. Do not let it stand in water, because the roots rot.
Question: How often do I water a fern in winter?
Answer: Water it twice a week in summer and once a week in winter.

Passage: small desktop program that sorts letters. quill sorts letters by date and prints address labels. It works without a network connection.
Question: What is quill?
Answer: quill sorts letters by date and prints address labels.

Passage: PATIENCE, n. The art of waiting loudly in a room where nobody listens.
Question: What is patience?
Answer: PATIENCE, n. The art of waiting loudly in a room where nobody listens.

Passage: A flat tyre is best changed in the shade. Remove the wheel from the frame. Pull the old tyre off with two levers. Push the new tyre on by hand and pump it up to four bar.
Question: How do I change a bicycle tyre?
Answer: Remove the wheel from the frame. Pull the old tyre off with two levers. Push the new tyre on by hand and pump it up to four bar.

";

/// What goes to the engine, and what was put in the context.
pub(crate) struct Grounded {
    /// Token ids where the tokenizer is here, text where not.
    pub(crate) prompt: Prompt,
    pub(crate) quote: Quote,
    pub(crate) stop: Vec<String>,
    pub(crate) retrieval: Vec<PassageRef>,
    /// The texts of `retrieval`.
    pub(crate) passages: Vec<Passage>,
}

/// How a prompt is put to a model.
pub(crate) enum Speech<'a> {
    /// As tokens of this model, which are counted before anything is paid or computed.
    Tokens(&'a Model),
    /// As text: the engine has the tokenizer, and this much context.
    Text {
        /// In tokens.
        context_tokens: usize,
    },
}

impl Speech<'_> {
    /// Whether answers can be computed again here.
    pub(crate) fn is_exact(&self) -> bool {
        matches!(self, Self::Tokens(_))
    }
}

/// Searches and builds the prompt; plain chat when grounding is off or nothing fits. `unreadable` datanets, which are in
/// order and none of those that the request names, put no passage into the context.
pub(crate) fn ground(
    request: &ValidRequest,
    library: &Library,
    unreadable: &[Name],
    speech: &Speech<'_>,
) -> Result<Grounded, ApiError> {
    let question = question(&request.input);
    // A question that would be cut is a conversation or a document; the model gets it as it is.
    if request.ground
        && question.len() <= QUESTION_BYTES_MAX
        && let Some(names) =
            searched(&request.datanets, library.snapshots.iter().map(|s| &s.datanet), unreadable)
    {
        let passages = library
            .retriever
            .search(question, &names, request.passages)
            .map_err(|error| ApiError::unavailable(format!("the search failed: {error}")))?;
        if let Some(grounded) = grounded(&request.input, question, passages, speech)? {
            return Ok(grounded);
        }
    }
    let prompt = plain(&request.input);
    let prompt = match speech {
        Speech::Tokens(model) => encode(model, &prompt)?,
        Speech::Text { .. } => prompt,
    };
    Ok(Grounded {
        prompt,
        quote: Quote::default(),
        stop: Vec::new(),
        retrieval: Vec::new(),
        passages: Vec::new(),
    })
}

/// The prompt with these passages; `None` when there are none or there is no room for one.
fn grounded(
    input: &Input,
    question: &str,
    mut passages: Vec<Passage>,
    speech: &Speech<'_>,
) -> Result<Option<Grounded>, ApiError> {
    // Every datanet that is sealed has a name.
    passages.retain(|passage| passage.datanet.parse::<Name>().is_ok());
    match (speech, input) {
        _ if passages.is_empty() => Ok(None),
        (Speech::Tokens(model), _) => quoting_prompt(question, passages, model).map(Some),
        (Speech::Text { context_tokens }, Input::Chat(Conversation { messages, .. })) => {
            let (prompt, kept) = with_passages(messages, &passages, *context_tokens);
            passages.truncate(kept);
            let (quote, stop, retrieval) = (Quote::default(), Vec::new(), references(&passages));
            Ok((kept > 0).then_some(Grounded { prompt, quote, stop, retrieval, passages }))
        }
        (Speech::Text { .. }, _) => Ok(None),
    }
}

/// The passages as receipts name them.
fn references(passages: &[Passage]) -> Vec<PassageRef> {
    let reference = |passage: &Passage| {
        Some(PassageRef {
            datanet: passage.datanet.parse().ok()?,
            contribution: ContributionId(passage.contribution.0),
            start: passage.start as u64,
            end: passage.end as u64,
        })
    };
    passages.iter().filter_map(reference).collect()
}

/// The last user message; a text that is continued asks nothing.
pub(crate) fn question(input: &Input) -> &str {
    let Input::Chat(Conversation { messages, .. }) = input else { return "" };
    let asks = |message: &&ChatMessage| message.role == Role::User;
    messages.iter().rev().find(asks).map(|message| message.content.as_str()).unwrap_or_default()
}

/// The prompt without passages.
pub(crate) fn plain(input: &Input) -> Prompt {
    match input {
        Input::Chat(conversation) => Prompt::Chat(conversation.clone()),
        Input::Text(text) => Prompt::Text(text.clone()),
        Input::Tokens(tokens) => Prompt::Tokens(tokens.clone()),
    }
}

/// The datanets to search: those that were named, or all that are readable; an empty list means all, and `None` that there
/// is nothing to search.
fn searched<'a>(
    named: &'a [Name],
    all: impl Iterator<Item = &'a Name>,
    unreadable: &[Name],
) -> Option<Vec<&'a str>> {
    if !named.is_empty() || unreadable.is_empty() {
        return Some(named.iter().map(Name::as_str).collect());
    }
    let readable: Vec<&str> = all.filter(|name| !unreadable.contains(name)).map(Name::as_str).collect();
    (!readable.is_empty()).then_some(readable)
}

fn quoting_prompt(question: &str, passages: Vec<Passage>, model: &Model) -> Result<Grounded, ApiError> {
    let retrieval = references(&passages);
    let (text, quoted) = quoting_text(question, &passages.iter().collect::<Vec<_>>());
    let quote = quote_part(model, &text, quoted, QUOTE_BONUS)
        .map_err(|error| ApiError::invalid("messages", error.to_string()))?;
    let prompt = encode(model, &Prompt::Text(text))?;
    Ok(Grounded { prompt, quote, stop: vec![STOP.to_owned()], retrieval, passages })
}

/// The prompt that makes the model quote these passages, and which bytes of it are theirs.
pub(crate) fn quoting_text(question: &str, passages: &[&Passage]) -> (String, Range<usize>) {
    let quoted: Vec<String> = passages.iter().map(|passage| prepared(passage)).collect();
    let quoted = quoted.join(" ");
    let (begin, end) = frame(question);
    (format!("{begin}{quoted}{end}"), begin.len()..begin.len() + quoted.len())
}

/// What stands before and behind the passages of a prompt.
pub(crate) fn frame(question: &str) -> (String, String) {
    (format!("{EXAMPLES}Passage: "), format!("\nQuestion: {}\nAnswer:", one_line(question)))
}

/// The prompt's tokens; they are counted before anything is paid or computed.
fn encode(model: &Model, prompt: &Prompt) -> Result<Prompt, ApiError> {
    prompt_tokens(model, prompt).map(Prompt::Tokens).map_err(|error| WorkError::Refused(error).into())
}

/// A passage as one line of sentences: without the page's title, which the model would repeat, and with a full stop after
/// each paragraph that has none.
pub(crate) fn prepared(passage: &Passage) -> String {
    let title = passage.title.trim();
    let body = passage.text.trim_start();
    let rest = body.strip_prefix(title).filter(|rest| !title.is_empty() && rest.starts_with('\n'));
    let mut line = String::new();
    for paragraph in cut(rest.unwrap_or(body).trim(), PASSAGE_BYTES_MAX).split("\n\n") {
        let paragraph = one_line(paragraph);
        if paragraph.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&paragraph);
        let ends = paragraph.ends_with(['.', '!', '?', ':', ';', ',']);
        if !ends && paragraph.split(' ').count() >= 3 {
            line.push('.');
        }
    }
    line
}

/// White space of any kind becomes one space, so that a text has no lines of its own.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning of a text up to the last sentence or line that fits.
fn cut(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let kept = &text[..end];
    let place = kept.rfind('\n').into_iter().chain(kept.rfind(". ").map(|dot| dot + 1)).max();
    &kept[..place.filter(|place| *place > bytes_max / 2).unwrap_or(end)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_may_not_read_is_not_searched() {
        let names =
            |text: &str| -> Vec<Name> { text.split_whitespace().map(|name| name.parse().unwrap()).collect() };
        let check = |named: &str, all: &str, unreadable: &str, expected: Option<&str>| {
            let (named, all, unreadable) = (names(named), names(all), names(unreadable));
            let found = searched(&named, all.iter(), &unreadable).map(|found| found.join(" "));
            assert_eq!(found.as_deref(), expected);
        };
        check("", "a b", "", Some(""));
        check("a", "a b", "", Some("a"));
        check("a", "a b", "b", Some("a"));
        check("", "a b c", "b", Some("a c"));
        check("", "b", "b", None);
    }

    #[test]
    fn texts_from_outside_have_no_lines_and_are_cut_at_sentences() {
        assert_eq!(one_line("a\nPassage: b\r\n\tc"), "a Passage: b c");
        assert_eq!(cut("short", 100), "short");
        assert_eq!(cut("One is here. Two is there. Three", 28), "One is here. Two is there.");
        let long = "é".repeat(50);
        assert!(cut(&long, 33).len() <= 33);
    }
}
