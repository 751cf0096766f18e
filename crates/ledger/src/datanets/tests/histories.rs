//! Random histories of datanets: `World` checks money, loading and rejections at each step; here it is checked that nothing is
//! retroactive and that a cluster belongs to one contribution that is as early as it says.

use std::collections::BTreeMap;

use openledger_types::datanets::{
    CampaignId, CampaignTerms, DatanetAction, Decision, Matter, Provenance, Reason, TaskKind, commitment,
    gold_root, labels_commitment,
};
use openledger_types::record::ContributionRecord;
use openledger_types::{Action, Amount, BasisPoints, ContributionId, Hash};
use proptest::prelude::*;

use super::open::{opened, text};
use super::rules::open_policy;
use crate::tests::*;
use crate::{StateKey, StateRecord};

/// A seed for one action: its kind, who sends it, two small numbers, and one of any size.
pub(crate) type Seed = (u8, u8, u8, u8, u64);

const REASONS: [Reason; 8] = [
    Reason::Quality,
    Reason::Scope,
    Reason::Form,
    Reason::Copy,
    Reason::License,
    Reason::Synthetic,
    Reason::Unlawful,
    Reason::Spam,
];

/// An action of this step that is possible often enough to go deep, about the datanet `open`.
pub(crate) fn random_action(world: &World, (kind, who, one, two, number): Seed) -> (u8, Action) {
    let datanet = name("open");
    let contribution = ContributionId([one % 6; 32]);
    let new = text(one % 6, two % 3, who);
    let provenance = [Provenance::Human, Provenance::Unverified, Provenance::Synthetic][usize::from(two % 3)];
    let beacon = world.parameters.epoch_at(world.context.timestamp_ms).saturating_sub(number % 3);
    let decision = match two % 3 {
        0 => Decision::Reject { quality: BasisPoints(100), reason: REASONS[usize::from(one % 8)] },
        _ => Decision::Accept { quality: BasisPoints(6_000), verified: two & 1 == 0 },
    };
    let judge = if one & 1 == 0 { CURATOR } else { 10 };
    let (who, action) = match kind % 18 {
        0 | 1 => {
            let commitment = commitment(&datanet, account(who), &new, provenance, &bytes32(0));
            (who, DatanetAction::Commit { datanet, commitment })
        }
        2..=4 => (
            who,
            DatanetAction::Reveal { datanet, contribution: Box::new(new), provenance, salt: bytes32(0) },
        ),
        5 => {
            let commitment = commitment(&datanet, account(who), &new, provenance, &bytes32(0));
            (two % ACCOUNTS, DatanetAction::Sweep { datanet, contributor: account(who), commitment })
        }
        6 | 7 => (judge, DatanetAction::Decide { datanet, contribution, decision }),
        8 => (who, DatanetAction::Conclude { datanet, contribution }),
        9 => (who, DatanetAction::TakeCluster { datanet, contribution }),
        10 => (who, DatanetAction::Appeal { datanet, contribution }),
        11 => {
            let earlier = ContributionId([two % 6; 32]);
            let cluster = bytes32(two % 3);
            let reason = REASONS[usize::from(two % 8)];
            let matter = if number & 1 == 0 {
                Matter::Repeats { earlier, cluster }
            } else {
                Matter::Removal { reason }
            };
            (who, DatanetAction::Claim { datanet, contribution, matter })
        }
        12 => (who, DatanetAction::Contest { datanet, contribution }),
        13 => {
            let for_claimant = number & 4 == 0;
            (who, DatanetAction::Vote { datanet, contribution, beacon, for_claimant })
        }
        14 => (who, DatanetAction::CloseDispute { datanet, contribution }),
        15 if two & 1 == 0 => (who, DatanetAction::JoinPanel),
        15 => (who, DatanetAction::LeavePanel),
        _ => random_task(world, (kind, who, one, two, number), beacon),
    };
    (who, Action::Datanets(action))
}

fn random_task(_: &World, (_, who, one, two, number): Seed, beacon: u64) -> (u8, DatanetAction) {
    let datanet = name("open");
    let campaign =
        CampaignId { datanet: datanet.clone(), requester: account(11), number: u32::from(two % 2) };
    let labels = vec![u16::from(two % 2); 8];
    match number % 5 {
        0 => {
            let terms = CampaignTerms {
                kind: TaskKind::Label,
                title: "t".into(),
                items_root: bytes32(1),
                gold_root: gold_root(&[Hash([1; 32])]),
                batches: 2,
                batch_items: 8,
                choices: 2,
                workers: 2,
                fee: Amount(number % 100_000),
                accuracy: BasisPoints(8_000),
                epochs: 1,
                named_only: false,
                from_treasury: false,
            };
            (11, DatanetAction::OpenCampaign { datanet, number: u32::from(two % 2), terms: Box::new(terms) })
        }
        1 => {
            let batch = u32::from(one % 2);
            let commitment = labels_commitment(&campaign, batch, account(who), &labels, &bytes32(0));
            (who, DatanetAction::CommitLabels { campaign, batch, commitment })
        }
        2 => {
            let batch = u32::from(one % 2);
            (who, DatanetAction::RevealLabels { campaign, batch, labels, salt: bytes32(0) })
        }
        3 => {
            let (batch, labeller) = (u32::from(one % 2), account(who));
            (two % ACCOUNTS, DatanetAction::JudgeLabels { campaign, batch, labeller, beacon })
        }
        _ => (11, DatanetAction::CloseCampaign { datanet, number: u32::from(two % 2) }),
    }
}

fn contributions(world: &World) -> BTreeMap<StateKey, ContributionRecord> {
    let records = world.state.iter().filter_map(|(key, value)| {
        let key = StateKey::decode(key).unwrap();
        match StateRecord::decode(&key, value).unwrap() {
            StateRecord::Contribution(record) => Some((key, record)),
            _ => None,
        }
    });
    records.collect()
}

/// What a contribution was accepted with stays; only whoever committed earlier takes an id over.
fn check_not_retroactive(
    before: &BTreeMap<StateKey, ContributionRecord>,
    after: &BTreeMap<StateKey, ContributionRecord>,
) {
    for (key, old) in before {
        let new = after.get(key).expect("a contribution is never forgotten");
        if new.height >= old.height {
            let unchanged =
                ContributionRecord { revoked_at: old.revoked_at, mature: old.mature, ..new.clone() };
            assert_eq!(&unchanged, old);
            assert!(old.revoked_at.is_none() || new.revoked_at == old.revoked_at);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_retroactive(
        seeds in prop::collection::vec((any::<u8>(), 0..ACCOUNTS, any::<u8>(), any::<u8>(), any::<u64>()), 350),
    ) {
        let mut world = opened(open_policy());
        let (mut before, mut done) = (BTreeMap::new(), 0);
        for seed in seeds {
            match seed.4 % 11 {
                0 => world.pass(1 + u64::from(seed.3 % 4)),
                _ => world.context.height += 1,
            }
            let (who, action) = random_action(&world, seed);
            done += u32::from(world.send(who, action).is_ok());
            let after = contributions(&world);
            check_not_retroactive(&before, &after);
            before = after;
        }
        prop_assert!(done > 20, "{done} actions were possible");
    }
}
