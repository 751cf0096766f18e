//! JSON as templates read it and write it.
//!
//! Rule: texts and names are marks, but for the words of JSON Schema, which templates ask for. Objects keep their order.
//! `tojson` writes as Python's `json.dumps(ensure_ascii=False)` does, by which models were trained, and no more than is left.
//! Absent: which values a conversation has (`render`).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use minijinja::value::{Enumerator, Kwargs, Object, ObjectExt, Value, ValueKind};
use minijinja::{Error, ErrorKind};

use super::json::Json;
use super::marks::{Texts, quoted};

/// Widest step of `tojson(indent=...)`.
const INDENT_MAX: usize = 8;
/// Levels that are written.
const LEVELS_MAX: usize = 160;

/// Words of JSON Schema that templates ask for.
const SCHEMA_WORDS: &[&str] = &[
    "type",
    "properties",
    "required",
    "enum",
    "items",
    "description",
    "default",
    "title",
    "format",
    "additionalProperties",
    "object",
    "array",
    "string",
    "number",
    "integer",
    "boolean",
    "null",
];

/// JSON that somebody wrote, with marks in the place of its texts.
pub(super) fn marked(json: &Json, texts: &mut Texts) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => Value::from_serialize(number),
        Json::Text(text) => word(text, texts),
        Json::List(items) => items.iter().map(|item| marked(item, texts)).collect(),
        Json::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| (word(name, texts), marked(value, texts)));
            Ordered::value(entries.collect())
        }
    }
}

fn word(text: &str, texts: &mut Texts) -> Value {
    if SCHEMA_WORDS.contains(&text) { Value::from(text) } else { Value::from(texts.mark(text)) }
}

/// An object that keeps its order.
#[derive(Debug)]
pub(super) struct Ordered(Vec<(Value, Value)>);

impl Ordered {
    pub(super) fn value(entries: Vec<(Value, Value)>) -> Value {
        Value::from_object(Ordered(entries))
    }
}

impl Object for Ordered {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.mapped_enumerator(|this| Box::new(this.0.iter().map(|(name, _)| name.clone())))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.0.len())
    }

    fn render(self: &Arc<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer { written: String::new(), left: usize::MAX, indent: None };
        writer.value(&Value::from_dyn_object(self.clone()), 0).map_err(|_| fmt::Error)?;
        formatter.write_str(&writer.written)
    }
}

/// The filter `tojson`. `left` bytes may still be written by all uses of it together.
pub(super) fn tojson(
    value: &Value,
    indent: Option<usize>,
    named: &Kwargs,
    left: &AtomicUsize,
) -> Result<Value, Error> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => named.get::<Option<usize>>("indent")?,
    };
    if indent.is_some_and(|indent| indent > INDENT_MAX) {
        return Err(refused("tojson indents too far"));
    }
    let mut writer = Writer { written: String::new(), left: left.load(Ordering::Relaxed), indent };
    writer.value(value, 0)?;
    left.store(writer.left, Ordering::Relaxed);
    Ok(Value::from_safe_string(writer.written))
}

fn refused(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

struct Writer {
    written: String,
    left: usize,
    indent: Option<usize>,
}

impl Writer {
    fn push(&mut self, text: &str) -> Result<(), Error> {
        self.left = self.left.checked_sub(text.len()).ok_or_else(|| refused("tojson writes too much"))?;
        self.written.push_str(text);
        Ok(())
    }

    fn value(&mut self, value: &Value, level: usize) -> Result<(), Error> {
        if level > LEVELS_MAX {
            return Err(refused("tojson is given too many levels"));
        }
        match value.kind() {
            ValueKind::None => self.push("null"),
            ValueKind::Bool => self.push(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.push(&value.to_string()),
            ValueKind::String => self.push(&quoted(value.as_str().unwrap_or_default())),
            ValueKind::Seq | ValueKind::Iterable => {
                let items = value.try_iter()?;
                self.group(("[", "]"), items, level, |writer, item| writer.value(&item, level + 1))
            }
            ValueKind::Map => {
                let names = value.try_iter()?;
                self.group(("{", "}"), names, level, |writer, name| {
                    writer.push(&quoted(name.as_str().unwrap_or_default()))?;
                    writer.push(": ")?;
                    writer.value(&value.get_item(&name)?, level + 1)
                })
            }
            _ => Err(refused("tojson is given what is no JSON")),
        }
    }

    fn group(
        &mut self,
        (open, close): (&str, &str),
        items: impl Iterator<Item = Value>,
        level: usize,
        write: impl Fn(&mut Writer, Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.push(open)?;
        let mut is_empty = true;
        for item in items {
            match (is_empty, self.indent) {
                (true, _) => {}
                (false, None) => self.push(", ")?,
                (false, Some(_)) => self.push(",")?,
            }
            is_empty = false;
            self.line(level + 1)?;
            write(self, item)?;
        }
        if !is_empty {
            self.line(level)?;
        }
        self.push(close)
    }

    /// A line of its own for what follows, where lines are wanted.
    fn line(&mut self, level: usize) -> Result<(), Error> {
        let Some(indent) = self.indent else { return Ok(()) };
        self.push("\n")?;
        self.push(&" ".repeat(indent * level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_as_python_writes_it() {
        let text = r#"{"zé":[1,-2.5,true,null,"a\"b"],"type":"string","e":{},"l":[]}"#;
        let mut texts = Texts::default();
        let value = marked(&serde_json::from_str(text).expect("it is JSON"), &mut texts);
        let written = |indent, left: usize| {
            tojson(&value, indent, &Kwargs::from_iter([] as [(&str, Value); 0]), &AtomicUsize::new(left))
                .map(|value| value.to_string())
        };
        let flat = written(None, 1_000).expect("there is room");
        let expected = "{\"\u{f0000}j0\u{f0001}\": [1, -2.5, true, null, \"\u{f0000}j1\u{f0001}\"], \
                        \"type\": \"string\", \"\u{f0000}j2\u{f0001}\": {}, \"\u{f0000}j3\u{f0001}\": []}";
        assert_eq!(flat, expected);
        assert_eq!(value.to_string(), expected, "printed by itself it is the same");
        let lines = written(Some(2), 1_000).expect("there is room");
        assert!(lines.starts_with("{\n  \"\u{f0000}j0\u{f0001}\": [\n    1,\n    -2.5,"), "{lines}");
        assert!(lines.ends_with("[]\n}"), "{lines}");
        assert!(written(None, 20).is_err() && written(Some(9), 1_000).is_err());
        assert_eq!(value.get_attr("type").ok().as_ref().and_then(Value::as_str), Some("string"));
    }
}
