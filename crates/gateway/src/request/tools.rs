//! The tools of a chat: what the model may call, and whether it has to.
//!
//! Rule: a wrong form is refused by name, with its place. Schemas keep the order in which they were written, because the model reads
//! them as a text; `tool_choice: "none"` leaves the tools out of the prompt.
//! Absent: kinds of tools other than functions; whether a model can use them (`complete`).

use openledger_model::{Json, Tool, ToolChoice, Tools};
use serde_json::Value;

use super::Endpoint;
use super::fields::{Fields, wrong};
use crate::error::ApiError;

/// Tools of one request, and bytes of all of them together.
const TOOLS_MAX: usize = 128;
const TOOLS_BYTES_MAX: usize = 65_536;
/// Bytes of a tool's name.
const NAME_BYTES_MAX: usize = 64;

/// Reads `tools`, `tool_choice` and `parallel_tool_calls`.
pub(super) fn read(endpoint: Endpoint, fields: &mut Fields, body: &[u8]) -> Result<Tools, ApiError> {
    let is_parallel = fields.flag("parallel_tool_calls")?.unwrap_or(true);
    let choice = fields.take("tool_choice");
    let count = match fields.take("tools") {
        None => 0,
        Some(Value::Array(tools)) => tools.len(),
        Some(other) => return Err(wrong("tools", &other, "a list of tools")),
    };
    if count == 0 {
        return match choice.filter(|choice| !matches!(choice.as_str(), Some("none" | "auto"))) {
            Some(choice) => Err(wrong("tool_choice", &choice, "\"none\" or \"auto\" without `tools`")),
            None => Ok(Tools::default()),
        };
    }
    if endpoint == Endpoint::Completions {
        return Err(ApiError::invalid("tools", "`tools` need a conversation; ask at /v1/chat/completions"));
    }
    let list = list(count, body)?;
    match choice_of(choice.as_ref(), &list)? {
        Some(choice) => Ok(Tools { list, choice, one_call: !is_parallel }),
        None => Ok(Tools::default()),
    }
}

/// The tools as they stand in the body, their schemas in order.
fn list(count: usize, body: &[u8]) -> Result<Vec<Tool>, ApiError> {
    if count > TOOLS_MAX {
        return Err(invalid(format!("`tools` holds {count} tools, and at most {TOOLS_MAX} are read")));
    }
    let body: Json = serde_json::from_slice(body).map_err(|error| ApiError::body(error.to_string()))?;
    let Some(Json::List(entries)) = body.get("tools") else {
        return Err(invalid("`tools` cannot be read; send a list of tools".to_owned()));
    };
    let bytes = serde_json::to_string(entries).map_or(0, |text| text.len());
    if bytes > TOOLS_BYTES_MAX {
        return Err(invalid(format!("`tools` have {bytes} bytes, and at most {TOOLS_BYTES_MAX} are read")));
    }
    let mut tools: Vec<Tool> = Vec::with_capacity(entries.len());
    for (place, entry) in entries.iter().enumerate() {
        let tool = tool(place, entry)?;
        if tools.iter().any(|other| other.name == tool.name) {
            return Err(invalid(format!("`tools` holds {} twice; give each a name of its own", tool.name)));
        }
        tools.push(tool);
    }
    Ok(tools)
}

fn tool(place: usize, entry: &Json) -> Result<Tool, ApiError> {
    let refuse = |field: &str, value: Option<&Json>, accepted: &str| {
        let value = value.map_or(Value::Null, Json::to_value);
        let said = wrong("tools", &value, accepted);
        let message = said.message.replacen("`tools`", &format!("`tools[{place}]{field}`"), 1);
        ApiError { message, ..said }
    };
    let kind = entry.get("type");
    if !matches!(kind, Some(Json::Text(kind)) if kind == "function") {
        return Err(refuse(".type", kind, "\"function\""));
    }
    let function = entry.get("function").filter(|function| matches!(function, Json::Object(_)));
    let function = function.ok_or_else(|| refuse(".function", entry.get("function"), "an object"))?;
    let field = |name: &str| function.get(name).filter(|value| !matches!(value, Json::Null));
    let name = match field("name") {
        Some(Json::Text(name)) if is_name(name) => name.clone(),
        other => return Err(refuse(".function.name", other, NAMES)),
    };
    let description = match field("description") {
        None => None,
        Some(Json::Text(description)) => Some(description.clone()),
        other => return Err(refuse(".function.description", other, "a text")),
    };
    let parameters = match field("parameters") {
        None => None,
        Some(schema @ Json::Object(_)) if describes_object(schema) => Some(schema.clone()),
        other => {
            return Err(refuse(".function.parameters", other, "a JSON Schema of the type \"object\""));
        }
    };
    let is_strict = match field("strict") {
        None | Some(Json::Bool(false)) => false,
        Some(Json::Bool(true)) => true,
        other => return Err(refuse(".function.strict", other, "true or false")),
    };
    Ok(Tool { name, description, parameters, is_strict })
}

/// What a name is made of, as refusals say it.
const NAMES: &str = "1 to 64 letters, digits, _ and -";

/// Whether a text can be the name of a tool.
pub(super) fn is_name(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(letters)
}

/// Arguments are an object; a schema may leave that unsaid.
fn describes_object(schema: &Json) -> bool {
    match schema.get("type") {
        None => true,
        Some(kind) => *kind == Json::Text("object".to_owned()),
    }
}

