//! The table of sessions, and the property that no order of actions spends past their limits.

use openledger_types::Rejection::{self, *};
use openledger_types::accounts::SessionRecord;
use openledger_types::record::Role;
use openledger_types::{
    AccountAction, Action, Amount, Asset, ServiceSecret, SessionGrant, SessionKey, SessionSecret,
    SpendingLimit, Transaction,
};
use proptest::prelude::*;

use super::AccountKey;
use crate::tests::*;

const OWNER: u8 = PROVIDER;

fn service() -> SessionSecret {
    SessionSecret::Ed25519(ServiceSecret::from_bytes([9; 32]))
}

fn wallet() -> SessionSecret {
    SessionSecret::Secp256k1(secret(STRANGER))
}

fn limit(per_epoch: u64, total: u64) -> SpendingLimit {
    SpendingLimit { per_epoch: Amount(per_epoch), total: Amount(total) }
}

fn granted(actions: &[&str]) -> SessionGrant {
    SessionGrant {
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        credits: limit(100, 150),
        open: limit(10, 1_000),
        expires_in_epoch: 5,
    }
}

fn grant(secret: &SessionSecret, grant: SessionGrant) -> Action {
    Action::Accounts(AccountAction::GrantSession { key: secret.key(), grant })
}

fn revoke(secret: &SessionSecret) -> Action {
    Action::Accounts(AccountAction::RevokeSession { key: secret.key() })
}

fn session(world: &World, secret: &SessionSecret) -> Option<SessionRecord> {
    world.record(&AccountKey::Session(account(OWNER), secret.key()).state())
}

/// Sends for the owner by a session key with the session's next nonce.
fn act(world: &mut World, secret: &SessionSecret, action: Action) -> Result<(), Rejection> {
    let nonce = session(world, secret).map_or(0, |record| record.nonce);
    let transaction = Transaction { chain_id: world.parameters.chain_id, nonce, action };
    world.execute(&transaction.sign_in_session(account(OWNER), secret).encode()).result
}

#[test]
fn a_grant_is_bounded() {
    let base = granted(&["Transfer"]);
    let with = |change: &dyn Fn(&mut SessionGrant)| {
        let mut grant = base.clone();
        change(&mut grant);
        grant
    };
    let many: Vec<String> = (10..43).map(|number| format!("Action {number}")).collect();
    World::new().check([
        (OWNER, grant(&service(), with(&|grant| grant.actions.clear())), Err(SessionInvalid)),
        (OWNER, grant(&service(), with(&|grant| grant.actions = many.clone())), Err(SessionInvalid)),
        (OWNER, grant(&service(), granted(&["Withdraw"])), Err(SessionInvalid)),
        (OWNER, grant(&service(), granted(&["Grant session"])), Err(SessionInvalid)),
        (OWNER, grant(&service(), granted(&["Revoke session"])), Err(SessionInvalid)),
        (OWNER, grant(&service(), granted(&["Transfer", "Transfer"])), Err(SessionInvalid)),
        (OWNER, grant(&service(), granted(&["Transfer", "Settle batch"])), Err(SessionInvalid)),
        (OWNER, grant(&service(), granted(&["x".repeat(513).as_str()])), Err(SessionInvalid)),
        (OWNER, grant(&service(), with(&|grant| grant.expires_in_epoch = 0)), Err(SessionInvalid)),
        (OWNER, grant(&service(), with(&|grant| grant.expires_in_epoch = 10_001)), Err(SessionInvalid)),
        (STRANGER, grant(&wallet(), base.clone()), Err(SessionInvalid)),
        (OWNER, revoke(&service()), Err(SessionUnknown)),
        (OWNER, grant(&service(), with(&|grant| grant.expires_in_epoch = 10_000)), Ok(())),
        (OWNER, grant(&wallet(), base.clone()), Ok(())),
        (OWNER, revoke(&wallet()), Ok(())),
        (OWNER, revoke(&wallet()), Err(SessionUnknown)),
    ]);
}

