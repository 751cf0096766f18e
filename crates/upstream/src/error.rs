//! What goes wrong with an engine, in words for whoever runs it.

use openledger_inference::{GenerationError, SubmitError};

/// Why an engine behind HTTP gave no whole answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// Nobody takes the connection.
    #[error("no answer from the engine at {url}: {cause}; start it, or correct `url`")]
    Unreachable {
        /// The engine.
        url: String,
        /// What the connection said.
        cause: String,
    },
    /// It says nothing.
    #[error("the engine at {url} was silent for {ms} ms {phase}; look at its load and its log")]
    Silent {
        /// The engine.
        url: String,
        /// How long, in milliseconds.
        ms: u64,
        /// Where in the answer.
        phase: &'static str,
    },
    /// It speaks, and does not come to an end.
    #[error(
        "the answer of the engine at {url} was not whole after {ms} ms; look at its load, or ask for fewer tokens"
    )]
    Slow {
        /// The engine.
        url: String,
        /// How long, in milliseconds.
        ms: u64,
    },
    /// It answered with an error.
    #[error("the engine at {url} answered {status}: {message}; {next}")]
    Refused {
        /// The engine.
        url: String,
        /// HTTP status.
        status: u16,
        /// What it says, cut.
        message: String,
        /// What to do.
        next: &'static str,
    },
    /// It said in the middle of an answer that it failed.
    #[error("the engine at {url} failed in the middle of the answer: {message}; see its log")]
    Failed {
        /// The engine.
        url: String,
        /// What it says, cut.
        message: String,
    },
    /// It ended the answer for a reason that is no regular end, and is not ill.
    #[error("the engine at {url} ended the answer for the reason {reason}; ask something else")]
    Ended {
        /// The engine.
        url: String,
        /// As it names it, cut.
        reason: String,
    },
    /// The connection ended before the answer did.
    #[error("the engine at {url} ended the answer early: {cause}; see its log")]
    Cut {
        /// The engine.
        url: String,
        /// What the connection said.
        cause: String,
    },
    /// What it sends is not what the protocol says, or larger than a limit.
    #[error("the engine at {url} sent what is no answer: {what}; check `kind` and the engine's version")]
    Malformed {
        /// The engine.
        url: String,
        /// What is wrong with it.
        what: String,
    },
    /// It serves other models.
    #[error("the engine at {url} does not serve the model {model:?}, it serves {served}; correct `model`")]
    Model {
        /// The engine.
        url: String,
        /// The model that is wanted.
        model: String,
        /// Those that it names, cut.
        served: String,
    },
    /// Its context is smaller than what is promised.
    #[error(
        "the engine at {url} serves {served} tokens of context, promised are {promised}; correct `context_tokens`"
    )]
    Context {
        /// The engine.
        url: String,
        /// What it serves.
        served: u64,
        /// What the configuration says.
        promised: u32,
    },
}

impl UpstreamError {
    /// Whether the engine is at fault, and not the one request.
    pub(crate) fn is_of_engine(&self) -> bool {
        match self {
            // Too much work, and requests that do not fit, say nothing about the next one.
            UpstreamError::Refused { status, .. } => matches!(status, 401 | 403 | 404) || *status >= 500,
            UpstreamError::Ended { .. } => false,
            _ => true,
        }
    }
}

impl From<&UpstreamError> for GenerationError {
    fn from(error: &UpstreamError) -> Self {
        let said = error.to_string();
        match error {
            // The request is too long or of a form that it does not take.
            UpstreamError::Refused { status: 400 | 413 | 422, .. } => GenerationError::Refused(said),
            UpstreamError::Refused { status: 429, .. } => GenerationError::Busy(said),
            _ => GenerationError::Backend(said),
        }
    }
}

/// The refusal of a request while the engine is known to fail.
pub(crate) fn unavailable(reason: &str) -> SubmitError {
    SubmitError::Unavailable { reason: reason.to_owned() }
}

/// Longest text of an engine that goes into an error, in bytes.
const TEXT_BYTES_MAX: usize = 300;

/// A text from outside as part of a message: one line, without control characters, cut.
pub(crate) fn shown(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|character: char| character.is_whitespace() || character.is_control()) {
        if word.is_empty() {
            continue;
        }
        if line.len() + word.len() >= TEXT_BYTES_MAX {
            let room = TEXT_BYTES_MAX.saturating_sub(line.len() + 1);
            let end = (0..=room.min(word.len())).rev().find(|end| word.is_char_boundary(*end)).unwrap_or(0);
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word[..end]);
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.is_empty() { "(nothing)".to_owned() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_from_engines_become_one_short_line() {
        assert_eq!(shown(" a\r\n\u{1b}[31mb\t\0 "), "a [31mb");
        assert_eq!(shown(""), "(nothing)");
        for text in ["é".repeat(1000), "word ".repeat(1000)] {
            let cut = shown(&text);
            assert!(cut.len() <= TEXT_BYTES_MAX + 3 && cut.ends_with('…'), "{}", cut.len());
        }
    }
}
