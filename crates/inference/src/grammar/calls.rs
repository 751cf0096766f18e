//! Calls of tools in an answer: text that may hold them, or calls alone.
//!
//! Rule: a call is written in the one form that is read (`openledger_model::CallReader`), with the name of a tool that there is and
//! arguments that its schema describes. Where text may stand beside calls, it is free up to the mark that a call begins with.
//! A schema that a grammar cannot express holds a strict tool back; for others it is a hint to the model, and any object is taken.
//! Absent: other forms of calls.

use openledger_model::{CALL_END, CALL_MARK, Tool, ToolChoice, Tools, call_begin};
use serde_json::Value;

use super::automaton::{count, narrowed};
use super::schema::{GrammarError, compile_object};
use super::{ANY, Node, NodeId, ObjectNode, any};

/// Calls of one answer.
const CALLS_MAX: u8 = 16;
/// The first byte of the mark of a call, which has it once.
pub(super) const MARK_BEGIN: u8 = CALL_MARK.as_bytes()[0];

/// What calls there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calls {
    /// What calls begin with, sorted, and what their arguments must be. None is the beginning of another.
    begins: Vec<(Box<[u8]>, NodeId)>,
    /// Whether text may stand beside them.
    is_free: bool,
    calls_max: u8,
}

/// Where an answer is between the arguments of its calls. `calls` are whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CallAt {
    /// In text; it ends with so many bytes of the mark of a call.
    Text { at: u8, calls: u8 },
    /// In one of the beginnings `low..high`, after `at` bytes.
    Begin { low: u16, high: u16, at: u16, calls: u8 },
    /// Behind the arguments, in the signs that end a call.
    End { at: u8, calls: u8 },
    /// Behind a call, where the answer may end.
    Between { calls: u8 },
}

/// What a byte does.
pub(super) enum CallStep {
    Stay(CallAt),
    /// The arguments begin, which this node is.
    Arguments(CallAt, NodeId),
    /// It was the last byte of the answer.
    End,
}

impl CallAt {
    pub(super) fn can_end(self) -> bool {
        matches!(self, CallAt::Text { .. } | CallAt::Between { .. })
    }

    pub(super) fn is_free_text(self) -> bool {
        matches!(self, CallAt::Text { at: 0, .. })
    }
}

impl Calls {
    pub(super) fn start(&self) -> CallAt {
        if self.is_free { CallAt::Text { at: 0, calls: 0 } } else { self.begin(0, 0) }
    }

    fn begin(&self, at: usize, calls: u8) -> CallAt {
        CallAt::Begin { low: 0, high: count(self.begins.len()), at: count(at), calls }
    }

    /// Moves on by one byte; `None` when it cannot stand here.
    pub(super) fn step(&self, at: CallAt, byte: u8) -> Option<CallStep> {
        match at {
            CallAt::Text { at, calls } => Some(CallStep::Stay(self.text(usize::from(at), calls, byte))),
            CallAt::Begin { low, high, at, calls } => self.in_begin((low, high, at), calls, byte),
            CallAt::End { at, calls } => self.in_end(usize::from(at), calls, byte),
            CallAt::Between { calls } => (byte == b'\n').then(|| CallStep::Stay(self.begin(0, calls))),
        }
    }

    fn text(&self, at: usize, calls: u8, byte: u8) -> CallAt {
        let mark = CALL_MARK.as_bytes();
        let at = match mark.get(at) {
            Some(next) if *next == byte => at + 1,
            _ => usize::from(byte == MARK_BEGIN),
        };
        match at == mark.len() {
            true => self.begin(at, calls),
            false => CallAt::Text { at: at as u8, calls },
        }
    }

    fn in_begin(&self, (low, high, at): (u16, u16, u16), calls: u8, byte: u8) -> Option<CallStep> {
        let begins = &self.begins[usize::from(low)..usize::from(high)];
        let (first, after) = narrowed(begins.iter().map(|(text, _)| text.as_ref()), at, byte);
        let (text, node) = begins.get(usize::from(first)).filter(|_| first < after)?;
        Some(match text.len() == usize::from(at) + 1 {
            true => CallStep::Arguments(CallAt::End { at: 0, calls }, *node),
            false => CallStep::Stay(CallAt::Begin { low: low + first, high: low + after, at: at + 1, calls }),
        })
    }

    fn in_end(&self, at: usize, calls: u8, byte: u8) -> Option<CallStep> {
        let end = CALL_END.as_bytes();
        if end.get(at) != Some(&byte) {
            return None;
        }
        let calls_now = calls + 1;
        Some(match at + 1 == end.len() {
            false => CallStep::Stay(CallAt::End { at: (at + 1) as u8, calls }),
            true if calls_now >= self.calls_max => CallStep::End,
            true if self.is_free => CallStep::Stay(CallAt::Text { at: 0, calls: calls_now }),
            true => CallStep::Stay(CallAt::Between { calls: calls_now }),
        })
    }

    /// The canonical bytes, as [`super::Grammar::hash`] reads them.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = b"calls 1\0".to_vec();
        bytes.extend([u8::from(self.is_free), self.calls_max]);
        bytes.extend((self.begins.len() as u64).to_le_bytes());
        for (text, node) in &self.begins {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend_from_slice(text);
            bytes.extend(node.to_le_bytes());
        }
        bytes
    }
}

/// The calls that there may be, and the nodes of their arguments.
pub(super) fn compile(tools: &Tools) -> Result<(Vec<Node>, Calls), GrammarError> {
    let mut nodes = vec![any()];
    let mut begins = Vec::new();
    let mut listed: Vec<&Tool> = tools.list.iter().collect();
    listed.sort_by(|left, right| left.name.cmp(&right.name));
    for tool in listed {
        if matches!(&tools.choice, ToolChoice::Named(name) if *name != tool.name) {
            continue;
        }
        let object = arguments(&mut nodes, tool)?;
        nodes.push(Node { object: Some(object), ..Node::default() });
        begins.push((call_begin(&tool.name).into_bytes().into_boxed_slice(), count(nodes.len() - 1)));
    }
    begins.sort_unstable();
    let is_one = tools.one_call || matches!(tools.choice, ToolChoice::Named(_));
    let calls_max = if is_one { 1 } else { CALLS_MAX };
    Ok((nodes, Calls { begins, is_free: tools.choice == ToolChoice::Auto, calls_max }))
}

/// What the arguments of a tool must be.
fn arguments(nodes: &mut Vec<Node>, tool: &Tool) -> Result<ObjectNode, GrammarError> {
    let Some(parameters) = &tool.parameters else { return Ok(ObjectNode::default()) };
    let mut schema = parameters.to_value();
    if let Value::Object(fields) = &mut schema {
        fields.entry("type").or_insert_with(|| "object".into());
    }
    match compile_object(nodes, &schema) {
        Err(error) if tool.is_strict => Err(error.under(&tool.name)),
        Err(_) => Ok(ObjectNode { additional: Some(ANY), ..ObjectNode::default() }),
        object => object,
    }
}
