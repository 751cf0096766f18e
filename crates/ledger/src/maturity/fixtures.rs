//! The actions, keys and records of maturity whose encodings are recorded.

use openledger_types::maturity::{
    EvaluationRecord, EvaluatorRecord, MaturityAction, Measured, UpliftCommitment, UpliftRecord,
};
use openledger_types::record::Pool;
use openledger_types::{Action, Amount, BasisPoints, ContributionId, codec};

use super::MaturityKey;
use crate::StateKey;
use crate::tests::{account, bytes32, name};

fn measured() -> Measured {
    Measured { model: name("base"), datanet: name("help"), contribution: ContributionId([1; 32]) }
}

pub(crate) fn actions() -> Vec<Action> {
    let (datanet, contribution, measured) = (name("help"), ContributionId([1; 32]), measured());
    let pool = Pool::Unproven(name("help"));
    let actions = vec![
        MaturityAction::RegisterEvaluator,
        MaturityAction::RetireEvaluator,
        MaturityAction::OpenRound { measured: measured.clone() },
        MaturityAction::CommitUplift { measured: measured.clone(), beacon: 2, commitment: bytes32(3) },
        MaturityAction::RevealUplift { measured: measured.clone(), uplift: -4, salt: bytes32(5) },
        MaturityAction::Mature { measured: measured.clone() },
        MaturityAction::DrawEarly { datanet: datanet.clone(), contribution, amount: Amount(6) },
        MaturityAction::SweepImmature { datanet, contribution, owner: account(7) },
        MaturityAction::EnterUplift { pool: pool.clone(), measured: measured.clone() },
        MaturityAction::PayUplift { pool, epoch: 8, measured },
    ];
    actions.into_iter().map(Action::Maturity).collect()
}

pub(crate) fn keys() -> Vec<StateKey> {
    let keys = vec![
        MaturityKey::Evaluator(account(1)),
        MaturityKey::Evaluators,
        MaturityKey::Evaluation(measured()),
        MaturityKey::Commitment(measured(), account(1)),
        MaturityKey::Uplift(Pool::Uplift(name("base")), 2),
        MaturityKey::Entry(Pool::Uplift(name("base")), 2, name("help"), ContributionId([1; 32])),
    ];
    keys.into_iter().map(StateKey::Maturity).chain([StateKey::Pool(Pool::Unproven(name("help")))]).collect()
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let quality = BasisPoints(7);
    let evaluation =
        EvaluationRecord { count: 1, sum: -2, squares: 3, round: 4, opened_in: 5, evaluators: 6, quality };
    let commitment = UpliftCommitment { round: 1, beacon: 2, commitment: bytes32(3) };
    let uplift = UpliftRecord { weights: 1, unpaid: 2, pot: Some(Amount(3)), left: Amount(4) };
    vec![
        ("EvaluatorRecord", codec::encode(&EvaluatorRecord { since_epoch: 1 })),
        ("EvaluationRecord", codec::encode(&evaluation)),
        ("UpliftCommitment", codec::encode(&commitment)),
        ("UpliftRecord", codec::encode(&uplift)),
    ]
}
