//! The words of the funds: maintenance by measured usage, insurance, donations, and the speed at which payouts may grow.
//! Absent: the rules; they are in `ledger`, folder `funds`.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::record::Pool;
use crate::{AccountId, Amount, BasisPoints, Hash, Name};

/// How much of a project was used in a round, as a measurer counted it.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct UsageLine {
    /// Which project.
    pub project: Name,
    /// Units of use, for example loads by distinct nodes.
    pub usage: u64,
}

/// What a measurer reveals: lines in increasing order of projects, and the root of the signed telemetry behind them.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct UsageReport {
    /// The lines.
    pub lines: Vec<UsageLine>,
    /// Merkle root of the signed counts of nodes.
    pub telemetry_root: Hash,
    /// Chosen by the measurer, so that nobody guesses the report from its commitment.
    pub salt: Hash,
}

impl UsageReport {
    /// What is committed before it is revealed; it names the measurer, so that nobody can commit what another found.
    pub fn commitment(&self, measurer: AccountId, round: u64) -> Hash {
        crate::sha256(&crate::codec::encode(&(measurer, round, self)))
    }
}

/// What an account can ask of the funds.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FundsAction {
    /// Give credits to a pool of the network.
    Donate {
        /// Treasury, maintenance, insurance, verification or capacity.
        pool: Pool,
        /// How much.
        amount: Amount,
    },
    /// Register something that the network depends on. The sender is paid for it.
    RegisterProject {
        /// Unique name.
        name: Name,
        /// Where it is.
        source: String,
    },
    /// Pay a project to another account from now on. Sender: whoever is paid.
    PassProject {
        /// Which.
        name: Name,
        /// To whom.
        to: AccountId,
    },
    /// Become a measurer with a bond in OPEN. Needs audited work as an auditor.
    RegisterMeasurer {
        /// The bond.
        bond: Amount,
    },
    /// Take a measurer's bond back, when no report of it is open.
    LeaveMeasuring,
    /// Commit to a report about the running round.
    CommitUsage {
        /// [`UsageReport::commitment`].
        commitment: Hash,
    },
    /// Reveal the report about the last round.
    RevealUsage {
        /// The report that was committed.
        report: Box<UsageReport>,
    },
    /// Pay the round before by what was measured. Anyone may.
    CloseMaintenance {
        /// Number of the round.
        round: u64,
    },
    /// Take what the insurance owes for a proven fault. Sender: whoever was harmed.
    ClaimInsurance {
        /// Number of the debt, as its event says.
        claim: u64,
    },
}

impl FundsAction {
    /// The action's name, as wallets show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Donate { .. } => "Donate",
            Self::RegisterProject { .. } => "Register project",
            Self::PassProject { .. } => "Pass project",
            Self::RegisterMeasurer { .. } => "Register measurer",
            Self::LeaveMeasuring => "Leave measuring",
            Self::CommitUsage { .. } => "Commit usage",
            Self::RevealUsage { .. } => "Reveal usage",
            Self::CloseMaintenance { .. } => "Close maintenance",
            Self::ClaimInsurance { .. } => "Claim insurance",
        }
    }

    /// What the action does, in plain words.
    pub fn summary(&self) -> String {
        match self {
            Self::Donate { pool, amount } => format!("Give {amount} C to the pool {pool:?}"),
            Self::RegisterProject { name, source } => {
                format!("Register the project {name} at {source}, paid to the sender")
            }
            Self::PassProject { name, to } => format!("Pay the project {name} to {to} from now on"),
            Self::RegisterMeasurer { bond } => format!("Become a measurer with a bond of {bond} OPEN"),
            Self::LeaveMeasuring => "Take a measurer's bond back".to_owned(),
            Self::CommitUsage { commitment } => format!("Commit to the usage report {commitment}"),
            Self::RevealUsage { report } => {
                format!(
                    "Reveal usage of {} projects, telemetry {}",
                    report.lines.len(),
                    report.telemetry_root
                )
            }
            Self::CloseMaintenance { round } => format!("Pay maintenance round {round}"),
            Self::ClaimInsurance { claim } => format!("Take insurance claim {claim}"),
        }
    }
}

