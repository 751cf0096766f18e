//! Tasks: campaigns of labels or evaluations with gold, the work of labellers, and what is remembered about gold.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Amount, BasisPoints, Hash, Name, codec, sha256};

/// Which campaign: a requester's campaigns in a datanet are numbered by the requester.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
pub struct CampaignId {
    /// In which datanet.
    pub datanet: Name,
    /// Who asked.
    pub requester: AccountId,
    /// The requester's number for it.
    pub number: u32,
}

/// What kind of work a campaign asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Labels for items.
    Label,
    /// Evaluations of answers.
    Evaluate,
}

/// What a campaign asks for and pays.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct CampaignTerms {
    /// What kind of work.
    pub kind: TaskKind,
    /// What is to be done, or where that is said.
    pub title: String,
    /// Merkle root over the items, batch by batch; the items are outside.
    pub items_root: Hash,
    /// Root over the batches' gold ([`gold_leaf`], [`gold_root`]): committed to before anybody works.
    pub gold_root: Hash,
    /// How many batches.
    pub batches: u32,
    /// Items in each batch, gold among them.
    pub batch_items: u16,
    /// How many answers there are to choose from; a label is below it.
    pub choices: u16,
    /// How many labellers work on each batch, each without seeing the others.
    pub workers: u8,
    /// Fixed fee for each item, in credits.
    pub fee: Amount,
    /// The least part of checked gold that a labeller must get right.
    pub accuracy: BasisPoints,
    /// Epochs in which labellers commit.
    pub epochs: u64,
    /// Only accounts with the role of a labeller.
    pub named_only: bool,
    /// Paid from the datanet's treasury; the curator asks.
    pub from_treasury: bool,
}

impl CampaignTerms {
    /// What one labeller is paid for one batch.
    pub fn pay(&self) -> Option<Amount> {
        self.fee.0.checked_mul(u64::from(self.batch_items)).map(Amount)
    }

    /// Everything that can be paid.
    pub fn total(&self) -> Option<Amount> {
        let slots = u64::from(self.batches).checked_mul(u64::from(self.workers))?;
        self.pay()?.0.checked_mul(slots).map(Amount)
    }
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct CampaignRecord {
    /// What it asks for and pays.
    pub terms: CampaignTerms,
    /// The last epoch to commit labels.
    pub commit_until: u64,
    /// The last epoch to reveal them.
    pub reveal_until: u64,
    /// The last epoch to reveal gold.
    pub gold_until: u64,
    /// Credits that it holds.
    pub held: Amount,
    /// Works that were revealed and are not judged yet.
    pub unjudged: u32,
    /// The requester took back what nobody can earn any more.
    pub closed: bool,
}

/// An item whose answer the requester knows.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct GoldItem {
    /// Its place in the batch.
    pub place: u16,
    /// The right answer.
    pub answer: u16,
    /// Hash of the item, by which its uses are counted.
    pub item: Hash,
}

/// What is known about one batch of a campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct TaskBatchRecord {
    /// Who committed labels.
    pub workers: Vec<AccountId>,
    /// Its gold, once revealed: what counts of it. Too little means that the requester defaulted.
    pub gold: Option<Vec<GoldItem>>,
}

/// The work of one labeller on one batch.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct WorkRecord {
    /// Hash of the labels ([`labels_commitment`]).
    pub commitment: Hash,
    /// Bond in OPEN.
    pub bond: Amount,
    /// The last epoch to reveal them.
    pub reveal_until: u64,
    /// The labels, once revealed.
    pub labels: Option<Vec<u16>>,
}

/// What is remembered about an item that was gold.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct GoldRecord {
    /// How often it was used.
    pub uses: u64,
    /// The epoch in which its answer became public.
    pub public_in: u64,
}

/// What a labeller commits to: nobody else's labels can be copied by copying the hash.
pub fn labels_commitment(
    campaign: &CampaignId,
    batch: u32,
    labeller: AccountId,
    labels: &[u16],
    salt: &Hash,
) -> Hash {
    let bytes = codec::encode(&(campaign, batch, labeller, labels, salt));
    sha256(&[b"openledger labels\0".as_slice(), &bytes].concat())
}

/// The leaf of a batch's gold.
pub fn gold_leaf(batch: u32, gold: &[GoldItem], salt: &Hash) -> Hash {
    sha256(&[b"openledger gold\0".as_slice(), &codec::encode(&(batch, gold, salt))].concat())
}

fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[b"openledger gold node\0".as_slice(), &left.0, &right.0].concat())
}

/// The root over leaves, filled up with zeros to a power of two.
pub fn gold_root(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    level.resize(leaves.len().max(1).next_power_of_two(), Hash([0; 32]));
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => node(left, right),
                _ => unreachable!("a power of two is even until it is one"),
            })
            .collect();
    }
    level.into_iter().next().unwrap_or(Hash([0; 32]))
}

/// The siblings of a leaf, from the bottom up.
pub fn gold_path(leaves: &[Hash], place: usize) -> Vec<Hash> {
    let mut level = leaves.to_vec();
    level.resize(leaves.len().max(1).next_power_of_two(), Hash([0; 32]));
    let (mut path, mut place) = (Vec::new(), place);
    while level.len() > 1 {
        path.push(level.get(place ^ 1).copied().unwrap_or(Hash([0; 32])));
        level = level.chunks(2).map(gold_root).collect();
        place >>= 1;
    }
    path
}

/// Whether a leaf stands at its place under a root over `batches` leaves.
pub fn gold_is_under(root: &Hash, leaf: Hash, batch: u32, batches: u32, path: &[Hash]) -> bool {
    let depth = batches.max(1).next_power_of_two().trailing_zeros();
    if batch >= batches || u32::try_from(path.len()) != Ok(depth) {
        return false;
    }
    let (mut hash, mut place) = (leaf, batch);
    for sibling in path {
        hash = if place & 1 == 0 { node(&hash, sibling) } else { node(sibling, &hash) };
        place >>= 1;
    }
    hash == *root
}
