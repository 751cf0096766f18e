//! Which keys an action of this step names, and which transition it runs.

use openledger_types::datanets::{
    CampaignId, DatanetAction, DatanetRole, Matter, commitment, treasury_account,
};
use openledger_types::record::Role;
use openledger_types::{AccountId, ContributionId, Name, limits};

use super::rules::{self, role_key, rules_key};
use super::{clawback, clusters, disputes, gold, jurors, open, tasks, treasury};
use crate::accounts::key_of_cluster;
use crate::execute::Transition;
use crate::state::{Applied, StateKey};
use crate::{escrow, reputation};

/// The datanet and its rules: what most actions read.
fn ruled(datanet: &Name) -> Vec<StateKey> {
    vec![StateKey::Datanet(datanet.clone()), rules_key(datanet)]
}

fn with_role(datanet: &Name, account: AccountId, role: DatanetRole) -> Vec<StateKey> {
    let mut keys = ruled(datanet);
    keys.push(role_key(datanet, account, role));
    keys
}

pub(crate) fn keys(sender: AccountId, action: &DatanetAction) -> Vec<StateKey> {
    match action {
        DatanetAction::Create { name, .. } => ruled(name),
        DatanetAction::SetPolicy { datanet, .. }
        | DatanetAction::OfferCuratorship { datanet, .. }
        | DatanetAction::AcceptCuratorship { datanet } => ruled(datanet),
        DatanetAction::Grant { datanet, account, role }
        | DatanetAction::Withdraw { datanet, account, role } => with_role(datanet, *account, *role),
        other => keys_of_open(sender, other),
    }
}

fn keys_of_open(sender: AccountId, action: &DatanetAction) -> Vec<StateKey> {
    match action {
        DatanetAction::Commit { datanet, commitment } => {
            let mut keys = with_role(datanet, sender, DatanetRole::Contributor);
            keys.push(open::commitment_key(datanet, sender, *commitment));
            keys
        }
        DatanetAction::Reveal { datanet, contribution, provenance, salt } => {
            let commitment = commitment(datanet, sender, contribution, *provenance, salt);
            let mut keys = ruled(datanet);
            keys.extend([
                open::commitment_key(datanet, sender, commitment),
                open::submission_key(datanet, contribution.id),
                StateKey::Contribution(datanet.clone(), contribution.id),
                StateKey::Cluster(datanet.clone(), contribution.cluster),
            ]);
            keys
        }
        DatanetAction::Sweep { datanet, contributor, commitment } => {
            vec![open::commitment_key(datanet, *contributor, *commitment), StateKey::Account(*contributor)]
        }
        DatanetAction::Decide { datanet, contribution, .. } => {
            let mut keys = with_role(datanet, sender, DatanetRole::Reviewer);
            keys.extend(disputed(datanet, *contribution));
            keys
        }
        DatanetAction::TakeCluster { datanet, contribution } => {
            vec![StateKey::Contribution(datanet.clone(), *contribution)]
        }
        other => keys_of_disputes(sender, other),
    }
}

/// What waits under the id of a contribution, and the dispute about it.
fn disputed(datanet: &Name, id: ContributionId) -> [StateKey; 2] {
    [open::submission_key(datanet, id), disputes::dispute_key(datanet, id)]
}

