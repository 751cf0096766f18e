//! Jurors: who judges disputes, and who is drawn for one.

use openledger_types::datanets::{DatanetEvent, JurorRecord};
use openledger_types::record::BeaconRecord;
use openledger_types::{AccountId, Amount, Cause, ContributionId, Hash, Name, Rejection, codec, sha256};

use super::DatanetKey;
use super::open::{bond, release};
use super::rules::emit;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};

pub(super) fn juror_key(account: AccountId) -> StateKey {
    StateKey::Datanets(DatanetKey::Juror(account))
}

pub(super) fn count_key() -> StateKey {
    StateKey::Datanets(DatanetKey::Jurors)
}

/// How many jurors ever joined: their numbers are below it.
pub(super) fn count(transition: &mut Transition<'_>) -> Applied<u32> {
    Ok(transition.view.get(&count_key())?.unwrap_or_default())
}

pub(super) fn join(transition: &mut Transition<'_>) -> Applied {
    let account = transition.sender;
    let known: Option<JurorRecord> = transition.view.get(&juror_key(account))?;
    if known.as_ref().is_some_and(|juror| juror.bond > Amount::ZERO) {
        return Err(Rejection::JurorExists.into());
    }
    let amount = transition.parameters.datanets.juror_bond;
    bond(transition, account, amount, Cause::JurorBond)?;
    // Numbers are for good, so that whoever leaves moves nobody else's place in a draw.
    let juror = match known {
        Some(juror) => JurorRecord { bond: amount, ..juror },
        None => {
            let number = count(transition)?;
            let next = number.checked_add(1).ok_or(Rejection::AmountOverflow)?;
            transition.view.put(&count_key(), &next);
            JurorRecord { number, bond: amount, busy_until: 0 }
        }
    };
    transition.view.put(&juror_key(account), &juror);
    emit(transition, DatanetEvent::JurorJoined { account, number: juror.number });
    Ok(())
}

pub(super) fn leave(transition: &mut Transition<'_>) -> Applied {
    let account = transition.sender;
    let juror = juror(transition, account)?;
    if transition.epoch() <= juror.busy_until {
        return Err(Rejection::TooEarly.into());
    }
    transition.view.put(&juror_key(account), &JurorRecord { bond: Amount::ZERO, ..juror });
    release(transition, account, juror.bond, false)?;
    emit(transition, DatanetEvent::JurorLeft { account });
    Ok(())
}

/// A juror who is bonded.
pub(super) fn juror(transition: &mut Transition<'_>, account: AccountId) -> Applied<JurorRecord> {
    let juror: Option<JurorRecord> = transition.view.get(&juror_key(account))?;
    Ok(juror.filter(|juror| juror.bond > Amount::ZERO).ok_or(Rejection::JurorUnknown)?)
}

/// The randomness that follows an epoch. The sender names the beacon's epoch; only one fits.
pub(super) fn randomness_after(transition: &mut Transition<'_>, epoch: u64, beacon: u64) -> Applied<Hash> {
    let record: Option<BeaconRecord> = transition.view.get(&StateKey::Beacon(beacon))?;
    let record = record.filter(|record| record.previous <= epoch && epoch < beacon);
    Ok(record.ok_or(Rejection::BeaconWrong)?.randomness)
}

/// Whether the juror with this number sits on the panel: all do while there are no more jurors than seats; otherwise each
/// seat is drawn by itself, so that membership is checked without reading anybody else's record.
pub(super) fn is_drawn(
    randomness: &Hash,
    datanet: &Name,
    id: ContributionId,
    number: u32,
    jurors: u32,
    seats: u64,
) -> bool {
    let jurors = u64::from(jurors);
    if u64::from(number) >= jurors {
        return false;
    }
    if jurors <= seats {
        return true;
    }
    (0..seats).any(|seat| {
        draw(b"openledger panel\0", &(randomness, datanet, id, seat), jurors) == u64::from(number)
    })
}

/// A number below `end` that follows from `seed`. The bias of the remainder is below `end / 2^64`.
pub(super) fn draw<T: borsh::BorshSerialize>(domain: &[u8], seed: &T, end: u64) -> u64 {
    let hash = sha256(&[domain, &codec::encode(seed)].concat());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(hash.0.get(..8).expect("a hash has 32 bytes"));
    u64::from_le_bytes(bytes).checked_rem(end).unwrap_or(0)
}
