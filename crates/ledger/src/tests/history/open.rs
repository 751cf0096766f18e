//! Random open contributions: commitments that are revealed or not, decisions, silence, appeals, claims, panels, clawbacks;
//! and the roles and policies of an open datanet. Text `n` is always of the same contributor, so whoever reveals knows what
//! was committed.

use openledger_types::datanets::{
    CommitmentRecord, Contributors, DatanetAction, DatanetRole, Decision, DisputeRecord, FaultRecord,
    JurorRecord, Matter, Mix, Policy, Provenance, Reason, Stage, SubmissionRecord, commitment,
};
use openledger_types::record::{
    BeaconRecord, ClusterRecord, ContributionRecord, DatanetRecord, ImmatureRecord,
};
use openledger_types::{AccountId, Action, Amount, BasisPoints, ContributionId, Hash, Name, NewContribution};

use super::super::*;
use super::{Dice, number_of};
use crate::StateKey;
use crate::datanets::DatanetKey;

/// The open datanet, and the first id of its texts.
pub(super) const OPEN: &str = "open";
pub(super) const FIRST: u8 = 160;
const TEXTS: u8 = 90;
const SALT: Hash = Hash([80; 32]);

/// What may come too late, who does it, and what.
type Due = (bool, u8, DatanetAction);

pub(super) fn open(world: &World, dice: &mut Dice) -> (u8, Action) {
    let record: Option<DatanetRecord> = world.record(&StateKey::Datanet(name(OPEN)));
    let Some(record) = record else {
        let policy = Box::new(policy(300));
        let create = DatanetAction::Create { name: name(OPEN), title: "Open".into(), policy };
        return (CURATOR, Action::Datanets(create));
    };
    let curator = number_of(record.curator).expect("curators take part");
    let (who, action) = match dice.below(16) {
        0..3 => rules(dice, curator),
        3 | 4 => panel(world, dice),
        5 | 6 => claim(world, dice),
        _ => due(world, dice, curator),
    };
    (who, Action::Datanets(action))
}

fn policy(curator_share: u16) -> Policy {
    Policy {
        licenses: vec!["CC-BY-SA-4.0".into()],
        contributors: Contributors::Bonded,
        provenance: vec![Provenance::Synthetic, Provenance::Unverified, Provenance::Human],
        imports: Provenance::Human,
        quality_bar: BasisPoints(2_000),
        contribution_bond: Amount(50_000),
        curator_share: BasisPoints(curator_share),
        treasury_share: BasisPoints(500),
        mix: Mix { verbatim: BasisPoints(9_000), context: BasisPoints(1_000), ..Mix::VERBATIM },
        private: false,
    }
}

/// Policies, roles and the curatorship.
fn rules(dice: &mut Dice, curator: u8) -> (u8, DatanetAction) {
    let datanet = name(if dice.chance(8) { "help" } else { OPEN });
    let who = dice.below(6) as u8;
    let role = dice.pick(&[DatanetRole::Reviewer, DatanetRole::Labeller, DatanetRole::Contributor]);
    let account = account(who);
    match dice.below(7) {
        0 => {
            let policy = Box::new(policy(250 + 50 * dice.below(4) as u16));
            let title = "Again".into();
            if dice.chance(3) {
                let name = name(if dice.chance(2) { OPEN } else { "private" });
                return (curator, DatanetAction::Create { name, title, policy });
            }
            (curator, DatanetAction::SetPolicy { datanet, policy })
        }
        1 | 2 => (curator, DatanetAction::Grant { datanet, account, role }),
        3 => (if dice.chance(2) { curator } else { who }, DatanetAction::Withdraw { datanet, account, role }),
        4 => {
            let to = (!dice.chance(6)).then_some(account);
            (curator, DatanetAction::OfferCuratorship { datanet, to })
        }
        _ => (who, DatanetAction::AcceptCuratorship { datanet }),
    }
}

/// Jurors come and go.
fn panel(world: &World, dice: &mut Dice) -> (u8, DatanetAction) {
    let jurors = jurors(world, u64::MAX);
    match jurors.get(dice.below(9 * jurors.len() as u64) as usize) {
        Some(juror) => (*juror, DatanetAction::LeavePanel),
        // Few, so that most of them are drawn.
        None => (12 + dice.below(9) as u8, DatanetAction::JoinPanel),
    }
}

/// Who was a juror before this epoch.
pub(super) fn jurors(world: &World, epoch: u64) -> Vec<u8> {
    let key = StateKey::Datanets(DatanetKey::Juror(account(0)));
    let known = world.records::<JurorRecord>(&key, 2).into_iter().filter(|(_, one)| one.since_epoch < epoch);
    let known = known.filter_map(|(key, _)| match key {
        StateKey::Datanets(DatanetKey::Juror(account)) => number_of(account),
        _ => None,
    });
    known.collect()
}

