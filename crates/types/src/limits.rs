//! Limits that every node agrees on. A value beyond a limit is refused before it is stored or iterated.
//! Absent: limits that one process may choose for itself (queues, connections); those are in its configuration.

/// Bytes of one encoded transaction.
pub const TRANSACTION_BYTES_MAX: usize = 512 * 1024;
/// Contributions in one `Contribute` action.
pub const CONTRIBUTIONS_PER_ACTION_MAX: usize = 256;
/// Owners of one contribution.
pub const OWNERS_PER_CONTRIBUTION_MAX: usize = 64;
/// Lines of each kind in one settlement batch.
pub const BATCH_LINES_MAX: usize = 2_048;
/// Receipts in one settlement batch.
pub const BATCH_RECEIPTS_MAX: u32 = 1_024;
/// Royalty lines of one model.
pub const ROYALTIES_PER_MODEL_MAX: usize = 16;
/// Models from an adapter up to its base.
pub const LINEAGE_DEPTH_MAX: usize = 8;
/// Bytes of a free text (title, licence, endpoint, memo).
pub const TEXT_BYTES_MAX: usize = 512;
/// Bytes of one stored record.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;
/// Members that a cluster of linked accounts lists; a larger one is never merged into another.
pub const CLUSTER_MEMBERS_LISTED_MAX: usize = 512;
/// Resource classes of the market.
pub const CLASSES_MAX: usize = 16;
/// Snapshots behind one training manifest.
pub const MANIFEST_SNAPSHOTS_MAX: usize = 64;
/// Licences that a model inherits from its data and from the models below it.
pub const LICENSES_MAX: usize = 64;
/// Orders on one side of one auction.
pub const AUCTION_ORDERS_MAX: usize = 64;
/// Notes in one series or order.
pub const NOTE_UNITS_MAX: u64 = 1_000_000_000;
/// Leases of one provider, offered and taken.
pub const LEASES_PER_PROVIDER_MAX: usize = 16;
/// Purposes, counterparties or models that one mandate names.
pub const MANDATE_LIST_MAX: usize = 16;
/// Mandates from one up to the payer's, itself included.
pub const MANDATE_DEPTH_MAX: usize = 4;
/// Mandates granted from one mandate.
pub const MANDATE_PARTS_MAX: u32 = 64;
/// Epochs from a mandate to its end.
pub const MANDATE_EPOCHS_MAX: u64 = 10_000;
/// Epochs of each step of a job.
pub const JOB_EPOCHS_MAX: u64 = 1_000;
/// Jobs from one up to the first of its graph.
pub const JOB_DEPTH_MAX: u8 = 8;
/// Parts of one job.
pub const JOB_PARTS_MAX: u32 = 64;
/// Jobs of one graph.
pub const JOBS_PER_GRAPH_MAX: usize = 256;
/// Kinds of action in one session grant.
pub const SESSION_ACTIONS_MAX: usize = 32;
/// Epochs from a grant to the end of its session.
pub const SESSION_EPOCHS_MAX: u64 = 10_000;
/// Tranches claimed by one `ClaimTranches`.
pub const TRANCHES_PER_CLAIM_MAX: usize = 64;
/// Licences that one policy of a datanet names.
pub const LICENSES_PER_POLICY_MAX: usize = 16;
/// Bytes of one licence in a policy.
pub const LICENSE_BYTES_MAX: usize = 64;
/// Batches of one campaign of tasks.
pub const TASK_BATCHES_MAX: u32 = 4_096;
/// Items of one batch of tasks.
pub const TASK_BATCH_ITEMS_MAX: usize = 256;
/// Labellers of one batch of tasks.
pub const TASK_WORKERS_MAX: usize = 8;
/// Gold items of one batch of tasks.
pub const GOLD_PER_BATCH_MAX: usize = 64;
/// Auditors that can be drawn from.
pub const AUDITORS_MAX: usize = 256;
/// Receipts that are audited of one batch; above 4 % of the most that a batch has.
pub const AUDITS_PER_BATCH_MAX: usize = 64;
/// Epochs with work that is being checked, per account and role; older ones count as one.
pub const HELD_EPOCHS_MAX: usize = 128;
/// Hashes from a receipt to the root of its batch.
pub const BATCH_PATH_MAX: usize = 10;
/// Votes of one panel of jurors. Panels are drawn with at most 15 seats on average.
pub const PANEL_VOTES_MAX: usize = 64;
/// Domains of one enrolment in a contributor house.
pub const DOMAINS_PER_ENROLMENT_MAX: usize = 8;
/// Unlocks of one account that wait in one scope.
pub const UNLOCKS_WAITING_MAX: usize = 32;
/// Changes of one proposal.
pub const CHANGES_PER_PROPOSAL_MAX: usize = 16;
/// Proposals of one scope that are not decided.
pub const PROPOSALS_OPEN_MAX: usize = 64;
/// Epochs from the execution of a proposal to its review.
pub const REVIEW_EPOCHS_MAX: u64 = 365;
/// Scopes, tranches and unbondings, each, that one account leaves at once.
pub const LEAVING_LINES_MAX: usize = 64;
/// Candidates for the emergency council.
pub const CANDIDATES_MAX: usize = 64;
/// Seats of the emergency council.
pub const COUNCIL_SEATS: usize = 7;
/// Measurers of one maintenance round.
pub const MEASURERS_PER_ROUND_MAX: usize = 16;
/// Projects of one usage report and of one maintenance round.
pub const PROJECTS_PER_ROUND_MAX: usize = 64;
/// The most use of one project that a report counts; the sum over all projects of a round stays far from overflow.
pub const USAGE_MAX: u64 = 1 << 56;
/// Members of the council that must give the same order.
pub const COUNCIL_MAJORITY: usize = 5;
