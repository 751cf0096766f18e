//! What labels are worth: gold that was committed to before, revealed after, and checked by a random part of it.
//!
//! Rule (mechanism notes, D1 and section 1 "Elicitation", attack A4): a labeller is paid the fixed fee for a whole batch when
//! enough of the checked gold is right, and nothing otherwise. What others answered plays no part. A requester who does not
//! reveal enough gold that counts pays everybody: absence never takes work.
//!
//! Evidence about labellers buys weight in the datanet's contributor house, and a requester writes both the task and its gold. So
//! a check is evidence only where the datanet itself asks, in a campaign that its treasury pays: what it spends is bounded per
//! epoch, and its curator answers for it. Anybody else's gold decides about the fee that they pay, and about nothing more.

use openledger_types::datanets::{
    CampaignId, CampaignRecord, DatanetEvent, GoldItem, GoldRecord, WorkRecord, gold_is_under, gold_leaf,
};
use openledger_types::{
    AccountId, Amount, Asset, BasisPoints, Cause, Domain, Hash, Holder, Name, Rejection, limits,
};

use super::DatanetKey;
use super::jurors::{draw, randomness_after};
use super::open::release;
use super::rules::emit;
use super::tasks::{self, batch_key, campaign, work_key};
use crate::execute::Transition;
use crate::reputation;
use crate::state::{Applied, StateKey};
use crate::supply;

pub(super) fn gold_key(item: Hash) -> StateKey {
    StateKey::Datanets(DatanetKey::Gold(item))
}

/// In which domain tasks are evidence: that of the datanet, also where outputs are evaluated. Nothing that a datanet says counts
/// outside of it.
pub(super) fn domain(datanet: &Name) -> Domain {
    Domain::Labelling(datanet.clone())
}

/// The requester shows the gold of a batch when nobody can reveal labels any more.
pub(super) fn reveal(
    transition: &mut Transition<'_>,
    id: &CampaignId,
    place: u32,
    gold: &[GoldItem],
    salt: &Hash,
    path: &[Hash],
) -> Applied {
    let campaign = campaign(transition, id)?;
    let mut batch = tasks::batch(transition, id, place)?;
    let (now, terms) = (transition.epoch(), &campaign.terms);
    if now <= campaign.reveal_until {
        return Err(Rejection::TooEarly.into());
    }
    if now > campaign.gold_until {
        return Err(Rejection::TooLate.into());
    }
    let places = gold.iter().zip(gold.iter().skip(1)).all(|(one, next)| one.place < next.place);
    let sound = batch.gold.is_none()
        && gold.len() <= limits::GOLD_PER_BATCH_MAX
        && places
        && gold.iter().all(|item| item.place < terms.batch_items && item.answer < terms.choices)
        && gold_is_under(&terms.gold_root, gold_leaf(place, gold, salt), place, terms.batches, path);
    if !sound {
        return Err(Rejection::GoldInvalid.into());
    }
    let mut counting = Vec::with_capacity(gold.len());
    for item in gold {
        if use_gold(transition, item.item, campaign.commit_until, now)? {
            counting.push(item.clone());
        }
    }
    let counts = u32::try_from(counting.len()).unwrap_or(u32::MAX);
    batch.gold = Some(counting);
    transition.view.put(&batch_key(id, place), &batch);
    let (campaign, gold) = (id.clone(), gold.to_vec());
    emit(transition, DatanetEvent::GoldRevealed { campaign, batch: place, gold, counts });
    Ok(())
}

/// Counts a use of an item as gold. It counts for nothing when it was used up, or when its answer was public before labels
/// were committed.
fn use_gold(transition: &mut Transition<'_>, item: Hash, commit_until: u64, now: u64) -> Applied<bool> {
    let known: Option<GoldRecord> = transition.view.get(&gold_key(item))?;
    let mut record = known.unwrap_or(GoldRecord { uses: 0, public_in: now });
    let alive = record.uses < transition.parameters.datanets.gold_uses_max && record.public_in > commit_until;
    record.uses = record.uses.saturating_add(1);
    transition.view.put(&gold_key(item), &record);
    Ok(alive)
}

