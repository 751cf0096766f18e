//! The table of invariants: number, statement, and the test that holds it. `docs/economy.md` prints it.
//! The statements are those of the mechanism notes, section 10; what a test does not check is in its head.

use super::proofs::*;

/// One invariant.
pub(crate) struct Row {
    pub(crate) number: u8,
    pub(crate) statement: &'static str,
    pub(crate) test: &'static str,
    /// The test itself: a row without one does not compile.
    run: fn(),
}

macro_rules! invariants {
    ($($number:literal $test:ident $statement:literal;)*) => {
        pub(crate) const INVARIANTS: &[Row] = &[$(
            Row { number: $number, statement: $statement, test: stringify!($test), run: $test },
        )*];
    };
}

invariants! {
    1 i01_money_is_conserved
        "Everything held anywhere is genesis and deposits less withdrawals and burns, after each transition.";
    2 i02_nothing_mints_but_a_deposit
        "Nothing is minted by volume, rating, vote or rank.";
    3 i03_splits_are_exact
        "A split sums exactly to its price; flooring leaves at most 6 uC.";
    4 i04_splitting_never_pays
        "Splitting an account, a text or a job into parts never raises the total payout, as long as its parts are attributed what the whole was.";
    5 i05_a_cluster_is_paid_once_however_many_repeat_it
        "A cluster's payout does not depend on the number of identities or duplicates.";
    6 i06_claimed_stays_within_unlocked
        "claimed <= unlocked <= tranche; what has unlocked never shrinks except by a fault.";
    7 i07_nothing_unverified_is_liquid_beyond_collateral
        "What is liquid and unverified stays within collateral, for every subject at every step.";
    8 i08_a_fault_takes_what_there_is_and_gives_it_away_exactly
        "A fault takes at most stake and escrow; what it takes is shared out exactly, and nothing of it goes to the cluster at fault.";
    9 i09_a_closed_set_loses_the_leak
        "Whoever owns every role and buys from itself loses the burn and the funds.";
    10 i10_reputation_rises_slowly_in_any_order
        "A reputation is in [0, 1], rises by at most .05 per epoch, never by bad evidence, in any order within an epoch; it decays towards the prior only.";
    11 i11_a_new_name_is_worth_nothing
        "A new identity has no more reputation than any clean one; a new name never raises what can be liquid.";
    12 i12_auditors_have_no_part_in_what_they_audit
        "An auditor's cluster is never that of provider, gateway or consumer; what draws is fixed after what it draws from.";
    13 i13_no_verdict_can_be_read_before_the_last_commitment
        "No verdict can be read before the deadline for commitments.";
    14 i14_nobody_is_audited_less_than_the_least_rate
        "Everybody is audited at least at the least rate, and newcomers at least at the base rate.";
    15 i15_an_honest_provider_gains_in_spite_of_mistakes
        "Honest work is worth doing at the reference's rate of false accusations.";
    16 i16_exposure_is_capped_in_every_order
        "The caps on exposure and on a cluster's traffic hold under any order of events.";
    17 i17_prices_step_little_and_are_capped_where_few_could_serve
        "A price steps by at most 6.25 %, never below the reference price; the cap is active exactly when the residual supply index of three is below 1.1.";
    18 i18_nobody_decides_alone_and_no_delay_shrinks
        "No single house, cluster or council executes a change of money or constitution; no passed vote shortens a delay that runs.";
    19 i19_leaving_completes_and_pays_what_has_unlocked
        "Leaving always completes, and pays floor(pro rata).";
    20 i20_every_change_of_a_balance_is_cited
        "Every change of a balance is in an event, and a batch pays exactly what its channels were debited.";
    21 i21_replay_gives_the_same_state
        "Replaying the log gives the identical state hash.";
    22 i22_nothing_overflows_at_the_extremes
        "Nothing overflows at a price of 2^63 uC, 64 clusters and a reputation of one.";
    23 i23_no_recipient_gets_more_than_its_part_of_maintenance
        "No cluster of recipients gets more than its cap of maintenance.";
    24 i24_a_pause_moves_nothing_and_stops_no_exit
        "Pausing never moves funds, and stops no exit.";
}

/// Invariants of steps that are not there yet.
const PENDING: &[u8] = &[];

#[test]
fn no_invariant_is_missing() {
    let mut numbers: Vec<u8> =
        INVARIANTS.iter().map(|row| row.number).chain(PENDING.iter().copied()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=24).collect::<Vec<u8>>());
    for row in INVARIANTS {
        assert!(row.test.starts_with(&format!("i{:02}_", row.number)), "{}", row.test);
        let _: fn() = row.run;
    }
}
