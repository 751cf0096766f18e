//! Campaigns of tasks: the table, the money, and colluders.

use openledger_types::Rejection::*;
use openledger_types::datanets::{
    CampaignId, CampaignRecord, CampaignTerms, Contributors, DatanetAction, DatanetRole, GoldItem, Policy,
    TaskKind, gold_is_under, gold_leaf, gold_path, gold_root, labels_commitment, treasury_account,
};
use openledger_types::{
    Action, Amount, Asset, BasisPoints, Cause, Domain, Event, Hash, Holder, Rejection, sha256,
};
use proptest::prelude::*;

use super::super::gold::check_labels;
use super::super::treasury::treasury_pay;
use super::open::opened;
use super::rules::{grant, open_policy};
use crate::tests::*;
use crate::{DatanetKey, StateKey};

const REQUESTER: u8 = 9;
const ITEMS: u16 = 20;

fn act(action: DatanetAction) -> Action {
    Action::Datanets(action)
}

fn campaign_of(who: u8) -> CampaignId {
    CampaignId { datanet: name("open"), requester: account(who), number: 1 }
}

/// Gold of a batch: every other item, and the answer is the place modulo 3.
fn gold(batch: u32) -> Vec<GoldItem> {
    let item = |place: u16| sha256(&[batch.to_le_bytes().as_slice(), &place.to_le_bytes()].concat());
    (0..ITEMS).step_by(2).map(|place| GoldItem { place, answer: place % 3, item: item(place) }).collect()
}

fn leaves(batches: u32) -> Vec<Hash> {
    (0..batches).map(|batch| gold_leaf(batch, &gold(batch), &bytes32(9))).collect()
}

fn terms() -> CampaignTerms {
    CampaignTerms {
        kind: TaskKind::Label,
        title: "Which of three?".into(),
        items_root: bytes32(1),
        gold_root: gold_root(&leaves(3)),
        batches: 3,
        batch_items: ITEMS,
        choices: 3,
        workers: 2,
        fee: Amount(1_000),
        accuracy: BasisPoints(7_500),
        epochs: 2,
        named_only: false,
        from_treasury: false,
    }
}

fn open_with(change: impl FnOnce(&mut CampaignTerms)) -> Action {
    let mut terms = terms();
    change(&mut terms);
    act(DatanetAction::OpenCampaign { datanet: name("open"), number: 1, terms: Box::new(terms) })
}

/// Labels of which the given part, in twentieths, is right.
fn labels(right: u16) -> Vec<u16> {
    (0..ITEMS).map(|place| if place < right { place % 3 } else { (place + 1) % 3 }).collect()
}

fn commit(who: u8, batch: u32, labels: &[u16]) -> Action {
    let campaign = campaign_of(REQUESTER);
    let commitment = labels_commitment(&campaign, batch, account(who), labels, &bytes32(8));
    act(DatanetAction::CommitLabels { campaign, batch, commitment })
}

fn reveal(batch: u32, labels: Vec<u16>) -> Action {
    act(DatanetAction::RevealLabels { campaign: campaign_of(REQUESTER), batch, labels, salt: bytes32(8) })
}

fn show(batch: u32) -> Action {
    show_gold(batch, gold(batch))
}

fn show_gold(batch: u32, gold: Vec<GoldItem>) -> Action {
    let path = gold_path(&leaves(3), batch as usize);
    act(DatanetAction::RevealGold { datanet: name("open"), number: 1, batch, gold, salt: bytes32(9), path })
}

fn judge(batch: u32, who: u8, beacon: u64) -> Action {
    let (campaign, labeller) = (campaign_of(REQUESTER), account(who));
    act(DatanetAction::JudgeLabels { campaign, batch, labeller, beacon })
}

fn close() -> Action {
    act(DatanetAction::CloseCampaign { datanet: name("open"), number: 1 })
}

fn held(world: &World) -> Option<u64> {
    let key = StateKey::Datanets(DatanetKey::Campaign(campaign_of(REQUESTER)));
    world.record::<CampaignRecord>(&key).map(|record| record.held.0)
}

/// 3 batches of 20 items by 2 labellers at 0.001 C.
const TOTAL: u64 = 120_000;
const PAY: u64 = 20_000;
const RICH: u64 = 1_000_000_000;

