//! A transaction that is decoded once and verified once, however often it has to wait for records.
//!
//! Rule: [`super::execute()`] is a [`Prepared`] transaction in its first round, and later rounds differ in cost alone. What
//! is kept between rounds follows from the transaction's bytes: its action, whether its signature is right, and that the
//! keys which the action names were already asked for.
//! Absent: anything that was read from the state.

use openledger_types::{Rejection, SignedTransaction};

use super::{BlockContext, Loaded, Outcome, Step, Transition, admission, apply, keys};
use crate::state::{StateKey, Stop, View};

/// One transaction between rounds of loading.
#[derive(Debug)]
pub struct Prepared {
    signed: Option<SignedTransaction>,
    signature_right: Option<bool>,
    asked: bool,
}

impl Prepared {
    /// Decodes a transaction; bytes that are none are rejected by the first step.
    pub fn new(transaction: &[u8]) -> Self {
        let signed = SignedTransaction::decode(transaction).ok();
        Self { signed, signature_right: None, asked: false }
    }

    /// Runs the transaction against the loaded records. The caller adds to `loaded` what the last step asked for, and takes
    /// nothing away.
    ///
    /// # Panics
    /// Like [`super::execute()`].
    pub fn step(&mut self, context: &BlockContext, loaded: &Loaded) -> Step {
        let Some(signed) = &self.signed else {
            return Step::Done(rejected(Rejection::TransactionMalformed, Loaded::new()));
        };
        let mut view = View::new(loaded);
        let nonce = admission::key_of_nonce(signed);
        let base = [StateKey::Parameters, StateKey::Supply, StateKey::Account(signed.sender), nonce];
        let named = if self.asked { Vec::new() } else { keys(signed) };
        self.asked = true;
        if view.need(base.into_iter().chain(named)).is_err() {
            return Step::Load(view.missing());
        }
        let right = *self.signature_right.get_or_insert_with(|| signed.verify().is_ok());
        let (parameters, signer) = match admission::admit(signed, right, context, &mut view) {
            Ok(admitted) => admitted,
            Err(Stop::Missing) => return Step::Load(view.missing()),
            Err(Stop::Rejected(rejection)) => return Step::Done(rejected(rejection, Loaded::new())),
        };
        signer.write(signed.sender, &mut view);
        let session = signer.session();
        let mut transition = match Transition::begin(view, *context, parameters, signed.sender, session) {
            Ok(transition) => transition,
            Err(missing) => return Step::Load(missing),
        };
        let action = &signed.transaction.action;
        match transition.check_action(action).and_then(|()| apply(&mut transition, action)) {
            Ok(()) => {
                let (events, changes) = transition.finish();
                Step::Done(Outcome { result: Ok(()), events, changes })
            }
            Err(Stop::Missing) => Step::Load(transition.view.missing()),
            Err(Stop::Rejected(rejection)) => {
                let mut nonce_only = View::new(loaded);
                signer.write(signed.sender, &mut nonce_only);
                Step::Done(rejected(rejection, nonce_only.into_changes()))
            }
        }
    }
}

fn rejected(rejection: Rejection, changes: Loaded) -> Outcome {
    Outcome { result: Err(rejection), events: Vec::new(), changes }
}
