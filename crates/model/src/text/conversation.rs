//! What is said to a model: messages, the tools that it may call, the calls that it made and what came of them.
//!
//! Rule: written as JSON these have the shape of OpenAI's protocol, which engines behind HTTP read.
//! Absent: how a model is told of them (`chat`), how it writes a call (`calls`), limits of requests (`gateway`).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::json::Json;

/// Bytes of the signs around a call.
const CALL_SIGNS: usize = 64;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions to the model.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
    /// A tool that was called.
    Tool,
}

impl Role {
    /// The name that templates use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        }
    }
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: Role,
    /// What they say.
    pub content: String,
    /// What the model called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Which call a tool answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

impl ChatMessage {
    /// A message without calls.
    pub fn new(role: Role, content: impl Into<String>) -> ChatMessage {
        ChatMessage { role, content: content.into(), tool_calls: Vec::new(), tool_call_id: None }
    }

    /// Bytes that somebody wrote, and the signs around calls.
    fn bytes(&self) -> usize {
        let written = |call: &ToolCall| call.id.len() + call.name.len() + call.arguments.len() + CALL_SIGNS;
        let calls: usize = self.tool_calls.iter().map(written).sum();
        self.content.len() + calls + self.tool_call_id.as_ref().map_or(0, String::len)
    }
}

/// A call that the model made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SentCall", into = "SentCall")]
pub struct ToolCall {
    /// Which call it is.
    pub id: String,
    /// The tool.
    pub name: String,
    /// A JSON text.
    pub arguments: String,
}

#[derive(Serialize, Deserialize)]
struct SentCall {
    id: String,
    #[serde(rename = "type", default = "function")]
    kind: String,
    function: SentFunction,
}

#[derive(Serialize, Deserialize)]
struct SentFunction {
    name: String,
    arguments: String,
}

fn function() -> String {
    "function".to_owned()
}

impl From<SentCall> for ToolCall {
    fn from(sent: SentCall) -> ToolCall {
        ToolCall { id: sent.id, name: sent.function.name, arguments: sent.function.arguments }
    }
}

impl From<ToolCall> for SentCall {
    fn from(call: ToolCall) -> SentCall {
        let written = SentFunction { name: call.name, arguments: call.arguments };
        SentCall { id: call.id, kind: function(), function: written }
    }
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is good for.
    pub description: Option<String>,
    /// The JSON Schema of its arguments, in the order in which it was written.
    pub parameters: Option<Json>,
    /// Whether arguments that the schema does not describe are of no use.
    pub is_strict: bool,
}

/// Whether tools are called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// As the model likes.
    #[default]
    Auto,
    /// One of them at least.
    Required,
    /// This one.
    Named(String),
}

/// The tools of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tools {
    /// All of them; none means that nothing is called.
    pub list: Vec<Tool>,
    /// Whether they are called.
    pub choice: ToolChoice,
    /// Whether an answer has one call at most.
    pub one_call: bool,
}

impl Tools {
    /// The tools in the words of OpenAI's protocol.
    pub fn to_json(&self) -> Value {
        let written = |tool: &Tool| {
            let mut function = json!({ "name": tool.name });
            if let Some(description) = &tool.description {
                function["description"] = json!(description);
            }
            if let Some(parameters) = &tool.parameters {
                function["parameters"] = parameters.to_value();
            }
            if tool.is_strict {
                function["strict"] = json!(true);
            }
            json!({ "type": "function", "function": function })
        };
        self.list.iter().map(written).collect()
    }

    /// The choice in the words of OpenAI's protocol.
    pub fn choice_to_json(&self) -> Value {
        match &self.choice {
            ToolChoice::Auto => json!("auto"),
            ToolChoice::Required => json!("required"),
            ToolChoice::Named(name) => json!({ "type": "function", "function": { "name": name } }),
        }
    }
}

/// Messages, and the tools that may be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conversation {
    /// The messages in order.
    pub messages: Vec<ChatMessage>,
    /// What may be called.
    pub tools: Tools,
}

impl From<Vec<ChatMessage>> for Conversation {
    fn from(messages: Vec<ChatMessage>) -> Conversation {
        Conversation { messages, tools: Tools::default() }
    }
}

impl Conversation {
    /// Whether tools may be called, were called, or answer.
    pub fn uses_tools(&self) -> bool {
        let talks = |message: &ChatMessage| message.role == Role::Tool || !message.tool_calls.is_empty();
        !self.tools.list.is_empty() || self.messages.iter().any(talks)
    }

    /// Bytes that somebody wrote, and the signs that tools are written with.
    pub fn bytes(&self) -> usize {
        let tools = if self.tools.list.is_empty() { 0 } else { self.tools.to_json().to_string().len() };
        self.messages.iter().map(ChatMessage::bytes).sum::<usize>() + tools
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_calls_are_written_in_the_words_of_openai() {
        let call =
            ToolCall { id: "c1".to_owned(), name: "add".to_owned(), arguments: "{\"a\":1}".to_owned() };
        let mut asked = ChatMessage::new(Role::Assistant, "");
        asked.tool_calls.push(call);
        let mut told = ChatMessage::new(Role::Tool, "2");
        told.tool_call_id = Some("c1".to_owned());
        let written = json!([
            { "role": "assistant", "content": "", "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "add", "arguments": "{\"a\":1}" } } ] },
            { "role": "tool", "content": "2", "tool_call_id": "c1" },
        ]);
        assert_eq!(json!([asked, told]), written);
        let read: Vec<ChatMessage> = serde_json::from_value(written).expect("it is read back");
        assert_eq!(read, [asked, told]);
        assert_eq!(json!(ChatMessage::new(Role::User, "hi")), json!({ "role": "user", "content": "hi" }));
        assert!(!Conversation::from(vec![ChatMessage::new(Role::User, "hi")]).uses_tools());
        assert!(Conversation::from(read).uses_tools());
    }
}