/// Which tools are called; `None` calls none.
fn choice_of(choice: Option<&Value>, tools: &[Tool]) -> Result<Option<ToolChoice>, ApiError> {
    let Some(choice) = choice else { return Ok(Some(ToolChoice::Auto)) };
    match choice.as_str() {
        Some("none") => return Ok(None),
        Some("auto") => return Ok(Some(ToolChoice::Auto)),
        Some("required") => return Ok(Some(ToolChoice::Required)),
        _ => {}
    }
    let name = choice["function"]["name"].as_str().filter(|_| choice["type"] == "function");
    let Some(name) = name else {
        let accepted = r#""none", "auto", "required" or {"type": "function", "function": {"name": ..}} of one of `tools`"#;
        return Err(wrong("tool_choice", choice, accepted));
    };
    if tools.iter().any(|tool| tool.name == name) {
        return Ok(Some(ToolChoice::Named(name.to_owned())));
    }
    let shown: String = name.chars().take(NAME_BYTES_MAX).collect();
    let message = format!("`tool_choice` names {shown:?}, which `tools` does not hold; name one of them");
    Err(ApiError::invalid("tool_choice", message))
}

fn invalid(message: String) -> ApiError {
    ApiError::invalid("tools", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(rest: &str) -> Result<Tools, ApiError> {
        let body = format!("{{{rest}}}");
        read(Endpoint::Chat, &mut Fields::read(body.as_bytes()).unwrap(), body.as_bytes())
    }

    const ADD: &str = r#"{"type":"function","function":{"name":"add","description":"Adds.","strict":true,
        "parameters":{"type":"object","properties":{"z":{"type":"number"},"a":{"type":"number"}}}}}"#;

    #[test]
    fn tools_are_read_in_order_and_chosen() {
        let now = r#"{"type":"function","function":{"name":"now-2_B","parameters":null,"other":1}}"#;
        let read = |rest: &str| tools(&format!(r#""tools":[{ADD},{now}]{rest}"#)).unwrap();
        let both = read("");
        assert_eq!((both.list.len(), &both.choice, both.one_call), (2, &ToolChoice::Auto, false));
        let parameters = serde_json::to_string(&both.list[0].parameters).unwrap();
        assert!(parameters.contains(r#""properties":{"z":{"type":"number"},"a""#), "{parameters}");
        assert_eq!((both.list[0].is_strict, &both.list[1].parameters), (true, &None));
        let required = read(r#","tool_choice":"required","parallel_tool_calls":false"#);
        assert_eq!((required.choice, required.one_call), (ToolChoice::Required, true));
        let named = read(r#","tool_choice":{"type":"function","function":{"name":"add"}}"#);
        assert_eq!(named.choice, ToolChoice::Named("add".to_owned()));
        assert_eq!(read(r#","tool_choice":"none""#), Tools::default());
        assert_eq!(tools(r#""tools":[],"tool_choice":"auto""#).unwrap(), Tools::default());
    }

    #[test]
    fn wrong_tools_are_refused_with_their_place() {
        let of = |function: &str| format!(r#""tools":[{ADD},{{"type":"function","function":{function}}}]"#);
        let long = "n".repeat(65);
        let many = format!(r#""tools":[{}]"#, [ADD; 129].join(","));
        let large = of(&format!(r#"{{"name":"a","description":"{}"}}"#, "x".repeat(70_000)));
        let chosen = |choice: &str| format!(r#""tools":[{ADD}],"tool_choice":{choice}"#);
        let rows = [
            (r#""tools":"add""#.to_owned(), "tools", "a list"),
            (r#""tools":[7]"#.to_owned(), "tools", "tools[0].type"),
            (r#""tools":[{"type":"code_interpreter"}]"#.to_owned(), "tools", "code_interpreter"),
            (r#""tools":[{"type":"function"}]"#.to_owned(), "tools", "tools[0].function"),
            (of("{}"), "tools", "tools[1].function.name"),
            (of(r#"{"name":""}"#), "tools", "1 to 64"),
            (of(r#"{"name":"a b"}"#), "tools", "a b"),
            (of(&format!(r#"{{"name":"{long}"}}"#)), "tools", "1 to 64"),
            (of(r#"{"name":"a","description":5}"#), "tools", "description"),
            (of(r#"{"name":"a","parameters":[]}"#), "tools", "parameters"),
            (of(r#"{"name":"a","parameters":{"type":"string"}}"#), "tools", "\"object\""),
            (of(r#"{"name":"a","strict":"yes"}"#), "tools", "strict"),
            (of(r#"{"name":"add"}"#), "tools", "twice"),
            (many, "tools", "129"),
            (large, "tools", "bytes"),
            (chosen("\"always\""), "tool_choice", "always"),
            (chosen("7"), "tool_choice", "7"),
            (chosen(r#"{"type":"function"}"#), "tool_choice", "function"),
            (chosen(r#"{"type":"function","function":{"name":"sub"}}"#), "tool_choice", "sub"),
            (chosen(r#""auto","parallel_tool_calls":1"#), "parallel_tool_calls", "true or false"),
            (r#""tool_choice":"required""#.to_owned(), "tool_choice", "without `tools`"),
        ];
        for (rest, param, says) in rows {
            let error = tools(&rest).expect_err(&rest);
            assert_eq!(error.param, Some(param), "{rest}: {}", error.message);
            assert!(error.message.contains(says) && error.message.len() < 300, "{}", error.message);
        }
    }
}
