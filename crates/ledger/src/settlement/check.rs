//! What a batch must satisfy before anything moves. The order of the checks is the order of precedence.

use std::collections::BTreeMap;

use openledger_types::parameters::Parameters;
use openledger_types::record::{ChannelRecord, GatewayRecord, Pool};
use openledger_types::{AccountId, Amount, Batch, DataLine, Debit, Name, Rejection, Voucher, limits};

use super::bounds::Bounds;
use crate::escrow;
use crate::execute::Transition;
use crate::state::Applied;

/// The sums that several checks and the payout need.
pub(super) struct Totals {
    /// Reference, premium and router fee together.
    pub(super) charged: Amount,
    providers: Amount,
    builders: Amount,
    /// The data share of all receipts.
    data: Amount,
    uplift: Amount,
}

/// Number and sequence continue; counts, order and zeros of the lines. Needs nothing but the gateway.
pub(super) fn shape(batch: &Batch, gateway: &GatewayRecord) -> Applied {
    if Some(batch.number) != gateway.batches.checked_add(1) {
        return Err(Rejection::BatchNumberWrong.into());
    }
    if Some(batch.first_receipt) != gateway.receipts.checked_add(1) {
        return Err(Rejection::ReceiptSequenceWrong.into());
    }
    if batch.receipts == 0 || batch.receipts > limits::BATCH_RECEIPTS_MAX {
        return Err(Rejection::BatchEmpty.into());
    }
    let counts = [
        batch.debits.len(),
        batch.providers.len(),
        batch.builders.len(),
        batch.data.len(),
        batch.uplift.len(),
        batch.carries.len(),
        batch.classes.len(),
    ];
    if counts.into_iter().any(|count| count > limits::BATCH_LINES_MAX) {
        return Err(Rejection::BatchTooLarge.into());
    }
    let some = |amount: Amount| amount > Amount::ZERO;
    let sorted = increasing(batch.debits.iter().map(|line| line.channel))
        && increasing(batch.providers.iter().map(|line| line.provider))
        && increasing(batch.builders.iter().map(|line| (&line.model, line.account)))
        && increasing(batch.data.iter().map(|line| (&line.datanet, line.contribution, line.owner)))
        && increasing(batch.uplift.iter().map(|line| &line.model))
        && increasing(batch.carries.iter().map(|line| &line.model))
        && increasing(batch.classes.iter().map(|line| (&line.class, line.round, line.provider)));
    let filled = batch.debits.iter().all(|line| some(line.cumulative))
        && batch.providers.iter().all(|line| some(line.amount))
        && batch.builders.iter().all(|line| some(line.amount))
        && batch.data.iter().all(|line| some(line.amount))
        && batch.uplift.iter().all(|line| some(line.amount))
        && batch.carries.iter().all(|line| some(line.before) || some(line.after))
        && batch.classes.iter().all(|line| line.receipts > 0 && some(line.reference));
    if sorted && filled { Ok(()) } else { Err(Rejection::LinesUnsorted.into()) }
}

fn increasing<K: Ord>(keys: impl Iterator<Item = K>) -> bool {
    let mut last: Option<K> = None;
    for key in keys {
        if last.as_ref().is_some_and(|last| *last >= key) {
            return false;
        }
        last = Some(key);
    }
    true
}

/// The sums of the lines. Credits less debits of the data pool are its data share.
pub(super) fn totals(batch: &Batch) -> Applied<Totals> {
    let sum =
        |amounts: &mut dyn Iterator<Item = Amount>| Amount::sum(amounts).ok_or(Rejection::AmountOverflow);
    let charged = [batch.reference_total, batch.premium_total, batch.router_fee_total];
    let charged = sum(&mut charged.into_iter())?;
    let providers = sum(&mut batch.providers.iter().map(|line| line.amount))?;
    let builders = sum(&mut batch.builders.iter().map(|line| line.amount))?;
    let uplift = sum(&mut batch.uplift.iter().map(|line| line.amount))?;
    let before = sum(&mut batch.carries.iter().map(|line| line.before))?;
    let out = batch.data.iter().map(|line| line.amount);
    let out = sum(&mut out.chain(batch.carries.iter().map(|line| line.after)).chain([uplift]))?;
    let data = out.minus(before).ok_or(Rejection::SplitWrong)?;
    Ok(Totals { charged, providers, builders, data, uplift })
}

