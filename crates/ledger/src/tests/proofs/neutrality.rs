//! I4 and I5: nobody gains by being many.

use openledger_types::record::OwnerRecord;
use openledger_types::{AccountId, Action, Amount, ContributionId, Event, Rejection};

use super::super::history::{Dice, History, Invariant, Turn, completions, netted, share_of, step};
use super::super::*;
use crate::{CompletionLines, CompletionTerms, DataShare, StateKey, split_completion};

fn paid_to(lines: &[CompletionLines], who: &dyn Fn(AccountId) -> bool) -> u64 {
    let data = lines.iter().flat_map(|lines| &lines.data).map(|line| (line.owner, line.amount.0));
    let builders = lines.iter().flat_map(|lines| &lines.builders).map(|line| (line.account, line.amount.0));
    data.chain(builders).filter(|(account, _)| who(*account)).map(|(_, amount)| amount).sum()
}

/// One owner of `terms` as two accounts that share its parts.
fn as_two(terms: &CompletionTerms, dice: &mut Dice, whom: AccountId, second: AccountId) -> CompletionTerms {
    let mut split = terms.clone();
    for share in &mut split.shares {
        if let Some(place) = share.owners.iter().position(|owner| owner.account == whom && owner.parts > 1) {
            let mut owners = share.owners.to_vec();
            let moved = 1 + dice.below(owners[place].parts - 1);
            owners[place].parts -= moved;
            owners.push(OwnerRecord { account: second, parts: moved });
            share.owners = owners.into();
        }
    }
    split
}

/// I4. An owner who takes part under two accounts, a text that is cut in two clusters, and a job that is cut into
/// several, are paid at most what the one was paid: providers, builders, owners and all clusters together. A single
/// cluster can gain the carry that the others left, less than one uC per other cluster and further job; that bound is
/// checked too. What a job cut in pieces loses to flooring goes to maintenance.
/// Not checked: accounts that hide behind different texts that match the same tokens (the escaped mass of attack A2); what
/// a cut text changes in the attribution itself, which the tests of `openledger-attribution` check below its cap.
#[test]
pub(crate) fn i04_splitting_never_pays() {
    let world = History::beginning();
    let mut dice = Dice::new(4);
    for _ in 0..400 {
        let (gateway, mut terms) = completions(&world, &mut dice, 1);
        let terms = &mut terms[0];
        terms.carry_in = Amount::ZERO;
        let (whole, second) = (split_completion(terms, &world.parameters).unwrap(), account(60));
        let whom = account(dice.who());
        let both = |who: AccountId| who == whom || who == second;
        let as_two = as_two(terms, &mut dice, whom, second);
        let two = split_completion(&as_two, &world.parameters).unwrap();
        assert!(paid_to(&[two], &both) <= paid_to(std::slice::from_ref(&whole), &both));
        check_cut_text(&world, &mut dice, terms);
        check_cut_job(&world, &mut dice, gateway, terms, &whole);
    }
}

fn check_cut_text(world: &World, dice: &mut Dice, terms: &CompletionTerms) {
    let data = |terms: &CompletionTerms| {
        let lines = split_completion(terms, &world.parameters).unwrap();
        lines.data.iter().map(|line| line.amount.0).sum::<u64>()
    };
    let mut cut = terms.clone();
    if let Some(share) = cut.shares.first_mut().filter(|share| share.weight > 1) {
        let moved = 1 + dice.below(share.weight - 1);
        share.weight -= moved;
        let second = DataShare { contribution: ContributionId([200; 32]), weight: moved, ..share.clone() };
        cut.shares.push(second);
    }
    assert!(data(&cut) <= data(terms), "a text in two pieces earns no more");
}

