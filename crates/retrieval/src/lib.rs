//! Finds the passages of sealed snapshots that a question asks for.
//!
//! Texts are cut into passages (`passages`), questions into search terms (`question`), and a search library ranks the
//! passages (`search`): BM25 over titles and texts with English stems, in memory. The same snapshots and the same
//! question give the same passages in the same order, also when scores are equal.
//!
//! This is the only crate that names the search library. Absent: prompts, models, money, files, and any influence on
//! attribution, which looks at what the answer says and not at what was retrieved.

mod passages;
mod question;
mod search;

pub use passages::PASSAGE_WORDS;
pub use question::{QUESTION_BYTES_MAX, QUESTION_TERMS_MAX};
pub use search::{PASSAGES_MAX, Passage, RetrievalError, Retriever};
