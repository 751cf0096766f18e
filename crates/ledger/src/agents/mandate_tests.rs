//! The table of mandates, and the property that no tree of them overshoots.

use openledger_types::Rejection::*;
use openledger_types::agents::*;
use openledger_types::{Action, Amount, ChannelId, Rejection};
use proptest::prelude::*;

use super::fixtures::{job_terms, mandate_record, mandate_terms, register};
use crate::tests::*;

const PAYER: u8 = CONSUMER;

/// Agent `n` belongs to account `n`, for 1 to 5.
fn prepared() -> World {
    let mut world = World::prepared();
    for who in 1..=5 {
        world.accept(who, register());
    }
    world
}

fn grant(agent: u64, terms: MandateTerms, parent: Option<u64>) -> Action {
    let parent = parent.map(MandateId);
    Action::Agents(AgentAction::GrantMandate { agent: AgentId(agent), terms, parent })
}

fn revoke(mandate: u64) -> Action {
    Action::Agents(AgentAction::RevokeMandate { mandate: MandateId(mandate) })
}

fn pay(mandate: u64, to: u8, amount: u64) -> Action {
    let (mandate, to) = (MandateId(mandate), account(to));
    Action::Agents(AgentAction::PayByMandate { mandate, to, amount: Amount(amount) })
}

fn top_up(mandate: u64, channel: ChannelId, amount: u64) -> Action {
    let mandate = MandateId(mandate);
    Action::Agents(AgentAction::TopUpByMandate { mandate, channel, amount: Amount(amount) })
}

fn open(terms: JobTerms, mandate: u64) -> Action {
    Action::Agents(AgentAction::OpenJob { terms, mandate: Some(MandateId(mandate)) })
}

#[test]
fn terms_are_bounded() {
    let with = |change: &dyn Fn(&mut MandateTerms)| {
        let mut terms = mandate_terms(100, 10, 5);
        change(&mut terms);
        grant(1, terms, None)
    };
    let many: Vec<_> = (0..17).map(|number| openledger_types::AccountId([number; 20])).collect();
    prepared().check([
        (PAYER, grant(9, mandate_terms(1, 1, 1), None), Err(AgentUnknown)),
        (PAYER, with(&|terms| terms.total = Amount(0)), Err(MandateInvalid)),
        (PAYER, with(&|terms| terms.per_epoch = Amount(0)), Err(MandateInvalid)),
        (PAYER, with(&|terms| terms.per_epoch = Amount(101)), Err(MandateInvalid)),
        (PAYER, with(&|terms| terms.purposes = vec![]), Err(MandateInvalid)),
        (PAYER, with(&|terms| terms.purposes = vec![Purpose::Pay, Purpose::Job]), Err(MandateInvalid)),
        (PAYER, with(&|terms| terms.counterparties = many.clone()), Err(MandateInvalid)),
        (PAYER, with(&|terms| terms.models = vec![name("b"), name("b")]), Err(MandateInvalid)),
        (PAYER, with(&|terms| terms.expires_in_epoch = 0), Err(MandateInvalid)),
        (PAYER, with(&|terms| terms.expires_in_epoch = 10_001), Err(MandateInvalid)),
        (PAYER, grant(1, mandate_terms(1, 1, 1), Some(1)), Err(MandateUnknown)),
        (PAYER, revoke(1), Err(MandateUnknown)),
        (PAYER, with(&|_| {}), Ok(())),
    ]);
}