/// A text of the open datanet, or one that was imported into the first.
fn anywhere(dice: &mut Dice) -> (Name, ContributionId) {
    if dice.chance(2) {
        return (name("help"), ContributionId([5 + dice.below(150) as u8; 32]));
    }
    (name(OPEN), ContributionId([FIRST + dice.below(u64::from(TEXTS)) as u8; 32]))
}

/// A claim against something in force, a cluster that is free, or money of what was removed.
fn claim(world: &World, dice: &mut Dice) -> (u8, DatanetAction) {
    if let Some(clawback) = clawback(world, dice) {
        return clawback;
    }
    if let Some((datanet, contribution)) = heir(world) {
        return (dice.who(), DatanetAction::TakeCluster { datanet, contribution });
    }
    // Whoever owns a cluster with copies: when it goes, one of them inherits.
    let found = (0..40).map(|_| anywhere(dice)).find(|(datanet, id)| owns_copies(world, datanet, *id));
    let (datanet, contribution) = found.unwrap_or_else(|| anywhere(dice));
    if dice.chance(4) {
        return (dice.who(), DatanetAction::TakeCluster { datanet, contribution });
    }
    let (_, earlier) = anywhere(dice);
    let cluster = world
        .record::<ContributionRecord>(&StateKey::Contribution(datanet.clone(), earlier))
        .map_or(SALT, |record| record.cluster);
    let matter = match dice.below(3) {
        0 => Matter::Repeats { earlier, cluster },
        1 => Matter::Removal { reason: dice.pick(&[Reason::Synthetic, Reason::Quality]) },
        _ => Matter::Removal { reason: dice.pick(&[Reason::License, Reason::Spam]) },
    };
    (dice.below(12) as u8, DatanetAction::Claim { datanet, contribution, matter })
}

fn owns_copies(world: &World, datanet: &Name, id: ContributionId) -> bool {
    let record: Option<ContributionRecord> = world.record(&StateKey::Contribution(datanet.clone(), id));
    let Some(record) = record.filter(|record| record.revoked_at.is_none()) else { return false };
    let cluster: Option<ClusterRecord> = world.record(&StateKey::Cluster(datanet.clone(), record.cluster));
    cluster.is_some_and(|cluster| cluster.owner == id && cluster.copies > 0)
}

/// A contribution in force whose cluster belongs to one that was removed, or that came later.
fn heir(world: &World) -> Option<(Name, ContributionId)> {
    let any = StateKey::Contribution(name(OPEN), ContributionId([0; 32]));
    let all = world.records::<ContributionRecord>(&any, 1).into_iter();
    let mut all = all.filter(|(_, record)| record.revoked_at.is_none());
    all.find_map(|(key, record)| {
        let StateKey::Contribution(datanet, id) = key else { return None };
        let cluster: ClusterRecord = world.record(&StateKey::Cluster(datanet.clone(), record.cluster))?;
        (cluster.owner != id && record.height < cluster.since).then_some((datanet, id))
    })
}

fn clawback(world: &World, dice: &mut Dice) -> Option<(u8, DatanetAction)> {
    let any = StateKey::Datanets(DatanetKey::Fault(name(OPEN), ContributionId([0; 32])));
    for (key, fault) in world.records::<FaultRecord>(&any, 2) {
        let StateKey::Datanets(DatanetKey::Fault(datanet, contribution)) = key else { continue };
        let record: ContributionRecord =
            world.record(&StateKey::Contribution(datanet.clone(), contribution))?;
        for owner in record.owners.iter().map(|owner| owner.account) {
            let held = StateKey::Immature(datanet.clone(), contribution, owner);
            let held = world.record::<ImmatureRecord>(&held).is_some_and(|held| held.amount > Amount::ZERO);
            if held || dice.chance(60) {
                let claimant = if dice.chance(9) { account(dice.who()) } else { fault.claimant };
                return Some((
                    dice.who(),
                    DatanetAction::Clawback { datanet, contribution, owner, claimant },
                ));
            }
        }
    }
    None
}

/// Text `n`: who contributes it, and what it is.
fn text(n: u8) -> (u8, NewContribution, Provenance) {
    let (id, cluster) = (FIRST + n, 100 + n % 40);
    let contributor = n % 24;
    let provenance = [Provenance::Synthetic, Provenance::Unverified, Provenance::Human][usize::from(n % 3)];
    (contributor, contribution(id, cluster, &[(contributor, 2), ((contributor + 7) % 24, 1)]), provenance)
}

fn due(world: &World, dice: &mut Dice, curator: u8) -> (u8, DatanetAction) {
    if dice.chance(12) {
        return untimely(dice);
    }
    let mut found: Vec<Due> = Vec::new();
    for n in 0..TEXTS {
        of_text(world, dice, n, curator, &mut found);
    }
    disputes(world, dice, &mut found);
    let urgent = found.iter().any(|(urgent, ..)| *urgent) && !dice.chance(4);
    found.retain(|(is_urgent, ..)| *is_urgent || !urgent);
    if found.is_empty() || dice.chance(4) {
        let (contributor, contribution, provenance) = text(dice.below(u64::from(TEXTS)) as u8);
        let datanet = name(OPEN);
        let commitment = commitment(&datanet, account(contributor), &contribution, provenance, &SALT);
        return (contributor, DatanetAction::Commit { datanet, commitment });
    }
    let (_, who, action) = found.swap_remove(dice.below(found.len() as u64) as usize);
    (who, action)
}

