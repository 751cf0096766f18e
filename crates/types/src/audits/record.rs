//! What the ledger remembers about audits. Lists are bounded by the parameters and limits of the step.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Amount, BasisPoints, Hash};

/// One receipt of a settled batch, as the subject of an audit.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct AuditId {
    /// Who settled it.
    pub gateway: AccountId,
    /// In which batch.
    pub batch: u64,
    /// Its place in the batch, from 0.
    pub receipt: u32,
}

impl std::fmt::Display for AuditId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "receipt {} of batch {} of {}", self.receipt, self.batch, self.gateway)
    }
}

/// A fault that anyone who runs the work again finds again.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Running the prompt again does not give the provider's commitment.
    Computation,
    /// The weights are not those of the model that was named.
    Weights,
    /// The attribution is not what the index gives.
    Attribution,
    /// What the gateway opened or handed over is not what the receipt says, or the receipt contradicts itself.
    Receipt,
}

impl Fault {
    /// Whether the gateway answers for it; otherwise the provider does.
    pub fn is_of_gateway(self) -> bool {
        matches!(self, Self::Attribution | Self::Receipt)
    }
}

/// What an auditor says.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything checked holds.
    Pass,
    /// An objective fault.
    Fault(Fault),
    /// The result is outside tolerance where arithmetic is not exact: no proof of a fault.
    Mismatch,
    /// The gateway did not hand over what is needed for a check.
    Withheld,
}

/// An auditor's place in the register from which audits are drawn.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct PanelEntry {
    /// Who.
    pub auditor: AccountId,
    /// Cluster of linked accounts, when it was last looked at.
    pub cluster: AccountId,
    /// Epoch of the registration: it is drawn for what was settled in later epochs.
    pub since: u64,
    /// Reputation for auditing in 1/2^32, when it was last looked at.
    pub reputation: u32,
    /// Audits in a row in which it said nothing.
    pub silences: u8,
}

/// Everybody who can be drawn, by account.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct PanelRecord {
    /// At most `AUDITORS_MAX`, in increasing order of their accounts.
    pub entries: Vec<PanelEntry>,
}

/// An auditor. Its bond is with the other bonds.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AuditorRecord {
    /// Where gateways hand over what is audited.
    pub endpoint: String,
}

/// The seed that decides which of a gateway's audits of an epoch are planted faults.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SeedRecord {
    /// [`super::seed_commitment`], given before the draw could be known.
    pub commitment: Hash,
    /// The seed, once revealed.
    pub seed: Option<Hash>,
    /// After which epoch it is revealed, and until the end of which. `None` while nothing is drawn.
    pub due: Option<(u64, u64)>,
    /// Whether the gateway has paid for not revealing it.
    pub closed: bool,
}

/// What was drawn from a batch.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct DrawnReceipts {
    /// Epoch of the beacon.
    pub beacon: u64,
    /// Its randomness.
    pub randomness: Hash,
    /// For how many receipts each of the drawn stands, in 1/2^16.
    pub stands_for: u64,
    /// Last epoch for opening them.
    pub open_by: u64,
    /// Which are still to be opened: places in the batch from 0, increasing.
    pub unopened: Vec<u32>,
}

/// A settled batch while its audits are drawn and opened.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AuditedBatchRecord {
    /// Epoch of the settlement.
    pub epoch: u64,
    /// Part of its receipts that is audited.
    pub rate: BasisPoints,
    /// What one check pays.
    pub fee: Amount,
    /// What the batch charged.
    pub charged: Amount,
    /// What its providers earned.
    pub earned: Amount,
    /// The draw.
    pub drawn: Option<DrawnReceipts>,
    /// Credits in custody for checks of receipts that are not opened.
    pub held: Amount,
}

/// Which part of what a batch paid became liquid before an audit. It is read for each receipt that is opened and never changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct LiquidRecord {
    /// By provider, in the order of the batch's lines, in 1/2^32.
    pub providers: Vec<(AccountId, u32)>,
    /// Of the router fee, in 1/2^32.
    pub gateway: u32,
}

/// What a gateway says about a drawn receipt. It answers for every field.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Opening {
    /// Leaf of the receipt in its batch: SHA-256 over 0x00 and the signed payload.
    pub leaf: Hash,
    /// Who computed the answer.
    pub provider: AccountId,
    /// Who paid for it.
    pub consumer: AccountId,
    /// What the consumer was charged.
    pub charged: Amount,
    /// What the provider earned.
    pub share: Amount,
    /// The gateway's fee.
    pub router_fee: Amount,
    /// SHA-256 of what the auditor is handed: payload, texts, salt and evidence. Of a planted fault it is altered.
    pub material: Hash,
}

