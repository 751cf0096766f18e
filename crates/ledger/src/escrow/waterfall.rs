//! Where forfeited money goes (mechanism notes, section 2 step 6): the consumer first, the reporter next, the rest to the
//! insurance and to the fire, or to those whose work was copied. The cluster at fault gets nothing back.
//!
//! Credits pay first and OPEN pays what they leave, at its collateral value. The parts of each asset sum to what was taken.

use openledger_types::record::Pool;
use openledger_types::{AccountId, Amount, Asset, BasisPoints, Cause, Forfeited, Holder, Rejection};

use super::forfeit::{Loss, open_worth};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{accounts, escrow, funds, supply};

/// The most accounts that a fault restores.
pub(crate) const HARMED_MAX: usize = 64;

/// What was taken, and the holders whose part of the supply it still is.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) credits: Amount,
    pub(crate) credits_of: Holder,
    pub(crate) open: Amount,
    pub(crate) open_of: Holder,
}

impl Taken {
    /// From tranches and from stake or bond.
    pub(super) fn of_escrow(subject: AccountId, credits: Amount, open: Amount) -> Self {
        Self { credits, credits_of: Holder::Escrow(subject), open, open_of: Holder::Bond(subject) }
    }
}

/// An amount in both assets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Both {
    credits: Amount,
    open: Amount,
}

impl Both {
    /// The value in credits.
    fn value(self, price: Amount) -> Amount {
        let open = escrow::collateral(self.open, price);
        self.credits.plus(open).unwrap_or(Amount(u64::MAX))
    }

    fn plus(self, other: Self) -> Option<Self> {
        Some(Self { credits: self.credits.plus(other.credits)?, open: self.open.plus(other.open)? })
    }

    fn minus(self, part: Self) -> Self {
        let rest = |whole: Amount, part| whole.minus(part).expect("a part is at most the whole");
        Self { credits: rest(self.credits, part.credits), open: rest(self.open, part.open) }
    }

    fn basis_points(self, share: BasisPoints) -> Self {
        Self { credits: self.credits.basis_points(share), open: self.open.basis_points(share) }
    }
}

/// Everything that [`share`] reads.
pub(crate) fn keys(subject: AccountId, loss: &Loss) -> Vec<StateKey> {
    let mut keys: Vec<StateKey> = [Pool::Insurance, Pool::Slashed].map(StateKey::Pool).to_vec();
    keys.extend([accounts::key_of_cluster(subject), funds::key_of_owing()]);
    for account in receivers(loss) {
        keys.extend([StateKey::Account(account), accounts::key_of_cluster(account)]);
    }
    keys
}

fn receivers(loss: &Loss) -> impl Iterator<Item = AccountId> {
    let first = loss.refund.iter().chain(&loss.reporter).map(|(account, _)| *account);
    first.chain(loss.harmed.iter().take(HARMED_MAX).map(|(account, _)| *account))
}

/// What was taken and not yet given to anybody.
struct Purse {
    taken: Taken,
    rest: Both,
}

impl Purse {
    /// The part of the rest that is worth so much: credits first, then OPEN.
    fn worth(&self, transition: &Transition<'_>, value: Amount) -> Both {
        let credits = value.min(self.rest.credits);
        let missing = value.minus(credits).unwrap_or(Amount::ZERO);
        // OPEN that counts for nothing pays for nothing, however much of it there is.
        let counts = transition.parameters.collateral_per_open > Amount::ZERO;
        let open = if counts { open_worth(transition, missing) } else { Amount::ZERO };
        Both { credits, open: open.min(self.rest.open) }
    }

    /// Moves a part to where credits and OPEN go.
    fn pay(
        &mut self,
        transition: &mut Transition<'_>,
        (credits_to, open_to): (Holder, Holder),
        part: Both,
        cause: Cause,
    ) -> Applied {
        self.rest = self.rest.minus(part);
        let (credits_of, open_of) = (self.taken.credits_of.clone(), self.taken.open_of.clone());
        supply::shift(transition, credits_of, credits_to, Asset::Credit, part.credits, cause)?;
        supply::shift(transition, open_of, open_to, Asset::Open, part.open, cause)
    }

