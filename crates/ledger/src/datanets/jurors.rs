//! Jurors: who judges disputes, and who is drawn for one. Challenged reports of links are judged by the same panels.
//!
//! Every juror is drawn by itself, by a hash of the randomness, the matter and its account, so that as many sit as there are seats
//! on average, and membership is checked without reading anybody else's record. The chance follows from the number of bonded
//! jurors at the call. Whoever joined in that epoch or later has no seat, so nobody joins because of a draw; and a bond stays for
//! the unbonding time, so to thin a panel out by jurors who never judge costs as much as to fill it. Linked jurors
//! have one vote.

use openledger_types::datanets::{DatanetEvent, JurorRecord};
use openledger_types::record::BeaconRecord;
use openledger_types::{AccountId, Amount, Asset, Cause, Hash, Holder, Rejection, codec, limits, sha256};

use super::DatanetKey;
use super::open::{bond, release};
use super::rules::emit;
use crate::accounts::{cluster_of, key_of_cluster, moved_since};
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::supply;

pub(crate) fn juror_key(account: AccountId) -> StateKey {
    StateKey::Datanets(DatanetKey::Juror(account))
}

/// The key of the number of jurors.
pub(crate) fn count_key() -> StateKey {
    StateKey::Datanets(DatanetKey::Jurors)
}

/// How many jurors there are.
pub(crate) fn count(transition: &mut Transition<'_>) -> Applied<u32> {
    Ok(transition.view.get(&count_key())?.unwrap_or_default())
}

pub(super) fn join(transition: &mut Transition<'_>) -> Applied {
    let (account, epoch) = (transition.sender, transition.epoch());
    if transition.view.get::<JurorRecord>(&juror_key(account))?.is_some() {
        return Err(Rejection::JurorExists.into());
    }
    let amount = transition.parameters.datanets.juror_bond;
    bond(transition, account, amount, Cause::JurorBond)?;
    let next = count(transition)?.checked_add(1).ok_or(Rejection::AmountOverflow)?;
    transition.view.put(&count_key(), &next);
    let busy_until = epoch.saturating_add(transition.parameters.unbonding_epochs);
    let juror = JurorRecord { bond: amount, since_epoch: epoch, busy_until };
    transition.view.put(&juror_key(account), &juror);
    emit(transition, DatanetEvent::JurorJoined { account });
    Ok(())
}

pub(super) fn leave(transition: &mut Transition<'_>) -> Applied {
    let account = transition.sender;
    let juror = juror(transition, account)?;
    if transition.epoch() <= juror.busy_until {
        return Err(Rejection::TooEarly.into());
    }
    let left = count(transition)?.checked_sub(1).expect("every juror is counted");
    transition.view.put(&count_key(), &left);
    transition.view.remove(&juror_key(account));
    release(transition, account, juror.bond, false)?;
    emit(transition, DatanetEvent::JurorLeft { account });
    Ok(())
}

fn juror(transition: &mut Transition<'_>, account: AccountId) -> Applied<JurorRecord> {
    Ok(transition.view.get(&juror_key(account))?.ok_or(Rejection::JurorUnknown)?)
}

/// A panel that was called.
pub(crate) struct Panel<'a> {
    /// In which epoch; who was no juror before it, or changed the cluster since, does not judge.
    pub(crate) epoch: u64,
    /// The first beacon after this epoch draws it.
    pub(crate) drawn_after: u64,
    /// The last epoch in which it judges.
    pub(crate) until_epoch: u64,
    /// How many jurors there were.
    pub(crate) jurors: u32,
    /// Accounts whose clusters may not judge.
    pub(crate) excluded: &'a [AccountId],
    /// Who has judged.
    pub(crate) votes: &'a [(AccountId, bool)],
}

