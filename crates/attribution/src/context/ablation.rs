//! Parts from some orders of the players, drawn in antithetic pairs: each order comes with its reverse, so a player that
//! comes late in one comes early in the other, which lowers the variance. Absent: any randomness but the seed.

use sha2::{Digest, Sha256};

use super::{ORDERS, Parts};

/// The orders of this seed: each drawn one is followed by its reverse.
pub(super) fn orders(players: usize, seed: &[u8; 32]) -> Vec<Vec<usize>> {
    let mut orders = Vec::with_capacity(ORDERS);
    for pair in 0..ORDERS / 2 {
        let mut order: Vec<usize> = (0..players).collect();
        for last in (1..players).rev() {
            let choice = draw(seed, pair, last) % (last as u64 + 1);
            order.swap(last, usize::try_from(choice).unwrap_or(last));
        }
        let reverse = order.iter().rev().copied().collect();
        orders.extend([order, reverse]);
    }
    orders
}

/// A number of 56 bits from the seed, for one step of one order; its remainder is even to one in 2^50.
fn draw(seed: &[u8; 32], pair: usize, step: usize) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(seed);
    hasher.update((pair as u32).to_le_bytes());
    hasher.update((step as u32).to_le_bytes());
    let digest = hasher.finalize();
    digest[..7].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Every set that stands at the beginning of some order, once, rising.
pub(super) fn subsets(orders: &[Vec<usize>]) -> Vec<u32> {
    let mut subsets: Vec<u32> = orders.iter().flat_map(|order| beginnings(order)).collect();
    subsets.push(0);
    subsets.sort_unstable();
    subsets.dedup();
    subsets
}

/// The sets that an order passes, without the empty one.
fn beginnings(order: &[usize]) -> impl Iterator<Item = u32> {
    order.iter().scan(0u32, |set, player| {
        *set |= 1 << player;
        Some(*set)
    })
}

/// What each player adds, summed over the orders.
pub(super) fn parts(players: usize, orders: &[Vec<usize>], subsets: &[u32], values: &[i64]) -> Parts {
    let value = |set: u32| {
        let place = subsets.binary_search(&set).expect("every beginning of an order is a set of the plan");
        i128::from(values[place])
    };
    let mut numerators = vec![0; players];
    for order in orders {
        let mut before = value(0);
        for (player, set) in order.iter().zip(beginnings(order)) {
            let after = value(set);
            numerators[*player] += after - before;
            before = after;
        }
    }
    Parts { numerators, denominator: orders.len() as i128 }
}