/// Every channel is the sender's, open, and debited more than before and within its deposit; the debits sum to what
/// is charged. Returns each channel with what it owes now.
pub(super) fn debits(
    transition: &mut Transition<'_>,
    batch: &Batch,
    charged: Amount,
) -> Applied<Vec<(ChannelRecord, Amount)>> {
    let mut channels = Vec::with_capacity(batch.debits.len());
    let mut sum = Amount::ZERO;
    for Debit { channel, cumulative, .. } in &batch.debits {
        let record = transition.view.channel(*channel)?;
        if record.gateway != transition.sender {
            return Err(Rejection::NotChannelParty.into());
        }
        if record.closed {
            return Err(Rejection::ChannelClosed.into());
        }
        let amount = cumulative.minus(record.spent).filter(|amount| *amount > Amount::ZERO);
        let amount = amount.ok_or(Rejection::VoucherNotIncreasing)?;
        if *cumulative > record.deposit {
            return Err(Rejection::DepositExceeded.into());
        }
        sum = sum.plus(amount).ok_or(Rejection::AmountOverflow)?;
        channels.push((record, amount));
    }
    if sum == charged { Ok(channels) } else { Err(Rejection::DebitsMismatch.into()) }
}

/// Router fee and every role's total are their parts of the totals within rounding, and all sums are exact.
pub(super) fn split(
    batch: &Batch,
    totals: &Totals,
    gateway: &GatewayRecord,
    parameters: &Parameters,
    premiums: Bounds,
) -> Applied {
    let (reference, premium, count) = (batch.reference_total, batch.premium_total, batch.receipts);
    let fee = Bounds::of_shares(reference, gateway.router_fee, count);
    if !fee.contain(batch.router_fee_total) {
        return Err(Rejection::RouterFeeWrong.into());
    }
    let of_reference = |share| Bounds::of_shares(reference, share, count);
    let parts = &parameters.split;
    let burned = Bounds::of_shares(premium, parameters.premium.burn, count);
    let roles = [
        (of_reference(parts.provider).plus(premiums), totals.providers),
        (of_reference(parts.builder), totals.builders),
        (of_reference(parts.data), totals.data),
        (of_reference(parts.verification), batch.verification),
        (Bounds::of_remainder(reference, parts.maintenance, 6, count), batch.maintenance),
        (of_reference(parts.insurance), batch.insurance),
        (Bounds::rest_of(premium, premiums, burned), batch.capacity),
        (of_reference(parts.burn).plus(burned), batch.burn),
    ];
    let within = roles.iter().all(|(bounds, amount)| bounds.contain(*amount));
    let paid = Amount::sum(roles.iter().map(|(_, amount)| *amount));
    let exact = paid.is_some() && paid == reference.plus(premium);
    // Each receipt floors the attributed part, so the uplift pool gets at least what the floor of the sum leaves.
    let uplift_least = totals.data.minus(totals.data.basis_points(parts.attributed));
    let uplifted = uplift_least.is_some_and(|least| totals.uplift >= least);
    if within && exact && uplifted { Ok(()) } else { Err(Rejection::SplitWrong.into()) }
}

/// Carries continue those of the state and stay below the number of clusters that a receipt can name.
pub(super) fn carries(transition: &mut Transition<'_>, batch: &Batch) -> Applied {
    let gateway = transition.sender;
    for line in &batch.uplift {
        transition.view.model(&line.model)?;
    }
    for line in &batch.carries {
        transition.view.model(&line.model)?;
        let held = transition.view.pool(&Pool::Carry(gateway, line.model.clone()))?;
        let after_max = u64::try_from(limits::BATCH_LINES_MAX).unwrap_or(u64::MAX);
        if line.before != held || line.after.0 > after_max {
            return Err(Rejection::CarryWrong.into());
        }
    }
    Ok(())
}