#[test]
fn a_mandate_spends_what_it_may_and_on_what_it_may() {
    let mut world = prepared();
    let narrow = MandateTerms {
        purposes: vec![Purpose::Job, Purpose::Inference],
        counterparties: {
            let mut list = vec![account(2), account(GATEWAY)];
            list.sort();
            list
        },
        models: vec![name("base")],
        ..mandate_terms(1_000, 500, 5)
    };
    let with_model = |model: &str| JobTerms { model: Some(name(model)), ..job_terms(2, 9, 100) };
    let judged_by = |judge: u8| JobTerms { model: Some(name("base")), ..job_terms(2, judge, 100) };
    let channel = world.channel();
    world.check([
        (PAYER, grant(1, mandate_terms(150, 100, 5), None), Ok(())),
        (PAYER, grant(1, narrow, None), Ok(())),
        (PAYER, grant(1, mandate_terms(u64::MAX, u64::MAX, 5), None), Ok(())),
        (2, pay(1, 9, 1), Err(NotAgentActor)),
        (1, pay(1, 9, 0), Err(AmountZero)),
        (1, pay(9, 9, 1), Err(MandateUnknown)),
        (1, pay(1, 9, 101), Err(MandateEpochExhausted)),
        (1, pay(1, 9, 60), Ok(())),
        (1, pay(1, 9, 41), Err(MandateEpochExhausted)),
        (1, pay(1, 9, 40), Ok(())),
        (1, pay(3, 9, 2_000_000_000), Err(BalanceTooLow)),
        (1, pay(2, 2, 1), Err(MandateForbids)),
        (1, open(job_terms(2, 9, 100), 2), Err(MandateForbids)),
        (1, open(with_model("tuned"), 2), Err(MandateForbids)),
        (1, open(JobTerms { provider: AgentId(3), ..with_model("base") }, 2), Err(MandateForbids)),
        // The evaluator is paid too: an agent hired whom it may and named itself to evaluate, for a fee.
        (1, open(with_model("base"), 2), Err(MandateForbids)),
        (1, open(judged_by(1), 2), Err(MandateForbids)),
        (1, open(judged_by(PAYER), 2), Ok(())),
        (1, top_up(2, channel, 400), Err(MandateEpochExhausted)),
        (1, top_up(2, channel, 390), Ok(())),
        (1, top_up(2, ChannelId([9; 32]), 1), Err(ChannelUnknown)),
    ]);
    world.pass(1);
    world.check([(1, pay(1, 9, 51), Err(MandateExhausted)), (1, pay(1, 9, 50), Ok(()))]);
    world.pass(4);
    world.check([(1, pay(2, 2, 1), Err(MandateOver))]);
    assert_eq!(world.credits(9), 1_000_000_000 + 150);
}

#[test]
fn parts_stay_within_what_is_above_and_end_with_it() {
    let mut world = prepared();
    world.check([
        (PAYER, grant(1, mandate_terms(100, 50, 9), None), Ok(())),
        (2, grant(2, mandate_terms(1, 1, 1), Some(1)), Err(NotAgentActor)),
        (1, grant(2, mandate_terms(101, 50, 9), Some(1)), Err(MandateExceedsParent)),
        (1, grant(2, mandate_terms(100, 51, 9), Some(1)), Err(MandateExceedsParent)),
        (1, grant(2, mandate_terms(100, 50, 10), Some(1)), Err(MandateExceedsParent)),
        (1, pay(1, 9, 10), Ok(())),
        (1, grant(2, mandate_terms(91, 50, 9), Some(1)), Err(MandateExceedsParent)),
        (1, grant(2, mandate_terms(90, 50, 9), Some(1)), Ok(())),
        (1, grant(3, mandate_terms(90, 50, 9), Some(1)), Ok(())),
        (2, grant(4, mandate_terms(90, 50, 9), Some(2)), Ok(())),
        (4, grant(5, mandate_terms(90, 50, 9), Some(4)), Ok(())),
        (5, grant(1, mandate_terms(1, 1, 9), Some(5)), Err(MandateTooDeep)),
        (5, pay(5, 9, 30), Ok(())),
        (3, pay(3, 9, 11), Err(MandateEpochExhausted)),
        (3, pay(3, 9, 10), Ok(())),
    ]);
    let spent = |world: &World| [1, 2, 3, 4, 5].map(|id| mandate_record(world, id).spent.0);
    assert_eq!(spent(&world), [50, 30, 10, 30, 30]);
    world.pass(1);
    world.check([
        (9, revoke(2), Err(NotMandateParty)),
        (1, revoke(2), Ok(())),
        (1, revoke(2), Err(MandateOver)),
        (5, pay(5, 9, 1), Err(MandateOver)),
        (3, pay(3, 9, 1), Ok(())),
        (PAYER, revoke(3), Ok(())),
        (3, pay(3, 9, 1), Err(MandateOver)),
        (1, pay(1, 9, 1), Ok(())),
        (1, Action::Agents(AgentAction::TransferAgent { agent: AgentId(1), to: account(9) }), Ok(())),
        (9, pay(1, 9, 1), Err(MandateOver)),
        (1, pay(1, 9, 1), Err(MandateOver)),
    ]);
}