/// Which check of an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// One auditor.
    First,
    /// Another one, for a part of what passed.
    Second,
    /// Several, who decide: 3 run the work again; after an appeal 15, 31, 63.
    Panel(u8),
}

/// One auditor's part in a round.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Seat {
    /// Who.
    pub auditor: AccountId,
    /// [`super::verdict_commitment`].
    pub commitment: Option<Hash>,
    /// The verdict, once revealed.
    pub verdict: Option<Verdict>,
    /// Whether it is paid or has paid.
    pub settled: bool,
}

/// One check of an audit.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Round {
    /// Which.
    pub stage: Stage,
    /// Last epoch for commitments.
    pub commit_by: u64,
    /// Last epoch for reveals.
    pub reveal_by: u64,
    /// Who was drawn.
    pub seats: Vec<Seat>,
}

/// What an audit came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// Nobody showed a fault.
    Passed,
    /// A panel found an objective fault.
    Faulty(Fault),
    /// A majority of a panel did not accept the work, without proof of a fault.
    Degraded {
        /// Whether the gateway answers for it; otherwise the provider does.
        by_gateway: bool,
    },
    /// The gateway had planted a fault, and the auditor found it.
    PlantFound,
    /// The gateway had planted a fault, and the auditor passed it.
    PlantMissed,
    /// The gateway says that it had planted a fault, and a panel found none.
    PlantFalse,
}

/// Where an audit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The last round's auditors are at work.
    Sitting,
    /// A panel of this size will be drawn with the first beacon after this epoch.
    Drawing {
        /// How many.
        size: u8,
        /// The epoch of the challenge.
        after: u64,
    },
    /// There is a ruling, and nobody has appealed yet.
    Ruled {
        /// Which.
        ruling: Ruling,
        /// Whether a panel or a planted fault established it.
        established: bool,
        /// Last epoch for a challenge.
        until: u64,
    },
}

/// Somebody staked money on the ruling being wrong.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Challenge {
    /// Who.
    pub challenger: AccountId,
    /// What is staked, in credits.
    pub bond: Amount,
    /// What of the stake paid for checks, because the fund was too low; whoever was right gets it out of the fund.
    pub advanced: Amount,
    /// What the challenger says a check finds.
    pub claim: Verdict,
    /// The ruling that it is about.
    pub ruling: Ruling,
    /// Whether that was established.
    pub established: bool,
    /// Whether it began as a secret report, whose reporter is not punished for a part in it.
    pub secret: bool,
}

/// An audit of one receipt.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct AuditRecord {
    /// What the gateway says about the receipt.
    pub opening: Opening,
    /// Clusters of provider, gateway and consumer: none of them audits it.
    pub parties: [AccountId; 3],
    /// Epoch of the settlement.
    pub epoch: u64,
    /// Randomness of the draw.
    pub randomness: Hash,
    /// Receipts of the batch.
    pub receipts: u32,
    /// What the batch charged: the gateway cannot state that.
    pub charged: Amount,
    /// What its providers earned.
    pub earned: Amount,
    /// Liquid payouts of the provider and of the gateway that a pass covers: those of the receipts that this one stands for.
    pub covers: [Amount; 2],
    /// What one check pays.
    pub fee: Amount,
    /// Credits in custody for the checks.
    pub held: Amount,
    /// The checks, in order.
    pub rounds: Vec<Round>,
    /// Where it stands.
    pub status: Status,
    /// Last epoch for the gateway's seed.
    pub seed_by: u64,
    /// Whether the gateway planted a fault.
    pub planted: bool,
    /// The challenge that is being decided; its bond is in custody.
    pub challenge: Option<Challenge>,
    /// Who found the fault, and whether by a secret report.
    pub reporter: Option<(AccountId, bool)>,
    /// Whether the consequences for provider and gateway were drawn.
    pub settled: bool,
}

/// What is known about a provider, or about a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct SubjectRecord {
    /// Audits ever begun: a newcomer's first jobs are all audited.
    pub assigned: u64,
    /// First epoch of the window that the other two count.
    pub since: u64,
    /// Audits settled in the window.
    pub audited: u32,
    /// Faults proven in the window.
    pub faults: u32,
    /// Last epoch in which a fault of the cluster counted towards the pause.
    pub counted_in: Option<u64>,
}

/// Whether too many audits fail.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct BreakerRecord {
    /// The epoch that is counted.
    pub epoch: u64,
    /// Rulings in it.
    pub ruled: u32,
    /// Faults among them.
    pub faulty: u32,
    /// Slashing pauses before this epoch.
    pub paused_until: u64,
}

/// A secret report: its bond is in custody.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct ReportRecord {
    /// What is staked, in credits.
    pub bond: Amount,
    /// Epoch of the report.
    pub epoch: u64,
}