/// Checks that the sender sits on the panel and has not judged, and keeps its bond until the panel's end.
pub(crate) fn sit<T: borsh::BorshSerialize>(
    transition: &mut Transition<'_>,
    matter: &T,
    beacon: u64,
    panel: &Panel<'_>,
) -> Applied {
    if transition.epoch() > panel.until_epoch {
        return Err(Rejection::TooLate.into());
    }
    let account = transition.sender;
    let juror = juror(transition, account)?;
    let randomness = randomness_after(transition, panel.drawn_after, beacon)?;
    let seats = transition.parameters.datanets.panel_seats;
    let drawn = juror.since_epoch < panel.epoch
        && panel.votes.len() < limits::PANEL_VOTES_MAX
        && is_drawn(&randomness, matter, &account, panel.jurors, seats);
    let judges: Vec<AccountId> = panel.votes.iter().map(|(judge, _)| *judge).collect();
    transition.view.need(panel.excluded.iter().chain(&judges).map(|other| key_of_cluster(*other)))?;
    // Clusters are those of today: a juror who left one just now would sit beside the others of it, or judge for its friends.
    let moved = moved_since(transition, account, panel.epoch)?;
    if !drawn || moved || is_linked(transition, panel.excluded, account)? {
        return Err(Rejection::NotDrawn.into());
    }
    if is_linked(transition, &judges, account)? {
        return Err(Rejection::VoteRepeated.into());
    }
    let busy_until = juror.busy_until.max(panel.until_epoch);
    transition.view.put(&juror_key(account), &JurorRecord { busy_until, ..juror });
    Ok(())
}

/// Whether the account is one of these, or linked to one of them.
fn is_linked(transition: &mut Transition<'_>, others: &[AccountId], account: AccountId) -> Applied<bool> {
    let own = cluster_of(transition, account)?;
    for other in others {
        if cluster_of(transition, *other)? == own {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The randomness that follows an epoch. The sender names the beacon's epoch; only one fits.
pub(super) fn randomness_after(transition: &mut Transition<'_>, epoch: u64, beacon: u64) -> Applied<Hash> {
    let record: Option<BeaconRecord> = transition.view.get(&StateKey::Beacon(beacon))?;
    let record = record.filter(|record| record.previous <= epoch && epoch < beacon);
    Ok(record.ok_or(Rejection::BeaconWrong)?.randomness)
}

/// Whether the randomness gives the account a seat: with a chance of `seats` in `jurors`.
pub(super) fn is_drawn<T: borsh::BorshSerialize>(
    randomness: &Hash,
    matter: &T,
    account: &AccountId,
    jurors: u32,
    seats: u64,
) -> bool {
    draw(b"openledger panel\0", &(randomness, matter, account), u64::from(jurors)) < seats
}

/// Pays everybody who judged the fixed fee out of a bond, as far as that reaches. Returns what is left of it.
pub(crate) fn pay(
    transition: &mut Transition<'_>,
    from: &Holder,
    mut bond: Amount,
    votes: &[(AccountId, bool)],
) -> Applied<Amount> {
    for (juror, _) in votes {
        let fee = transition.parameters.datanets.juror_fee.min(bond);
        bond = bond.minus(fee).expect("the fee is at most what is left");
        let to = Holder::Account(*juror);
        supply::shift(transition, from.clone(), to, Asset::Open, fee, Cause::JurorFee)?;
    }
    Ok(bond)
}

/// How many voted for and against; none below the quorum.
pub(crate) fn counted(votes: &[(AccountId, bool)], quorum: u64) -> Option<(u64, u64)> {
    let all = u64::try_from(votes.len()).unwrap_or(u64::MAX);
    let yes = u64::try_from(votes.iter().filter(|(_, vote)| *vote).count()).unwrap_or(u64::MAX);
    (all >= quorum).then_some((yes, all.saturating_sub(yes)))
}

/// A number below `end` that follows from `seed`. The bias of the remainder is below `end / 2^64`.
pub(super) fn draw<T: borsh::BorshSerialize>(domain: &[u8], seed: &T, end: u64) -> u64 {
    let hash = sha256(&[domain, &codec::encode(seed)].concat());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(hash.0.get(..8).expect("a hash has 32 bytes"));
    u64::from_le_bytes(bytes).checked_rem(end).unwrap_or(0)
}