#[test]
fn a_mandate_is_as_wide_as_its_limit() {
    let mut world = prepared();
    world.accept(PAYER, grant(1, mandate_terms(100, 50, 9), None));
    for _ in 0..64 {
        world.accept(1, grant(2, mandate_terms(1, 1, 9), Some(1)));
    }
    world.check([(1, grant(2, mandate_terms(1, 1, 9), Some(1)), Err(MandateTooDeep))]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Whatever is granted, spent, revoked and waited for, in whatever order: what a mandate and everything under it took from
    /// the payer is what it counts, and within its limits; and the payer lost exactly what the tops count.
    #[test]
    fn a_tree_never_overshoots(
        steps in prop::collection::vec((0u8..10, 1u64..6, 0u64..12, 1u64..60), 1..50),
    ) {
        let mut world = prepared();
        let start = world.credits(PAYER);
        let mut granted = 0u64;
        let mut taken: Vec<(u64, u64, u64)> = Vec::new();
        for (kind, agent, mandate, amount) in steps {
            let mandate = 1 + mandate % (granted + 1);
            let (who, action) = match kind {
                0 => (PAYER, grant(agent, mandate_terms(3 * amount, amount, 50), None)),
                1..=3 => {
                    let actor = (mandate <= granted).then(|| mandate_record(&world, mandate).agent.0);
                    let actor = u8::try_from(actor.unwrap_or(1)).unwrap();
                    (actor, grant(agent, mandate_terms(2 * amount, amount, 50), Some(mandate)))
                }
                4 => (PAYER, revoke(mandate)),
                5 => {
                    world.pass(1);
                    continue;
                }
                _ => {
                    let actor = (mandate <= granted).then(|| mandate_record(&world, mandate).agent.0);
                    (u8::try_from(actor.unwrap_or(1)).unwrap(), pay(mandate, 9, amount))
                }
            };
            let epoch = world.parameters.epoch_at(world.context.timestamp_ms);
            let sent: Result<_, Rejection> = world.send(who, action);
            match (kind, sent.is_ok()) {
                (0..=3, true) => granted += 1,
                (6.., true) => taken.push((mandate, epoch, amount)),
                _ => {}
            }
        }
        let mut tops = 0;
        for id in 1..=granted {
            let record = mandate_record(&world, id);
            let under = |of: u64| {
                of == id || mandate_record(&world, of).ancestors.iter().any(|up| up.mandate.0 == id)
            };
            let mine: Vec<_> = taken.iter().filter(|(of, ..)| under(*of)).collect();
            let total: u64 = mine.iter().map(|(.., amount)| amount).sum();
            prop_assert_eq!(total, record.spent.0);
            prop_assert!(record.spent <= record.terms.total);
            for (_, epoch, _) in &mine {
                let in_epoch: u64 = mine.iter().filter(|line| line.1 == *epoch).map(|line| line.2).sum();
                prop_assert!(in_epoch <= record.terms.per_epoch.0);
            }
            if record.ancestors.is_empty() {
                tops += total;
            }
        }
        prop_assert_eq!(start - world.credits(PAYER), tops);
    }
}
