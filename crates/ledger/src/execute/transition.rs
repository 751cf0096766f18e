//! What a step of the flow works on: the view, the block, the parameters, the supply, and the events so far.
//! Absent: rules; each step has its own.

use openledger_types::record::SupplyRecord;
use openledger_types::{AccountId, Action, Amount, Asset, Event, Parameters, Rejection, limits};

use super::{BlockContext, Loaded};
use crate::accounts::Session;
use crate::state::{Applied, StateKey, View};
use crate::supply;

pub(crate) struct Transition<'a> {
    pub(crate) view: View<'a>,
    pub(crate) context: BlockContext,
    pub(crate) parameters: Parameters,
    pub(crate) supply: SupplyRecord,
    pub(crate) sender: AccountId,
    session: Option<Session>,
    events: Vec<Event>,
}

impl<'a> Transition<'a> {
    /// Starts a transition, or returns the keys that must be loaded first.
    pub(crate) fn begin(
        mut view: View<'a>,
        context: BlockContext,
        parameters: Parameters,
        sender: AccountId,
        session: Option<Session>,
    ) -> Result<Self, Vec<Vec<u8>>> {
        match view.get(&StateKey::Supply) {
            Ok(supply) => {
                let supply = supply.unwrap_or_default();
                Ok(Self { view, context, parameters, supply, sender, session, events: Vec::new() })
            }
            Err(_) => Err(view.missing()),
        }
    }

    /// Events and changes, the supply included.
    pub(crate) fn finish(mut self) -> (Vec<Event>, Loaded) {
        assert!(supply::is_balanced(&self.supply), "a transition made or lost money: {:?}", self.supply);
        self.view.put(&StateKey::Supply, &self.supply);
        if let Some(Session { key, record }) = &self.session {
            self.view.put(key, record);
        }
        (self.events, self.view.into_changes())
    }

    /// Records what happened.
    pub(crate) fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Refuses what the session by which the transaction acts does not allow.
    pub(crate) fn check_action(&self, action: &Action) -> Applied {
        self.session.as_ref().map_or(Ok(()), |session| session.check_action(action))
    }

    /// Counts what leaves a balance against the session by which the transaction acts: the sender's own, or that of whoever
    /// gave the sender a mandate.
    pub(crate) fn count_spending(&mut self, asset: Asset, amount: Amount) -> Applied {
        let epoch = self.epoch();
        self.session.as_mut().map_or(Ok(()), |session| session.count(asset, amount, epoch))
    }

    /// The epoch of this block.
    pub(crate) fn epoch(&self) -> u64 {
        self.parameters.epoch_at(self.context.timestamp_ms)
    }
}

/// Refuses a text that is longer than the ledger stores.
pub(crate) fn check_text(text: &str) -> Applied {
    if text.len() > limits::TEXT_BYTES_MAX { Err(Rejection::TextTooLong.into()) } else { Ok(()) }
}
