//! One contribution: a text with its authors and licence, its canonical encoding and its id.
//!
//! Rule: `id = SHA-256("openledger/contribution/1" || borsh(contribution))`. Accounts are part of it, so accounts are
//! bound before anything is sealed. Absent: where the contribution came from on disk, and when.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hexadecimal;
use crate::ids::{ClusterId, ContributionId};
use crate::words;

/// How much of everything is allowed.
pub mod limits {
    /// The longest external id, in bytes.
    pub const EXTERNAL_ID_BYTES_MAX: usize = 512;
    /// The longest title, in bytes.
    pub const TITLE_BYTES_MAX: usize = 1024;
    /// The longest text, in bytes.
    pub const TEXT_BYTES_MAX: usize = 256 * 1024;
    /// The most authors, and the most others, of one contribution.
    pub const AUTHORS_MAX: usize = 64;
    /// The longest name of an author or other, in bytes.
    pub const NAME_BYTES_MAX: usize = 256;
    /// The longest licence name, in bytes.
    pub const LICENSE_BYTES_MAX: usize = 128;
    /// The longest source, in bytes.
    pub const SOURCE_BYTES_MAX: usize = 256;
    /// The longest line of JSON, in bytes.
    pub const LINE_BYTES_MAX: usize = 1024 * 1024;
    /// The most contributions of one snapshot.
    pub const CONTRIBUTIONS_MAX: usize = 1_000_000;
}

/// An author by name, and the account that is paid once one is bound.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorRef {
    /// The name as the source gives it.
    pub name: String,
    /// The account that receives this author's part, 20 bytes.
    #[serde(with = "hexadecimal::optional")]
    pub account: Option<[u8; 20]>,
}

/// A text that someone contributed, with everything that its use has to respect.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// The source's own name of the text, unique in a snapshot.
    pub external_id: String,
    /// A title for readers; the external id where the source has none.
    pub title: String,
    /// The text itself, UTF-8 without control characters other than line feed and tab.
    pub text: String,
    /// Who is paid, in the order of the source; at least one.
    pub authors: Vec<AuthorRef>,
    /// Who is named and not paid: editors, translators, projects.
    pub others: Vec<String>,
    /// The licence, by its SPDX name where there is one.
    pub license: String,
    /// Where the text comes from, for example a package and its version; may be empty.
    pub source: String,
}

/// Why a contribution cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContributionError {
    /// A field that must say something is empty.
    #[error("{field} is empty; give it a value")]
    Empty {
        /// The field.
        field: &'static str,
    },
    /// A field is longer than its limit.
    #[error("{field} has {length} bytes, more than the {limit} allowed; shorten or split it")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A list is longer than its limit.
    #[error("{field} names {count}, more than the {limit} allowed; name the main ones")]
    TooMany {
        /// The field.
        field: &'static str,
        /// How many there are.
        count: usize,
        /// The most allowed.
        limit: usize,
    },
    /// A field holds a character that is no text.
    #[error(
        "{field} holds the control character U+{code:04X} at byte {at}; remove it (line feed and tab are allowed in text)"
    )]
    ControlCharacter {
        /// The field.
        field: &'static str,
        /// The character's number.
        code: u32,
        /// Its byte position in the field.
        at: usize,
    },
    /// The text has nothing that can be attributed.
    #[error("the text holds no word; give it at least one letter or digit")]
    NoWords,
    /// Nobody could be paid.
    #[error("no author is named, so nobody could be paid; name at least one in \"authors\"")]
    NoAuthor,
    /// An author would be paid twice.
    #[error("the author {name:?} is named twice; name each author once")]
    AuthorTwice {
        /// The name.
        name: String,
    },
}

impl Contribution {
    /// The bytes that the id is computed over, after the domain prefix: borsh of the fields in order.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        borsh::to_vec(self).expect("writing to memory does not fail")
    }

    /// The id: SHA-256 of the canonical encoding under its domain.
    pub fn id(&self) -> ContributionId {
        let mut hasher = Sha256::new_with_prefix(b"openledger/contribution/1");
        hasher.update(self.canonical_bytes());
        ContributionId(hasher.finalize().into())
    }

    /// The cluster that this text belongs to.
    pub fn cluster(&self) -> ClusterId {
        words::cluster_of(&self.text)
    }

    /// Gives each author without an account the one that `lookup` finds for the name; changes the id.
    pub fn bind_accounts(&mut self, mut lookup: impl FnMut(&str) -> Option<[u8; 20]>) {
        for author in self.authors.iter_mut().filter(|author| author.account.is_none()) {
            author.account = lookup(&author.name);
        }
    }

    /// Checks every limit. Everything that comes from outside passes here.
    ///
    /// # Errors
    /// The first rule that is broken, in the order of the fields.
    pub fn validate(&self) -> Result<(), ContributionError> {
        check_line("the id", &self.external_id, limits::EXTERNAL_ID_BYTES_MAX)?;
        check_line("the title", &self.title, limits::TITLE_BYTES_MAX)?;
        check_length("the text", &self.text, limits::TEXT_BYTES_MAX)?;
        check_characters("the text", &self.text, true)?;
        if words::words(&self.text).next().is_none() {
            return Err(ContributionError::NoWords);
        }
        self.validate_people()?;
        check_line("the license", &self.license, limits::LICENSE_BYTES_MAX)?;
        check_length("the source", &self.source, limits::SOURCE_BYTES_MAX)?;
        check_characters("the source", &self.source, false)
    }

    fn validate_people(&self) -> Result<(), ContributionError> {
        if self.authors.is_empty() {
            return Err(ContributionError::NoAuthor);
        }
        for (field, count) in [("authors", self.authors.len()), ("others", self.others.len())] {
            if count > limits::AUTHORS_MAX {
                return Err(ContributionError::TooMany { field, count, limit: limits::AUTHORS_MAX });
            }
        }
        for (position, author) in self.authors.iter().enumerate() {
            check_line("an author's name", &author.name, limits::NAME_BYTES_MAX)?;
            if self.authors[..position].iter().any(|earlier| earlier.name == author.name) {
                return Err(ContributionError::AuthorTwice { name: author.name.clone() });
            }
        }
        self.others.iter().try_for_each(|name| check_line("a name in others", name, limits::NAME_BYTES_MAX))
    }
}