/// Builder lines follow each model's lineage; the lineage's first line takes what flooring leaves.
pub(super) fn builders(transition: &mut Transition<'_>, batch: &Batch) -> Applied {
    let mut by_model: BTreeMap<&Name, BTreeMap<AccountId, Amount>> = BTreeMap::new();
    for line in &batch.builders {
        by_model.entry(&line.model).or_default().insert(line.account, line.amount);
    }
    for (model, amounts) in by_model {
        let record = transition.view.model(model)?;
        let parts =
            record.lineage.iter().map(|line| (line.account, u64::from(line.share.0))).collect::<Vec<_>>();
        check_parts(&parts, &amounts, batch.receipts, Rejection::RoyaltyWrong)?;
    }
    Ok(())
}

/// Every provider is registered.
pub(super) fn providers(transition: &mut Transition<'_>, batch: &Batch) -> Applied {
    for line in &batch.providers {
        transition.view.provider(line.provider)?;
    }
    Ok(())
}

/// Data lines name payable contributions and share by the owners' parts.
pub(super) fn data(transition: &mut Transition<'_>, batch: &Batch) -> Applied {
    let same = |one: &DataLine, other: &DataLine| {
        one.contribution == other.contribution && one.datanet == other.datanet
    };
    for lines in batch.data.chunk_by(same) {
        let (datanet, id) = (&lines[0].datanet, lines[0].contribution);
        let amounts: BTreeMap<AccountId, Amount> =
            lines.iter().map(|line| (line.owner, line.amount)).collect();
        let record = transition.view.contribution(datanet, id)?;
        if record.revoked_at.is_some() {
            return Err(Rejection::ContributionRevoked.into());
        }
        let parts = record.owners.iter().map(|owner| (owner.account, owner.parts)).collect::<Vec<_>>();
        check_parts(&parts, &amounts, batch.receipts, Rejection::OwnerWrong)?;
        let cluster = transition.view.cluster(datanet, record.cluster)?;
        let cluster = cluster.expect("every committed contribution has a cluster");
        if cluster.owner != id {
            return Err(Rejection::ClusterNotOwned.into());
        }
    }
    Ok(())
}

/// `amounts` share their own sum by `parts`: nobody else is named, and each part but the first, which takes what
/// flooring leaves, is within the rounding of the receipts. The first is then within its own bounds too.
fn check_parts(
    parts: &[(AccountId, u64)],
    amounts: &BTreeMap<AccountId, Amount>,
    receipts: u32,
    rejection: Rejection,
) -> Applied {
    let stranger = amounts.keys().any(|account| !parts.iter().any(|(part, _)| part == account));
    if stranger {
        return Err(rejection.into());
    }
    let total = Amount::sum(amounts.values().copied()).ok_or(Rejection::AmountOverflow)?;
    let whole = parts.iter().fold(0u64, |sum, (_, part)| sum.saturating_add(*part));
    for (account, part) in parts.iter().skip(1) {
        let amount = amounts.get(account).copied().unwrap_or_default();
        if !Bounds::of_floors(total, *part, whole, receipts).contain(amount) {
            return Err(rejection.into());
        }
    }
    Ok(())
}

/// The charge is within the collateral value of the gateway's bond.
pub(super) fn bond(charged: Amount, gateway: &GatewayRecord, parameters: &Parameters) -> Applied {
    let collateral = escrow::collateral(gateway.bond, parameters.collateral_per_open);
    if charged > collateral { Err(Rejection::BondExceeded.into()) } else { Ok(()) }
}

/// Every voucher is signed by its channel's authorizer. The dearest check, so the last.
pub(super) fn vouchers(
    batch: &Batch,
    channels: &[(ChannelRecord, Amount)],
    parameters: &Parameters,
) -> Applied {
    for (debit, (channel, _)) in batch.debits.iter().zip(channels) {
        let voucher =
            Voucher { chain_id: parameters.chain_id, channel: debit.channel, cumulative: debit.cumulative };
        voucher.verify(&channel.authorizer, &debit.voucher).map_err(|_| Rejection::VoucherInvalid)?;
    }
    Ok(())
}
