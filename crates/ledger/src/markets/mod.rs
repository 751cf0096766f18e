//! Markets: posted prices by resource class, the capacity fund, leases, and revenue notes.
//!
//! Rule (mechanism notes, sections 1 "Compute market", 2 step 2, 6 and 7; invariants I16 and I17; attacks A8, A9 and A17):
//!
//! Price. Each class of the network's table has a posted price, at least the reference price. A round of a class lasts at
//! least to the end of the epoch in which it began; then anyone may close it, once. Its totals are all there is to it:
//! utilisation `U = settled reference price / counted capacity`, target `U* = .7`, and
//! `P' = P (1 + gain (U - U*) / U*)` with `U` counted up to twice the target and a step of at most 6.25 %. The gain begins
//! at 1/16; it rises by 1/256 while the price keeps its direction and falls to three quarters when it turns, between 1/64
//! and 1/8. Demand counts only where it was paid and capacity only where stake and audits back it, so neither can be
//! claimed. The quote of a round stays in the state, and settlement accepts a premium only if a quote makes it.
//!
//! Cap. When what is left of a round's capacity without its three largest clusters is less than 1.1 of its demand (the
//! residual supply index), the next quote is capped: providers share in a premium up to 1.2 times the reference price, and
//! what is above goes to the capacity fund. So whoever withholds capacity to raise the price pays for its own competitors.
//!
//! Capacity fund. Providers whose cluster is new in a class bid capacity and a price; a cluster has one bid, and a full book
//! takes a cheaper bid for the dearest. A bid names at most a fifth of the reference price of what its capacity serves, the capacity
//! that its stake backs, and so much that a round could pay four such bids at that highest price: what nobody could earn is no price,
//! and a large bid for nothing would take the place of all others. Nobody is new by changing the cluster. When the round is closed,
//! the cheapest bids are taken whole while all of them can be paid, at the price of the dearest taken, from a tenth of the fund for `award_epochs`. The money is set aside; each
//! heartbeat is paid for what audits have proven of what was bought, into the provider's tranche; the rest goes back.
//!
//! Leases. A provider offers capacity for a price per epoch. Whoever takes it prepays all epochs, from the next on. An epoch
//! with a heartbeat whose counted capacity covers all running leases of the class is the provider's, into its tranche; an
//! epoch without is refunded. A lease can be given away; refunds then go to the new holder.
//!
//! Revenue notes, only where `markets.notes` is 1. The owner of a model sells at most 40 % of what its title earns in at
//! most 90 epochs, one series at a time, for at most 3 times what it earned in 30 audited epochs (those older than the
//! cliff of a builder's tranche). The first auction is the next epoch's; later there may be one every epoch. Orders wait
//! with their money or notes until the epoch is over; then anyone clears the book at the one price at which most notes
//! change hands (the highest of several). Better prices are filled first, the margin shares in proportion, floored, and the
//! units that flooring leaves go one each in the order of accounts. What the first auction does not sell does not exist. A
//! resale pays 1 % to the owner of the model. So being first or fast earns nothing, and buying to sell at once loses 1 %.
//! A settled batch writes a note's part into one record, whatever the number of holders; it can be claimed when a builder's
//! tranche of that epoch would be wholly unlocked, in proportion and floored, and what flooring leaves stays in custody.
//! Notes in a sell order earn for their holder until they are sold. Notes carry no votes and no weight in routing.
//!
//! Absent: who is routed where; demand that was not served; a bound on how late a round's receipts are settled (audits
//! compare a receipt's time with its round); taking money of notes back after a builder's fault; commitments to hidden bids:
//! orders can be seen before the epoch ends, and nothing is gained by seeing them but the price.

mod apply;
mod auction;
mod clearing;
mod earnings;
#[cfg(test)]
pub(crate) mod fixtures;
mod fund;
mod key;
mod leases;
mod notes;
mod price;
mod rounds;
#[cfg(test)]
mod tests;

pub(crate) use apply::{apply, heard, keys, keys_found_of_heartbeat, keys_of_leases, keys_of_load};
pub use auction::{Clearing, clear};
pub(crate) use earnings::{earn, key_of_active};
pub use key::{MarketKey, MarketsRecord};
pub use price::{first_price, is_capped, next_price};
pub(crate) use rounds::{quote, quote_key};
