//! Campaigns of tasks: opening, committing and revealing labels, closing. What the labels are worth is in `gold`.

use openledger_types::datanets::{
    CampaignId, CampaignRecord, CampaignTerms, DatanetEvent, DatanetParameters, DatanetRole, TaskBatchRecord,
    WorkRecord, labels_commitment, treasury_account,
};
use openledger_types::{AccountId, Amount, Asset, BasisPoints, Cause, Hash, Holder, Rejection, limits};

use super::open::bond;
use super::rules::{self, emit};
use super::{DatanetKey, treasury};
use crate::accounts::{cluster_of, key_of_cluster};
use crate::execute::{Transition, check_text};
use crate::state::{Applied, StateKey};
use crate::supply;

pub(super) fn campaign_key(campaign: &CampaignId) -> StateKey {
    StateKey::Datanets(DatanetKey::Campaign(campaign.clone()))
}

pub(super) fn batch_key(campaign: &CampaignId, batch: u32) -> StateKey {
    StateKey::Datanets(DatanetKey::TaskBatch(campaign.clone(), batch))
}

pub(super) fn work_key(campaign: &CampaignId, batch: u32, labeller: AccountId) -> StateKey {
    StateKey::Datanets(DatanetKey::Work(campaign.clone(), batch, labeller))
}

pub(super) fn campaign(transition: &mut Transition<'_>, id: &CampaignId) -> Applied<CampaignRecord> {
    Ok(transition.view.get(&campaign_key(id))?.ok_or(Rejection::CampaignUnknown)?)
}

pub(super) fn batch(
    transition: &mut Transition<'_>,
    id: &CampaignId,
    batch: u32,
) -> Applied<TaskBatchRecord> {
    Ok(transition.view.get(&batch_key(id, batch))?.unwrap_or_default())
}

pub(super) fn work(
    transition: &mut Transition<'_>,
    id: &CampaignId,
    batch: u32,
    labeller: AccountId,
) -> Applied<WorkRecord> {
    Ok(transition.view.get(&work_key(id, batch, labeller))?.ok_or(Rejection::LabelsUnknown)?)
}

/// Who pays, and gets back what nobody earns.
pub(super) fn funder(id: &CampaignId, terms: &CampaignTerms) -> AccountId {
    if terms.from_treasury { treasury_account(&id.datanet) } else { id.requester }
}

fn check_terms(terms: &CampaignTerms, parameters: &DatanetParameters) -> Applied {
    check_text(&terms.title)?;
    let sound = (1..=limits::TASK_BATCHES_MAX).contains(&terms.batches)
        && (1..=limits::TASK_BATCH_ITEMS_MAX).contains(&usize::from(terms.batch_items))
        && u64::from(terms.batch_items) >= parameters.gold_checked
        && terms.choices >= 2
        && (1..=limits::TASK_WORKERS_MAX).contains(&usize::from(terms.workers))
        && terms.fee > Amount::ZERO
        && (parameters.gold_accuracy_min..=BasisPoints::WHOLE).contains(&terms.accuracy)
        && (1..=parameters.campaign_epochs_max).contains(&terms.epochs);
    if sound { Ok(()) } else { Err(Rejection::CampaignInvalid.into()) }
}

pub(super) fn open(transition: &mut Transition<'_>, id: &CampaignId, terms: &CampaignTerms) -> Applied {
    let datanet = transition.view.datanet(&id.datanet)?;
    let parameters = transition.parameters.datanets;
    check_terms(terms, &parameters)?;
    let policy = rules::policy(transition, &id.datanet)?;
    if policy.private && !terms.named_only {
        return Err(Rejection::CampaignInvalid.into());
    }
    if terms.from_treasury && transition.sender != datanet.curator {
        return Err(Rejection::NotCurator.into());
    }
    if transition.view.get::<CampaignRecord>(&campaign_key(id))?.is_some() {
        return Err(Rejection::CampaignExists.into());
    }
    let total = terms.total().ok_or(Rejection::AmountOverflow)?;
    if terms.from_treasury {
        treasury::spend_as_curator(transition, &id.datanet, Holder::Custody, total, Cause::TaskFunded)?;
    } else {
        let from = Holder::Account(id.requester);
        supply::shift(transition, from, Holder::Custody, Asset::Credit, total, Cause::TaskFunded)?;
    }
    let commit_until = transition.epoch().saturating_add(terms.epochs);
    let reveal_until = commit_until.saturating_add(parameters.label_epochs);
    let gold_until = reveal_until.saturating_add(parameters.gold_epochs);
    let record = CampaignRecord {
        terms: terms.clone(),
        commit_until,
        reveal_until,
        gold_until,
        held: total,
        unjudged: 0,
        closed: false,
    };
    transition.view.put(&campaign_key(id), &record);
    let (campaign, terms) = (id.clone(), Box::new(terms.clone()));
    emit(
        transition,
        DatanetEvent::CampaignOpened { campaign, terms, commit_until, reveal_until, gold_until },
    );
    Ok(())
}

