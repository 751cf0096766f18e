//! What an answer must be: any JSON object, JSON that a schema describes, or calls of tools.
//!
//! Rule: a grammar takes away every token with which the answer could not become what it must be, and nothing else, before
//! the sampler looks at the logits. Which tokens those are depends on the grammar, the tokenizer and the answer so far
//! alone, so a replay under the same grammar chooses the same tokens; evidence binds the grammar's hash. This is part of
//! numeric specification 2.
//! Absent: grammars of other languages; keywords of JSON Schema beside `type`, `properties`, `required`, `enum`, `items` and
//! `additionalProperties` (refused by name); an end before `max_tokens`, which cuts JSON like any other text.

mod automaton;
#[cfg(test)]
mod call_tests;
mod calls;
mod mask;
mod schema;
#[cfg(test)]
mod tests;
mod text;

use openledger_model::Tools;
use sha2::{Digest, Sha256};

use crate::evidence::Hash;

pub(crate) use self::automaton::State;
use self::calls::Calls;
pub(crate) use self::mask::{Mask, TokenTable};
pub use self::schema::GrammarError;

/// Index of a node in its grammar.
type NodeId = u16;

/// The node that is any JSON value, in every grammar.
const ANY: NodeId = 0;

/// What an answer must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grammar {
    nodes: Vec<Node>,
    root: NodeId,
    /// Calls of tools, whose arguments are nodes; without them the answer is the root.
    calls: Option<Calls>,
    hash: Hash,
}

/// What one value must be: one of the kinds that are here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    /// Texts that the value may be, byte by byte, sorted; none starts like another kind that is here.
    literals: Vec<Box<[u8]>>,
    object: Option<ObjectNode>,
    /// What the items of an array must be.
    items: Option<NodeId>,
    string: bool,
    number: Option<NumberKind>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ObjectNode {
    /// Names as they stand in JSON, with the closing quote and without the opening one, sorted, at most 64.
    names: Vec<(Box<[u8]>, NodeId)>,
    /// One bit for each name that must be there.
    required: u64,
    /// What values under other names must be; `None` allows no other names.
    additional: Option<NodeId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NumberKind {
    Integer,
    Any,
}

impl Grammar {
    /// Any JSON object.
    pub fn json_object() -> Grammar {
        let object = ObjectNode { additional: Some(ANY), ..ObjectNode::default() };
        Grammar::new(vec![any(), Node { object: Some(object), ..Node::default() }], 1, None)
    }

    /// JSON that `schema` describes.
    ///
    /// # Errors
    /// The schema uses a keyword outside of the supported ones, is too large, or describes nothing; the error names the place.
    pub fn from_schema(schema: &serde_json::Value) -> Result<Grammar, GrammarError> {
        let (nodes, root) = schema::compile(schema)?;
        Ok(Grammar::new(nodes, root, None))
    }

    /// Calls of tools, as far as the choice among them wants: text that may hold calls, or calls alone. `None` without tools.
    ///
    /// # Errors
    /// The schema of a strict tool's arguments is none of those that [`Grammar::from_schema`] takes, or describes no object.
    pub fn from_tools(tools: &Tools) -> Result<Option<Grammar>, GrammarError> {
        if tools.list.is_empty() {
            return Ok(None);
        }
        let (nodes, calls) = calls::compile(tools)?;
        Ok(Some(Grammar::new(nodes, ANY, Some(calls))))
    }

    fn new(nodes: Vec<Node>, root: NodeId, calls: Option<Calls>) -> Grammar {
        let hash = hash(&nodes, root, calls.as_ref());
        Grammar { nodes, root, calls, hash }
    }

    /// SHA-256 of the grammar's canonical bytes: equal for schemas that describe the same in the same words, whatever the order
    /// of their keys.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Where every answer starts.
    pub(crate) fn start(&self) -> State {
        State::new(self)
    }
}

/// Any JSON value.
fn any() -> Node {
    Node {
        literals: [&b"false"[..], b"null", b"true"].map(Box::from).into(),
        object: Some(ObjectNode { additional: Some(ANY), ..ObjectNode::default() }),
        items: Some(ANY),
        string: true,
        number: Some(NumberKind::Any),
    }
}

/// The canonical bytes, hashed: every field of every node in order, lengths before contents, little-endian.
fn hash(nodes: &[Node], root: NodeId, calls: Option<&Calls>) -> Hash {
    let mut hasher = Sha256::new();
    let child = |child: Option<NodeId>| child.map_or([0xff; 2], NodeId::to_le_bytes);
    hasher.update(b"openledger grammar 1\0");
    hasher.update(root.to_le_bytes());
    hasher.update((nodes.len() as u64).to_le_bytes());
    for node in nodes {
        hasher.update((node.literals.len() as u64).to_le_bytes());
        for literal in &node.literals {
            hasher.update((literal.len() as u64).to_le_bytes());
            hasher.update(literal);
        }
        let number = match node.number {
            None => 0,
            Some(NumberKind::Integer) => 1,
            Some(NumberKind::Any) => 2,
        };
        hasher.update([u8::from(node.string), number, u8::from(node.object.is_some())]);
        hasher.update(child(node.items));
        let Some(object) = &node.object else { continue };
        hasher.update((object.names.len() as u64).to_le_bytes());
        for (name, id) in &object.names {
            hasher.update((name.len() as u64).to_le_bytes());
            hasher.update(name);
            hasher.update(id.to_le_bytes());
        }
        hasher.update(object.required.to_le_bytes());
        hasher.update(child(object.additional));
    }
    if let Some(calls) = calls {
        hasher.update(calls.to_bytes());
    }
    Hash(hasher.finalize().into())
}
