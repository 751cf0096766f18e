//! Gateways: they take requests, route them, sign receipts and settle them.
//!
//! Rule (design, section 6): a gateway bonds OPEN, names the key that signs its receipts, and quotes a router fee on
//! top of the reference price, at most the network's limit. One batch charges at most the collateral value of the bond.
//! Absent: routing, keys of consumers, and raising or taking back the bond, which is in `bonds`.

mod apply;
#[cfg(test)]
mod tests;

pub(crate) use apply::{keys, register};
