//! Settlement: one batch of completions pays everyone behind it.
//!
//! Rule (mechanism notes, section 2; design, section 6). One completion costs its reference price, plus the congestion
//! premium, plus the router fee on top.
//! 1. Reference price: provider, builder, data, verification, maintenance, insurance, burn; each floored, the
//!    remainder to maintenance ([`split_reference`]). The builder share follows the lineage; each line is floored and
//!    the lineage's first line gets the remainder ([`split_lineage`]).
//! 2. Premium: `floor(reference * (posted price - 1))` at the quote of a round of the offer's class (`markets`); without a
//!    class there is none. Provider, capacity, burn; each floored, the remainder to capacity ([`split_premium`]). Where
//!    the quote is capped, the provider's part is of the premium up to 1.2 times the reference price, and capacity gets the
//!    rest.
//! 3. Data share: `A = floor(share * 8000 / 10000) + carry`; every cluster gets `floor(A * w / W)`, the unattributed
//!    part is a cluster of its own, and `carry' = A - sum of all pays` stays with the model's carry at this gateway.
//!    The other fifth and the unattributed pay go to the model's uplift pool. With `W = 0` nobody explains anything and
//!    all of it goes there ([`split_data`]). A contribution's pay is floored per owner, remainder to the first
//!    ([`split_owners`]). Flooring never favours whoever splits an account or a text in two.
//!
//! A gateway nets many receipts into one batch ([`Netting`]). The ledger does not see receipts, so it checks what the
//! totals fix. With `n` receipts, a share of the total `T` at ratio `r` lies in `[floor(T r) - (n - 1), floor(T r)]`,
//! because each receipt floors once; whoever takes remainders may have that much more. Checked, in this order:
//! the number and the sequence continue (no receipt is settled twice); lines are sorted, without repeats or zeros;
//! debits exceed what the channels spent and stay within deposits, and sum to reference + premium + router fee;
//! every premium is what a quote makes of a reference price, by class, round and provider;
//! the router fee is the registered one; every role's total is within its bounds; carries continue the state and are
//! smaller than the number of clusters of a receipt; attributed + uplift + carry after = data share + carry before, and
//! at most four fifths of it follow attribution; everything sums exactly; builder lines follow each lineage, and a line that is a model's title pays the model's owner; data lines
//! name contributions that exist, are not revoked and own their cluster, and owners within their parts; the charge is
//! within the collateral of the bond; and, last because it is the dearest, every voucher is signed.
//!
//! Not checked here, because totals do not fix it: which provider and which model served, which contributions were
//! behind an answer, and the rounding inside the bounds. Those are in the receipts under `receipts_root`, and audits
//! recompute them by sampling.
//!
//! A contribution that was revoked after a receipt was signed cannot be paid any more: the gateway moves its lines to
//! the uplift pool of the model that served ([`Netting::revoke`]), and so does whoever recomputes the batch. A channel
//! that was closed before its receipts were settled is the gateway's loss: it covers the debit from a channel of its
//! own, so that its sequence goes on.
//!
//! A gateway may give a consumer back what a settled receipt charged, wholly or in parts, out of its own balance, or out of
//! what waits in the provider's tranche if the provider signed for the cumulative amount. The ledger does not see what a
//! receipt charged, so the gateway says it, always the same; a receipt's refunds stay within that, a batch's within what it
//! charged, and what an audit gave back counts like what the gateway gives. Everything that a receipt gives back goes to the
//! consumer of the first refund, and only that consumer's audit counts it. A receipt that is marked as failed is refunded whole. Its number was settled and is never settled again, so
//! nothing is charged twice.

mod apply;
mod bounds;
mod check;
mod classes;
#[cfg(test)]
pub(crate) mod fixtures;
mod key;
#[cfg(test)]
mod limit_tests;
mod netting;
mod payouts;
#[cfg(test)]
pub(crate) mod refund_tests;
mod refunds;
mod split;
#[cfg(test)]
mod tests;

pub(crate) use apply::{keys, settle};
pub use key::{SettlementKey, SettlementRecord};
pub use netting::{Netting, NettingError};
pub(crate) use refunds::{apply, count_refunded, keys_of_action, keys_refunded, left_to_refund};
pub use split::{
    CompletionLines, CompletionTerms, DataShare, DataSplit, DataTerms, PremiumSplit, Split, split_completion,
    split_data, split_lineage, split_owners, split_premium, split_reference,
};