fn keys_of_disputes(sender: AccountId, action: &DatanetAction) -> Vec<StateKey> {
    match action {
        DatanetAction::Conclude { datanet, contribution }
        | DatanetAction::Appeal { datanet, contribution } => {
            let mut keys = ruled(datanet);
            keys.extend(disputed(datanet, *contribution));
            keys.push(jurors::count_key());
            keys
        }
        DatanetAction::Claim { datanet, contribution, matter } => {
            let mut keys = ruled(datanet);
            keys.extend(disputed(datanet, *contribution));
            keys.extend([jurors::count_key(), StateKey::Contribution(datanet.clone(), *contribution)]);
            if let Matter::Repeats { earlier, .. } = matter {
                keys.push(StateKey::Contribution(datanet.clone(), *earlier));
            }
            keys
        }
        DatanetAction::Contest { datanet, contribution } => {
            vec![disputes::dispute_key(datanet, *contribution), jurors::count_key()]
        }
        DatanetAction::Vote { datanet, contribution, beacon, .. } => vec![
            disputes::dispute_key(datanet, *contribution),
            jurors::juror_key(sender),
            StateKey::Beacon(*beacon),
            key_of_cluster(sender),
        ],
        DatanetAction::CloseDispute { datanet, contribution } => {
            let mut keys = ruled(datanet);
            keys.extend(disputed(datanet, *contribution));
            keys.push(StateKey::Contribution(datanet.clone(), *contribution));
            keys
        }
        DatanetAction::Clawback { datanet, contribution, owner, claimant } => {
            clawback::keys(datanet, *contribution, *owner, *claimant)
        }
        DatanetAction::JoinPanel | DatanetAction::LeavePanel => {
            vec![jurors::juror_key(sender), jurors::count_key()]
        }
        other => keys_of_tasks(sender, other),
    }
}

fn own_campaign(datanet: &Name, requester: AccountId, number: u32) -> CampaignId {
    CampaignId { datanet: datanet.clone(), requester, number }
}

fn keys_of_tasks(sender: AccountId, action: &DatanetAction) -> Vec<StateKey> {
    match action {
        DatanetAction::OpenCampaign { datanet, number, .. } => {
            let mut keys = ruled(datanet);
            keys.push(tasks::campaign_key(&own_campaign(datanet, sender, *number)));
            keys.push(StateKey::Account(treasury_account(datanet)));
            keys
        }
        DatanetAction::CommitLabels { campaign, batch, .. } => vec![
            tasks::campaign_key(campaign),
            tasks::batch_key(campaign, *batch),
            role_key(&campaign.datanet, sender, DatanetRole::Labeller),
            key_of_cluster(sender),
        ],
        DatanetAction::RevealLabels { campaign, batch, .. } => {
            vec![tasks::campaign_key(campaign), tasks::work_key(campaign, *batch, sender)]
        }
        DatanetAction::RevealGold { datanet, number, batch, gold, .. } => {
            let campaign = own_campaign(datanet, sender, *number);
            let gold = gold.iter().take(limits::GOLD_PER_BATCH_MAX);
            let mut keys = vec![tasks::campaign_key(&campaign), tasks::batch_key(&campaign, *batch)];
            keys.extend(gold.map(|item| gold::gold_key(item.item)));
            keys
        }
        DatanetAction::JudgeLabels { campaign, batch, labeller, beacon } => {
            let mut keys = vec![
                tasks::campaign_key(campaign),
                tasks::batch_key(campaign, *batch),
                tasks::work_key(campaign, *batch, *labeller),
                StateKey::Beacon(*beacon),
                StateKey::Account(*labeller),
                StateKey::Account(campaign.requester),
                StateKey::Account(treasury_account(&campaign.datanet)),
            ];
            let domain = gold::domain(&campaign.datanet);
            keys.extend(reputation::keys_of_pair(*labeller, &domain, campaign.requester));
            keys
        }
        DatanetAction::CloseCampaign { datanet, number } => {
            let campaign = own_campaign(datanet, sender, *number);
            vec![tasks::campaign_key(&campaign), StateKey::Account(treasury_account(datanet))]
        }
        DatanetAction::CollectTreasury { datanet, epochs } => {
            let treasury = treasury_account(datanet);
            let mut keys = vec![StateKey::Datanet(datanet.clone()), StateKey::Account(treasury)];
            keys.extend(escrow::keys(treasury, Role::Data, epochs));
            keys
        }
        _ => Vec::new(),
    }
}

