//! Models: base models and adapters with their lineage, their manifests, and who owns them.
//!
//! Rule (design, section 6 step 1: "the builder share follows the lineage by registered royalties, bounded in depth
//! and width"): a model names royalties, each a part of the builder share. What is left goes down the lineage: to the
//! parent's lines in proportion to their shares, or, without a parent, to the builder. Shares of the parent's lines are
//! floored to basis points and what flooring leaves goes to the parent's first line. An account that appears twice is
//! one line, at its first place. The resolved lineage sums to exactly 10,000 basis points, has at most 16 lines, and
//! at most 8 models stand on top of each other. It is resolved at registration, so a parent cannot change it later.
//!
//! The line of whoever registers a model is not an account: it is the model's title, an address without a key that is
//! derived from the name. Settlement pays a title's line to the owner that the title's record names. So a model can be
//! given to somebody else with everything that it earns from now on, also from models that were made from it long
//! before, and one transfer writes one record however many descendants there are. Royalties for other accounts are
//! theirs and stay with them. What was paid before a transfer, and waits in tranches, stays with the old owner.
//!
//! An adapter may be registered from a manifest that was sealed before: the base model, the sealed snapshots with their
//! roots, the hash of the code, the numeric specification, the hash of the hyperparameters, and the hash of the weights.
//! Base and weights of the adapter are then the manifest's, so they cannot be chosen afterwards. The title inherits the
//! licences of the snapshots' datanets, and of the data behind the model below, sorted, each once. Only who sealed a
//! manifest registers its adapters.
//!
//! A delisted model gets no new offers and no new descendants. Answers that were served are still settled, and its
//! descendants go on paying their lineage.
//!
//! Absent: the weights, evaluations, and whether a second training run comes to the same weights.

mod apply;
#[cfg(test)]
pub(crate) mod fixtures;
mod key;
mod lineage;
#[cfg(test)]
mod tests;
mod titles;

pub(crate) use apply::{keys, register};
pub use key::{ModelKey, ModelsRecord};
pub(crate) use titles::{apply, keys_of_action, title, title_key};