/// A labeller takes a place in a batch by committing to labels.
pub(super) fn commit(
    transition: &mut Transition<'_>,
    id: &CampaignId,
    place: u32,
    commitment: Hash,
) -> Applied {
    let campaign = campaign(transition, id)?;
    let mut batch = batch(transition, id, place)?;
    let labeller = transition.sender;
    if transition.epoch() > campaign.commit_until {
        return Err(Rejection::TooLate.into());
    }
    if campaign.terms.named_only
        && !rules::has_role(transition, &id.datanet, labeller, DatanetRole::Labeller)?
    {
        return Err(Rejection::NotLabeller.into());
    }
    if place >= campaign.terms.batches || batch.workers.len() >= usize::from(campaign.terms.workers) {
        return Err(Rejection::BatchFull.into());
    }
    // Linked accounts on one batch would be one labeller who is paid twice.
    transition.view.need(batch.workers.iter().map(|worker| key_of_cluster(*worker)))?;
    let own = cluster_of(transition, labeller)?;
    for worker in &batch.workers {
        if *worker == labeller || cluster_of(transition, *worker)? == own {
            return Err(Rejection::LabelsExist.into());
        }
    }
    let amount = transition.parameters.datanets.label_bond;
    bond(transition, labeller, amount, Cause::LabelBond)?;
    batch.workers.push(labeller);
    transition.view.put(&batch_key(id, place), &batch);
    let work = WorkRecord { commitment, bond: amount, reveal_until: campaign.reveal_until, labels: None };
    transition.view.put(&work_key(id, place, labeller), &work);
    let campaign = id.clone();
    emit(transition, DatanetEvent::LabelsCommitted { campaign, batch: place, labeller, commitment });
    Ok(())
}

/// Labels are shown when nobody can commit any more.
pub(super) fn reveal(
    transition: &mut Transition<'_>,
    id: &CampaignId,
    place: u32,
    labels: &[u16],
    salt: &Hash,
) -> Applied {
    let mut campaign = campaign(transition, id)?;
    let labeller = transition.sender;
    let mut work = work(transition, id, place, labeller)?;
    let now = transition.epoch();
    if now <= campaign.commit_until {
        return Err(Rejection::TooEarly.into());
    }
    if now > campaign.reveal_until {
        return Err(Rejection::TooLate.into());
    }
    let terms = &campaign.terms;
    let sound = work.labels.is_none()
        && labels.len() == usize::from(terms.batch_items)
        && labels.iter().all(|label| *label < terms.choices)
        && work.commitment == labels_commitment(id, place, labeller, labels, salt);
    if !sound {
        return Err(Rejection::LabelsInvalid.into());
    }
    work.labels = Some(labels.to_vec());
    transition.view.put(&work_key(id, place, labeller), &work);
    campaign.unjudged = campaign.unjudged.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&campaign_key(id), &campaign);
    let (campaign, labels) = (id.clone(), labels.to_vec());
    emit(transition, DatanetEvent::LabelsRevealed { campaign, batch: place, labeller, labels });
    Ok(())
}

/// The requester takes back what nobody can earn any more. What was revealed and is not judged stays until it is.
pub(super) fn close(transition: &mut Transition<'_>, id: &CampaignId) -> Applied {
    let mut campaign = campaign(transition, id)?;
    if campaign.closed {
        return Err(Rejection::CampaignUnknown.into());
    }
    if transition.epoch() <= campaign.gold_until {
        return Err(Rejection::TooEarly.into());
    }
    let pay = campaign.terms.pay().expect("the terms were summed when the campaign was opened");
    let owed = pay.0.checked_mul(u64::from(campaign.unjudged)).map(Amount);
    let owed = owed.expect("a part of the total that was summed when the campaign was opened");
    let rest = campaign.held.minus(owed).expect("every place was paid for when the campaign was opened");
    campaign.closed = true;
    refund(transition, id, &mut campaign, rest)?;
    write(transition, id, &campaign);
    emit(transition, DatanetEvent::CampaignClosed { campaign: id.clone(), refunded: rest });
    Ok(())
}

/// Gives a part of what a campaign holds back to whoever paid.
pub(super) fn refund(
    transition: &mut Transition<'_>,
    id: &CampaignId,
    campaign: &mut CampaignRecord,
    amount: Amount,
) -> Applied {
    let to = Holder::Account(funder(id, &campaign.terms));
    campaign.held = campaign.held.minus(amount).expect("a campaign holds what it may give back");
    supply::shift(transition, Holder::Custody, to, Asset::Credit, amount, Cause::TaskRefunded)
}

/// Writes a campaign, or forgets it when its money has ended.
pub(super) fn write(transition: &mut Transition<'_>, id: &CampaignId, campaign: &CampaignRecord) {
    if campaign.closed && campaign.unjudged == 0 {
        assert!(campaign.held == Amount::ZERO, "a campaign that is over holds nothing");
        transition.view.remove(&campaign_key(id));
    } else {
        transition.view.put(&campaign_key(id), campaign);
    }
}
