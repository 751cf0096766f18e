//! Whether a chat template has a place for tools, and writes calls in the form that is read here.
//!
//! Rule: found out by rendering a conversation with a tool, a call and its answer: what comes out shows the tool, and a call that
//! [`CallReader`] reads back. Nothing is guessed from the template's words.
//! Absent: whether the model was trained on it.

use super::Tokenizer;
use super::calls::{CallPiece, CallReader, call_begin};
use super::conversation::{ChatMessage, Conversation, Role, Tool, ToolCall, ToolChoice, Tools};
use super::json::Json;
use super::marks::{Piece, Texts, inner};
use super::render::render;

/// What the conversation that is tried says.
const TOOL: &str = "probe_tool";
const ARGUMENTS: &str = r#"{"probe": "asked"}"#;
const RESULT: &str = "probe answered";

/// Why a model cannot use tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTools {
    /// The template never mentions them.
    #[error("the model's chat template has no place for tools")]
    NoPlace,
    /// The template fails on calls or answers, or leaves them out.
    #[error("the model's chat template has no place for calls of tools and their answers")]
    NoTurns,
    /// Another form than the one that is read.
    #[error(
        "the model's chat template writes calls otherwise than as <tool_call>{{\"name\": .., \"arguments\": ..}}</tool_call>, and no other form is read here"
    )]
    OtherForm,
    /// The mark of a call is a control token, which answers do not show.
    #[error("the model's mark of a call is a control token, which its answers do not show")]
    Hidden,
}

/// Tries a template.
pub(super) fn find(source: &str, tokenizer: &Tokenizer) -> Result<(), NoTools> {
    let asked = rendered(source, false).ok_or(NoTools::NoPlace)?;
    if !asked.contains(TOOL) {
        return Err(NoTools::NoPlace);
    }
    let answered = rendered(source, true).ok_or(NoTools::NoTurns)?;
    if !answered.contains(RESULT) {
        return Err(NoTools::NoTurns);
    }
    if !is_call(&answered) {
        return Err(NoTools::OtherForm);
    }
    let ids = tokenizer.encode_with_controls(&call_begin(TOOL)).map_err(|_| NoTools::Hidden)?;
    let bytes: usize = ids.iter().map(|id| tokenizer.bytes(*id).len()).sum();
    // What a control token stands for has no bytes.
    if bytes < call_begin(TOOL).len() { Err(NoTools::Hidden) } else { Ok(()) }
}

/// Whether a call of the tool stands in a text, and can be read.
fn is_call(text: &str) -> bool {
    let mut reader = CallReader::default();
    let mut calls: Vec<(String, String)> = Vec::new();
    for piece in reader.push(text) {
        match piece {
            CallPiece::Begin(name) => calls.push((name, String::new())),
            CallPiece::Arguments(read) => {
                calls.last_mut().into_iter().for_each(|call| call.1.push_str(&read))
            }
            CallPiece::Content(_) => {}
        }
    }
    let wanted = serde_json::from_str::<Json>(ARGUMENTS).ok();
    calls.iter().any(|(name, read)| name == TOOL && serde_json::from_str::<Json>(read).ok() == wanted)
}

/// What the template makes of the conversation that is tried, with or without the call.
fn rendered(source: &str, called: bool) -> Option<String> {
    let mut conversation = Conversation::from(vec![ChatMessage::new(Role::User, "probe asks")]);
    let parameters =
        serde_json::from_str(r#"{"type": "object", "properties": {"probe": {"type": "string"}}}"#);
    let tool = Tool {
        name: TOOL.to_owned(),
        description: Some("probe".to_owned()),
        parameters: parameters.ok(),
        is_strict: false,
    };
    conversation.tools = Tools { list: vec![tool], choice: ToolChoice::Auto, one_call: false };
    if called {
        let id = "call_probe01".to_owned();
        let call = ToolCall { id: id.clone(), name: TOOL.to_owned(), arguments: ARGUMENTS.to_owned() };
        let mut asks = ChatMessage::new(Role::Assistant, "");
        asks.tool_calls.push(call);
        let mut answers = ChatMessage::new(Role::Tool, RESULT);
        answers.tool_call_id = Some(id);
        conversation.messages.extend([asks, answers]);
    }
    let mut texts = Texts::default();
    let rendered = render(source, &conversation, &mut texts).ok()?;
    let pieces = texts.pieces(&rendered).ok()?;
    let written = |piece: &Piece<'_>| match piece {
        Piece::Template(text) | Piece::Text(text) => (*text).to_owned(),
        Piece::InJson(text) => inner(text),
    };
    Some(pieces.iter().map(written).collect())
}
