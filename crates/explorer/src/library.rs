//! What the pages need and the read models do not hold: texts of contributions, files of receipts, and the openings of
//! their salted hashes. The binary implements [`Library`]. Absent: where any of it is kept.

use std::collections::BTreeMap;

use openledger_receipt::SpanFacts;
use openledger_types::{ContributionId, Name};

/// Texts and receipts. Calls are made while a page is rendered and should answer from memory or one small read.
pub trait Library: Send + Sync {
    /// A receipt, as its gateway keeps it.
    fn receipt(&self, id: &str) -> Option<StoredReceipt>;

    /// The text of a contribution, if it is held here.
    fn contribution(&self, datanet: &Name, id: &ContributionId) -> Option<Held>;
}

/// A contribution that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Anybody may read it.
    Open(ContributionText),
    /// Its datanet is private: the pages are for everybody, so they show how long it is and nothing of it.
    Closed {
        /// The length of the text, in bytes.
        bytes: u64,
    },
}

impl Held {
    /// The text, if anybody may read it.
    pub(crate) fn text(&self) -> Option<&ContributionText> {
        match self {
            Self::Open(text) => Some(text),
            Self::Closed { .. } => None,
        }
    }
}

/// A receipt, as its gateway keeps it.
#[derive(Debug, Clone, Default)]
pub struct StoredReceipt {
    /// The file that `openledger receipt verify` reads, without the texts and their salt: anyone may have it.
    pub file: Vec<u8>,
    /// Spans of the answer, as its statement names them; they may overlap.
    pub spans: Vec<SpanFacts>,
    /// What of each share is for help in the context, where that is something: its weight.
    pub context: BTreeMap<(Name, ContributionId), u64>,
    /// Bytes of the certificate in the file with the texts; `None` when it has none.
    pub certificate_bytes: Option<u64>,
    /// The texts behind the salted hashes, when they are kept.
    pub opening: Option<Opening>,
}

/// The texts behind a receipt's salted hashes.
#[derive(Clone)]
pub struct Opening {
    /// The salt. Whoever brings it may read the texts.
    pub salt: Vec<u8>,
    /// What was asked.
    pub question: String,
    /// What was answered.
    pub answer: String,
    /// The file with the texts and their salt: whoever brings the salt may have it.
    pub file: Vec<u8>,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opening(..)")
    }
}

/// The text of a contribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContributionText {
    /// Title.
    pub title: String,
    /// Text.
    pub text: String,
    /// Authors, as they are named.
    pub authors: Vec<String>,
    /// Others who are named: editors, translators.
    pub others: Vec<String>,
    /// Licence.
    pub license: String,
    /// External id.
    pub label: String,
}