#[test]
fn labels_are_paid_by_gold_that_was_committed_to_before() {
    let mut world = opened(open_policy());
    let right = labels(ITEMS);
    world.check([
        (REQUESTER, open_with(|terms| terms.fee = Amount(u64::MAX)), Err(AmountOverflow)),
        (REQUESTER, open_with(|terms| terms.fee = Amount(RICH)), Err(BalanceTooLow)),
        (REQUESTER, open_with(|_| ()), Ok(())),
        (REQUESTER, open_with(|_| ()), Err(CampaignExists)),
        (1, commit(1, 3, &right), Err(BatchFull)),
        (1, commit(1, 0, &right), Ok(())),
        (1, commit(1, 0, &right), Err(LabelsExist)),
        (2, commit(2, 0, &labels(10)), Ok(())),
        (3, commit(3, 0, &right), Err(BatchFull)),
        (3, commit(3, 1, &labels(2)), Ok(())),
        (4, commit(4, 1, &right), Ok(())),
        (5, commit(5, 2, &right), Ok(())),
        (1, reveal(0, right.clone()), Err(TooEarly)),
    ]);
    assert_eq!((held(&world), world.credits(REQUESTER)), (Some(TOTAL), RICH - TOTAL));
    world.pass(3);
    world.check([
        (6, commit(6, 2, &right), Err(TooLate)),
        (6, reveal(0, right.clone()), Err(LabelsUnknown)),
        (1, reveal(0, labels(19)), Err(LabelsInvalid)),
        (1, reveal(0, vec![3; ITEMS.into()]), Err(LabelsInvalid)),
        (1, reveal(0, right.clone()), Ok(())),
        (1, reveal(0, right.clone()), Err(LabelsInvalid)),
        (2, reveal(0, labels(10)), Ok(())),
        (3, reveal(1, labels(2)), Ok(())),
        (5, reveal(2, right.clone()), Ok(())),
        (REQUESTER, show(0), Err(TooEarly)),
        (1, judge(0, 1, 3), Err(TooEarly)),
    ]);
    world.pass(2);
    world.check([
        (4, reveal(1, right.clone()), Err(TooLate)),
        (1, show(0), Err(CampaignUnknown)),
        (REQUESTER, show_gold(0, gold(1)), Err(GoldInvalid)),
        (REQUESTER, show(3), Err(GoldInvalid)),
        (REQUESTER, show(0), Ok(())),
        (REQUESTER, show(0), Err(GoldInvalid)),
        (REQUESTER, show(1), Ok(())),
        (1, judge(0, 1, 2), Err(BeaconWrong)),
        (1, judge(0, 1, 4), Err(BeaconWrong)),
        (1, judge(0, 1, 3), Ok(())),
        (1, judge(0, 1, 3), Err(LabelsUnknown)),
        (STRANGER, judge(0, 2, 3), Ok(())),
        (STRANGER, judge(1, 3, 3), Ok(())),
        (STRANGER, judge(1, 4, 3), Ok(())),
        (5, judge(2, 5, 3), Err(TooEarly)),
        (REQUESTER, close(), Err(TooEarly)),
    ]);
    let paid = |world: &World, who| world.credits(who) - RICH;
    let bond = |world: &World, who| 10_000_000_000 - world.account(who).open.0;
    assert_eq!([1, 2, 3, 4].map(|who| paid(&world, who)), [PAY, 0, 0, 0]);
    assert_eq!(
        [1, 2, 3, 4].map(|who| bond(&world, who)),
        [0, 0, 1_000_000, 1_000_000],
        "garbage and absence"
    );
    world.pass(2);
    world.check([
        (REQUESTER, show(2), Err(TooLate)),
        (7, close(), Err(CampaignUnknown)),
        (REQUESTER, close(), Ok(())),
        (REQUESTER, close(), Err(CampaignUnknown)),
        (5, judge(2, 5, 3), Ok(())),
    ]);
    assert_eq!(paid(&world, 5), PAY, "a requester who shows no gold pays");
    assert_eq!((held(&world), world.credits(REQUESTER)), (None, RICH - 2 * PAY));
}

