//! Rules that hold for every action: who may send, in which order it is refused, and how a network begins.

use openledger_types::Rejection::*;
use openledger_types::{
    Amount, Asset, Authorization, BasisPoints, Parameters, Rejection, SignedTransaction, Transaction, codec,
};

use super::*;
use crate::{
    BlockContext, ConservationError, Genesis, GenesisAccount, GenesisError, StateKey, Step, execute,
};

fn signed(chain_id: u64, nonce: u64) -> SignedTransaction {
    Transaction { chain_id, nonce, action: transfer(1, Asset::Credit, 1) }.sign(&secret(0))
}

/// The bytes are refused and nothing changes, not even the nonce.
fn check_refused(world: &mut World, bytes: &[u8], rejection: Rejection) {
    let before = world.state.clone();
    let outcome = world.execute(bytes);
    assert_eq!((outcome.result, outcome.changes.len(), outcome.events.len()), (Err(rejection), 0, 0));
    assert_eq!(world.state, before);
}

#[test]
fn a_transaction_is_refused_in_order_of_precedence() {
    let mut world = World::new();
    check_refused(&mut world, b"", TransactionMalformed);
    let mut long = signed(31_337, 0).encode();
    long.push(0);
    check_refused(&mut world, &long, TransactionMalformed);
    let mut wrong = signed(1, 5);
    wrong.authorization = Authorization::Account([0; 65]);
    check_refused(&mut world, &wrong.encode(), ChainIdWrong);
    wrong.transaction.chain_id = 31_337;
    check_refused(&mut world, &wrong.encode(), SignatureInvalid);
    let stolen = SignedTransaction { sender: account(1), ..signed(31_337, 0) };
    check_refused(&mut world, &stolen.encode(), SignatureInvalid);
    check_refused(&mut world, &signed(31_337, 1).encode(), NonceAhead);
    let good = signed(31_337, 0).encode();
    assert_eq!(world.execute(&good).result, Ok(()));
    check_refused(&mut world, &good, NonceUsed);
}

#[test]
fn a_rejected_action_cannot_be_replayed() {
    let mut world = World::new();
    let poor = world.signed(0, transfer(1, Asset::Credit, 2_000_000_000));
    assert_eq!(world.execute(&poor).result, Err(BalanceTooLow));
    world.accept(2, transfer(0, Asset::Credit, 1_000_000_000));
    assert_eq!(world.execute(&poor).result, Err(NonceUsed));
}

#[test]
fn the_first_round_names_everything_an_action_names() {
    let bytes = signed(31_337, 0).encode();
    let context = BlockContext { height: 1, timestamp_ms: 1, randomness: bytes32(0) };
    let keys = [
        StateKey::Parameters,
        StateKey::Supply,
        StateKey::Account(account(0)),
        StateKey::Account(account(1)),
    ];
    let mut keys: Vec<_> = keys.iter().map(StateKey::encode).collect();
    keys.sort();
    assert_eq!(execute(&bytes, &context, &Default::default()), Step::Load(keys));
}

#[test]
fn a_genesis_is_checked() {
    let check = |change: &dyn Fn(&mut Genesis), expected: GenesisError| {
        let line = GenesisAccount { account: account(0), credits: Amount(1), open: Amount(2) };
        let parameters = Parameters::starting(1, true, account(0));
        let mut genesis = Genesis { parameters, accounts: vec![line] };
        let json = serde_json::to_string(&genesis).unwrap();
        assert_eq!(serde_json::from_str::<Genesis>(&json).unwrap(), genesis);
        crate::check_conservation(&genesis.state().unwrap()).unwrap();
        change(&mut genesis);
        assert_eq!(genesis.state(), Err(expected));
    };
    let parameters =
        |change: fn(&mut Parameters)| move |genesis: &mut Genesis| change(&mut genesis.parameters);
    let sum = |split, sum| GenesisError::SplitSum { split, sum };
    check(&parameters(|p| p.split.burn = BasisPoints(499)), sum("reference", 9_999));
    check(&parameters(|p| p.premium.burn = BasisPoints(2_001)), sum("premium", 10_001));
    let bounds = |parameter, value, low, high| GenesisError::OutOfBounds { parameter, value, low, high };
    check(
        &parameters(|p| p.split.attributed = BasisPoints(10_001)),
        bounds("split.attributed", 10_001, 0, 10_000),
    );
    check(
        &parameters(|p| p.router_fee_max = BasisPoints(10_001)),
        bounds("router_fee_max", 10_001, 0, 10_000),
    );
    check(&parameters(|p| p.epoch_ms = 0), bounds("epoch_ms", 0, 1, 86_400_000));
    check(
        &parameters(|p| p.provider_escrow.cliff_epochs = 2),
        GenesisError::RangeInverted { range: "the time to draw and open audits and the provider's cliff" },
    );
    check(
        &parameters(|p| p.data_escrow.liquid_low = BasisPoints(7_501)),
        GenesisError::RangeInverted { range: "the data escrow" },
    );
    check(
        &|genesis| genesis.accounts.push(genesis.accounts[0].clone()),
        GenesisError::AccountRepeated { account: account(0) },
    );
    let rich = GenesisAccount { account: account(1), credits: Amount(u64::MAX), open: Amount(0) };
    check(&|genesis| genesis.accounts.push(rich.clone()), GenesisError::Overflow);
}

#[test]
fn the_conservation_check_sees_a_single_unit() {
    let world = World::prepared();
    let key = StateKey::Account(account(3));
    let mut state = world.state.clone();
    let mut record = world.account(3);
    record.credits.0 += 1;
    state.insert(key.encode(), codec::encode(&record));
    let error = crate::check_conservation(&state).unwrap_err();
    assert!(matches!(error, ConservationError::Mismatch { place: "balances", .. }), "{error}");
    state.remove(&StateKey::Supply.encode());
    assert_eq!(crate::check_conservation(&state), Err(ConservationError::SupplyMissing));
}