/// A field of one line that must say something.
fn check_line(field: &'static str, value: &str, limit: usize) -> Result<(), ContributionError> {
    if value.trim().is_empty() {
        return Err(ContributionError::Empty { field });
    }
    check_length(field, value, limit)?;
    check_characters(field, value, false)
}

fn check_length(field: &'static str, value: &str, limit: usize) -> Result<(), ContributionError> {
    if value.len() > limit {
        return Err(ContributionError::TooLong { field, length: value.len(), limit });
    }
    Ok(())
}

fn check_characters(field: &'static str, value: &str, is_text: bool) -> Result<(), ContributionError> {
    let is_bad = |c: char| c.is_control() && !(is_text && matches!(c, '\n' | '\t'));
    match value.char_indices().find(|&(_, c)| is_bad(c)) {
        Some((at, c)) => Err(ContributionError::ControlCharacter { field, code: u32::from(c), at }),
        None => Ok(()),
    }
}

/// What each of `parts` co-authors receives of `amount`: equal parts, floored; the remainder goes to the first.
/// Sums to `amount` exactly; empty when there is nobody.
pub fn split_equally(amount: u128, parts: usize) -> Vec<u128> {
    if parts == 0 {
        return Vec::new();
    }
    let count = parts as u128;
    let mut shares = vec![amount / count; parts];
    shares[0] += amount % count;
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Contribution {
        Contribution {
            external_id: "pages/one".into(),
            title: "One".into(),
            text: "Turn on bounce keys.\n\tThen wait.".into(),
            authors: vec![AuthorRef { name: "Shaun".into(), account: Some([7; 20]) }],
            others: vec!["An Editor".into()],
            license: "CC-BY-SA-3.0".into(),
            source: "manual 1".into(),
        }
    }

    #[test]
    fn encoding_is_the_recorded_one() {
        assert_eq!(
            sample().id().to_string(),
            "0xc7e8ba2d798b086210fa420adcee410d8605f24c9ec7672d8c90b345ce4477fe"
        );
    }

    #[test]
    fn rules_of_acceptance() {
        type Change = fn(&mut Contribution);
        let rows: &[(Change, &str)] = &[
            (|c| c.external_id.clear(), "the id is empty"),
            (|c| c.title = " ".into(), "the title is empty"),
            (|c| c.title = "a\nb".into(), "control character U+000A"),
            (|c| c.text = "x".repeat(limits::TEXT_BYTES_MAX + 1), "the text has 262145 bytes"),
            (|c| c.text = "a\0b".into(), "control character U+0000 at byte 1"),
            (|c| c.text = "a\u{9b}b".into(), "control character U+009B"),
            (|c| c.text = "...".into(), "no word"),
            (|c| c.authors.clear(), "no author"),
            (|c| c.authors.push(c.authors[0].clone()), "named twice"),
            (|c| c.authors[0].name.clear(), "author's name is empty"),
            (|c| c.others = vec!["x".into(); 65], "others names 65"),
            (|c| c.license.clear(), "the license is empty"),
            (|c| c.source = "x".repeat(300), "the source has 300 bytes"),
        ];
        assert_eq!(sample().validate(), Ok(()));
        for (change, expected) in rows {
            let mut contribution = sample();
            change(&mut contribution);
            let message = contribution.validate().expect_err(expected).to_string();
            assert!(message.contains(expected), "{message:?} does not say {expected:?}");
        }
    }

    #[test]
    fn binding_accounts_changes_the_id() {
        let mut unbound = sample();
        unbound.authors.push(AuthorRef { name: "Ann".into(), account: None });
        let mut bound = unbound.clone();
        bound.bind_accounts(|name| (name == "Ann").then_some([9; 20]));
        assert_eq!(bound.authors[1].account, Some([9; 20]));
        assert_ne!(bound.id(), unbound.id());
        assert_eq!(bound.cluster(), unbound.cluster());
        bound.bind_accounts(|_| Some([8; 20]));
        assert_eq!(bound.authors[0].account, Some([7; 20]), "a stated account stays");
    }

    proptest! {
        #[test]
        fn co_authors_receive_everything(amount: u128, parts in 1usize..65) {
            let shares = split_equally(amount, parts);
            prop_assert_eq!(shares.len(), parts);
            prop_assert_eq!(shares.iter().sum::<u128>(), amount);
            prop_assert!(shares[1..].iter().all(|share| *share == amount / parts as u128));
        }
    }
}
