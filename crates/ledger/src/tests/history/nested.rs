//! Random actions of accounts, models and providers beyond the plain ones: links and sessions, manifests, titles, heartbeats.

use openledger_types::accounts::{AccountAction, FindingRecord, LinkRecord};
use openledger_types::models::{Manifest, ModelAction, SnapshotReference};
use openledger_types::providers::{Load, ProviderAction};
use openledger_types::record::{BeaconRecord, ModelRecord, SnapshotRecord};
use openledger_types::{
    Action, Amount, LinkBasis, Name, Royalty, ServiceKey, SessionGrant, SessionKey, SpendingLimit,
    models::ManifestRecord,
};

use super::super::*;
use super::base::MODELS;
use super::{Dice, SECOND_PROVIDER, number_of};
use crate::StateKey;
use crate::accounts::AccountKey;
use crate::models::ModelKey;

/// Two accounts that may belong together: neighbours, so that clusters stay small; and whoever has a business with somebody.
fn pair(dice: &mut Dice) -> (u8, u8) {
    let first = 12 + 2 * dice.below(18) as u8;
    let business = dice.pick(&[(PROVIDER, 20), (GATEWAY, 22), (SECOND_PROVIDER, 24), (TUNER, 26)]);
    let (one, other) = if dice.chance(5) { business } else { (first, first + 1) };
    if dice.chance(2) { (one, other) } else { (other, one) }
}

pub(super) fn links(world: &World, dice: &mut Dice) -> (u8, Action) {
    if let Some((juror, judge)) = judge(world, dice)
        && dice.chance(2)
    {
        return (juror, Action::Accounts(judge));
    }
    let (who, next) = pair(dice);
    let other = account(next);
    let link: Option<LinkRecord> = world.record(&AccountKey::link(account(who), other).state());
    let finding: Option<FindingRecord> = world.record(&AccountKey::finding(account(who), other).state());
    let one = account(who);
    let action = match dice.below(8) {
        0..3 => match link {
            Some(link) if link.declared_in_epoch.is_some() && !dice.chance(9) => {
                AccountAction::EndLink { other }
            }
            None if dice.chance(9) => AccountAction::EndLink { other },
            _ => AccountAction::DeclareLink { other },
        },
        3..6 => match finding {
            None if dice.chance(9) => AccountAction::SettleLink { one, other },
            None => {
                let basis = dice.pick(&[LinkBasis::SharedFunding, LinkBasis::HardwareKey]);
                let other = if dice.chance(10) { one } else { other };
                let report = AccountAction::ReportLink { one, other, basis, evidence: bytes32(dice.byte()) };
                return (dice.below(12) as u8, Action::Accounts(report));
            }
            Some(_) if dice.chance(3) => {
                return (dice.below(12) as u8, Action::Accounts(AccountAction::ChallengeLink { one, other }));
            }
            Some(_) => AccountAction::SettleLink { one, other },
        },
        _ => session(world, dice),
    };
    (who, Action::Accounts(action))
}

/// Any juror about the first report that is challenged, whether it was drawn or not.
fn judge(world: &World, dice: &mut Dice) -> Option<(u8, AccountAction)> {
    let any = AccountKey::finding(account(0), account(1)).state();
    let findings = world.records::<FindingRecord>(&any, 2);
    let (key, call) = findings.into_iter().find_map(|(key, finding)| {
        let call = finding.challenge.filter(|challenge| world.epoch() <= challenge.until_epoch)?;
        Some((key, call.epoch))
    })?;
    let StateKey::Accounts(AccountKey::Finding(one, other)) = key else { return None };
    let drawn = |epoch: &u64| world.record::<BeaconRecord>(&StateKey::Beacon(*epoch)).is_some();
    let beacon = (call + 1..=world.epoch()).find(drawn)?;
    let jurors = super::open::jurors(world, call);
    let juror = *jurors.get(dice.below(jurors.len() as u64) as usize)?;
    Some((juror, AccountAction::JudgeLink { one, other, beacon, stands: dice.chance(2) }))
}

