//! The actions, keys and records of this step whose encodings are recorded.

use openledger_types::datanets::{
    CampaignId, CampaignRecord, CampaignTerms, CommitmentRecord, DatanetAction, DatanetRole, Decision,
    DisputeRecord, FaultRecord, GoldItem, GoldRecord, JurorRecord, Matter, Policy, Promise, Provenance,
    Reason, RulesRecord, Stage, SubmissionRecord, TaskBatchRecord, TaskKind, WorkRecord,
};
use openledger_types::{Action, Amount, BasisPoints, ContributionId, codec};

use super::DatanetKey;
use super::tests::open_policy;
use crate::StateKey;
use crate::tests::{account, bytes32, name};

pub(crate) fn actions() -> Vec<Action> {
    let (datanet, account) = (name("open"), account(1));
    let actions = vec![
        DatanetAction::Create {
            name: datanet.clone(),
            title: "Open".into(),
            policy: Box::new(open_policy()),
        },
        DatanetAction::SetPolicy { datanet: datanet.clone(), policy: Box::new(Policy::imports_only()) },
        DatanetAction::Grant { datanet: datanet.clone(), account, role: DatanetRole::Reviewer },
        DatanetAction::Withdraw { datanet: datanet.clone(), account, role: DatanetRole::Labeller },
        DatanetAction::OfferCuratorship { datanet: datanet.clone(), to: Some(account) },
        DatanetAction::AcceptCuratorship { datanet },
    ];
    let actions = actions.into_iter().chain(open_actions()).chain(dispute_actions()).chain(task_actions());
    actions.map(Action::Datanets).collect()
}

fn open_actions() -> Vec<DatanetAction> {
    let (datanet, contribution) = (name("open"), ContributionId([1; 32]));
    let accept = Decision::Accept { quality: BasisPoints(1), verified: true };
    let reject = Decision::Reject { quality: BasisPoints(2), reason: Reason::Spam };
    vec![
        DatanetAction::Commit { datanet: datanet.clone(), commitment: bytes32(1) },
        DatanetAction::Reveal {
            datanet: datanet.clone(),
            contribution: Box::new(crate::tests::contribution(1, 2, &[(3, 4)])),
            provenance: Provenance::Synthetic,
            salt: bytes32(5),
        },
        DatanetAction::Sweep { datanet: datanet.clone(), contributor: account(1), commitment: bytes32(2) },
        DatanetAction::Decide { datanet: datanet.clone(), contribution, decision: accept },
        DatanetAction::Decide { datanet: datanet.clone(), contribution, decision: reject },
        DatanetAction::Conclude { datanet: datanet.clone(), contribution },
        DatanetAction::TakeCluster { datanet, contribution },
    ]
}

fn dispute_actions() -> Vec<DatanetAction> {
    let (datanet, contribution) = (name("open"), ContributionId([1; 32]));
    let repeats = Matter::Repeats { earlier: ContributionId([2; 32]), cluster: bytes32(3) };
    let removal = Matter::Removal { reason: Reason::License };
    vec![
        DatanetAction::Appeal { datanet: datanet.clone(), contribution },
        DatanetAction::Claim { datanet: datanet.clone(), contribution, matter: repeats },
        DatanetAction::Claim { datanet: datanet.clone(), contribution, matter: removal },
        DatanetAction::Contest { datanet: datanet.clone(), contribution },
        DatanetAction::Vote { datanet: datanet.clone(), contribution, beacon: 2, for_claimant: true },
        DatanetAction::CloseDispute { datanet, contribution },
        DatanetAction::Clawback {
            datanet: name("open"),
            contribution,
            owner: account(3),
            claimant: account(4),
        },
        DatanetAction::JoinPanel,
        DatanetAction::LeavePanel,
    ]
}

fn campaign() -> CampaignId {
    CampaignId { datanet: name("open"), requester: account(1), number: 2 }
}

fn terms() -> CampaignTerms {
    CampaignTerms {
        kind: TaskKind::Evaluate,
        title: "t".into(),
        items_root: bytes32(1),
        gold_root: bytes32(2),
        batches: 3,
        batch_items: 4,
        choices: 5,
        workers: 6,
        fee: Amount(7),
        accuracy: BasisPoints(8),
        epochs: 9,
        named_only: true,
        from_treasury: false,
    }
}

