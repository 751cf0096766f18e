//! Names of adapters.

use std::fmt;

/// Longest name, in bytes.
pub const ADAPTER_NAME_BYTES_MAX: usize = 64;

/// The name of an adapter at an engine: letters, digits, `.`, `_` and `-`, and first a letter or a digit. So it is the name of
/// a folder everywhere and stands in the name of a model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdapterName(String);

/// A text is no name of an adapter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no name of an adapter: 1 to {ADAPTER_NAME_BYTES_MAX} letters, digits, dots, hyphens and underscores, first a letter or a digit"
)]
pub struct NotAnAdapterName {
    text: String,
}

impl AdapterName {
    /// Checks a name.
    ///
    /// # Errors
    /// It is empty, too long, or has other characters.
    pub fn new(text: &str) -> Result<AdapterName, NotAnAdapterName> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let starts = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if starts && text.len() <= ADAPTER_NAME_BYTES_MAX && text.bytes().all(is_plain) {
            Ok(AdapterName(text.to_owned()))
        } else {
            Err(NotAnAdapterName { text: text.chars().take(ADAPTER_NAME_BYTES_MAX).collect() })
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AdapterName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