/// Few keys, so that sessions are replaced and revoked. No history signs with one: the step's own tests do.
fn session(world: &World, dice: &mut Dice) -> AccountAction {
    let key = SessionKey::Ed25519(ServiceKey([1 + dice.byte() % 2; 32]));
    if dice.chance(3) {
        return AccountAction::RevokeSession { key };
    }
    let mut actions = vec!["Top up channel".to_owned(), "Transfer".to_owned()];
    if dice.chance(6) {
        actions.reverse();
    }
    let limit = SpendingLimit { per_epoch: dice.amount(1_000), total: dice.amount(9_000) };
    let expires_in_epoch = world.epoch() + dice.below(30);
    let grant = SessionGrant { actions, credits: limit, open: limit, expires_in_epoch };
    AccountAction::GrantSession { key, grant }
}

pub(super) fn builders(world: &World, dice: &mut Dice) -> (u8, Action) {
    let any = StateKey::Models(ModelKey::Manifest(bytes32(0)));
    let manifests = world.records::<ManifestRecord>(&any, 2);
    let chosen = manifests.get(dice.below(manifests.len() as u64) as usize);
    let (who, action) = match (dice.below(6), chosen) {
        (0 | 1, Some((StateKey::Models(ModelKey::Manifest(manifest)), record))) => {
            let name = name(&format!("adapter-{}", dice.byte()));
            let share = openledger_types::BasisPoints(dice.below(9_000) as u16);
            let royalties = vec![Royalty { account: account(dice.who()), share }];
            let who = number_of(record.tuner).expect("tuners take part");
            let manifest = *manifest;
            (who, ModelAction::RegisterAdapter { name, manifest, royalties, license: "Apache-2.0".into() })
        }
        (2, _) => {
            let (owner, model) = owned(world, dice);
            (owner, ModelAction::TransferModel { model, to: account(dice.who()) })
        }
        (3, _) => {
            let (owner, model) = owned(world, dice);
            (owner, ModelAction::Delist { model })
        }
        _ => (dice.below(24) as u8, ModelAction::RegisterManifest { manifest: manifest(world, dice) }),
    };
    (who, Action::Models(action))
}

/// A model of few users and its owner: the base models stay where they are.
fn owned(world: &World, dice: &mut Dice) -> (u8, Name) {
    let any = StateKey::Model(name("base"));
    let models = world.records::<ModelRecord>(&any, 1);
    let key = models.get(dice.below(models.len() as u64) as usize).map(|(key, _)| key.clone());
    let model = match key {
        Some(StateKey::Model(model)) if !MODELS.contains(&model.as_str()) => model,
        _ => return (dice.who(), name("nothing")),
    };
    let line = openledger_types::models::title_of(&model);
    let title = world.ask(|transition| crate::models::title(transition, line));
    (title.and_then(|title| number_of(title.owner)).unwrap_or(0), model)
}

fn manifest(world: &World, dice: &mut Dice) -> Manifest {
    let version = dice.below(40) as u32;
    let key = StateKey::Snapshot(name("help"), version);
    let root = world.record::<SnapshotRecord>(&key).map_or(bytes32(0), |sealed| sealed.root);
    let known = (0..40).find_map(|version| {
        let sealed: SnapshotRecord = world.record(&StateKey::Snapshot(name("help"), version))?;
        Some(SnapshotReference { datanet: name("help"), version, root: sealed.root })
    });
    let guess = SnapshotReference { datanet: name("help"), version, root };
    let snapshot = known.filter(|_| !dice.chance(4)).unwrap_or(guess);
    Manifest {
        base: name("base"),
        snapshots: vec![snapshot],
        code: bytes32(1),
        numerics: "int8, sums in order".into(),
        hyperparameters: bytes32(dice.byte()),
        weights: bytes32(dice.byte()),
    }
}

pub(super) fn running(world: &World, dice: &mut Dice) -> (u8, Action) {
    let who = dice.pick(&[PROVIDER, SECOND_PROVIDER]);
    let action = match dice.below(6) {
        0 => ProviderAction::WithdrawOffer { model: name(dice.pick(&MODELS)) },
        1 => ProviderAction::ChangeService {
            service_key: (!dice.chance(3)).then(|| ServiceKey([dice.byte(); 32])),
            endpoint: dice.chance(2).then(|| "http://127.0.0.1:4".to_owned()),
        },
        _ => {
            let class = world.parameters.markets.classes.first().map(|class| class.name.clone());
            let capacity = dice.amount(9_000_000);
            let busy = Amount(dice.below(capacity.0.saturating_add(1).max(1)));
            let load = |class| Load { class, capacity, busy };
            ProviderAction::Heartbeat { loads: class.into_iter().map(load).collect() }
        }
    };
    (who, Action::Providers(action))
}
