//! Random campaigns of labels: small ones with gold everywhere, labellers who know the answers or guess, requesters who show
//! their gold or not.

use openledger_types::datanets::{
    CampaignId, CampaignRecord, CampaignTerms, DatanetAction, GoldItem, TaskBatchRecord, TaskKind,
    WorkRecord, gold_leaf, gold_path, gold_root, labels_commitment,
};
use openledger_types::record::BeaconRecord;
use openledger_types::{Action, BasisPoints, Hash, codec, sha256};

use super::super::*;
use super::{Dice, number_of};
use crate::StateKey;
use crate::datanets::DatanetKey;

const SALT: Hash = Hash([81; 32]);
const ITEMS: u16 = 10;
const BATCHES: u32 = 2;
const CHOICES: u16 = 3;

type Due = (bool, u8, DatanetAction);

pub(super) fn tasks(world: &World, dice: &mut Dice) -> (u8, Action) {
    let campaigns = campaigns(world);
    let opening = campaigns.len() < 4 && dice.chance(4);
    let (who, action) =
        if opening || campaigns.is_empty() { begin(world, dice) } else { due(world, dice, &campaigns) };
    (who, Action::Datanets(action))
}

fn campaigns(world: &World) -> Vec<(CampaignId, CampaignRecord)> {
    let any = CampaignId { datanet: name("a"), requester: account(0), number: 0 };
    let records = world.records(&StateKey::Datanets(DatanetKey::Campaign(any)), 2).into_iter();
    let known = records.filter_map(|(key, record)| match key {
        StateKey::Datanets(DatanetKey::Campaign(campaign)) => Some((campaign, record)),
        _ => None,
    });
    known.collect()
}

/// The gold of a batch: every item, with an answer that the campaign fixes.
fn gold(campaign: &CampaignId, batch: u32) -> Vec<GoldItem> {
    let item = |place| sha256(&codec::encode(&(campaign, batch, place)));
    let answer = |place: u16| Dice::about(&(campaign, batch, place)).below(u64::from(CHOICES)) as u16;
    (0..ITEMS).map(|place| GoldItem { place, answer: answer(place), item: item(place) }).collect()
}

fn leaves(campaign: &CampaignId) -> Vec<Hash> {
    (0..BATCHES).map(|batch| gold_leaf(batch, &gold(campaign, batch), &SALT)).collect()
}

fn begin(world: &World, dice: &mut Dice) -> (u8, DatanetAction) {
    let (requester, datanet) = (dice.below(12) as u8, name("help"));
    // Numbers are not used again: gold dies.
    let number = (world.epoch() as u32) * 4 + dice.below(4) as u32;
    let campaign = CampaignId { datanet: datanet.clone(), requester: account(requester), number };
    let terms = CampaignTerms {
        kind: dice.pick(&[TaskKind::Label, TaskKind::Evaluate]),
        title: "Which is it?".into(),
        items_root: SALT,
        gold_root: gold_root(&leaves(&campaign)),
        batches: BATCHES,
        batch_items: ITEMS,
        choices: CHOICES,
        workers: 1 + dice.below(3) as u8,
        fee: dice.amount(20_000),
        accuracy: BasisPoints(7_000),
        epochs: 4 + dice.below(6),
        named_only: dice.chance(6),
        from_treasury: dice.chance(12),
    };
    (requester, DatanetAction::OpenCampaign { datanet, number, terms: Box::new(terms) })
}

/// What a labeller answers: half of them know, the others guess.
fn labels(campaign: &CampaignId, batch: u32, who: u8) -> Vec<u16> {
    let mut dice = Dice::about(&(campaign, batch, who));
    let knows = dice.chance(2);
    let answers = gold(campaign, batch).into_iter();
    answers.map(|gold| if knows { gold.answer } else { dice.below(u64::from(CHOICES)) as u16 }).collect()
}

fn due(world: &World, dice: &mut Dice, campaigns: &[(CampaignId, CampaignRecord)]) -> (u8, DatanetAction) {
    let (now, mut found) = (world.epoch(), Vec::new());
    if let Some((campaign, _)) = campaigns.first().filter(|_| dice.chance(10)) {
        // Somebody who may have done nothing.
        let (campaign, labeller) = (campaign.clone(), account(dice.who()));
        return (dice.who(), DatanetAction::JudgeLabels { campaign, batch: 0, labeller, beacon: now });
    }
    for (campaign, record) in campaigns {
        let CampaignId { datanet, requester, number } = campaign.clone();
        let asking = number_of(requester).expect("requesters take part");
        if now <= record.commit_until {
            let (who, batch) = (dice.below(24) as u8, dice.below(u64::from(BATCHES)) as u32);
            let answers = labels(campaign, batch, who);
            let commitment = labels_commitment(campaign, batch, account(who), &answers, &SALT);
            let campaign = campaign.clone();
            found.push((true, who, DatanetAction::CommitLabels { campaign, batch, commitment }));
        }
        for batch in 0..BATCHES {
            of_batch(world, dice, (campaign, record), batch, &mut found);
        }
        if (now > record.gold_until && !record.closed) || dice.chance(20) {
            found.push((false, asking, DatanetAction::CloseCampaign { datanet, number }));
        }
    }
    let urgent = found.iter().any(|(urgent, ..)| *urgent) && !dice.chance(4);
    found.retain(|(is_urgent, ..)| *is_urgent || !urgent);
    if found.is_empty() {
        return begin(world, dice);
    }
    let (_, who, action) = found.swap_remove(dice.below(found.len() as u64) as usize);
    (who, action)
}

fn of_batch(
    world: &World,
    dice: &mut Dice,
    (campaign, record): (&CampaignId, &CampaignRecord),
    batch: u32,
    found: &mut Vec<Due>,
) {
    let now = world.epoch();
    let key = DatanetKey::TaskBatch(campaign.clone(), batch);
    let known: TaskBatchRecord = world.record(&StateKey::Datanets(key)).unwrap_or_default();
    let shows = !Dice::about(&("gold", campaign, batch)).chance(4);
    if now > record.reveal_until && now <= record.gold_until && known.gold.is_none() && shows {
        let CampaignId { datanet, requester, number } = campaign.clone();
        let (gold, path) = (gold(campaign, batch), gold_path(&leaves(campaign), batch as usize));
        let show = DatanetAction::RevealGold { datanet, number, batch, gold, salt: SALT, path };
        found.push((true, number_of(requester).expect("requesters take part"), show));
    }
    for labeller in known.workers {
        let who = number_of(labeller).expect("labellers take part");
        let key = DatanetKey::Work(campaign.clone(), batch, labeller);
        let Some(work) = world.record::<WorkRecord>(&StateKey::Datanets(key)) else { continue };
        let says = !Dice::about(&("labels", campaign, batch, who)).chance(6);
        if now > record.commit_until && now <= record.reveal_until && work.labels.is_none() && says {
            let (campaign, labels) = (campaign.clone(), labels(campaign, batch, who));
            found.push((true, who, DatanetAction::RevealLabels { campaign, batch, labels, salt: SALT }));
        }
        if now > work.reveal_until || dice.chance(30) {
            let drew = |epoch: &u64| world.record::<BeaconRecord>(&StateKey::Beacon(*epoch)).is_some();
            let beacon = (record.commit_until + 1..=now).find(drew).unwrap_or(now);
            let campaign = campaign.clone();
            found.push((false, dice.who(), DatanetAction::JudgeLabels { campaign, batch, labeller, beacon }));
        }
    }
}