fn check_cut_job(
    world: &World,
    dice: &mut Dice,
    gateway: u8,
    terms: &CompletionTerms,
    whole: &CompletionLines,
) {
    let (mut rest, mut jobs) = (terms.reference.0, Vec::new());
    for _ in 0..1 + dice.below(6) {
        let piece = dice.below(rest + 1);
        rest -= piece;
        jobs.push(CompletionTerms { reference: Amount(piece), ..terms.clone() });
    }
    jobs.push(CompletionTerms { reference: Amount(rest), ..terms.clone() });
    let (lines, _) = netted(world, gateway, &jobs);
    let sum = |part: fn(&CompletionLines) -> u64| lines.iter().map(part).sum::<u64>();
    assert_eq!(sum(|lines| lines.reference.0), whole.reference.0);
    assert!(sum(|lines| lines.reference_split.provider.0) <= whole.reference_split.provider.0);
    assert!(sum(|lines| lines.reference_split.builder.0) <= whole.reference_split.builder.0);
    assert!(sum(|lines| lines.reference_split.data.0) <= whole.reference_split.data.0);
    assert!(sum(|lines| lines.router_fee.0) <= whole.router_fee.0);
    assert!(sum(|lines| lines.reference_split.maintenance.0) >= whole.reference_split.maintenance.0);
    for share in &terms.shares {
        let of = |lines: &CompletionLines| {
            let data = lines.data.iter().filter(|line| line.contribution == share.contribution);
            data.map(|line| line.amount.0).sum::<u64>()
        };
        let carried = (jobs.len() as u64 - 1) * (terms.shares.len() as u64 + 1);
        assert!(
            lines.iter().map(of).sum::<u64>() <= of(whole) + carried,
            "more than the carries of the others"
        );
    }
}

/// I5. In every batch that a history settles, a cluster is paid through its first text alone, however often it was
/// repeated and by whom; and a batch that pays a repeat is refused.
/// Not checked: repeats that the datanet did not recognise.
#[derive(Default)]
struct OneTextPerCluster {
    paid: u64,
    copies: u64,
    refused: u64,
}

impl Invariant for OneTextPerCluster {
    fn after(&mut self, turn: &Turn<'_>) {
        let Action::SettleBatch(batch) = turn.action else { return };
        self.refused += u64::from(turn.result == Err(Rejection::ClusterNotOwned));
        if turn.result.is_err() {
            return;
        }
        for line in &batch.data {
            let key = StateKey::Contribution(line.datanet.clone(), line.contribution);
            let record: openledger_types::record::ContributionRecord = turn.world.record(&key).unwrap();
            let cluster = StateKey::Cluster(line.datanet.clone(), record.cluster);
            let cluster: openledger_types::record::ClusterRecord = turn.world.record(&cluster).unwrap();
            assert_eq!(cluster.owner, line.contribution);
            assert!(record.revoked_at.is_none());
            self.paid += 1;
            self.copies += u64::from(cluster.copies > 0);
        }
        let owners = batch.data.iter().map(|line| line.owner);
        let paid = turn
            .events
            .iter()
            .filter(|event| matches!(event, Event::Paid { role: openledger_types::record::Role::Data, .. }));
        assert_eq!(paid.count(), owners.count(), "nobody else is paid for data");
    }

    fn end(&mut self, _: &World) {
        assert!(
            self.paid > share_of(200) && self.copies > share_of(50) && self.refused > share_of(3),
            "{} paid, {} with copies, {} refused",
            self.paid,
            self.copies,
            self.refused
        );
    }
}

#[test]
pub(crate) fn i05_a_cluster_is_paid_once_however_many_repeat_it() {
    let rows = [
        step("settlement", 30),
        step("datanets", 14),
        step("channels", 14),
        step("accounts", 14),
        step("bonds", 6),
        step("models", 3),
    ];
    History::focused(History::beginning(), 5, &rows, &mut [&mut OneTextPerCluster::default()]);
    // The same answer in a world where everybody repeated every text: the same payouts to the unit.
    let world = World::prepared();
    let mut flooded = world.clone();
    for place in 0..40u8 {
        let copy = contribution(100 + place, [1, 2, 4][usize::from(place % 3)], &[(place % ACCOUNTS, 1)]);
        let action = Action::Contribute { datanet: name("help"), contributions: vec![copy] };
        flooded.accept(CURATOR, action);
    }
    let lines = |world: &World| {
        let terms = world.terms("tuned", 1_000_003, 0, &[(1, 30), (2, 20), (4, 7)], 11);
        split_completion(&terms, &world.parameters).unwrap()
    };
    assert_eq!(lines(&world), lines(&flooded));
    let mut copied = flooded.terms("tuned", 1_000_003, 0, &[(100, 30)], 11);
    copied.shares[0].weight = 30;
    let batch = flooded.batch(&[copied]);
    assert_eq!(flooded.send(GATEWAY, settling(batch)), Err(Rejection::ClusterNotOwned));
}
