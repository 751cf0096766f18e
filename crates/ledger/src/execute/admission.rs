//! Who may send: network, signature, session and nonce, before the action is looked at.

use openledger_types::accounts::SessionRecord;
use openledger_types::record::AccountRecord;
use openledger_types::{AccountId, Parameters, Rejection, SignedTransaction, codec, limits};

use super::BlockContext;
use crate::accounts::{AccountKey, Session};
use crate::state::{Applied, StateKey, View};

/// The record whose nonce a transaction uses: the account's, or the session's.
pub(super) fn key_of_nonce(signed: &SignedTransaction) -> StateKey {
    match signed.authorization.session() {
        None => StateKey::Account(signed.sender),
        Some(key) => AccountKey::Session(signed.sender, key).state(),
    }
}

/// The chain's key of the record that [`next_nonce`] reads, for whoever decides which transactions may wait.
pub fn nonce_key(signed: &SignedTransaction) -> Vec<u8> {
    key_of_nonce(signed).encode()
}

/// The nonce that the signer's next transaction must carry, given the record under [`nonce_key`].
///
/// # Panics
/// When the record does not decode: it was not written by this ledger.
pub fn next_nonce(signed: &SignedTransaction, record: Option<&[u8]>) -> Result<u64, Rejection> {
    const WRITTEN: &str = "a record in the state was written by this ledger under this key";
    if signed.authorization.session().is_some() {
        let session = record.ok_or(Rejection::SessionUnknown)?;
        let session: SessionRecord =
            codec::decode("session", session, limits::RECORD_BYTES_MAX).expect(WRITTEN);
        return session.grant.map(|_| session.nonce).ok_or(Rejection::SessionUnknown);
    }
    let Some(account) = record else { return Ok(0) };
    let account: AccountRecord = codec::decode("account", account, limits::RECORD_BYTES_MAX).expect(WRITTEN);
    Ok(account.nonce)
}

/// The signer with its nonce used.
pub(super) enum Signer {
    Account(AccountRecord),
    Session(Box<Session>),
}

impl Signer {
    pub(super) fn write(&self, sender: AccountId, view: &mut View<'_>) {
        match self {
            Self::Account(record) => view.put(&StateKey::Account(sender), record),
            Self::Session(session) => view.put(&session.key, &session.record),
        }
    }

    pub(super) fn session(&self) -> Option<Session> {
        match self {
            Self::Account(_) => None,
            Self::Session(session) => Some(Session::clone(session)),
        }
    }
}

/// Checks network, signature, session and nonce.
pub(super) fn admit(
    signed: &SignedTransaction,
    signature_right: bool,
    context: &BlockContext,
    view: &mut View<'_>,
) -> Applied<(Parameters, Signer)> {
    let parameters: Parameters =
        view.get(&StateKey::Parameters)?.expect("genesis wrote the parameters and nothing removes them");
    if signed.transaction.chain_id != parameters.chain_id {
        return Err(Rejection::ChainIdWrong.into());
    }
    if !signature_right {
        return Err(Rejection::SignatureInvalid.into());
    }
    let nonce = signed.transaction.nonce;
    let key = key_of_nonce(signed);
    let signer = if signed.authorization.session().is_some() {
        let mut record: SessionRecord = view.get(&key)?.ok_or(Rejection::SessionUnknown)?;
        let grant = record.grant.as_ref().ok_or(Rejection::SessionUnknown)?;
        if grant.expires_in_epoch <= parameters.epoch_at(context.timestamp_ms) {
            return Err(Rejection::SessionExpired.into());
        }
        record.nonce = used(nonce, record.nonce)?;
        Signer::Session(Box::new(Session { key, record }))
    } else {
        let mut record = view.account(signed.sender)?;
        record.nonce = used(nonce, record.nonce)?;
        Signer::Account(record)
    };
    Ok((parameters, signer))
}

/// The nonce after this one, which must be the next.
fn used(nonce: u64, next: u64) -> Applied<u64> {
    if nonce < next {
        return Err(Rejection::NonceUsed.into());
    }
    if nonce > next {
        return Err(Rejection::NonceAhead.into());
    }
    Ok(next.checked_add(1).ok_or(Rejection::NonceUsed)?)
}