#[test]
fn a_session_acts_within_its_limits() {
    for secret in [service(), wallet()] {
        let mut world = World::prepared();
        let pay = |asset, amount| transfer(0, asset, amount);
        assert_eq!(act(&mut world, &secret, pay(Asset::Credit, 1)), Err(SessionUnknown));
        world.accept(OWNER, grant(&secret, granted(&["Raise bond", "Transfer"])));
        let nonce = world.account(OWNER).nonce;
        let raise = |amount| Action::RaiseBond { role: Role::Provider, amount: Amount(amount) };
        let rows = [
            (pay(Asset::Credit, 101), Err(SessionEpochExhausted)),
            (pay(Asset::Credit, 60), Ok(())),
            (pay(Asset::Credit, 41), Err(SessionEpochExhausted)),
            (pay(Asset::Credit, 40), Ok(())),
            (pay(Asset::Open, 6), Ok(())),
            (raise(5), Err(SessionEpochExhausted)),
            (raise(4), Ok(())),
            (Action::Unbond { role: Role::Provider, amount: Amount(1) }, Err(SessionActionForbidden)),
            (revoke(&secret), Err(SessionActionForbidden)),
            (pay(Asset::Credit, 1), Err(SessionEpochExhausted)),
        ];
        for (row, (action, expected)) in rows.into_iter().enumerate() {
            assert_eq!(act(&mut world, &secret, action), expected, "row {row}");
            let record = session(&world, &secret).unwrap();
            assert_eq!(record.nonce, row as u64 + 1, "every admitted action uses the session's nonce");
        }
        world.pass(1);
        assert_eq!(act(&mut world, &secret, pay(Asset::Credit, 51)), Err(SessionExhausted));
        assert_eq!(act(&mut world, &secret, pay(Asset::Credit, 50)), Ok(()));
        assert_eq!(act(&mut world, &secret, pay(Asset::Credit, 1)), Err(SessionExhausted));
        assert_eq!(world.account(OWNER).nonce, nonce, "the owner's own nonces are the owner's");
        world.pass(4);
        assert_eq!(act(&mut world, &secret, pay(Asset::Open, 1)), Err(SessionExpired));
    }
}

#[test]
fn a_revoked_session_ends_at_once_and_nothing_is_replayed() {
    let mut world = World::new();
    world.accept(OWNER, grant(&service(), granted(&["Transfer"])));
    let signed = |nonce, to| {
        let transaction = Transaction { chain_id: 31_337, nonce, action: transfer(to, Asset::Credit, 1) };
        transaction.sign_in_session(account(OWNER), &service()).encode()
    };
    let first = signed(0, 0);
    assert_eq!(world.execute(&signed(1, 0)).result, Err(NonceAhead));
    assert_eq!(world.execute(&first).result, Ok(()));
    assert_eq!(world.execute(&first).result, Err(NonceUsed));
    world.accept(OWNER, revoke(&service()));
    assert_eq!(world.execute(&signed(1, 0)).result, Err(SessionUnknown));
    world.accept(OWNER, grant(&service(), granted(&["Transfer"])));
    assert_eq!(world.execute(&first).result, Err(NonceUsed), "a new grant does not bring back old nonces");
    assert_eq!(world.execute(&signed(1, 0)).result, Ok(()));
    // A key acts for whoever granted it, and for nobody else.
    let transaction = Transaction { chain_id: 31_337, nonce: 0, action: transfer(0, Asset::Credit, 1) };
    let stolen = transaction.sign_in_session(account(CONSUMER), &service()).encode();
    assert_eq!(world.execute(&stolen).result, Err(SessionUnknown));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Whatever is sent in whatever order, what left the owner's balance by the session is within the limits, per epoch and in
    /// total, in both assets; money that comes back buys nothing more.
    #[test]
    fn limits_hold_under_any_order(
        steps in prop::collection::vec((0u8..7, any::<bool>(), 0u64..80), 1..60),
    ) {
        let mut world = World::prepared();
        let mut grant = granted(&["Open channel", "Raise bond", "Top up channel", "Transfer", "Unbond"]);
        grant.open.total = Amount(25);
        grant.expires_in_epoch = 100;
        world.accept(OWNER, self::grant(&service(), grant.clone()));
        let (mut in_epoch, mut total) = ([0u64; 2], [0u64; 2]);
        for (kind, first, amount) in steps {
            let asset = if first { Asset::Credit } else { Asset::Open };
            let action = match kind {
                0 | 1 => transfer(0, asset, amount),
                2 => Action::RaiseBond { role: Role::Provider, amount: Amount(amount) },
                3 => Action::OpenChannel {
                    gateway: account(GATEWAY),
                    authorizer: account(OWNER),
                    deposit: Amount(amount),
                    salt: bytes32(amount as u8),
                },
                4 => Action::Unbond { role: Role::Provider, amount: Amount(amount) },
                5 => {
                    world.pass(1);
                    in_epoch = [0; 2];
                    continue;
                }
                // Money that comes in from elsewhere changes no limit.
                _ => {
                    world.accept(0, transfer(OWNER, asset, 1 + amount));
                    continue;
                }
            };
            let before = world.account(OWNER);
            let result = act(&mut world, &service(), action);
            let after = world.account(OWNER);
            let spent = [before.credits.0 - after.credits.0, before.open.0 - after.open.0];
            prop_assert!(result.is_ok() || spent == [0, 0]);
            for (asset, limit) in [grant.credits, grant.open].into_iter().enumerate() {
                in_epoch[asset] += spent[asset];
                total[asset] += spent[asset];
                prop_assert!(in_epoch[asset] <= limit.per_epoch.0 && total[asset] <= limit.total.0);
            }
        }
        let record = session(&world, &service()).unwrap();
        prop_assert_eq!([record.credits_spent.0, record.open_spent.0], total);
    }
}

#[test]
fn a_session_key_is_shown_as_its_bytes() {
    assert_eq!(SessionKey::Secp256k1(account(1)).to_string(), account(1).to_string());
}
