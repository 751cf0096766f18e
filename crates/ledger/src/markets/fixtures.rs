//! The actions, keys and records of markets whose encodings are recorded.

use openledger_types::markets::*;
use openledger_types::models::{Earned, title_of};
use openledger_types::{Action, Amount, BasisPoints, codec};

use super::MarketKey;
use crate::StateKey;
use crate::tests::{account, name};

pub(crate) fn actions() -> Vec<Action> {
    let (class, model, provider) = (name("general"), name("base"), account(1));
    let actions = vec![
        MarketAction::CloseRound { class: class.clone() },
        MarketAction::BidCapacity { class: class.clone(), capacity: Amount(1), price: Amount(2) },
        MarketAction::EndAward { class: class.clone(), provider },
        MarketAction::OfferLease { class, capacity: Amount(1), price: Amount(2), epochs_max: 3 },
        MarketAction::WithdrawLease { number: 1 },
        MarketAction::TakeLease { provider, number: 1, epochs: 2 },
        MarketAction::TransferLease { provider, number: 1, to: account(2) },
        MarketAction::CollectLease { provider, number: 1 },
        MarketAction::IssueNotes {
            model: model.clone(),
            share: BasisPoints(1),
            epochs: 2,
            units: 3,
            reserve: Amount(4),
        },
        MarketAction::OrderNotes {
            model: model.clone(),
            series: 1,
            epoch: 2,
            side: Side::Sell,
            units: 3,
            price: Amount(4),
        },
        MarketAction::ClearNotes { model: model.clone(), series: 1, epoch: 2 },
        MarketAction::ClaimNotes { model, series: 1 },
    ];
    actions.into_iter().map(Action::Markets).collect()
}

pub(crate) fn keys() -> Vec<StateKey> {
    let (class, title) = (name("general"), title_of(&name("base")));
    let keys = vec![
        MarketKey::Price(class.clone()),
        MarketKey::Quote(class.clone(), 1),
        MarketKey::CapacityBook(class.clone()),
        MarketKey::Award(class, account(1)),
        MarketKey::LeaseBook(account(1)),
        MarketKey::Series(title, 1),
        MarketKey::Holding(title, 1, account(1)),
        MarketKey::NoteBook(title, 1, 2),
    ];
    keys.into_iter().map(StateKey::Markets).collect()
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let bid =
        CapacityBid { provider: account(1), cluster: account(2), capacity: Amount(3), price: Amount(4) };
    let award = AwardRecord { capacity: Amount(1), price: Amount(2), until_epoch: 3, held: Amount(4) };
    let offer = LeaseOffer { class: name("general"), capacity: Amount(1), price: Amount(2), epochs_max: 3 };
    let lease = LeaseRecord {
        number: 1,
        holder: account(1),
        offer: offer.clone(),
        begins_epoch: 2,
        ends_epoch: 3,
        kept: 4,
        kept_epoch: Some(5),
        collected_epoch: 6,
        held: Amount(7),
    };
    let leases = LeaseBookRecord { numbers: 2, offers: vec![(2, offer)], leases: vec![lease] };
    let series = SeriesRecord {
        share: BasisPoints(1),
        epochs: 2,
        units: 3,
        reserve: Amount(4),
        raise_max: Amount(5),
        auction_epoch: 6,
        begins_epoch: Some(7),
        pending: vec![Earned { epoch: 8, amount: Amount(9) }],
        matured: Amount(10),
        claimed: Amount(11),
    };
    let holding = HoldingRecord { units: 1, listed: 2, counted: Amount(3), owed: Amount(4) };
    let order = NoteOrder { account: account(1), side: Side::Buy, units: 2, price: Amount(3) };
    vec![
        ("PriceRecord", codec::encode(&PriceRecord { price: 1, gain: 2, rose: Some(true) })),
        ("QuoteRecord", codec::encode(&QuoteRecord { price: 1, capped: true, epoch: 2 })),
        ("CapacityBookRecord", codec::encode(&CapacityBookRecord { bids: vec![bid] })),
        ("AwardRecord", codec::encode(&award)),
        ("LeaseBookRecord", codec::encode(&leases)),
        ("SeriesRecord", codec::encode(&series)),
        ("HoldingRecord", codec::encode(&holding)),
        ("NoteBookRecord", codec::encode(&NoteBookRecord { orders: vec![order] })),
    ]
}
