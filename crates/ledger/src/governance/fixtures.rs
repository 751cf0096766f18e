//! One of each action, record and key, for the recorded encodings.

use openledger_types::governance::*;
use openledger_types::record::{Pool, Role};
use openledger_types::{Action, Amount, Domain, GovernanceAction, codec};

use super::GovernanceKey;
use crate::StateKey;
use crate::tests::{account, bytes32, name};

fn changes() -> Vec<Change> {
    vec![
        Change::Parameter { name: "router_fee_max".into(), value: 1 },
        Change::Grant { to: account(1), amount: Amount(2) },
        Change::Renew { proposal: 3 },
        Change::Policy { policy: Box::new(openledger_types::datanets::Policy::imports_only()) },
        Change::Curator { to: account(4) },
    ]
}

fn target() -> Target {
    let metric = Metric::Pool(Pool::Treasury);
    Target { metric, at_least: true, value: 1, review_after_epochs: 2 }
}

pub(crate) fn actions() -> Vec<Action> {
    let protocol = Scope::Protocol;
    let datanet = Scope::Datanet(name("help"));
    let (scope, proposal) = (protocol.clone(), 1);
    let kinds = vec![
        GovernanceAction::Lock { scope: scope.clone(), amount: Amount(1) },
        GovernanceAction::Unlock { scope: datanet.clone(), amount: Amount(1) },
        GovernanceAction::ReleaseLock { scope: scope.clone() },
        GovernanceAction::Enrol { scope: scope.clone(), domains: vec![Domain::Serving] },
        GovernanceAction::RefreshEnrolment { scope: scope.clone(), account: account(1) },
        GovernanceAction::Propose {
            scope: scope.clone(),
            title: "t".into(),
            document: bytes32(1),
            changes: changes(),
            target: Some(target()),
        },
        GovernanceAction::Vote { scope: scope.clone(), proposal, support: true },
        GovernanceAction::CloseVote { scope: scope.clone(), proposal },
        GovernanceAction::Execute { scope: scope.clone(), proposal },
        GovernanceAction::Review { scope: scope.clone(), proposal },
        GovernanceAction::Sunset { scope: scope.clone(), proposal },
        GovernanceAction::Leave {
            scope,
            proposal,
            scopes: vec![datanet],
            tranches: vec![(Role::Provider, 1)],
            unbonding: vec![(Role::Gateway, 2)],
        },
        GovernanceAction::OpenElection,
        GovernanceAction::Stand,
        GovernanceAction::Elect { candidate: account(1) },
        GovernanceAction::CloseElection,
        GovernanceAction::OrderPause { steps: vec![Pausable::Settlement], duration_ms: 1 },
    ];
    kinds.into_iter().map(Action::Governance).collect()
}

fn proposal() -> ProposalRecord {
    ProposalRecord {
        proposer: account(1),
        title: "t".into(),
        document: bytes32(1),
        changes: changes(),
        target: Some(target()),
        class: ProposalClass::Constitution,
        terms: Terms {
            token: 1,
            contributors: 2,
            token_cap: 3,
            contributor_cap: 4,
            delay_low_epochs: 5,
            delay_high_epochs: 6,
            objection_low: 7,
            objection_high: 8,
            execution_epochs: 9,
            sunset_epochs: 10,
        },
        bond: Amount(1),
        epoch: 2,
        closes_in_epoch: 3,
        token: Tally { yes: 4, no: 5, total: 6 },
        contributors: Tally { yes: 7, no: 8, total: 9 },
        stage: Stage::Executed { epoch: 10, reviewed: true, sunset_epoch: Some(11) },
        previous: vec![12],
        metric_base: 13,
        previous_policy: Some(Box::new(openledger_types::datanets::Policy::imports_only())),
    }
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let weight = Weight { epoch: 1, full: 2, missing: 3 };
    let sum = HouseSum { full: 1, missing: 2 };
    let lock = LockRecord { weights: vec![weight], leaving: vec![(1, Amount(2))], held_until_epoch: 3 };
    let enrolment = EnrolmentRecord { domains: vec![Domain::Auditing], weights: vec![weight] };
    let vote = VoteRecord { support: true, token: 1, contributors: 2, cluster: account(3) };
    let order = PauseOrder { steps: vec![Pausable::Channels], duration_ms: 1, ordered_at_ms: 2 };
    let council = CouncilRecord {
        seats: vec![Seat { member: account(1), order: Some(order) }],
        term_ends_in_epoch: 2,
        used: true,
        election: 3,
    };
    let candidates = vec![Candidate { account: account(1), cluster: account(2), votes: 3, number: 4 }];
    let election = ElectionRecord { epoch: 1, closes_in_epoch: 2, total: 3, candidates, stood: 4 };
    let paused = PausedStep { step: Pausable::Models, from_ms: 1, until_ms: 2 };
    let given = ElectionVoteRecord { candidate: 1, weight: 2, cluster: account(3) };
    vec![
        ("HouseRecord", codec::encode(&HouseRecord { epoch: 1, opening: sum, now: sum })),
        ("LockRecord", codec::encode(&lock)),
        ("EnrolmentRecord", codec::encode(&enrolment)),
        ("ScopeRecord", codec::encode(&ScopeRecord { proposals: 1, open: vec![account(2)] })),
        ("ProposalRecord", codec::encode(&proposal())),
        ("VoteRecord", codec::encode(&vote)),
        ("ClusterVotesRecord", codec::encode(&ClusterVotesRecord { token: [1, 2], contributors: [3, 4] })),
        ("DriftRecord", codec::encode(&DriftRecord { anchor: 1, epoch: 2 })),
        ("GrantsRecord", codec::encode(&GrantsRecord { paid: vec![(1, Amount(2))] })),
        ("CouncilRecord", codec::encode(&council)),
        ("ElectionRecord", codec::encode(&election)),
        ("ElectionVoteRecord", codec::encode(&given)),
        ("ElectionClusterRecord", codec::encode(&ElectionClusterRecord { given: vec![(1, 2)] })),
        ("PauseRecord", codec::encode(&PauseRecord { steps: vec![paused] })),
    ]
}

pub(crate) fn keys() -> Vec<StateKey> {
    let scope = Scope::Datanet(name("help"));
    let keys = [
        GovernanceKey::House(scope.clone(), House::Token),
        GovernanceKey::Lock(Scope::Protocol, account(1)),
        GovernanceKey::Enrolment(scope.clone(), account(1)),
        GovernanceKey::Scope(scope.clone()),
        GovernanceKey::Proposal(scope.clone(), 1),
        GovernanceKey::Vote(scope.clone(), 1, account(1)),
        GovernanceKey::ClusterVotes(scope.clone(), 1, account(1)),
        GovernanceKey::Drift("router_fee_max".into()),
        GovernanceKey::Grants(scope),
        GovernanceKey::Council,
        GovernanceKey::Election,
        GovernanceKey::ElectionVote(1, account(1)),
        GovernanceKey::ElectionCluster(1, account(1)),
        GovernanceKey::Pause,
    ];
    keys.into_iter().map(GovernanceKey::state).collect()
}