/// Ends the work of one labeller on one batch: paid, unpaid, or never revealed. Anybody may.
pub(super) fn judge(
    transition: &mut Transition<'_>,
    id: &CampaignId,
    place: u32,
    labeller: AccountId,
    beacon: u64,
) -> Applied {
    let work = tasks::work(transition, id, place, labeller)?;
    if transition.epoch() <= work.reveal_until {
        return Err(Rejection::TooEarly.into());
    }
    let Some(labels) = &work.labels else {
        transition.view.remove(&work_key(id, place, labeller));
        release(transition, labeller, work.bond, true)?;
        return finish(transition, id, place, labeller, Amount::ZERO, None);
    };
    let mut campaign = campaign(transition, id)?;
    let checked = match check(transition, id, &campaign, place, labeller, labels, beacon)? {
        Some(checked) => Some(checked),
        None if transition.epoch() > campaign.gold_until => None,
        None => return Err(Rejection::TooEarly.into()),
    };
    transition.view.remove(&work_key(id, place, labeller));
    let passed = checked.is_none_or(|checked| checked.passes(campaign.terms.accuracy));
    campaign.unjudged = campaign.unjudged.checked_sub(1).expect("each revealed work was counted");
    let pay = campaign.terms.pay().expect("the terms were summed when the campaign was opened");
    if passed {
        campaign.held =
            campaign.held.minus(pay).expect("every place was paid for when the campaign was opened");
        let to = Holder::Account(labeller);
        supply::shift(transition, Holder::Custody, to, Asset::Credit, pay, Cause::TaskPaid)?;
    } else if campaign.closed {
        tasks::refund(transition, id, &mut campaign, pay)?;
    }
    tasks::write(transition, id, &campaign);
    settle(transition, id, &campaign, labeller, &work, checked)?;
    finish(transition, id, place, labeller, if passed { pay } else { Amount::ZERO }, checked)
}

fn finish(
    transition: &mut Transition<'_>,
    id: &CampaignId,
    place: u32,
    labeller: AccountId,
    paid: Amount,
    checked: Option<Checked>,
) -> Applied {
    let (right, checked) = checked.map_or((0, 0), |checked| (checked.right, checked.checked));
    let campaign = id.clone();
    emit(transition, DatanetEvent::WorkJudged { campaign, batch: place, labeller, right, checked, paid });
    Ok(())
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) right: u32,
    pub(super) checked: u32,
}

impl Checked {
    /// Whether enough was right.
    pub(super) fn passes(self, accuracy: BasisPoints) -> bool {
        u64::from(self.right).saturating_mul(u64::from(BasisPoints::WHOLE.0))
            >= u64::from(self.checked).saturating_mul(u64::from(accuracy.0))
    }

    /// Whether it is so bad that nobody worked: below half of what is asked.
    fn is_garbage(self, accuracy: BasisPoints) -> bool {
        !self.passes(BasisPoints(accuracy.0 >> 1))
    }
}

/// Checks a random part of the batch's gold, drawn for this labeller after labels were committed. `None` without enough gold
/// that counts.
fn check(
    transition: &mut Transition<'_>,
    id: &CampaignId,
    campaign: &CampaignRecord,
    place: u32,
    labeller: AccountId,
    labels: &[u16],
    beacon: u64,
) -> Applied<Option<Checked>> {
    let wanted = usize::try_from(transition.parameters.datanets.gold_checked).unwrap_or(usize::MAX);
    let gold = tasks::batch(transition, id, place)?.gold;
    let Some(gold) = gold.filter(|gold| gold.len() >= wanted) else {
        return Ok(None);
    };
    let randomness = randomness_after(transition, campaign.commit_until, beacon)?;
    Ok(Some(check_labels(&randomness, labeller, &gold, wanted, labels)))
}

/// Draws `wanted` of the gold without repetition and counts what is right.
pub(super) fn check_labels(
    randomness: &Hash,
    labeller: AccountId,
    gold: &[GoldItem],
    wanted: usize,
    labels: &[u16],
) -> Checked {
    let mut left: Vec<&GoldItem> = gold.iter().collect();
    let mut checked = Checked { right: 0, checked: 0 };
    while usize::try_from(checked.checked).is_ok_and(|count| count < wanted) && !left.is_empty() {
        let end = u64::try_from(left.len()).unwrap_or(u64::MAX);
        let drawn = draw(b"openledger gold check\0", &(randomness, labeller, checked.checked), end);
        let item = left.swap_remove(usize::try_from(drawn).unwrap_or(0));
        if labels.get(usize::from(item.place)) == Some(&item.answer) {
            checked.right = checked.right.saturating_add(1);
        }
        checked.checked = checked.checked.saturating_add(1);
    }
    checked
}

/// The bond, and what the check says about the labeller.
fn settle(
    transition: &mut Transition<'_>,
    id: &CampaignId,
    campaign: &CampaignRecord,
    labeller: AccountId,
    work: &WorkRecord,
    checked: Option<Checked>,
) -> Applied {
    let terms = &campaign.terms;
    let lost = checked.is_some_and(|checked| checked.is_garbage(terms.accuracy));
    release(transition, labeller, work.bond, lost)?;
    let Some(checked) = checked.filter(|_| terms.from_treasury) else { return Ok(()) };
    let weight = reputation::weight(terms.fee, 4, &transition.parameters.reputation);
    let wrong = checked.checked.saturating_sub(checked.right);
    let evidence = reputation::Evidence {
        good: checked.right.saturating_mul(weight),
        bad: wrong.saturating_mul(weight),
        counterparty: Some(id.requester),
    };
    reputation::record(transition, labeller, &domain(&id.datanet), evidence)
}