#[test]
fn a_campaign_is_within_its_bounds() {
    let mut world = opened(open_policy());
    let wrong: Vec<Box<dyn Fn(&mut CampaignTerms)>> = vec![
        Box::new(|terms| terms.batches = 0),
        Box::new(|terms| terms.batches = 4_097),
        Box::new(|terms| terms.batch_items = 7),
        Box::new(|terms| terms.batch_items = 257),
        Box::new(|terms| terms.choices = 1),
        Box::new(|terms| terms.workers = 0),
        Box::new(|terms| terms.workers = 9),
        Box::new(|terms| terms.fee = Amount(0)),
        Box::new(|terms| terms.accuracy = BasisPoints(6_999)),
        Box::new(|terms| terms.accuracy = BasisPoints(10_001)),
        Box::new(|terms| terms.epochs = 0),
        Box::new(|terms| terms.epochs = 31),
    ];
    for change in wrong {
        world.check([(REQUESTER, open_with(change), Err(CampaignInvalid))]);
    }
    world.check([
        (REQUESTER, open_with(|terms| terms.title = "x".repeat(513)), Err(TextTooLong)),
        (REQUESTER, open_with(|terms| terms.named_only = true), Ok(())),
        (1, commit(1, 0, &labels(20)), Err(NotLabeller)),
        (CURATOR, grant(1, DatanetRole::Labeller), Ok(())),
        (1, commit(1, 0, &labels(20)), Ok(())),
    ]);
    let private = Policy { private: true, contributors: Contributors::Named, ..open_policy() };
    let mut world = opened(private);
    world.check([(REQUESTER, open_with(|_| ()), Err(CampaignInvalid))]);
}

#[test]
fn gold_dies_when_it_is_public_or_used_up() {
    let mut world = opened(open_policy());
    let mut terms = terms();
    (terms.batches, terms.workers) = (1, 1);
    terms.gold_root = gold_root(&leaves(1));
    let mut counts = Vec::new();
    // Four campaigns at once use the same gold; a fifth comes when it is public.
    let campaign = |number| CampaignId { number, ..campaign_of(REQUESTER) };
    let begin = |world: &mut World, number| {
        let terms = Box::new(terms.clone());
        world.accept(REQUESTER, act(DatanetAction::OpenCampaign { datanet: name("open"), number, terms }));
        let wrong = labels(0);
        let commitment = labels_commitment(&campaign(number), 0, account(1), &wrong, &bytes32(8));
        world
            .accept(1, act(DatanetAction::CommitLabels { campaign: campaign(number), batch: 0, commitment }));
    };
    let end = |world: &mut World, number, counts: &mut Vec<u32>| {
        let show = DatanetAction::RevealGold {
            datanet: name("open"),
            number,
            batch: 0,
            gold: gold(0),
            salt: bytes32(9),
            path: vec![],
        };
        let events = world.accept(REQUESTER, act(show));
        counts.extend(events.iter().find_map(|event| match event {
            Event::Datanets(openledger_types::DatanetEvent::GoldRevealed { counts, .. }) => Some(*counts),
            _ => None,
        }));
    };
    (1..=4).for_each(|number| begin(&mut world, number));
    world.pass(3);
    for number in 1..=4 {
        let (campaign, labels) = (campaign(number), labels(0));
        world.accept(1, act(DatanetAction::RevealLabels { campaign, batch: 0, labels, salt: bytes32(8) }));
    }
    world.pass(2);
    (1..=4).for_each(|number| end(&mut world, number, &mut counts));
    begin(&mut world, 5);
    world.pass(5);
    end(&mut world, 5, &mut counts);
    assert_eq!(counts, [10, 10, 10, 0, 0]);
    let judge = |number, beacon| {
        act(DatanetAction::JudgeLabels { campaign: campaign(number), batch: 0, labeller: account(1), beacon })
    };
    world.check([(1, judge(1, 3), Ok(())), (1, judge(4, 3), Ok(()))]);
    assert_eq!(world.credits(1) - RICH, PAY, "wrong by gold that counts, paid where too little of it does");
}