fn task_actions() -> Vec<DatanetAction> {
    let (datanet, campaign) = (name("open"), campaign());
    vec![
        DatanetAction::OpenCampaign { datanet: datanet.clone(), number: 2, terms: Box::new(terms()) },
        DatanetAction::CommitLabels { campaign: campaign.clone(), batch: 3, commitment: bytes32(4) },
        DatanetAction::RevealLabels {
            campaign: campaign.clone(),
            batch: 3,
            labels: vec![4, 5],
            salt: bytes32(6),
        },
        DatanetAction::RevealGold {
            datanet: datanet.clone(),
            number: 2,
            batch: 3,
            gold: vec![GoldItem { place: 4, answer: 5, item: bytes32(6) }],
            salt: bytes32(7),
            path: vec![bytes32(8)],
        },
        DatanetAction::JudgeLabels { campaign, batch: 3, labeller: account(4), beacon: 5 },
        DatanetAction::CloseCampaign { datanet: datanet.clone(), number: 2 },
        DatanetAction::CollectTreasury { datanet, epochs: vec![1, 2] },
    ]
}

pub(crate) fn keys() -> Vec<StateKey> {
    let (datanet, account, contribution) = (name("open"), account(1), ContributionId([1; 32]));
    let keys = vec![
        DatanetKey::Rules(datanet.clone()),
        DatanetKey::Role(datanet.clone(), account, DatanetRole::Contributor),
        DatanetKey::Commitment(datanet.clone(), account, bytes32(2)),
        DatanetKey::Submission(datanet.clone(), contribution),
        DatanetKey::Dispute(datanet.clone(), contribution),
        DatanetKey::Jurors,
        DatanetKey::Juror(account),
        DatanetKey::Campaign(campaign()),
        DatanetKey::TaskBatch(campaign(), 3),
        DatanetKey::Work(campaign(), 3, account),
        DatanetKey::Gold(bytes32(1)),
        DatanetKey::Fault(datanet, contribution),
    ];
    keys.into_iter().map(StateKey::Datanets).collect()
}

pub(crate) fn records() -> Vec<(&'static str, Vec<u8>)> {
    let (curator_share, treasury_share) = (BasisPoints(10), BasisPoints(11));
    let promise = Promise { curator_share, treasury_share, quality_bar: BasisPoints(12) };
    let submission = SubmissionRecord {
        contributor: account(1),
        contribution: crate::tests::contribution(1, 2, &[(3, 4)]),
        provenance: Provenance::Human,
        committed_at: 5,
        promise,
        bond: Amount(7),
        stage: Stage::Rejected { reason: Reason::Copy, in_force: true, until_epoch: 8, by: account(9) },
    };
    let dispute = DisputeRecord {
        matter: Matter::Appeal,
        claimant: account(1),
        bond: Amount(2),
        respondent: Some(account(3)),
        epoch: 4,
        until_epoch: 5,
        jurors: 6,
        excluded: vec![account(7)],
        votes: vec![(account(8), true)],
    };
    let campaign = CampaignRecord {
        terms: terms(),
        commit_until: 1,
        reveal_until: 2,
        gold_until: 3,
        held: Amount(4),
        unjudged: 5,
        closed: true,
    };
    let gold = vec![GoldItem { place: 1, answer: 2, item: bytes32(3) }];
    let batch = TaskBatchRecord { workers: vec![account(1)], gold: Some(gold) };
    let work = WorkRecord { commitment: bytes32(1), bond: Amount(2), reveal_until: 4, labels: Some(vec![3]) };
    vec![
        ("RulesRecord", codec::encode(&RulesRecord::beginning(open_policy(), 1))),
        (
            "CommitmentRecord",
            codec::encode(&CommitmentRecord { height: 1, epoch: 2, promise, bond: Amount(3) }),
        ),
        ("SubmissionRecord", codec::encode(&submission)),
        ("DisputeRecord", codec::encode(&dispute)),
        ("FaultRecord", codec::encode(&FaultRecord { reason: Reason::Synthetic, claimant: account(1) })),
        ("CampaignRecord", codec::encode(&campaign)),
        ("TaskBatchRecord", codec::encode(&batch)),
        ("WorkRecord", codec::encode(&work)),
        ("GoldRecord", codec::encode(&GoldRecord { uses: 1, public_in: 2 })),
        ("JurorRecord", codec::encode(&JurorRecord { bond: Amount(1), since_epoch: 2, busy_until: 3 })),
    ]
}