    /// Moves a part to an account, unless it belongs to the cluster at fault.
    fn pay_account(
        &mut self,
        transition: &mut Transition<'_>,
        (account, cluster): (AccountId, AccountId),
        part: Both,
        cause: Cause,
    ) -> Applied<Both> {
        if accounts::cluster_of(transition, account)? == cluster {
            return Ok(Both::default());
        }
        let to = Holder::Account(account);
        self.pay(transition, (to.clone(), to), part, cause)?;
        Ok(part)
    }
}

/// Shares out what was taken.
pub(crate) fn share(
    transition: &mut Transition<'_>,
    subject: AccountId,
    taken: Taken,
    loss: &Loss,
) -> Applied<Forfeited> {
    let cluster = accounts::cluster_of(transition, subject)?;
    let (price, rules) = (transition.parameters.collateral_per_open, transition.parameters.forfeits);
    let all = Both { credits: taken.credits, open: taken.open };
    let mut purse = Purse { taken, rest: all };
    let mut refunded = Both::default();
    if let Some((consumer, paid)) = loss.refund {
        let part = purse.worth(transition, paid);
        refunded = purse.pay_account(transition, (consumer, cluster), part, Cause::Refunded)?;
        // The subject had less than it was to lose: nothing of it is left.
        if all.value(price) < loss.penalty && accounts::cluster_of(transition, consumer)? != cluster {
            let missing = paid.minus(part.value(price)).unwrap_or_default();
            let known = loss.insured.map_or(paid, |insured| paid.min(insured));
            funds::owe(transition, consumer, (known, missing))?;
        }
    }
    let mut reported = Both::default();
    if let Some((reporter, cost)) = loss.reporter {
        let usual = purse.rest.value(price).basis_points(rules.reporter);
        let usual = usual.min(cost.fraction(rules.reporter_multiple, 1).unwrap_or(usual));
        let most = loss.reward.map_or(usual, |reward| purse.rest.value(price).basis_points(reward));
        let part = purse.worth(transition, most);
        reported = purse.pay_account(transition, (reporter, cluster), part, Cause::Reported)?;
    }
    let insured = purse.rest.basis_points(rules.insurance);
    let pools = (Holder::Pool(Pool::Insurance), Holder::Pool(Pool::Slashed));
    purse.pay(transition, pools, insured, Cause::Slashed)?;
    let restored = restore(transition, &mut purse, cluster, &loss.harmed)?;
    let burned = purse.rest;
    purse.pay(transition, (Holder::Burned, Holder::Burned), burned, Cause::Slashed)?;
    Ok(Forfeited {
        credits: all.credits,
        open: all.open,
        refunded: refunded.credits,
        refunded_open: refunded.open,
        reported: reported.credits,
        reported_open: reported.open,
        insured: insured.credits,
        insured_open: insured.open,
        restored: restored.credits,
        restored_open: restored.open,
        burned: burned.credits,
        burned_open: burned.open,
    })
}

/// Gives the rest to those whose work was copied, by their parts, each floored.
fn restore(
    transition: &mut Transition<'_>,
    purse: &mut Purse,
    cluster: AccountId,
    harmed: &[(AccountId, u64)],
) -> Applied<Both> {
    let (all, mut restored) = (purse.rest, Both::default());
    let harmed = harmed.get(..harmed.len().min(HARMED_MAX)).unwrap_or_default();
    let whole = harmed.iter().fold(0u64, |sum, (_, parts)| sum.saturating_add(*parts));
    for (account, parts) in harmed {
        let part = |amount: Amount| amount.fraction(*parts, whole).unwrap_or(Amount::ZERO);
        let part = Both { credits: part(all.credits), open: part(all.open) };
        let part =
            Both { credits: part.credits.min(purse.rest.credits), open: part.open.min(purse.rest.open) };
        let paid = purse.pay_account(transition, (*account, cluster), part, Cause::Restored)?;
        restored = restored.plus(paid).ok_or(Rejection::AmountOverflow)?;
    }
    Ok(restored)
}
