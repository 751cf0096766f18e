//! Channels: a consumer's deposit at a gateway, spent by cumulative vouchers.
//!
//! Rule (design, section 6; x402 `batch-settlement`): the consumer deposits credits and names the account whose
//! signature makes a voucher. A voucher authorises everything up to its cumulative amount; the gateway claims it in a
//! batch. The gateway closes at once. The consumer asks first and takes the rest after the close delay, so that the
//! gateway can settle what it served: where a pause of settlement began before the delay was over, the delay begins again
//! when the pause ends, because a pause moves no money, also not by keeping a gateway from claiming it.
//! A closed channel stays closed and its id is never used again.
//! Absent: withdrawing a part, and changing the authorizer; open another channel instead.

mod apply;
#[cfg(test)]
mod tests;

pub(crate) use apply::{close, fund, keys, keys_of_close, keys_of_opening, open, top_up};
