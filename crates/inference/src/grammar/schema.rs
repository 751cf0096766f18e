//! A grammar from a JSON Schema (draft 2020-12, the keywords named in [`super`]).
//!
//! Rule: what is accepted is honoured exactly; everything else is refused with the place where it stands. Annotations
//! (`title`, `description`, `default`, `examples`, `$schema`, `$comment`) change nothing. A name that an object has twice under
//! `additionalProperties` is not prevented.
//! Absent: references, alternatives, lengths, ranges, patterns, formats.

use serde_json::{Map, Value};

use super::{ANY, Node, NodeId, NumberKind, ObjectNode, any};

/// Levels of a schema, nodes of it, names of one object, values of one `enum`, and bytes of a name or value.
const LEVELS_MAX: usize = 16;
const NODES_MAX: usize = 512;
const NAMES_MAX: usize = 64;
const VALUES_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 256;

const ANNOTATIONS: &[&str] = &["title", "description", "default", "examples", "$schema", "$comment"];
const KEYWORDS: &[&str] = &["type", "properties", "required", "enum", "items", "additionalProperties"];
const TYPES: &[&str] = &["object", "array", "string", "number", "integer", "boolean", "null"];

/// Why a schema was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schema{} {reason}", place(.path))]
pub struct GrammarError {
    /// Where, as names from the root on; empty for the root.
    pub path: String,
    /// What is wrong and what is accepted.
    pub reason: String,
}

impl GrammarError {
    /// The same error under a name.
    pub(super) fn under(self, name: &str) -> GrammarError {
        GrammarError { path: format!("/{name}{}", self.path), reason: self.reason }
    }
}

fn place(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" at {path}") }
}

pub(super) fn compile(schema: &Value) -> Result<(Vec<Node>, NodeId), GrammarError> {
    let mut compiler = Compiler { nodes: vec![any()], nodes_max: NODES_MAX };
    let root = compiler.node(schema, &Place { path: String::new(), level: 0 })?;
    Ok((compiler.nodes, root))
}

/// What an object must be that `schema` describes; the nodes under it are added to others, or none.
pub(super) fn compile_object(nodes: &mut Vec<Node>, schema: &Value) -> Result<ObjectNode, GrammarError> {
    let known = nodes.len();
    let mut compiler = Compiler { nodes: std::mem::take(nodes), nodes_max: known + NODES_MAX };
    let place = Place { path: String::new(), level: 0 };
    let object = compiler.node(schema, &place).and_then(|id| {
        let object = compiler.nodes[usize::from(id)].object.clone();
        object.ok_or_else(|| place.refuse("describes no object"))
    });
    *nodes = compiler.nodes;
    if object.is_err() {
        nodes.truncate(known);
    }
    object
}

struct Compiler {
    nodes: Vec<Node>,
    /// How many there may be in the end.
    nodes_max: usize,
}

/// Where the compiler is.
struct Place {
    path: String,
    level: usize,
}

impl Place {
    fn under(&self, name: &str) -> Place {
        let shown: String = name.chars().take(40).collect();
        Place { path: format!("{}/{shown}", self.path), level: self.level + 1 }
    }

    fn refuse(&self, reason: impl Into<String>) -> GrammarError {
        GrammarError { path: self.path.chars().take(200).collect(), reason: reason.into() }
    }
}

impl Compiler {
    fn node(&mut self, schema: &Value, place: &Place) -> Result<NodeId, GrammarError> {
        if place.level > LEVELS_MAX {
            return Err(place.refuse(format!("is nested deeper than {LEVELS_MAX} levels")));
        }
        let schema = match schema {
            Value::Bool(true) => return Ok(ANY),
            Value::Object(schema) => schema,
            Value::Bool(false) => return Err(place.refuse("is false, which no value satisfies")),
            _ => return Err(place.refuse("is neither an object nor true")),
        };
        let known = |name: &String| KEYWORDS.contains(&name.as_str()) || ANNOTATIONS.contains(&name.as_str());
        if let Some(name) = schema.keys().find(|name| !known(name)) {
            let shown: String = name.chars().take(40).collect();
            let reason =
                format!("uses {shown:?}, which is not supported; supported are {}", KEYWORDS.join(", "));
            return Err(place.refuse(reason));
        }
        let types = types(schema, place)?;
        if schema.get("enum").is_none() && types == TYPES && !is_structured(schema) {
            return Ok(ANY);
        }
        let node = match schema.get("enum") {
            Some(values) => enumeration(schema, values, &types, place)?,
            None => self.kinds(schema, &types, place)?,
        };
        if self.nodes.len() >= self.nodes_max {
            return Err(place.refuse(format!("describes more than {NODES_MAX} different values")));
        }
        self.nodes.push(node);
        Ok(NodeId::try_from(self.nodes.len() - 1).unwrap_or(ANY))
    }

    fn kinds(
        &mut self,
        schema: &Map<String, Value>,
        types: &[&str],
        place: &Place,
    ) -> Result<Node, GrammarError> {
        let mut node = Node::default();
        if types.contains(&"boolean") {
            node.literals.extend([&b"false"[..], b"true"].map(Box::from));
        }
        if types.contains(&"null") {
            node.literals.push(Box::from(&b"null"[..]));
        }
        node.literals.sort_unstable();
        node.string = types.contains(&"string");
        node.number = match (types.contains(&"number"), types.contains(&"integer")) {
            (true, _) => Some(NumberKind::Any),
            (false, true) => Some(NumberKind::Integer),
            (false, false) => None,
        };
        let items = match schema.get("items") {
            Some(items) => self.node(items, &place.under("items"))?,
            None => ANY,
        };
        node.items = types.contains(&"array").then_some(items);
        let object = self.object(schema, place)?;
        node.object = types.contains(&"object").then_some(object);
        Ok(node)
    }

