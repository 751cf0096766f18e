//! Accounts: balances in credits and OPEN, transfers, and the faucet of local networks.
//!
//! Rule (design, section 6): credits are the unit of prices, deposited and withdrawn; OPEN is stake, bond and vote. An
//! amount of zero is refused. The faucet exists on local networks only, gives a bounded amount at a time, and counts
//! as a deposit. An account needs no registration: the first payment makes it.
//! Absent: deposits and withdrawals, which pass through the bridge.

mod apply;
#[cfg(test)]
mod tests;

pub(crate) use apply::{faucet, keys, receive, spend, transfer};
