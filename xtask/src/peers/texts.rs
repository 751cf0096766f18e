//! What both programs are asked: texts and questions of the demo's datanets, which every clone has.
//!
//! Rule: which are taken depends on their order in the files alone. Neither program's weights were made from them here.
//! Absent: what is answered.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::shell;

/// One in so many texts becomes a prompt; with the demo's questions that is more than 200.
const TEXT_OF: usize = 9;
/// Bytes of a prompt's text at most.
const TEXT_BYTES_MAX: usize = 600;

/// The demo's texts: one of each datanet in turn.
pub(crate) fn texts() -> Result<Vec<String>> {
    let listed: Value = serde_json::from_str(&read("datanets.json")?).context("datanets.json is not JSON")?;
    let mut files = Vec::new();
    for datanet in listed.as_array().context("datanets.json is no list")? {
        let file = datanet["file"].as_str().context("a datanet of datanets.json has no file")?;
        files.push(column(file, "text")?);
    }
    let longest = files.iter().map(Vec::len).max().unwrap_or(0);
    let texts = (0..longest).flat_map(|place| files.iter().filter_map(move |file| file.get(place)));
    Ok(texts.cloned().collect())
}

/// The demo's questions.
pub(super) fn questions() -> Result<Vec<String>> {
    column("questions.jsonl", "question")
}

/// Conversations, each a list of messages: the demo's questions, and texts under three kinds of conversation.
pub(super) fn conversations() -> Result<Vec<Value>> {
    let questions = questions()?;
    let mut conversations: Vec<Value> =
        questions.iter().map(|question| json!([{ "role": "user", "content": question }])).collect();
    for (place, text) in texts()?.iter().step_by(TEXT_OF).enumerate() {
        conversations.push(conversation(place, cut(text, TEXT_BYTES_MAX)));
    }
    Ok(conversations)
}

/// A file of the demo with one JSON object a line; one field of each.
fn column(file: &str, field: &str) -> Result<Vec<String>> {
    let mut values = Vec::new();
    for line in read(file)?.lines() {
        let object: Value = serde_json::from_str(line).with_context(|| format!("{file}: {line:?}"))?;
        let value = object[field].as_str().with_context(|| format!("{file}: a line has no {field}"))?;
        ensure!(!value.trim().is_empty(), "{file}: a line has an empty {field}");
        values.push(value.to_owned());
    }
    Ok(values)
}

fn read(file: &str) -> Result<String> {
    let path = shell::root().join("data").join(file);
    fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
}

/// The beginning of a text: at most so many bytes, cut between words.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let text = text.trim();
    let end = text.floor_char_boundary(bytes);
    if end == text.len() {
        return text;
    }
    text[..end].rsplit_once(char::is_whitespace).map_or("", |(begin, _)| begin)
}

/// A text under the template's default instruction, under one of ours, or in the middle of a conversation.
fn conversation(place: usize, text: &str) -> Value {
    match place % 3 {
        0 => json!([{ "role": "user", "content": format!("Explain this in your own words:\n\n{text}") }]),
        1 => json!([
            { "role": "system", "content": "You answer in two short sentences." },
            { "role": "user", "content": text },
        ]),
        _ => json!([
            { "role": "user", "content": text },
            { "role": "assistant", "content": "I have read it. What would you like to know?" },
            { "role": "user", "content": "What is it about, and who would want to read it?" },
        ]),
    }
}
