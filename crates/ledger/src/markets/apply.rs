//! The keys and the dispatch of markets.

use openledger_types::markets::{LeaseOffer, MarketAction, NoteOrder};
use openledger_types::providers::HeartbeatRecord;
use openledger_types::record::Role;
use openledger_types::{AccountId, Name};

use super::notes::{Issue, Order};
use super::{clearing, fund, leases, notes, rounds};
use crate::escrow;
use crate::execute::Transition;
use crate::models::title_key;
use crate::state::{Applied, StateKey};

pub(crate) fn keys(sender: AccountId, action: &MarketAction) -> Vec<StateKey> {
    match action {
        MarketAction::CloseRound { class } => rounds::keys(class),
        MarketAction::BidCapacity { class, .. } => fund::keys_of_bid(sender, class),
        MarketAction::EndAward { class, provider } => {
            let mut keys = vec![fund::award_key(class, *provider)];
            keys.extend(fund::keys_of_class(class));
            keys
        }
        MarketAction::OfferLease { .. } => vec![StateKey::Provider(sender), leases::book_key(sender)],
        MarketAction::WithdrawLease { .. } => vec![leases::book_key(sender)],
        MarketAction::TakeLease { provider, .. }
        | MarketAction::TransferLease { provider, .. }
        | MarketAction::CollectLease { provider, .. } => vec![leases::book_key(*provider)],
        MarketAction::IssueNotes { model, .. } => vec![title_key(model)],
        MarketAction::OrderNotes { model, series, epoch, .. } => {
            let mut keys = notes::keys_of_series(model, *series, sender);
            keys.push(notes::note_book_key(model, *series, *epoch));
            keys
        }
        MarketAction::ClearNotes { model, series, epoch } => {
            let mut keys = notes::keys_of_series(model, *series, sender);
            keys.push(notes::note_book_key(model, *series, *epoch));
            keys
        }
        MarketAction::ClaimNotes { model, series } => notes::keys_of_series(model, *series, sender),
    }
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &MarketAction) -> Applied {
    match action.clone() {
        MarketAction::CloseRound { class } => rounds::close(transition, &class),
        MarketAction::BidCapacity { class, capacity, price } => {
            fund::bid(transition, &class, capacity, price)
        }
        MarketAction::EndAward { class, provider } => fund::end(transition, &class, provider),
        MarketAction::OfferLease { class, capacity, price, epochs_max } => {
            leases::offer(transition, LeaseOffer { class, capacity, price, epochs_max })
        }
        MarketAction::WithdrawLease { number } => leases::withdraw(transition, number),
        MarketAction::TakeLease { provider, number, epochs } => {
            leases::take(transition, provider, number, epochs)
        }
        MarketAction::TransferLease { provider, number, to } => {
            leases::transfer(transition, provider, number, to)
        }
        MarketAction::CollectLease { provider, number } => leases::collect(transition, provider, number),
        MarketAction::IssueNotes { model, share, epochs, units, reserve } => {
            notes::issue(transition, &Issue { model: &model, share, epochs, units, reserve })
        }
        MarketAction::OrderNotes { model, series, epoch, side, units, price } => {
            let order = NoteOrder { account: transition.sender, side, units, price };
            notes::order(transition, &Order { model: &model, series, epoch, order })
        }
        MarketAction::ClearNotes { model, series, epoch } => {
            clearing::clear(transition, &model, series, epoch)
        }
        MarketAction::ClaimNotes { model, series } => notes::claim(transition, &model, series),
    }
}

/// What a heartbeat of `provider` for a class names beside capacity.
pub(crate) fn keys_of_load(provider: AccountId, class: &Name) -> StateKey {
    fund::award_key(class, provider)
}

/// The leases of a provider, which its heartbeats keep.
pub(crate) fn keys_of_leases(provider: AccountId) -> StateKey {
    leases::book_key(provider)
}

/// What a heartbeat leads to once the parameters are known: the tranche into which awards are paid.
pub(crate) fn keys_found_of_heartbeat(provider: AccountId, epoch: u64) -> Vec<StateKey> {
    escrow::keys(provider, Role::Provider, &[epoch])
}

/// A heartbeat was counted: it is paid what the fund bought, and it keeps leases.
pub(crate) fn heard(transition: &mut Transition<'_>, provider: AccountId, beat: &HeartbeatRecord) -> Applied {
    fund::pay(transition, provider, beat)?;
    leases::keep(transition, provider, beat)
}
