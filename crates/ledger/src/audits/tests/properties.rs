//! Random audits from draw to settlement: any verdicts, silences, challenges and sizes. Conservation, replay of loading and the
//! emptiness of rejections are checked by `World` for every action.

use openledger_types::audits::{AuditParameters, Round, SeatResult};
use openledger_types::record::Pool;
use openledger_types::{EscrowEvent, Holder};
use proptest::prelude::*;

use super::*;

fn verdict(number: u8) -> Option<Verdict> {
    match number % 8 {
        0..3 => Some(Verdict::Pass),
        3..6 => Some(COMPUTATION),
        6 => Some(
            [Verdict::Mismatch, Verdict::Withheld, Verdict::Fault(Fault::Receipt)]
                [usize::from(number >> 3) % 3],
        ),
        _ => None,
    }
}

/// I8: a forfeit takes what goes somewhere, and nothing of it comes back to the subject.
fn check_forfeits(events: &[Event]) {
    for event in events {
        let Event::Escrow(EscrowEvent::Forfeited { forfeited, subject, .. }) = event else { continue };
        let out =
            [forfeited.refunded, forfeited.reported, forfeited.insured, forfeited.restored, forfeited.burned];
        assert_eq!(Amount::sum(out), Some(forfeited.credits));
        let open = [
            forfeited.refunded_open,
            forfeited.reported_open,
            forfeited.insured_open,
            forfeited.restored_open,
            forfeited.burned_open,
        ];
        assert_eq!(Amount::sum(open), Some(forfeited.open));
        let back = |event: &Event| {
            matches!(event, Event::Moved { from: Holder::Escrow(from) | Holder::Bond(from), to: Holder::Account(to), .. }
                if from == subject && to == subject)
        };
        assert!(!events.iter().any(back));
    }
}

/// I12: nobody sits who is a party, and nobody twice.
fn check_seats(world: &World, audit: AuditId) {
    let mut seen = vec![PROVIDER, GATEWAY, CONSUMER];
    for seat in record(world, audit).rounds.iter().flat_map(|round| round.seats.iter()) {
        let who = who(&seat.auditor);
        assert!(!seen.contains(&who), "{who} sits although a party, or twice");
        seen.push(who);
    }
}

/// I13: before the last commitment no verdict is in the state.
fn check_secrecy(world: &World, audit: AuditId) {
    let record = record(world, audit);
    let round = record.rounds.last().unwrap();
    if epoch(world) <= round.commit_by {
        assert!(round.seats.iter().all(|seat| seat.verdict.is_none()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn random_audits_keep_every_invariant(
        said in prop::collection::vec(any::<u8>(), 40), planted in any::<bool>(), repeated in any::<bool>(),
        challenges in 0usize..3, breaks in any::<bool>(),
    ) {
        let (mut world, audit) = opened(|parameters| {
            parameters.audits.planted.0 = if planted { 10_000 } else { 0 };
            parameters.audits.repeated.0 = if repeated { 10_000 } else { 0 };
            parameters.audits.breaker_rulings = if breaks { 1 } else { 20 };
        });
        let (mut said, mut challenges) = (said.into_iter().cycle(), challenges);
        loop {
            match record(&world, audit).status {
                Status::Sitting => {
                    let round: Vec<_> = said.by_ref().take(9).map(verdict).collect();
                    check_seats(&world, audit);
                    check_secrecy(&world, audit);
                    say(&mut world, audit, |seat| round[seat]);
                    check_secrecy(&world, audit);
                    advance(&mut world, audit);
                }
                Status::Drawing { .. } => advance(&mut world, audit),
                Status::Ruled { ruling, .. } => {
                    let fine = tally_agrees(ruling, Verdict::Pass);
                    let claim = if fine { COMPUTATION } else { Verdict::Pass };
                    if challenges == 0 || world.send(CONSUMER, challenge(audit, claim)).is_err() {
                        break;
                    }
                    challenges -= 1;
                }
            }
        }
        let faulty = matches!(ruling(&world, audit), Ruling::Faulty(_));
        if faulty {
            // The round that ruled; where nobody was left or nobody spoke, an earlier ruling holds.
            let spoke = |round: &Round| round.seats.iter().any(|seat| seat.verdict.is_some());
            let last = record(&world, audit).rounds.into_iter().rfind(spoke).unwrap().seats;
            let votes = last.iter().filter(|seat| matches!(seat.verdict, Some(Verdict::Fault(_)))).count();
            prop_assert!(votes >= 2 && votes * 3 >= last.len() * 2, "two thirds of the last panel");
        }
        wait_while_paused(&mut world, audit);
        let fee = record(&world, audit).fee;
        let stake = provider_record(&world).stake;
        let pool: Amount = world.record(&StateKey::Pool(Pool::Verification)).unwrap_or_default();
        let events = finish(&mut world, audit);
        check_forfeits(&events);
        for event in &events {
            let Event::Audits(AuditEvent::SeatSettled { result, fee: paid, .. }) = event else { continue };
            let unpaid = matches!(result, SeatResult::Silent | SeatResult::Missed | SeatResult::Immune);
            prop_assert_eq!(*paid, if unpaid { Amount::ZERO } else { fee }, "a fee does not depend on agreement");
        }
        for who in AUDITORS {
            // I16: what is liquid and unverified stays within half the bond.
            let bond: openledger_types::BondRecord =
                world.record(&crate::bonds::key(account(who), Role::Auditor)).unwrap_or_default();
            let worth = crate::escrow::collateral(bond.bond, world.parameters.collateral_per_open);
            prop_assert!(bond.exposure.0 <= worth.0 / 2);
        }
        prop_assert!(faulty || provider_record(&world).stake == stake, "only proven faults take stake");
        prop_assert!(world.record::<Amount>(&StateKey::Pool(Pool::Verification)).unwrap_or_default() >= pool);
    }

    /// I15: whoever is honest and proven guilty once in 10,000 checks by mistake still earns more than it loses, at every rate
    /// and with a stake 100 times its yearly fault.
    #[test]
    fn honesty_pays_despite_mistakes(share in 1u64..1 << 40, rate in 400u64..=2_500) {
        let parameters = AuditParameters::starting();
        // Expected loss in 10^-8 of a share: rate (10^-4) times mistakes (10^-4) times the penalty in shares.
        let loss = u128::from(rate) * u128::from(parameters.job_slash) * u128::from(share);
        prop_assert!(loss < u128::from(share) * 100_000_000 / 100, "{loss}");
        // A cheat who gains at most .8 of a share and is caught with .9, where a third of the auditors looks away.
        let caught = rate * 9 * 2 / 30;
        let penalty = caught * (parameters.job_slash + 1);
        prop_assert!(penalty > 8_000, "at {rate}: {penalty}");
    }
}

/// I24: a pause moves nothing; when it is over, everything can be settled.
fn wait_while_paused(world: &mut World, audit: AuditId) {
    let Status::Ruled { until: last, .. } = record(world, audit).status else { panic!("not ruled") };
    until(world, last + 1);
    loop {
        let mut tried = world.clone();
        match tried.send(STRANGER, settle_subject(audit)) {
            Ok(_) => return,
            Err(rejection) => assert_eq!(rejection, Rejection::SlashingPaused),
        }
        assert_eq!(tried.state.get(&StateKey::Supply.encode()), world.state.get(&StateKey::Supply.encode()));
        world.pass(1);
    }
}

fn tally_agrees(ruling: Ruling, claim: Verdict) -> bool {
    super::super::tally::agrees(ruling, claim)
}
