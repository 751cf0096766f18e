//! A chat template, rendered as Hugging Face's `apply_chat_template` does: with `messages`, `tools` and `add_generation_prompt`.
//!
//! Rule: the template never sees what people wrote, but marks in its place (`marks`). Rendering has limits on source, steps and result.
//! Absent: images, macros, methods of Python's texts, templates that change or measure the content of messages (they would see the
//! mark).

use std::io;
use std::sync::atomic::AtomicUsize;

use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, context};

use super::conversation::{ChatMessage, Conversation, Tool, ToolCall};
use super::json::Json;
use super::marks::Texts;
use super::values::{Ordered, marked, tojson};

/// Most steps of one rendering.
const FUEL: u64 = 200_000;
/// Largest rendered template (without the messages), in bytes; as much may `tojson` write in all.
const RENDERED_BYTES_MAX: usize = 1_048_576;

/// Renders a template for a conversation, ready for the model's next message. What people wrote goes to `texts`.
pub(super) fn render(source: &str, conversation: &Conversation, texts: &mut Texts) -> Result<String, String> {
    let failed = |error: minijinja::Error| error.to_string();
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    // As `apply_chat_template` does.
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    // Makes long texts out of small numbers.
    environment.remove_filter("indent");
    let left = AtomicUsize::new(RENDERED_BYTES_MAX);
    environment.add_filter("tojson", move |value: Value, indent: Option<usize>, named: Kwargs| {
        tojson(&value, indent, &named, &left)
    });
    let template = environment.template_from_str(source).map_err(failed)?;
    let mut rendered = Rendered::default();
    let ended = template.render_captured_to(context(conversation, texts), &mut rendered);
    if rendered.is_over {
        return Err(format!("it made more than {RENDERED_BYTES_MAX} bytes"));
    }
    ended.map_err(failed)?;
    String::from_utf8(rendered.bytes).map_err(|error| error.to_string())
}

/// What a template reads. Without tools there is no `tools` at all.
fn context(conversation: &Conversation, texts: &mut Texts) -> Value {
    let all = conversation.messages.as_slice();
    let messages: Value =
        all.iter().enumerate().map(|(at, message)| message_value(message, &all[..at], texts)).collect();
    let tools: Vec<Value> = conversation.tools.list.iter().map(|tool| tool_value(tool, texts)).collect();
    match tools.is_empty() {
        true => context! { messages, add_generation_prompt => true },
        false => context! { messages, tools, add_generation_prompt => true },
    }
}

/// A message as templates read it, after those that stand `before` it.
fn message_value(message: &ChatMessage, before: &[ChatMessage], texts: &mut Texts) -> Value {
    let calls: Vec<Value> = message.tool_calls.iter().map(|call| call_value(call, texts)).collect();
    // Beside calls an empty text is none, which templates ask for.
    let content = match message.content.is_empty() && !calls.is_empty() {
        true => String::new(),
        false => texts.mark(&message.content),
    };
    let mut entries = vec![entry("role", message.role.as_str()), entry("content", content)];
    if !calls.is_empty() {
        entries.push(entry("tool_calls", calls));
    }
    if let Some(id) = &message.tool_call_id {
        entries.push(entry("tool_call_id", texts.mark(id)));
        let called = before.iter().flat_map(|message| &message.tool_calls).rfind(|call| call.id == *id);
        entries.extend(called.map(|call| entry("name", texts.mark(&call.name))));
    }
    Ordered::value(entries)
}

/// A call, its arguments as the value that their text is.
fn call_value(call: &ToolCall, texts: &mut Texts) -> Value {
    let arguments = match serde_json::from_str::<Json>(&call.arguments) {
        Ok(arguments) => marked(&arguments, texts),
        Err(_) => Value::from(texts.mark(&call.arguments)),
    };
    let called = vec![entry("name", texts.mark(&call.name)), entry("arguments", arguments)];
    let id = entry("id", texts.mark(&call.id));
    Ordered::value(vec![id, entry("type", "function"), entry("function", Ordered::value(called))])
}

fn tool_value(tool: &Tool, texts: &mut Texts) -> Value {
    let mut function = vec![entry("name", texts.mark(&tool.name))];
    if let Some(description) = &tool.description {
        function.push(entry("description", texts.mark(description)));
    }
    if let Some(parameters) = &tool.parameters {
        function.push(entry("parameters", marked(parameters, texts)));
    }
    Ordered::value(vec![entry("type", "function"), entry("function", Ordered::value(function))])
}

fn entry(name: &str, value: impl Into<Value>) -> (Value, Value) {
    (Value::from(name), value.into())
}

/// What a template has made so far. It is stopped as soon as that is too much: a loop makes a long text out of few steps.
#[derive(Default)]
struct Rendered {
    bytes: Vec<u8>,
    is_over: bool,
}

impl io::Write for Rendered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > RENDERED_BYTES_MAX {
            self.is_over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