/// A fact of the funds. Money that moved is in [`crate::Event::Moved`] beside it.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "field names repeat the action's and the record's documented fields")]
pub enum FundsEvent {
    /// A project was registered, or is paid to another account.
    ProjectPaidTo { name: Name, recipient: AccountId, source: String },
    /// A measurer registered.
    MeasurerRegistered { measurer: AccountId, bond: Amount },
    /// A measurer left.
    MeasurerLeft { measurer: AccountId },
    /// A measurer committed to a report.
    UsageCommitted { round: u64, measurer: AccountId, commitment: Hash },
    /// A measurer revealed a report.
    UsageRevealed { round: u64, measurer: AccountId, report: Box<UsageReport> },
    /// A project was paid by its measured usage: the median of what measurers counted.
    ProjectPaid { round: u64, name: Name, recipient: AccountId, usage: u64, amount: Amount },
    /// A round was paid. `shift` is what the burn gives to maintenance from now on, in basis points of the reference price.
    MaintenanceClosed { round: u64, budget: Amount, paid: Amount, coverage: BasisPoints, shift: BasisPoints },
    /// The insurance owes for a proven fault that the subject's money did not cover.
    InsuranceOwed { claim: u64, harmed: AccountId, amount: Amount, until_epoch: u64 },
    /// A debt of the insurance was paid.
    InsurancePaid { claim: u64, harmed: AccountId, amount: Amount },
}

/// Something that the network depends on.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ProjectRecord {
    /// Who is paid.
    pub recipient: AccountId,
    /// Where it is.
    pub source: String,
}

/// A measurer.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct MeasurerRecord {
    /// The bond in OPEN.
    pub bond: Amount,
    /// The round of the last commitment; its reveal ends in the round after.
    pub committed_round: Option<u64>,
}

/// One measurer's part in a round.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Measurement {
    /// Who.
    pub measurer: AccountId,
    /// The cluster at the commitment; one measurer for each.
    pub cluster: AccountId,
    /// What was committed.
    pub commitment: Hash,
    /// Whether it was revealed.
    pub revealed: bool,
}

/// What one measurer counted of a project.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct CountedLine {
    /// Which.
    pub project: Name,
    /// Who was paid for it when it was revealed.
    pub recipient: AccountId,
    /// Units of use.
    pub usage: u64,
}

/// What one measurer revealed; it stays until the round is paid.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ReportRecord {
    /// The lines, in increasing order of projects.
    pub lines: Vec<CountedLine>,
}

/// A round of maintenance.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct MaintenanceRoundRecord {
    /// Measurers in the order in which they committed.
    pub measurements: Vec<Measurement>,
}

/// What the funds remember from round to round.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct FundsRecord {
    /// The first round that was not paid yet.
    pub next_round: u64,
    /// The rounds with commitments that were not paid yet, oldest first: at most the last and the running one.
    pub open: Vec<u64>,
    /// The last budget above zero; the next grows by a limited step.
    pub budget: Amount,
    /// What the burn gives to maintenance, in basis points of the reference price.
    pub shift: BasisPoints,
    /// Number of the last debt of the insurance.
    pub claims: u64,
}

/// A debt of the insurance.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ClaimRecord {
    /// Who was harmed.
    pub harmed: AccountId,
    /// How much is owed.
    pub amount: Amount,
    /// The last epoch in which it can be claimed.
    pub until_epoch: u64,
    /// The first epoch in which it can be claimed (again).
    pub from_epoch: u64,
}

/// The numbers of the funds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct FundsParameters {
    /// Epochs of one round of maintenance.
    pub round_epochs: u64,
    /// The part of the maintenance pool that follows measured usage.
    pub usage_share: BasisPoints,
    /// The most of a round's budget that one cluster is paid.
    pub recipient_cap: BasisPoints,
    /// What maintenance costs in an epoch, in credits; less than that paid is a coverage below one.
    pub required_per_epoch: Amount,
    /// The most of the reference price that the burn gives to maintenance.
    pub shift_max: BasisPoints,
    /// The least bond of a measurer, in OPEN.
    pub measurer_bond_min: Amount,
    /// What a measurer is paid for a report, in credits.
    pub measurer_fee: Amount,
    /// The most by which a budget grows from one round to the next.
    pub growth_max: BasisPoints,
    /// The part of what could be paid with which a budget opens.
    pub opening: BasisPoints,
    /// Measurers from which on a round is paid in full; fewer pay in proportion.
    pub measurers_target: u64,
    /// Epochs in which a debt of the insurance can be claimed.
    pub claim_epochs: u64,
    /// The most of the insurance pool that one claim takes.
    pub claim_max: BasisPoints,
}

impl FundsParameters {
    /// The starting values.
    pub fn starting() -> Self {
        Self {
            round_epochs: 30,
            usage_share: BasisPoints(7_000),
            recipient_cap: BasisPoints(1_000),
            required_per_epoch: Amount(1_000_000),
            shift_max: BasisPoints(300),
            measurer_bond_min: Amount(1_000_000_000),
            measurer_fee: Amount(1_000_000),
            growth_max: BasisPoints(2_500),
            opening: BasisPoints(500),
            measurers_target: 3,
            claim_epochs: 90,
            claim_max: BasisPoints(1_000),
        }
    }
}