/// A curator whom the houses were about to replace took 5 % in each of the 28 epochs until then.
#[test]
fn the_treasury_pays_what_its_curator_may_spend_in_a_window() {
    let mut world = opened(open_policy());
    let treasury = treasury_account(&name("open"));
    let funded = |terms: &mut CampaignTerms| terms.from_treasury = true;
    world.check([
        (REQUESTER, open_with(funded), Err(NotCurator)),
        (CURATOR, open_with(funded), Err(TreasuryLimit)),
        (
            REQUESTER,
            Action::Transfer { to: treasury, asset: Asset::Credit, amount: Amount(20 * TOTAL - 1) },
            Ok(()),
        ),
        (CURATOR, open_with(funded), Err(TreasuryLimit)),
        (REQUESTER, Action::Transfer { to: treasury, asset: Asset::Credit, amount: Amount(1) }, Ok(())),
        (CURATOR, open_with(funded), Ok(())),
    ]);
    let second = |terms: &CampaignTerms| {
        let terms = Box::new(CampaignTerms { from_treasury: true, batches: 1, ..terms.clone() });
        act(DatanetAction::OpenCampaign { datanet: name("open"), number: 2, terms })
    };
    for epoch in 0..28 {
        world.check([(CURATOR, second(&terms()), Err(TreasuryLimit))]);
        world.pass(1);
        if epoch == 20 {
            world.accept(CURATOR, close());
        }
    }
    world.pass(62);
    world.check([(CURATOR, second(&terms()), Ok(()))]);
    let balance = |world: &World| -> u64 {
        world
            .record::<openledger_types::record::AccountRecord>(&StateKey::Account(treasury))
            .unwrap()
            .credits
            .0
    };
    assert_eq!(balance(&world), 20 * TOTAL - TOTAL / 3, "what nobody earned is back in the treasury");
    world.transit(CURATOR, |transition| {
        treasury_pay(transition, &name("open"), Holder::Account(account(1)), Amount(7), Cause::TaskPaid)
    });
    assert_eq!((balance(&world), world.credits(1)), (20 * TOTAL - TOTAL / 3 - 7, RICH + 7));
    let collect = |epochs: Vec<u64>| act(DatanetAction::CollectTreasury { datanet: name("open"), epochs });
    world.check([
        (STRANGER, collect(vec![]), Err(TranchesInvalid)),
        (STRANGER, collect(vec![1]), Err(TrancheUnknown)),
    ]);
}

/// What the check of a campaign that somebody paid for says about a labeller with only right answers.
fn evidence_of(kind: TaskKind, from_treasury: bool) -> Option<(Domain, bool, u64)> {
    let mut world = opened(open_policy());
    let requester = if from_treasury { CURATOR } else { REQUESTER };
    let to = treasury_account(&name("open"));
    world.accept(REQUESTER, Action::Transfer { to, asset: Asset::Credit, amount: Amount(RICH / 2) });
    let campaign = campaign_of(requester);
    world.accept(
        requester,
        open_with(|terms| {
            (terms.kind, terms.from_treasury, terms.fee, terms.workers) =
                (kind, from_treasury, Amount(100_000), 1);
        }),
    );
    let commitment = labels_commitment(&campaign, 0, account(1), &labels(20), &bytes32(8));
    world.accept(1, act(DatanetAction::CommitLabels { campaign: campaign.clone(), batch: 0, commitment }));
    world.pass(3);
    let shown = DatanetAction::RevealLabels {
        campaign: campaign.clone(),
        batch: 0,
        labels: labels(20),
        salt: bytes32(8),
    };
    world.accept(1, act(shown));
    world.pass(2);
    world.accept(requester, show(0));
    let judge = DatanetAction::JudgeLabels { campaign, batch: 0, labeller: account(1), beacon: 3 };
    let events = world.accept(1, act(judge));
    assert_eq!(world.credits(1) - RICH, 2_000_000, "the fee does not depend on who pays");
    events.iter().find_map(|event| match event {
        Event::Reputation(openledger_types::ReputationEvent::EvidenceRecorded {
            domain, good, bad, ..
        }) => Some((domain.clone(), *good > 0, *bad)),
        _ => None,
    })
}

/// A requester and a labeller who belong together bought weight in the contributor houses: the fee came back, and the gold was
/// theirs to write.
#[test]
fn checks_are_evidence_about_the_labeller_where_the_treasury_pays() {
    let labelling = || Some((Domain::Labelling(name("open")), true, 0));
    assert_eq!(evidence_of(TaskKind::Label, true), labelling());
    assert_eq!(evidence_of(TaskKind::Evaluate, true), labelling(), "not beyond the datanet");
    assert_eq!(evidence_of(TaskKind::Label, false), None);
    assert_eq!(evidence_of(TaskKind::Evaluate, false), None);
}