pub(crate) fn apply(transition: &mut Transition<'_>, action: &DatanetAction) -> Applied {
    match action {
        DatanetAction::Create { name, title, policy } => {
            let license = policy.licenses.first().cloned().unwrap_or_default();
            rules::create(transition, name, title, &license, (**policy).clone())
        }
        DatanetAction::SetPolicy { datanet, policy } => rules::set_policy(transition, datanet, policy),
        DatanetAction::Grant { datanet, account, role } => rules::grant(transition, datanet, *account, *role),
        DatanetAction::Withdraw { datanet, account, role } => {
            rules::withdraw(transition, datanet, *account, *role)
        }
        DatanetAction::OfferCuratorship { datanet, to } => rules::offer_curatorship(transition, datanet, *to),
        DatanetAction::AcceptCuratorship { datanet } => rules::accept_curatorship(transition, datanet),
        other => apply_open(transition, other),
    }
}

fn apply_open(transition: &mut Transition<'_>, action: &DatanetAction) -> Applied {
    match action {
        DatanetAction::Commit { datanet, commitment } => open::commit(transition, datanet, *commitment),
        DatanetAction::Reveal { datanet, contribution, provenance, salt } => {
            open::reveal(transition, datanet, contribution, *provenance, salt)
        }
        DatanetAction::Sweep { datanet, contributor, commitment } => {
            open::sweep(transition, datanet, *contributor, *commitment)
        }
        DatanetAction::Decide { datanet, contribution, decision } => {
            open::decide(transition, datanet, *contribution, *decision)
        }
        DatanetAction::Conclude { datanet, contribution } => {
            open::conclude(transition, datanet, *contribution)
        }
        DatanetAction::TakeCluster { datanet, contribution } => {
            clusters::take(transition, datanet, *contribution)
        }
        DatanetAction::Appeal { datanet, contribution } => {
            disputes::appeal(transition, datanet, *contribution)
        }
        DatanetAction::Claim { datanet, contribution, matter } => {
            disputes::claim(transition, datanet, *contribution, *matter)
        }
        DatanetAction::Contest { datanet, contribution } => {
            disputes::contest(transition, datanet, *contribution)
        }
        DatanetAction::Vote { datanet, contribution, beacon, for_claimant } => {
            disputes::vote(transition, datanet, *contribution, *beacon, *for_claimant)
        }
        DatanetAction::CloseDispute { datanet, contribution } => {
            disputes::close(transition, datanet, *contribution)
        }
        DatanetAction::Clawback { datanet, contribution, owner, claimant } => {
            clawback::take(transition, datanet, *contribution, *owner, *claimant)
        }
        DatanetAction::JoinPanel => jurors::join(transition),
        DatanetAction::LeavePanel => jurors::leave(transition),
        other => apply_task(transition, other),
    }
}

fn apply_task(transition: &mut Transition<'_>, action: &DatanetAction) -> Applied {
    let sender = transition.sender;
    match action {
        DatanetAction::OpenCampaign { datanet, number, terms } => {
            tasks::open(transition, &own_campaign(datanet, sender, *number), terms)
        }
        DatanetAction::CommitLabels { campaign, batch, commitment } => {
            tasks::commit(transition, campaign, *batch, *commitment)
        }
        DatanetAction::RevealLabels { campaign, batch, labels, salt } => {
            tasks::reveal(transition, campaign, *batch, labels, salt)
        }
        DatanetAction::RevealGold { datanet, number, batch, gold, salt, path } => {
            let campaign = own_campaign(datanet, sender, *number);
            gold::reveal(transition, &campaign, *batch, gold, salt, path)
        }
        DatanetAction::JudgeLabels { campaign, batch, labeller, beacon } => {
            gold::judge(transition, campaign, *batch, *labeller, *beacon)
        }
        DatanetAction::CloseCampaign { datanet, number } => {
            tasks::close(transition, &own_campaign(datanet, sender, *number))
        }
        DatanetAction::CollectTreasury { datanet, epochs } => treasury::collect(transition, datanet, epochs),
        _ => unreachable!("the other actions were dispatched before"),
    }
}
