//! Proofs that a stranger checks without the index: the trees under a segment's root, and the certificate of the paid
//! spans of an attribution.
//!
//! [`certify`] opens of the trees what the claims of `claim` read, and [`Certificate::check`] reads the same of what was
//! opened, by the same code. What is proven, and what is not, stands in `docs/decisions/0021-certificate.md`: above all
//! that a span that the certificate names is paid as it says, and not that no other span was left out. Spans with edits
//! have no proof: what they win follows from the runs that they claim ([`masses_of`]), and nothing shows that these are
//! in the text.

mod certificate;
mod claim;
mod masses;
mod prove;
pub(crate) mod tree;
mod verify;

pub use certificate::{CERTIFICATE_BYTES_MAX, CERTIFICATE_VERSION, Certificate, CertificateFault};
pub use masses::{ClaimedSpan, masses_of};
pub use prove::{CertifyError, certify};
pub use verify::{CertifiedSpan, SealedIndex};

#[cfg(test)]
pub(crate) use claim::{Absence, Place, Ranks, Side};
#[cfg(test)]
pub(crate) use prove::{count_of_longest, with_spans};