/// What anybody may ask for when its time has come, at any time.
fn untimely(dice: &mut Dice) -> (u8, DatanetAction) {
    let n = dice.below(u64::from(TEXTS)) as u8;
    let (contributor, new, provenance) = text(n);
    let (datanet, contribution) = (name(OPEN), new.id);
    let action = match dice.below(3) {
        0 => DatanetAction::Conclude { datanet, contribution },
        1 => DatanetAction::CloseDispute { datanet, contribution },
        _ => {
            let commitment = commitment(&datanet, account(contributor), &new, provenance, &SALT);
            DatanetAction::Sweep { datanet, contributor: account(contributor), commitment }
        }
    };
    (dice.who(), action)
}

fn of_text(world: &World, dice: &mut Dice, n: u8, curator: u8, found: &mut Vec<Due>) {
    let (contributor, new, provenance) = text(n);
    let (datanet, contribution, now) = (name(OPEN), new.id, world.epoch());
    let parameters = &world.parameters.datanets;
    let hash = commitment(&datanet, account(contributor), &new, provenance, &SALT);
    let key = DatanetKey::Commitment(datanet.clone(), account(contributor), hash);
    if let Some(record) = world.record::<CommitmentRecord>(&StateKey::Datanets(key)) {
        if now > record.epoch + parameters.reveal_epochs || dice.chance(80) {
            let (contributor, commitment) = (account(contributor), hash);
            found.push((false, dice.who(), DatanetAction::Sweep { datanet, contributor, commitment }));
        } else if !Dice::about(&(n, record.height)).chance(6) {
            let contribution = Box::new(new);
            let reveal = DatanetAction::Reveal { datanet, contribution, provenance, salt: SALT };
            found.push((true, contributor, reveal));
        }
        return;
    }
    let key = DatanetKey::Submission(datanet.clone(), contribution);
    let Some(record) = world.record::<SubmissionRecord>(&StateKey::Datanets(key)) else { return };
    let until = match record.stage {
        Stage::Pending { until_epoch }
        | Stage::Provisional { until_epoch }
        | Stage::Rejected { until_epoch, .. } => until_epoch,
    };
    if now > until {
        found.push((false, dice.who(), DatanetAction::Conclude { datanet, contribution }));
    } else if matches!(record.stage, Stage::Rejected { .. }) {
        if Dice::about(&("appeal", n)).chance(2) {
            found.push((true, contributor, DatanetAction::Appeal { datanet, contribution }));
        }
    } else if Dice::about(&("decision", n, until)).chance(2) {
        let reviewer = if dice.chance(4) { dice.below(6) as u8 } else { curator };
        found.push((
            true,
            reviewer,
            DatanetAction::Decide { datanet, contribution, decision: decision(dice) },
        ));
    }
}

fn decision(dice: &mut Dice) -> Decision {
    let quality = BasisPoints(dice.below(10_500) as u16);
    match dice.below(5) {
        0 | 1 => Decision::Accept { quality, verified: dice.chance(2) },
        2 => Decision::Reject { quality: BasisPoints(quality.0 / 6), reason: Reason::Quality },
        3 => Decision::Reject { quality, reason: Reason::Copy },
        _ => Decision::Reject { quality, reason: Reason::Spam },
    }
}

/// Objections, votes, and verdicts.
fn disputes(world: &World, dice: &mut Dice, found: &mut Vec<Due>) {
    let now = world.epoch();
    let any = StateKey::Datanets(DatanetKey::Dispute(name(OPEN), ContributionId([0; 32])));
    for (key, record) in world.records::<DisputeRecord>(&any, 2) {
        let StateKey::Datanets(DatanetKey::Dispute(datanet, contribution)) = key else { continue };
        if now > record.until_epoch {
            found.push((false, dice.who(), DatanetAction::CloseDispute { datanet, contribution }));
            continue;
        }
        if !record.has_panel() {
            if !Dice::about(&("contest", contribution, record.epoch)).chance(3) {
                found.push((true, dice.below(12) as u8, DatanetAction::Contest { datanet, contribution }));
            }
            continue;
        }
        let known = |epoch: &u64| world.record::<BeaconRecord>(&StateKey::Beacon(*epoch)).is_some();
        let Some(beacon) = (record.epoch + 1..=now).find(known) else { continue };
        let voted =
            |who: u8| record.votes.iter().any(|(voter, _): &(AccountId, bool)| *voter == account(who));
        for juror in jurors(world, record.epoch).into_iter().filter(|juror| !voted(*juror)) {
            let (datanet, for_claimant) = (datanet.clone(), dice.chance(2));
            found.push((true, juror, DatanetAction::Vote { datanet, contribution, beacon, for_claimant }));
        }
    }
}
