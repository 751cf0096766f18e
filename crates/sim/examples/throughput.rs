//! Measures how many settlement events the simulator plays in a second of one core, and what a million accounts take: one
//! gateway's desk sells completions with 64 clusters each, without audits. An event is a payout that a receipt holds and that
//! the ledger settled; the desk's own work (splits, netting, vouchers, signatures) and the ledger's count against it.
//! Prints one JSON line; `openledger sim run` plays its scenarios through the same desk and world.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement, not the simulator"
)]

use openledger_ledger::StateKey;
use openledger_sim::desk::{Desk, Sale, open_datanet, open_model, open_provider};
use openledger_sim::world::{Actor, Holding, World};
use openledger_types::record::AccountRecord;
use openledger_types::{
    AccountId, Action, Amount, BasisPoints, ContributionId, Hash, Name, NewContribution, NewOwner, codec,
};

const ACCOUNTS: u64 = 1_000_000;
/// Texts in the datanet, and how many of them the answers of a run come from: fewer texts are fewer lines of a batch.
const TEXTS: u64 = 1_024;
const SOURCES: [u64; 3] = [64, 256, TEXTS];
/// Clusters behind one completion.
const CLUSTERS: u64 = 64;
/// Completions in a batch, the most that one takes; and batches in the run.
const COMPLETIONS: u64 = 1_024;
const BATCHES: u64 = 10;
/// Payouts of a receipt beside data: provider, builder, gateway, four funds, burn, uplift.
const OTHER_PAYOUTS: u64 = 9;

fn main() {
    let before = resident();
    let [treasury, gateway, provider, builder, consumer] =
        ["treasury", "gateway", "provider", "builder", "consumer"].map(|name| Actor::derive(1, name));
    let holdings = [&treasury, &gateway, &provider, &builder, &consumer].map(|actor| Holding {
        actor,
        credits: 1_000_000,
        open: 100_000,
    });
    let touched = codec::encode(&AccountRecord { nonce: 1, ..AccountRecord::default() });
    let accounts = (0..ACCOUNTS).map(|number| (StateKey::Account(account(number)), touched.clone()));
    let mut world = World::with_history(&holdings, accounts).unwrap();
    let bytes = resident().saturating_sub(before);
    let [datanet, model] = ["texts", "base"].map(|text| text.parse::<Name>().unwrap());
    open_provider(&mut world, &provider).unwrap();
    open_model(&mut world, &builder, &model).unwrap();
    open_datanet(&mut world, &treasury, &datanet).unwrap();
    for first in (0..TEXTS).step_by(256) {
        let contributions = (first..first + 256).map(text).collect();
        world.apply(&treasury, Action::Contribute { datanet: datanet.clone(), contributions }).unwrap();
    }
    let mut desk = Desk::open(&mut world, &gateway, BasisPoints(100)).unwrap();
    let deposit = Amount::whole(900_000).unwrap();
    let consumer = desk.open_channel(&mut world, &consumer, deposit).unwrap();
    let sale = |seed: u64, texts: u64| Sale {
        consumer,
        price: Amount(100_003 + seed % 977),
        provider: provider.account(),
        model: model.clone(),
        datanet: datanet.clone(),
        shares: (0..CLUSTERS).map(|place| share(seed, place, texts)).collect(),
        unattributed: 13,
    };
    let runs = SOURCES.map(|texts| {
        let sales: Vec<Sale> = (0..BATCHES * COMPLETIONS).map(|seed| sale(seed, texts)).collect();
        let begun = core_s();
        let booked = desk.settle(&mut world, &sales).unwrap();
        let ran_s = core_s() - begun;
        let receipts: usize = booked.iter().map(|batch| batch.receipts.len()).sum();
        let events = receipts as f64 * (CLUSTERS + OTHER_PAYOUTS) as f64;
        let rate = (events / ran_s).round();
        serde_json::json!({ "texts": texts, "batches": booked.len(), "events": events, "events_per_core_s": rate })
    });
    let line = serde_json::json!({
        "accounts": ACCOUNTS,
        "bytes_per_account": bytes / ACCOUNTS,
        "resident_bytes": resident(),
        "runs": runs,
    });
    println!("{line}");
}

fn account(number: u64) -> AccountId {
    let mut id = [0xA0; 20];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    AccountId(id)
}

fn id(place: u64) -> [u8; 32] {
    let mut id = [0xC0; 32];
    id[..8].copy_from_slice(&place.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id
}

/// A text whose owner is anyone of the million.
fn text(place: u64) -> NewContribution {
    let owner = account(place.wrapping_mul(2_654_435_761) % ACCOUNTS);
    NewContribution {
        id: ContributionId(id(place)),
        cluster: Hash(id(place)),
        owners: vec![NewOwner { account: owner, parts: 1 }],
        license: "CC0-1.0".into(),
        label: String::new(),
    }
}

fn share(seed: u64, place: u64, texts: u64) -> (ContributionId, u64) {
    let text = (seed.wrapping_mul(40_503) + place) % texts;
    (ContributionId(id(text)), 1 + text * 7 % 97)
}

/// Seconds that this thread has had a core. What other processes take of the machine does not count.
fn core_s() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let ran_ns: f64 = text.split(' ').next().and_then(|field| field.parse().ok()).unwrap();
    ran_ns / 1e9
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4_096
}
