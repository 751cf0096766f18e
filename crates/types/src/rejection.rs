//! Rejections: why the ledger refused an action. Replicated data, one number each; the order is the order of
//! precedence within a check. Numbers never change and are never reused.
//! Absent: failures of a single node; those are errors of the crate that fails.

use std::io::{Error, ErrorKind, Read, Result, Write};

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

macro_rules! rejections {
    ($($(#[$doc:meta])* $number:literal $name:ident => $text:literal,)*) => {
        /// Why an action was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Rejection {
            $(#[doc = $text] $name,)*
        }

        impl Rejection {
            /// All of them, in order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable number.
            pub fn number(self) -> u16 {
                match self { $(Self::$name => $number,)* }
            }

            /// The rejection with this number.
            pub fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// What is wrong and what to do, in plain words.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

rejections! {
    1 TransactionMalformed => "the transaction does not decode; build it with this network's client",
    2 ChainIdWrong => "the transaction was signed for another network; check the chain id",
    3 SignatureInvalid => "the signature does not belong to the sender; sign the transaction again with the sender's key",
    4 NonceUsed => "the nonce was used already; read the account's nonce and sign again",
    5 NonceAhead => "the nonce is ahead of the account; send the earlier transactions first",
    6 AmountOverflow => "an amount overflows; use smaller amounts",
    7 PoolTooLow => "the fund holds less than that; ask for less or wait until more was paid in",
    10 FaucetClosed => "the faucet gives on local networks only; deposit instead",
    11 FaucetTooMuch => "the faucet gives less than that at a time; ask for less",
    12 AmountZero => "the amount is zero; name at least one unit",
    13 BalanceTooLow => "the balance is too low; deposit first",
    14 TextTooLong => "a text is longer than 512 bytes; shorten it",
    15 BridgeNone => "this network has no bridge; credits do not enter or leave it",
    16 NotBridge => "only the network's bridge may do this",
    17 DepositKnown => "this payment was deposited already",
    18 DestinationEmpty => "the destination is empty; say where the bridge shall pay",
    19 WithdrawalUnknown => "there is no such withdrawal, or it was completed already",
    20 DatanetExists => "a datanet with this name exists; choose another name",
    21 DatanetUnknown => "there is no datanet with this name; create it first",
    22 NotCurator => "only the datanet's curator may do this",
    23 ContributionsNone => "no contributions were named",
    24 ContributionsTooMany => "too many contributions in one action; send several",
    25 OwnersInvalid => "a contribution needs 1 to 64 distinct owners with at least one part each",
    26 ContributionExists => "this contribution was committed already",
    27 ContributionUnknown => "there is no such contribution in this datanet",
    28 NotOwner => "only the contribution's first owner or the curator may do this",
    29 ContributionRevoked => "this contribution was revoked; nothing is paid for it",
    30 VersionNotNext => "the version must be one more than the last sealed one",
    31 SnapshotCountWrong => "a snapshot holds at least one and at most the committed contributions",
    40 ModelExists => "a model with this name exists; choose another name",
    41 ModelUnknown => "there is no model with this name; register it first",
    42 RoyaltiesInvalid => "royalties need distinct accounts, at least one basis point each, at most the whole builder share, and at most 16 lines in the lineage",
    43 LineageTooDeep => "the lineage is deeper than 8 models",
    50 ProviderExists => "the account is a provider already",
    51 ProviderUnknown => "the account is not a provider; register it first",
    52 StakeTooLow => "the stake is below the least stake; stake more OPEN",
    53 OfferInvalid => "an offer needs a price above zero and a capacity above zero",
    54 OfferUnknown => "the provider has no offer for this model",
    56 UnbondTooMuch => "less than that is at stake; ask for less",
    57 StillExposed => "half of what remains would not cover the liquid payouts that no audit has covered; leave more at stake",
    58 UnbondingUnknown => "nothing was unbonded in this epoch, or it was released already",
    59 StillUnbonding => "the unbonding time has not passed, or an audit of earlier work is open; try again later",
    60 GatewayExists => "the account is a gateway already",
    61 GatewayUnknown => "the account is not a gateway; register it first",
    62 BondTooLow => "the bond is below the least bond; bond more OPEN",
    63 RouterFeeTooHigh => "the router fee is above the network's limit",
    70 ChannelExists => "this channel exists; use another salt",
    71 ChannelUnknown => "there is no such channel; open it first",
    72 NotChannelParty => "only the channel's consumer or gateway may do this",
    73 ChannelClosed => "the channel is closed; open another",
    74 ChannelStillOpen => "the close delay has not passed; try again later",
    80 BatchNumberWrong => "the batch number must be one more than the gateway's last",
    81 ReceiptSequenceWrong => "the batch must begin right after the last settled receipt",
    82 BatchEmpty => "a batch needs 1 to 1,024 receipts",
    83 BatchTooLarge => "the batch has too many lines; settle fewer receipts at a time",
    84 LinesUnsorted => "lines must be sorted by their keys, without repeats and without zeros",
    85 VoucherInvalid => "a voucher is not signed by the channel's authorizer",
    86 VoucherNotIncreasing => "a voucher does not exceed what the channel has spent",
    87 DepositExceeded => "a voucher exceeds the channel's deposit",
    88 DebitsMismatch => "debits do not equal reference price, premium and router fee together",
    89 RouterFeeWrong => "the router fee is not what the gateway registered",
    90 SplitWrong => "a share is not its part of the total within the rounding of the receipts",
    91 CarryWrong => "a carry does not continue the one that the ledger holds, or exceeds its bound",
    92 RoyaltyWrong => "a builder line is not its royalty's part within the rounding of the receipts",
    93 OwnerWrong => "a data line names somebody who does not own the contribution, or exceeds the owner's part",
    94 ClusterNotOwned => "a data line names a repeat of an earlier contribution; the earliest owns the cluster",
    95 BondExceeded => "the batch charges more than the gateway's bond covers; settle more often or bond more",
    100 TranchesInvalid => "name 1 to 64 distinct epochs in increasing order",
    101 TrancheUnknown => "there is no such tranche",
    102 NothingUnlocked => "nothing of these tranches has unlocked yet, or an audit of their epochs is open",
    110 LinkToSelf => "an account is not linked to itself; name another account",
    111 LinkExists => "this link was declared already, or waits for the other side to declare it",
    112 LinkUnknown => "there is no such link",
    113 LinkStillBinds => "the unbonding time of the link has not passed; ask again later",
    114 ClusterTooLarge => "both clusters have more members than a cluster lists, so neither can be merged into the other",
    115 SessionInvalid => "a session names 1 to 32 actions in increasing order (none of them grants or revokes a session or withdraws), a key that is not the account's own, and ends within 10,000 epochs from now",
    116 SessionUnknown => "the key has no session for this account, or it was revoked; grant one with the account's own key",
    117 SessionExpired => "the session is over; grant another with the account's own key",
    118 SessionActionForbidden => "the session does not allow this action; sign with the account's own key",
    119 SessionEpochExhausted => "the session has spent what it may in this epoch; wait for the next",
    120 SessionExhausted => "the session has spent what it may in total; grant another with the account's own key",
    121 LinkBusy => "this report is challenged already; wait for the committee",
    122 LinkTooEarly => "the time of this report or of its challenge has not passed; settle it later",
    123 LinkTooLate => "the time for this has passed; settle the report",
    130 PolicyInvalid => "a policy names at most 16 distinct licences of 1 to 64 bytes and 1 to 3 kinds of provenance in order; a private datanet names its contributors, and a bond belongs to bonded ones alone",
    131 ShareTooHigh => "the curator's or the treasury's share is above the network's bound; lower it",
    132 ShareStepTooLarge => "a share rises by more than the network allows in one change; raise it in steps",
    133 RoleHeld => "the account has this role already",
    134 RoleNotHeld => "the account does not have this role",
    135 CuratorshipNotOffered => "the curatorship was not offered to the sender; ask the curator for it",
    136 LicenseNotAllowed => "the datanet's policy does not allow this licence; use one that it names",
    137 NotContributor => "only contributors may do this: those whom the datanet names, and for an appeal whoever contributed it",
    138 CommitmentExists => "this commitment was made already; use another salt",
    139 CommitmentUnknown => "there is no such commitment of the sender, or it was revealed or has expired; compare contribution, provenance and salt",
    140 RevealTooSoon => "a commitment is revealed in a later block than its own; try again",
    141 TooLate => "the deadline for this has passed",
    142 TooEarly => "the deadline has not passed; try again later",
    143 ProvenanceNotAllowed => "the datanet's policy does not accept this provenance",
    144 SubmissionUnknown => "no such contribution waits here: it was never revealed, or it was settled already",
    145 NotReviewer => "only the curator or a reviewer who has no part in the contribution may decide about it",
    146 NotPending => "the contribution does not wait for a decision",
    147 DecisionContradicts => "the decision contradicts the quality bar, or calls a copy what repeats nothing earlier",
    148 ClusterOwned => "the cluster's owner committed the text earlier and keeps it",
    149 NotRejected => "the contribution was not rejected",
    150 DisputeExists => "there is an open dispute about this contribution; wait for its end",
    151 DisputeUnknown => "there is no open dispute about this contribution",
    152 ClaimInvalid => "a claim names an earlier contribution of another cluster of its datanet, or a fault; it is contested once, by somebody else",
    153 NoPanel => "nobody objected to this claim, so there is no panel",
    154 JurorExists => "the account is a juror already",
    155 JurorUnknown => "the account is not a juror; join the panel first",
    156 BeaconWrong => "the panel is drawn by the first randomness after its call; name that epoch",
    157 NotDrawn => "the juror was not drawn for this dispute, or is linked to a party",
    158 VoteRepeated => "the juror, or an account linked to it, has judged this matter already",
    159 CampaignInvalid => "a campaign needs 1 to 4,096 batches of at most 256 items and at least the checked gold, 1 to 8 labellers a batch, 2 or more choices, a fee, an accuracy and a duration within the network's bounds; a private datanet names its labellers",
    160 CampaignExists => "the sender has a campaign with this number; use another",
    161 CampaignUnknown => "there is no such campaign, or it was closed",
    162 NotLabeller => "this campaign is for named labellers; ask the curator for the role",
    163 BatchFull => "there is no such batch, or it has all its labellers; take another",
    164 LabelsExist => "the labeller, or an account linked to it, works on this batch already; take another",
    165 LabelsUnknown => "the labeller has no work on this batch, or it was judged already",
    166 LabelsInvalid => "the labels are not one for each item, are not among the choices, were shown already, or are not those that were committed to",
    167 GoldInvalid => "the gold is not what the campaign committed to, or was shown already",
    168 TreasuryLimit => "the curator may spend less than that of the treasury in one epoch; propose it to the datanet's governance",
    169 NothingToClaw => "no such contribution was removed for a fault on this claim, or it holds nothing for this owner",
    170 ClassUnknown => "this network has no resource class with this name; read the classes in its parameters",
    171 OfferAboveReference => "the offer asks for more than the reference price of its class; ask for less, or offer without a class",
    172 LoadsInvalid => "a heartbeat names 1 to 16 classes, sorted, each once, with some capacity and no more busy than there is",
    173 HeartbeatRepeated => "the provider has reported in this epoch; report again in the next",
    174 ServiceUnchanged => "nothing would change; name another key or another address",
    175 ManifestInvalid => "a manifest names 1 to 64 snapshots, sorted, each once",
    176 SnapshotUnknown => "a snapshot of the manifest is not sealed with this root; seal it first",
    177 ManifestExists => "this manifest was sealed already; register its adapter",
    178 ManifestUnknown => "there is no such manifest; seal it first",
    179 ManifestForeign => "only whoever sealed the manifest may register its adapters; seal your own",
    180 LicensesTooMany => "more than 64 licences stand behind the model; tune on fewer datanets",
    181 NotModelOwner => "only the model's owner may do this",
    182 ModelDelisted => "the model is delisted; choose another",
    183 NewOwnerInvalid => "the new owner must be another account, with a key of its own",
    184 MixInvalid => "the methods' weights in a policy's mix do not sum to 10,000 basis points; make them sum to it",
    185 InfluenceAbsent => "a policy's mix gives weight to influence (method B), which does not exist yet; set it to 0",
    190 ClassLinesWrong => "the class lines do not hold exactly the batch's premiums, or more than the batch and its providers have; net the receipts again",
    191 QuoteUnknown => "a class line names a round that has no quote; use the quote of the running round",
    192 PremiumWrong => "a premium is not what the quote of its round makes of the reference price; split the completions again",
    193 RefundReceiptUnknown => "the batch is not settled or does not hold this receipt; name the batch that settled it",
    194 RefundTooMuch => "the refunds would exceed what the receipt or its batch charged; refund less",
    195 RefundChargeWrong => "an earlier refund of this receipt named another charge; name the same",
    196 RefundNotWhole => "a receipt that failed is refunded whole; refund all that is left of its charge",
    197 ConsentInvalid => "the provider did not sign exactly this refund; ask for its signature over the cumulative amount",
    198 TrancheTooLow => "the provider's tranche holds less than that, was claimed, or waits for an audit; name a later tranche or refund from the gateway's balance",
    200 EvaluatorExists => "the account is an evaluator already",
    201 EvaluatorUnknown => "the account is not an evaluator; raise a bond as evaluator and register",
    202 ModelUnused => "too little was paid for this model's answers to measure contributions by it; name one that is used",
    203 RoundOpen => "the last round is not over; open the next one later",
    204 RoundUnknown => "no round was opened for this, or this beacon is not the first after it",
    205 EvaluatorRelated => "an owner of the contribution is linked to the evaluator; others measure it",
    206 EvaluatorNotDrawn => "the evaluator was not drawn for this round, or registered too late for it",
    207 UpliftCommitted => "the evaluator has committed in this round already",
    208 WindowClosed => "the window for this is not open: commit first, reveal in the window after it",
    209 CommitmentMissing => "there is no commitment in this round that this reveals",
    210 UpliftOutOfRange => "an uplift is between -1 and 1",
    211 UpliftUnproven => "too few evaluations, or their lower bound is not above zero, or the contribution is not mature yet",
    212 MaturityDisputed => "a dispute about the contribution is open; wait for its end",
    213 ContributionMature => "the contribution is mature already",
    214 NothingHeld => "the contribution does not hold that much for this account",
    215 EarlyBeyondBond => "that is more than the bond as contributor secures; raise it or wait",
    216 StillWaiting => "the time for this has not come; try again in a later epoch",
    217 EntryWrong => "there is no such entry, or it was made already, or it does not belong to this pool",
    218 AdvanceTooMuch => "that is more than can be sold of the tranche, of which nothing is sold while an audit of its epoch is open, or more than the pool has in hand",
    219 SharesTooFew => "the account has fewer shares",
    221 AuditorRegistered => "the auditor can be drawn already",
    222 AuditorsFull => "the register of auditors is full; wait until one leaves",
    223 AuditorBondTooLow => "the bond is below the least bond of an auditor; raise it first",
    224 AuditBatchUnknown => "there is no such batch, or its opening was closed already",
    225 AuditBeaconWrong => "this is not the first beacon after the commitment; name the epoch of that one, or wait for it",
    226 AuditsDrawn => "the audits of this batch were drawn already",
    228 ReceiptNotDrawn => "this receipt was not drawn, or was opened already",
    229 OpeningTooLate => "the time for opening receipts of this batch has passed",
    230 OpeningWrong => "the leaf does not lead to the batch's root, the opening charges more than the batch, or its provider is not in the batch",
    231 OpeningOpen => "the time for opening receipts of this batch has not passed; try again later",
    232 SeedCommitted => "a seed was committed for this epoch already",
    233 SeedUnknown => "no seed was committed for this epoch, or it was revealed or charged already",
    234 SeedEarly => "other verdicts are still open; reveal the seed after the last of them",
    235 SeedLate => "the time for revealing this seed has passed",
    236 SeedWrong => "this is not the seed that was committed to",
    237 AuditUnknown => "there is no such audit, or it is settled already",
    238 SeatUnknown => "the account was not drawn for this audit, or is settled already",
    239 AuditorIsParty => "the account is linked to provider, gateway or consumer and cannot audit this",
    240 CommitTooLate => "the time for commitments has passed",
    241 VerdictCommitted => "a verdict was committed already",
    242 RevealEarly => "others can still commit; reveal after the last epoch of commitments",
    243 RevealTooLate => "the time for reveals has passed",
    244 VerdictWrong => "this is not the verdict that was committed to",
    245 AdvanceEarly => "the time of this stage has not passed; try again later",
    246 AuditRuled => "the audit has a ruling; challenge it or settle it",
    247 AuditNotRuled => "the audit has no ruling yet; advance it first",
    248 ChallengeTooLate => "the time for challenges has passed",
    249 ChallengeOpen => "the ruling can still be challenged; try again later",
    250 ChallengeLast => "the last panel has ruled; there is no further appeal",
    251 ClaimSame => "the ruling says what is claimed; there is nothing to challenge",
    252 ReportExists => "this report was made already",
    253 ReportUnknown => "there is no such report by this account",
    254 ReportEarly => "a report counts from the epoch after its commitment; try again later",
    255 PartiesWrong => "these are not the provider and the consumer of the receipt",
    256 AuditSettled => "this was settled already",
    257 SlashingPaused => "too many audits fail, so slashing pauses; try again later",
    260 RoundRunning => "the epoch in which the round began is not over; close the round later",
    261 BidInvalid => "a bid needs some capacity and a price that comes to at least one uC an epoch",
    262 ClusterNotNew => "the capacity fund pays for new capacity; this cluster has been in the class for longer",
    263 BidRepeated => "the cluster has a bid in this round, or the provider has an award in this class; wait for its end",
    264 BookFull => "the book is full of orders at least as good; name a better price",
    265 AwardUnknown => "there is no such award, or it was ended already",
    266 AwardRunning => "the award still pays; end it later",
    267 BidTooHigh => "a bid names at most the fund's highest price, what the stake backs, and capacity of which a round of the fund can pay four times as much at its highest price",
    270 LeaseInvalid => "a lease needs some capacity, a price, and at most the network's longest time",
    271 LeasesTooMany => "a provider has at most 16 leases, offered and taken; withdraw one",
    272 LeaseUnknown => "there is no such lease, or it is over",
    273 LeaseTooLong => "the lease is not offered for this many epochs; take it for fewer",
    274 NotLeaseHolder => "only the lease's holder may do this",
    275 NothingElapsed => "no epoch of the lease has passed since it was collected; collect later",
    280 NotesClosed => "this network has no revenue notes",
    281 NotesInvalid => "notes take a part of the earnings within the network's limits, for a time within them, and have a reserve price",
    282 SeriesActive => "the model has a series of notes; issue another when it has ended",
    283 EarningsTooLow => "the model's audited earnings do not allow even one note at this reserve; earn first",
    284 SeriesUnknown => "there is no such series of notes",
    285 AuctionClosed => "orders are taken for the running epoch only, and for a series that is not over",
    286 OrderInvalid => "an order names 1 to 1,000,000,000 notes at a price; in the first auction orders buy, at the reserve or above",
    287 OrderRepeated => "the account has an order on this side of the auction; wait for the next",
    288 NotesTooFew => "the account holds fewer notes that are not on sale already",
    289 AuctionRunning => "the epoch of the auction is not over; clear it later",
    290 AuctionUnknown => "there is nothing to clear in this epoch",
    291 NothingEarned => "the notes have earned nothing that has matured; claim later",
    300 AgentUnknown => "there is no such agent; register it first",
    301 NotAgentOwner => "only the agent's owner may do this",
    302 NotAgentActor => "only the agent's wallet, or its owner where it has none, may do this",
    303 AgentWalletNotNamed => "the sender was not named as the agent's wallet; its owner names it first",
    304 NewAgentOwnerInvalid => "the agent belongs to this account already",
    305 AgentInactive => "the agent takes no jobs; choose another",
    306 MandateInvalid => "a mandate names amounts above zero, per epoch no more than in total, 1 to 3 purposes and at most 16 counterparties and models, each in increasing order, and ends within 10,000 epochs from now",
    307 MandateUnknown => "there is no such mandate",
    308 MandateExceedsParent => "a part of a mandate has no more than is left of it, no more per epoch, and ends no later",
    309 MandateTooDeep => "mandates pass on at most four levels deep and 64 parts wide",
    310 NotMandateParty => "only who pays for the mandate or who granted it may do this",
    311 MandateOver => "the mandate, or one above it, was revoked, is over, or its agent has another owner",
    312 MandateForbids => "the mandate, or one above it, does not allow this purpose, counterparty or model",
    313 MandateEpochExhausted => "the mandate, or one above it, has spent what it may in this epoch; wait for the next",
    314 MandateExhausted => "the mandate, or one above it, has spent what it may in total",
    315 JobInvalid => "a job has a price above zero, and each of its steps takes 1 to 1,000 epochs",
    316 JobUnknown => "there is no such job",
    317 NotJobParty => "the sender has no such part in the job",
    318 JobStateWrong => "the job is not at this step; look at its state",
    319 JobTooLate => "the time for this step has passed; settle the job",
    320 JobTooEarly => "the time of the job's present step has not passed; settle it later",
    321 PartsExceedPrice => "the parts of a job cost together at most its price",
    322 GraphTooLarge => "a graph has at most 256 jobs, 8 levels deep, 64 parts to a job",
    323 AgentBondTooLow => "the agent's bond that no job has put at risk is less than that",
    325 AgentUnbondingUnknown => "the sender unbonded nothing of this agent in this epoch, or it was released already",
    326 PaidTooMuch => "a decision pays at most the whole price: 10,000 basis points",
    327 ContestInvalid => "the client contests a decision with a smaller part than was decided, the provider with a larger one",
    340 StepPaused => "the emergency council paused this step; exits stay open, everything else waits until the pause ends",
    341 LockTooLow => "less than that is locked; ask for less",
    342 NothingReleased => "nothing that was unlocked has waited long enough",
    343 UnlocksTooMany => "too many unlocks are waiting; release some first",
    344 DomainsInvalid => "name 1 to 8 distinct domains of this scope in increasing order",
    345 EnrolmentUnknown => "the account is not registered in this contributor house; it must enrol first",
    346 ChangesInvalid => "a proposal has 1 to 16 changes: each parameter once, at most one grant, at most one renewal, and nothing that its scope does not govern",
    347 ParameterUnknown => "there is no parameter with this name; look at the table of parameters",
    348 ParameterFixed => "this parameter was fixed when the network began",
    349 RulesBroken => "the values break a bound, a split that must sum to the whole, or a range; change what belongs together in one proposal",
    350 TargetInvalid => "name a network metric and 1 to 365 epochs to its review; money and constitution need a target",
    351 ProposerWeightless => "who proposes needs weight in one of the houses from before this epoch; lock OPEN or enrol first",
    352 ProposalsTooMany => "too many proposals are open; wait until some are decided",
    353 ProposalUnknown => "there is no such proposal",
    354 VoteOver => "the vote is over; after approval objections are taken until the delay ends",
    355 Weightless => "the account had no weight at the beginning of the epoch of the proposal, or has none now",
    356 VoteOpen => "the vote is still open; wait until it closes",
    357 NotApproved => "the proposal is not waiting for this",
    358 DelayRuns => "the delay is not over; try again later",
    359 GrantTooHigh => "a grant, or all grants of the window together, would take too much of the treasury; ask for less",
    360 ReviewNotDue => "there is nothing to review, or not yet",
    361 SunsetNotDue => "the term is not over, or the proposal has none",
    362 RenewalInvalid => "only an executed constitutional proposal of the same scope whose term runs can be renewed",
    363 LeavingClosed => "leaving at once is possible between the approval of a constitutional proposal and its execution; unlock and unbond instead",
    364 LeavingInvalid => "name at most 64 distinct lines of each kind in increasing order, and for a datanet none",
    365 ElectionRuns => "an election is open; vote in it",
    366 ElectionNone => "no election is open, or its time is over",
    367 CouncilInOffice => "a council is in office; an election opens when it was used or its term is over",
    368 CandidateInvalid => "no such candidate stands, or somebody of the same cluster stands already",
    369 CandidatesTooMany => "too many candidates stand; elect one of them",
    370 NotCouncil => "only a member of the emergency council that is in office may do this",
    371 CouncilUsed => "this council has paused once; elect another",
    372 PauseInvalid => "name distinct steps in increasing order, and a duration above zero and within the limit",
    373 StepTooFar => "earlier routine steps moved this parameter; together they leave the band, so propose it as money",
    374 ClusterMoved => "the account's cluster changed since this was opened, so it is not counted here; vote on the next",
    375 ChangesNothing => "a change leaves things as they are; propose another value, policy or curator",
    376 ProposalRepeated => "the account or one linked to it has a proposal that is not decided; wait for its end",
    380 PoolClosed => "only the treasury, maintenance, insurance, verification and capacity take donations",
    381 ProjectExists => "a project with this name exists; choose another name",
    382 ProjectUnknown => "there is no project with this name; register it first",
    383 NotRecipient => "only whoever is paid for the project may do this",
    384 MeasurerExists => "the account is a measurer already",
    385 MeasurerUnknown => "the account is not a measurer; register it first",
    386 MeasurerBondTooLow => "the bond is below the least bond of a measurer; bond more OPEN",
    387 MeasurerUnaudited => "a measurer needs audited work as an auditor; audit first",
    388 UsageRepeated => "the account or one linked to it has committed in this round already",
    389 MeasurersTooMany => "this round has as many measurers as it takes; measure in the next",
    390 UsageOpen => "an earlier round is open; close it first",
    391 UsageInvalid => "a report names 1 to 64 projects in increasing order with use above zero",
    392 UsageUnknown => "this report was not committed for the last round, or was revealed already",
    393 RoundNotDue => "the round was paid, its reveals are not over, or an earlier one with reports comes first",
    394 ClaimUnknown => "the insurance owes no such claim, or has paid it",
    395 NotHarmed => "only whoever was harmed may claim",
    396 ClaimLate => "the time of the claim is over",
    397 ClaimEarly => "a claim was paid in part in this epoch; ask again in the next",
}

/// The number, two bytes.
impl BorshSerialize for Rejection {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        BorshSerialize::serialize(&self.number(), writer)
    }
}

impl BorshDeserialize for Rejection {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let number = u16::deserialize_reader(reader)?;
        let unknown = || Error::new(ErrorKind::InvalidData, format!("there is no rejection {number}"));
        Self::from_number(number).ok_or_else(unknown)
    }
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (rejection {})", self.text(), self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_distinct_increasing_and_reversible() {
        let numbers: Vec<u16> = Rejection::ALL.iter().map(|rejection| rejection.number()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        for rejection in Rejection::ALL {
            assert_eq!(Rejection::from_number(rejection.number()), Some(*rejection));
            assert_eq!(
                borsh::from_slice::<Rejection>(&borsh::to_vec(rejection).unwrap()).unwrap(),
                *rejection
            );
        }
        assert_eq!(Rejection::from_number(0), None);
        assert!(borsh::from_slice::<Rejection>(&[0, 0]).is_err());
    }
}
