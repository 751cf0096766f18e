//! The table of models, and the resolution of lineages.

use openledger_types::Rejection::*;
use openledger_types::record::ModelRecord;
use openledger_types::{BasisPoints, Royalty};
use proptest::prelude::*;

use super::apply::resolve_lineage;
use crate::StateKey;
use crate::tests::{World, account, model, name};

fn shares(world: &World, model: &str) -> Vec<(openledger_types::AccountId, u16)> {
    let record: ModelRecord = world.record(&StateKey::Model(name(model))).unwrap();
    record.lineage.iter().map(|line| (line.account, line.share.0)).collect()
}

#[test]
fn lineages_sum_to_the_whole_and_are_bounded() {
    let mut world = World::new();
    let seventeen: Vec<(u8, u16)> = (20..37).map(|who| (who, 1)).collect();
    world.check([
        (4, model("tuned", Some("base"), &[]), Err(ModelUnknown)),
        (4, model("base", None, &[(1, 0)]), Err(RoyaltiesInvalid)),
        (4, model("base", None, &[(1, 5_000), (1, 5_000)]), Err(RoyaltiesInvalid)),
        (4, model("base", None, &[(1, 5_001), (2, 5_000)]), Err(RoyaltiesInvalid)),
        (4, model("base", None, &seventeen), Err(RoyaltiesInvalid)),
        (4, model("base", None, &seventeen[..16]), Err(RoyaltiesInvalid)),
        (4, model("base", None, &[(1, 3_333), (4, 1)]), Ok(())),
        (5, model("base", None, &[]), Err(ModelExists)),
        (5, model("tuned", Some("base"), &[(5, 3_000)]), Ok(())),
        (6, model("whole", Some("base"), &[(6, 10_000)]), Ok(())),
        (6, model("deep-1", Some("tuned"), &[]), Ok(())),
    ]);
    assert_eq!(shares(&world, "base"), [(account(1), 3_333), (account(4), 6_667)]);
    // 7,000 left: floor(.3333 * 7000) = 2333 and floor(.6667 * 7000) = 4666; the one that is left goes to the parent's
    // first line.
    assert_eq!(shares(&world, "tuned"), [(account(5), 3_000), (account(1), 2_334), (account(4), 4_666)]);
    assert_eq!(shares(&world, "whole"), [(account(6), 10_000)]);
    assert_eq!(shares(&world, "deep-1"), shares(&world, "tuned"));
    for depth in 2..6 {
        let parent = format!("deep-{}", depth - 1);
        world.accept(6, model(&format!("deep-{depth}"), Some(&parent), &[]));
    }
    world.check([
        (6, model("deep-6", Some("deep-5"), &[]), Ok(())),
        (6, model("deep-7", Some("deep-6"), &[]), Err(LineageTooDeep)),
    ]);
}

proptest! {
    #[test]
    fn every_resolved_lineage_is_whole_and_names_each_account_once(
        own in prop::collection::vec((0u8..6, 0u16..6_000), 0..5),
        parent in prop::collection::vec((0u8..6, 1u16..4_000), 0..4),
    ) {
        let lines = |pairs: &[(u8, u16)]| -> Vec<Royalty> {
            pairs.iter().map(|(who, share)| Royalty { account: account(*who), share: BasisPoints(*share) }).collect()
        };
        let base = vec![Royalty { account: account(9), share: BasisPoints::WHOLE }];
        let Some(parent) = resolve_lineage(&lines(&parent), &base) else { return Ok(()) };
        let Some(lineage) = resolve_lineage(&lines(&own), &parent) else { return Ok(()) };
        prop_assert_eq!(lineage.iter().map(|line| u32::from(line.share.0)).sum::<u32>(), 10_000);
        prop_assert!(lineage.iter().all(|line| line.share.0 > 0));
        let mut accounts: Vec<_> = lineage.iter().map(|line| line.account).collect();
        accounts.sort();
        accounts.dedup();
        prop_assert_eq!(accounts.len(), lineage.len());
    }
}
