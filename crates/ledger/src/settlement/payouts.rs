//! Who is paid how: liquid now within the core rule, the rest into escrow. The rule is in `escrow`.

use openledger_types::parameters::EscrowParameters;
use openledger_types::record::Role;
use openledger_types::{
    AccountId, Amount, Asset, Batch, ContributionId, Domain, EPOCHS_INDEXED, Event, Name,
};

use crate::execute::Transition;
use crate::state::Applied;
use crate::{accounts, escrow, markets, models, reputation};

/// Where the part of a payment that is not liquid waits.
enum Hold<'a> {
    Tranche(EscrowParameters),
    UntilMature(&'a Name, ContributionId),
}

struct Payment<'a> {
    account: AccountId,
    role: Role,
    source: String,
    amount: Amount,
    liquid: Amount,
    hold: Hold<'a>,
}

fn pay(transition: &mut Transition<'_>, batch: &Batch, payment: Payment<'_>) -> Applied {
    let Payment { account, role, source, amount, liquid, hold } = payment;
    let escrowed = amount.minus(liquid).expect("the liquid part is a part of the payment");
    accounts::receive(transition, account, Asset::Credit, liquid)?;
    match hold {
        Hold::Tranche(parameters) => escrow::lock(transition, account, role, parameters, escrowed)?,
        Hold::UntilMature(datanet, contribution) => {
            escrow::hold_immature(transition, account, datanet, contribution, escrowed)?;
        }
    }
    let (gateway, epoch) = (transition.sender, transition.epoch());
    transition.emit(Event::Paid {
        gateway,
        batch: batch.number,
        account,
        role,
        source,
        liquid,
        escrowed,
        epoch,
    });
    Ok(())
}

/// The part of a payment that is liquid, in 1/2^32.
fn part(liquid: Amount, amount: Amount) -> u32 {
    let part = liquid.fraction(u64::from(u32::MAX), amount.0).unwrap_or(Amount::ZERO);
    u32::try_from(part.0).unwrap_or(u32::MAX)
}

/// How a provider's tranche unlocks. Below the least stake nothing else answers for the work, so it waits as long as stake does
/// that is taken back.
fn unlocking(transition: &mut Transition<'_>, provider: AccountId) -> Applied<EscrowParameters> {
    let parameters = transition.parameters.provider_escrow;
    let staked = transition.view.provider(provider)?.stake >= transition.parameters.provider_stake_min;
    let waits = if staked { 0 } else { transition.parameters.unbonding_epochs };
    // No longer than a fault finds the tranche.
    let most = EPOCHS_INDEXED.saturating_sub(1).saturating_sub(parameters.linear_epochs);
    Ok(EscrowParameters { cliff_epochs: parameters.cliff_epochs.max(waits.min(most)), ..parameters })
}

/// Liquid by reputation, and never beyond half the collateral of the stake without audit. Says which part was liquid, by provider.
pub(super) fn providers(transition: &mut Transition<'_>, batch: &Batch) -> Applied<Vec<(AccountId, u32)>> {
    let mut parts = Vec::with_capacity(batch.providers.len());
    for line in &batch.providers {
        let parameters = unlocking(transition, line.provider)?;
        let reputation = reputation::of(transition, line.provider, &Domain::Serving)?;
        let wanted = escrow::liquid_part(line.amount, &parameters, reputation);
        let liquid = escrow::expose(transition, line.provider, Role::Provider, wanted)?;
        let payment = Payment {
            account: line.provider,
            role: Role::Provider,
            source: String::new(),
            amount: line.amount,
            liquid,
            hold: Hold::Tranche(parameters),
        };
        pay(transition, batch, payment)?;
        parts.push((line.provider, part(liquid, line.amount)));
    }
    Ok(parts)
}

/// Who is paid for a line of a lineage: the owner of the model whose title it is, or the account itself.
pub(super) fn payee(transition: &mut Transition<'_>, line: AccountId) -> Applied<AccountId> {
    Ok(models::title(transition, line)?.map_or(line, |title| title.owner))
}

/// Liquid by reputation, within half the collateral of the builder's bond; nothing without a bond.
pub(super) fn builders(transition: &mut Transition<'_>, batch: &Batch) -> Applied {
    let parameters = transition.parameters.builder_escrow;
    for line in &batch.builders {
        let account = payee(transition, line.account)?;
        let amount = match models::title(transition, line.account)? {
            Some(title) => markets::earn(transition, title, line.amount)?,
            None => line.amount,
        };
        let reputation = reputation::alone(transition, account, &Domain::Building)?;
        let wanted = escrow::liquid_part(amount, &parameters, reputation);
        let liquid = escrow::expose(transition, account, Role::Builder, wanted)?;
        let payment = Payment {
            account,
            role: Role::Builder,
            source: line.model.to_string(),
            amount,
            liquid,
            hold: Hold::Tranche(parameters),
        };
        pay(transition, batch, payment)?;
    }
    Ok(())
}

/// Nothing liquid before maturity; after it, by the reputation for data of this datanet.
pub(super) fn data(transition: &mut Transition<'_>, batch: &Batch) -> Applied {
    let parameters = transition.parameters.data_escrow;
    for line in &batch.data {
        let mature = transition.view.contribution(&line.datanet, line.contribution)?.mature;
        let (liquid, hold) = if mature {
            let domain = Domain::Data(line.datanet.clone());
            let reputation = reputation::of(transition, line.owner, &domain)?;
            (escrow::liquid_part(line.amount, &parameters, reputation), Hold::Tranche(parameters))
        } else {
            (Amount::ZERO, Hold::UntilMature(&line.datanet, line.contribution))
        };
        let payment = Payment {
            account: line.owner,
            role: Role::Data,
            source: format!("{}/{}", line.datanet, line.contribution),
            amount: line.amount,
            liquid,
            hold,
        };
        pay(transition, batch, payment)?;
    }
    Ok(())
}

/// Liquid like a provider's, by the reputation for routing and within half the collateral of the bond. Says which part.
pub(super) fn router_fee(transition: &mut Transition<'_>, batch: &Batch) -> Applied<u32> {
    let amount = batch.router_fee_total;
    if amount == Amount::ZERO {
        return Ok(0);
    }
    let account = transition.sender;
    let parameters = transition.parameters.provider_escrow;
    let reputation = reputation::of(transition, account, &Domain::Routing)?;
    let wanted = escrow::liquid_part(amount, &parameters, reputation);
    let liquid = escrow::expose(transition, account, Role::Gateway, wanted)?;
    let hold = Hold::Tranche(parameters);
    let payment = Payment { account, role: Role::Gateway, source: String::new(), amount, liquid, hold };
    pay(transition, batch, payment)?;
    Ok(part(liquid, amount))
}
