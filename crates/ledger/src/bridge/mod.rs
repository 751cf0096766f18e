//! The bridge: how credits come into the network and leave it.
//!
//! Rule (design, section 6; invariants I1 and I2 of the mechanism notes): a network names one bridge account, or none. It
//! alone deposits, and each deposit cites the payment outside that it stands for; a reference counts once, so a bridge
//! that repeats itself after a crash creates nothing twice. Anyone withdraws from their own balance: the credits cease to
//! exist at once and a record says who is owed what, to which destination. A record can be proven, so a bridge contract
//! can pay from it; when it has paid, the bridge completes the withdrawal and the record is gone.
//!
//! Absent: the payment outside, fees of the bridge, and OPEN, which does not cross. The faucet of local networks is in
//! `accounts`.

mod apply;
#[cfg(test)]
mod tests;

pub(crate) use apply::{complete, deposit, keys_of_completion, keys_of_deposit, withdraw};