    fn object(&mut self, schema: &Map<String, Value>, place: &Place) -> Result<ObjectNode, GrammarError> {
        let additional = match schema.get("additionalProperties") {
            None => Some(ANY),
            Some(Value::Bool(false)) => None,
            Some(schema) => Some(self.node(schema, &place.under("additionalProperties"))?),
        };
        let empty = Map::new();
        let properties = match schema.get("properties") {
            None => &empty,
            Some(Value::Object(properties)) => properties,
            Some(_) => return Err(place.refuse("has `properties` that are no object")),
        };
        let mut names: Vec<(Box<[u8]>, NodeId)> = Vec::new();
        for (name, schema) in properties {
            let id = self.node(schema, &place.under(name))?;
            names.push((written(name, place)?, id));
        }
        let required = required(schema, place)?;
        for name in &required {
            match (properties.contains_key(*name), additional) {
                (true, _) => {}
                (false, Some(id)) => names.push((written(name, place)?, id)),
                (false, None) => {
                    return Err(
                        place.refuse(format!("requires {name:?}, which its `properties` do not have"))
                    );
                }
            }
        }
        if names.len() > NAMES_MAX {
            return Err(
                place.refuse(format!("names {} properties, at most {NAMES_MAX} are read", names.len()))
            );
        }
        names.sort_unstable();
        let mut bits = 0;
        for name in required {
            let name = written(name, place)?;
            if let Some(index) = names.iter().position(|(known, _)| *known == name) {
                bits |= 1 << index;
            }
        }
        Ok(ObjectNode { names, required: bits, additional })
    }
}

/// Whether a keyword beside `type` and `enum` restricts the value.
fn is_structured(schema: &Map<String, Value>) -> bool {
    ["properties", "required", "items", "additionalProperties"].iter().any(|name| schema.contains_key(*name))
}

/// The kinds of value that `type` names; all without it.
fn types(schema: &Map<String, Value>, place: &Place) -> Result<Vec<&'static str>, GrammarError> {
    let listed = match schema.get("type") {
        None => return Ok(TYPES.to_vec()),
        Some(Value::Array(names)) => names.clone(),
        Some(name) => vec![name.clone()],
    };
    let mut types = Vec::new();
    for name in &listed {
        let found = TYPES.iter().find(|known| name == **known);
        let found = found.ok_or_else(|| {
            let shown: String = name.to_string().chars().take(40).collect();
            place.refuse(format!("has the type {shown}; known are {}", TYPES.join(", ")))
        })?;
        types.push(*found);
    }
    if types.is_empty() {
        return Err(place.refuse("has an empty list of types, which no value satisfies"));
    }
    Ok(types)
}

fn required<'a>(schema: &'a Map<String, Value>, place: &Place) -> Result<Vec<&'a str>, GrammarError> {
    let refuse = || place.refuse("has a `required` that is no list of names");
    let listed = match schema.get("required") {
        None => return Ok(Vec::new()),
        Some(Value::Array(names)) => names,
        Some(_) => return Err(refuse()),
    };
    let mut names =
        listed.iter().map(|name| name.as_str().ok_or_else(refuse)).collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// A name as it stands in JSON after its opening quote.
fn written(name: &str, place: &Place) -> Result<Box<[u8]>, GrammarError> {
    if name.len() > TEXT_BYTES_MAX {
        return Err(
            place.refuse(format!("has a name of {} bytes, at most {TEXT_BYTES_MAX} are read", name.len()))
        );
    }
    Ok(Value::from(name).to_string().as_bytes()[1..].into())
}

fn enumeration(
    schema: &Map<String, Value>,
    values: &Value,
    types: &[&str],
    place: &Place,
) -> Result<Node, GrammarError> {
    if is_structured(schema) {
        return Err(place.refuse("has an `enum` beside properties, required or items; write it without them"));
    }
    let Value::Array(values) = values else { return Err(place.refuse("has an `enum` that is no list")) };
    if values.is_empty() || values.len() > VALUES_MAX {
        let reason = format!("has an `enum` of {} values; 1 to {VALUES_MAX} are read", values.len());
        return Err(place.refuse(reason));
    }
    let mut literals: Vec<Box<[u8]>> = Vec::new();
    for value in values {
        let kinds: &[&str] = match value {
            Value::Null => &["null"],
            Value::Bool(_) => &["boolean"],
            Value::String(_) => &["string"],
            Value::Number(number) if number.is_f64() => &["number"],
            Value::Number(_) => &["number", "integer"],
            Value::Array(_) | Value::Object(_) => {
                return Err(place.refuse(
                    "has an `enum` with a list or an object; texts, numbers, true, false and null are read",
                ));
            }
        };
        let text = value.to_string();
        if text.len() > TEXT_BYTES_MAX {
            return Err(place.refuse(format!(
                "has an `enum` value of {} bytes, at most {TEXT_BYTES_MAX} are read",
                text.len()
            )));
        }
        if kinds.iter().any(|kind| types.contains(kind)) {
            literals.push(text.as_bytes().into());
        }
    }
    if literals.is_empty() {
        return Err(place.refuse("has an `enum` without a value of its type"));
    }
    literals.sort_unstable();
    literals.dedup();
    Ok(Node { literals, ..Node::default() })
}