/// A4: with agreement as pay, colluders on a cheap signal earn like honest labellers. With gold they do not.
#[test]
fn colluders_on_a_cheap_signal_earn_at_most_half_of_honest_labellers() {
    let gold: Vec<GoldItem> =
        (0..30).map(|place| GoldItem { place, answer: place % 2, item: bytes32(0) }).collect();
    let mut paid = [0u32; 2];
    for round in 0..2_000u32 {
        let bytes = |tag: u8| sha256(&[&round.to_le_bytes()[..], &[tag]].concat()).0;
        // Honest labellers are right nine times in ten; the cheap signal, which all colluders follow, six times.
        for (who, right_of_ten) in [(0usize, 9u8), (1, 6)] {
            let noise = [bytes(who as u8 * 2), bytes(who as u8 * 2 + 1)].concat();
            let answer = |place: u16| {
                let right = noise[usize::from(place)] % 10 < right_of_ten;
                if right { place % 2 } else { 1 - place % 2 }
            };
            let labels: Vec<u16> = (0..30).map(answer).collect();
            let randomness = sha256(&round.to_be_bytes());
            let checked = check_labels(&randomness, account(who as u8), &gold, 8, &labels);
            assert_eq!(checked.checked, 8);
            paid[who] += u32::from(checked.passes(BasisPoints(7_500)));
        }
    }
    let [honest, colluding] = paid;
    assert!(honest > 1_800 && colluding * 2 <= honest, "{honest} and {colluding} of 2,000 batches paid");
}

proptest! {
    #[test]
    fn gold_of_a_batch_stands_under_the_root_at_its_place(batches in 1u32..40, batch in 0u32..40, other in 0u32..40) {
        let (batch, other) = (batch % batches, other % batches);
        let leaves: Vec<Hash> = (0..batches).map(|number| sha256(&number.to_le_bytes())).collect();
        let (root, path) = (gold_root(&leaves), gold_path(&leaves, batch as usize));
        let leaf = leaves[batch as usize];
        prop_assert!(gold_is_under(&root, leaf, batch, batches, &path));
        prop_assert_eq!(gold_is_under(&root, leaf, other, batches, &path), other == batch);
        prop_assert!(!gold_is_under(&root, leaf, batch + batches, batches, &path));
        prop_assert!(!gold_is_under(&root, bytes32(0), batch, batches, &path));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whoever works how well, whoever shows or stays away, and in whatever order it ends: a campaign's money ends once.
    #[test]
    fn the_money_of_a_campaign_ends_once(
        works in prop::collection::vec((1u8..9, 0u32..3, 0u16..=20, any::<bool>()), 0..10),
        shown in any::<[bool; 3]>(), early in any::<bool>(), closed_first in any::<bool>(),
    ) {
        let mut world = opened(open_policy());
        world.accept(REQUESTER, open_with(|_| ()));
        let taken: Vec<_> = works.iter().filter(|(who, batch, right, _)| {
            world.send(*who, commit(*who, *batch, &labels(*right))).is_ok()
        }).collect();
        world.pass(3);
        for (who, batch, right, shows) in &taken {
            if *shows { world.accept(*who, reveal(*batch, labels(*right))); }
        }
        world.pass(2);
        for batch in 0..3u32 {
            if shown[batch as usize] { world.accept(REQUESTER, show(batch)); }
        }
        if !early { world.pass(2); }
        if closed_first && !early { world.accept(REQUESTER, close()); }
        let mut missing = Vec::new();
        for (who, batch, _, shows) in &taken {
            let ended = world.send(STRANGER, judge(*batch, *who, 3));
            let early_default = early && *shows && !shown[*batch as usize];
            prop_assert_eq!(ended.is_ok(), !early_default, "{:?}", ended);
            if early_default { missing.push((*batch, *who)); }
        }
        if early { world.pass(2); }
        for (batch, who) in missing { world.accept(STRANGER, judge(batch, who, 3)); }
        let again: Result<_, Rejection> = world.send(REQUESTER, close());
        prop_assert_eq!(again.is_ok(), early || !closed_first);
        prop_assert_eq!(held(&world), None);
        let all: u64 = (0..ACCOUNTS).map(|who| world.credits(who)).sum();
        prop_assert_eq!(all, u64::from(ACCOUNTS) * RICH, "all of it was paid or is back");
        let paid: u64 = (1..9).map(|who| world.credits(who) - RICH).sum();
        prop_assert_eq!(paid % PAY, 0);
    }
}
