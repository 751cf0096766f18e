//! Random advances: who funds the pool, who sells a part of a tranche to it, and what is collected when it unlocks.

use openledger_types::advances::{AdvanceAction, AdvancePoolRecord, SharesRecord};
use openledger_types::record::{Role, TrancheRecord};
use openledger_types::{AccountId, Action, Amount};

use super::super::*;
use super::{Dice, number_of};
use crate::StateKey;
use crate::advances::AdvanceKey;

pub(super) fn advances(world: &World, dice: &mut Dice) -> (u8, Action) {
    let pool: AdvancePoolRecord = world.record(&AdvanceKey::Pool.state()).unwrap_or_default();
    let (who, action) = match dice.below(8) {
        0 | 1 => fund(world, dice),
        2 => redeem(world, dice),
        3..6 if pool.cash > Amount::ZERO => sell(world, dice, &pool),
        _ => collect(world, dice),
    };
    (who, Action::Advances(action))
}

fn fund(world: &World, dice: &mut Dice) -> (u8, AdvanceAction) {
    let who = dice.below(24) as u8;
    (who, AdvanceAction::FundAdvances { amount: dice.amount(world.account(who).credits.0 / 8) })
}

fn redeem(world: &World, dice: &mut Dice) -> (u8, AdvanceAction) {
    let holders = world.records::<SharesRecord>(&AdvanceKey::Shares(account(0)).state(), 2);
    let Some((StateKey::Advances(AdvanceKey::Shares(holder)), shares)) =
        holders.get(dice.below(holders.len() as u64) as usize)
    else {
        return fund(world, dice);
    };
    let who = number_of(*holder).expect("holders take part");
    (who, AdvanceAction::RedeemShares { shares: dice.amount(shares.shares / 2).0 })
}

/// Tranches, and of those that are sold in part only, as `sold` asks.
fn tranches(world: &World, sold: bool) -> Vec<(AccountId, Role, u64, TrancheRecord)> {
    let any = StateKey::Tranche(account(0), Role::Provider, 0);
    let all = world.records::<TrancheRecord>(&any, 1).into_iter();
    let some = all.filter_map(|(key, tranche)| match key {
        StateKey::Tranche(owner, role, epoch) => Some((owner, role, epoch, tranche)),
        _ => None,
    });
    some.filter(|(.., tranche)| !sold || tranche.pledged > Amount::ZERO).collect()
}

fn sell(world: &World, dice: &mut Dice, pool: &AdvancePoolRecord) -> (u8, AdvanceAction) {
    let tranches = tranches(world, false);
    let Some((owner, role, epoch, tranche)) = tranches.get(dice.below(tranches.len() as u64) as usize) else {
        return fund(world, dice);
    };
    let share = world.parameters.advances.tranche_share_max;
    let most = crate::escrow::remaining(tranche).basis_points(share).0.saturating_sub(tranche.pledged.0);
    let amount = dice.amount(most.min(pool.cash.0));
    (number_of(*owner).unwrap_or(0), AdvanceAction::TakeAdvance { role: *role, epoch: *epoch, amount })
}

fn collect(world: &World, dice: &mut Dice) -> (u8, AdvanceAction) {
    let tranches = tranches(world, true);
    let due = |(_, _, epoch, tranche): &&(AccountId, Role, u64, TrancheRecord)| {
        crate::escrow::unlocked(tranche, *epoch, world.epoch()) > tranche.claimed
    };
    let any = tranches.get(dice.below(tranches.len() as u64) as usize);
    let Some((owner, role, epoch, _)) = tranches.iter().find(due).filter(|_| !dice.chance(4)).or(any) else {
        return fund(world, dice);
    };
    let begun = if dice.chance(6) { world.epoch() } else { *epoch };
    let (account, role, epochs) = (*owner, *role, vec![begun]);
    (dice.who(), AdvanceAction::CollectAdvances { account, role, epochs })
}
