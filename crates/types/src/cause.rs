//! Who holds money, and why it moved: the two words of [`crate::Event::Moved`], the one double-entry event of all steps
//! that have no event of their own for it. Absent: amounts and checks.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::AccountId;
use crate::record::Pool;

/// Where money is.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// An account's balance.
    Account(AccountId),
    /// Credits that an account earned and may not spend yet.
    Escrow(AccountId),
    /// OPEN that an account has at stake.
    Bond(AccountId),
    /// A record of a step: a job, a deposit, a treasury, an auction.
    Custody,
    /// A pool of the network.
    Pool(Pool),
    /// Nobody: what moves here ceases to exist.
    Burned,
}

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident => $text:literal,)*) => {
        /// Why money moved.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Cause {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Cause {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The cause in plain words, as statements show it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

causes! {
    /// A proven fault: what the subject had in escrow or at stake is taken.
    Slashed => "slashed",
    /// A consumer gets back what a failed or false answer cost.
    Refunded => "refunded",
    /// Whoever reported a proven fault is paid.
    Reported => "reward for a report",
    /// The capacity fund sets money aside for capacity that it bought, or takes back what was not earned.
    CapacityAward => "award of the capacity fund",
    /// The capacity fund pays for capacity that was there.
    CapacityPaid => "capacity that was there",
    /// A lease is prepaid.
    LeasePrepaid => "prepayment of a lease",
    /// Leased capacity was there and is paid.
    LeasePaid => "leased capacity that was there",
    /// Leased capacity was not there, and its price comes back.
    LeaseRefunded => "leased capacity that was not there",
    /// Money for notes waits for the auction.
    NotesOrdered => "order of revenue notes",
    /// What an order of notes did not need comes back.
    NotesReturned => "rest of an order of revenue notes",
    /// Notes were sold.
    NotesSold => "sale of revenue notes",
    /// The owner's part of a resale of notes.
    NotesLevy => "levy on a resale of revenue notes",
    /// Earnings of notes are claimed.
    NotesClaimed => "earnings of revenue notes",
    /// OPEN goes to stake for a contribution that was committed to.
    ContributionBond => "bond of a contribution",
    /// OPEN goes to stake for an appeal, a claim or an objection.
    DisputeBond => "bond of a dispute",
    /// OPEN goes to stake for a juror.
    JurorBond => "bond of a juror",
    /// OPEN at stake comes back.
    BondReturned => "bond returned",
    /// OPEN at stake is lost.
    BondLost => "bond lost",
    /// A juror is paid for a vote, whatever it says.
    JurorFee => "juror's fee",
    /// Whoever won a dispute is paid by whoever lost it.
    Indemnity => "paid by whoever lost the dispute",
    /// What a proven fault took goes to those whose work was copied.
    Restored => "restored to the copied",
    /// OPEN goes to stake for work on a task.
    LabelBond => "bond of a task",
    /// A campaign of tasks is paid for in advance.
    TaskFunded => "tasks paid in advance",
    /// Work on a task is paid.
    TaskPaid => "work on a task",
    /// What nobody earned of a campaign comes back.
    TaskRefunded => "rest of a campaign of tasks",
    /// The verification fund sets aside what checks of drawn receipts pay.
    AuditReserved => "set aside for audits",
    /// What was set aside and not earned goes back to the verification fund.
    AuditReleased => "not earned by audits",
    /// An auditor is paid for a check.
    AuditPaid => "fee of an audit",
    /// Somebody stakes credits on a ruling being wrong.
    ChallengePosted => "bond of a challenge",
    /// A challenge was right, or a secret report was taken back.
    ChallengeReturned => "bond of a challenge returned",
    /// A challenge was wrong: its bond pays for checks.
    ChallengeLost => "bond of a lost challenge",
    /// Price and evaluator's fee of a job are set aside.
    JobFunded => "job set aside",
    /// An agent is paid for a job.
    JobPaid => "job",
    /// The evaluator of a job is paid.
    JobEvaluated => "evaluation of a job",
    /// What a job did not cost comes back.
    JobRefunded => "rest of a job",
    /// The part of a job's pay that is burned or goes to maintenance.
    JobLevy => "levy on a job",
    /// A failed job takes the bond that it put at risk.
    JobFailed => "failed job",
    /// OPEN at risk for contesting a decision about a job.
    JobContested => "contested decision about a job",
    /// An agent pays from a mandate.
    MandatePaid => "payment by a mandate",
    /// OPEN goes to an agent's bond or comes back from it.
    AgentBonded => "bond of an agent",
    /// An agent was given to another owner with its bond.
    AgentTransferred => "transfer of an agent",
    /// OPEN at risk for a report of a link or for its challenge.
    LinkBonded => "bond of a report about linked accounts",
    /// OPEN was locked to vote.
    VotesLocked => "locked to vote",
    /// OPEN that was locked to vote came back.
    VotesReleased => "released from voting",
    /// A proposer's OPEN waits for the decision.
    ProposalBonded => "bond of a proposal",
    /// A proposer's OPEN came back.
    ProposalBondReturned => "bond of a proposal returned",
    /// Too few voted, or enough objected: the proposer's OPEN is gone.
    ProposalBondLost => "bond of a proposal lost",
    /// Governance paid from a treasury.
    Granted => "grant",
    /// Somebody left before a constitutional change.
    Left => "taken along by leaving",
    /// Somebody gave to a pool.
    Donated => "donation",
    /// A measurer's bond was locked.
    MeasurerBonded => "bond of a measurer",
    /// A measurer's bond came back.
    MeasurerBondReturned => "bond of a measurer returned",
    /// A project is paid by its measured use.
    MaintenancePaid => "maintenance by measured use",
    /// A measurer is paid for a report.
    MeasurerPaid => "fee for a usage report",
    /// The insurance paid what a fault left uncovered.
    Insured => "paid by the insurance",
    /// An evaluator is paid for a measured uplift.
    Evaluated => "evaluation",
    /// A contributor draws money of an immature contribution, secured by a bond.
    DrawnEarly => "drawn early",
    /// What an immature contribution held goes to the uplift pool of its datanet.
    Swept => "never matured",
    /// An uplift pool pays contributions by their measured uplift.
    TruedUp => "measured uplift",
    /// Credits go into the advance pool, for shares of it.
    AdvancesFunded => "advance pool funded",
    /// Shares of the advance pool are given back.
    AdvancesRedeemed => "shares of the advance pool",
    /// A part of a locked tranche is paid early, at a discount.
    Advanced => "advance",
    /// What unlocks of a sold tranche repays the advance pool.
    AdvanceRepaid => "advance repaid",
    /// Whoever opens a round of evaluations pays its evaluators in advance, to the verification fund.
    RoundFunded => "fees of a round of evaluations",
}
