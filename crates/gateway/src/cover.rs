//! Debits of a batch: who pays for its receipts. A channel pays by its last voucher. One that was closed before its receipts
//! were settled is the gateway's loss: it pays from a channel to itself, so that everyone behind the answers is paid and the
//! sequence goes on (ledger, settlement).
//!
//! Absent: preventing it. Requests on closing channels are refused when they come in.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use openledger_ledger::StateKey;
use openledger_types::record::{AccountRecord, ChannelRecord};
use openledger_types::transaction::channel_id;
use openledger_types::{Action, Amount, ChannelId, Debit, Hash, Voucher};

use crate::gateway::Gateway;
use crate::settle::{Trouble, submit};

/// Tells the gateway's channel to itself from others between the same two accounts.
const OWN_CHANNEL_SALT: Hash = Hash(*b"openledger gateway's own channel");

/// What one receipt takes from its channel.
pub(crate) struct Claim {
    pub(crate) channel: ChannelId,
    pub(crate) charged: Amount,
    pub(crate) cumulative: Amount,
    pub(crate) voucher: [u8; 65],
}

/// The debits of open channels, and what nobody pays any more.
#[derive(Debug, PartialEq, Eq)]
struct Netted {
    debits: BTreeMap<ChannelId, Debit>,
    uncovered: Amount,
}

/// The debits for `claims`, which are in the order of their receipts.
pub(crate) async fn debits(gateway: &Gateway, claims: &[Claim]) -> Result<Vec<Debit>, Trouble> {
    let mut closed = BTreeMap::new();
    for claim in claims {
        if let Entry::Vacant(unknown) = closed.entry(claim.channel) {
            let record: Option<ChannelRecord> = gateway.facts.now(&StateKey::Channel(claim.channel)).await?;
            unknown.insert(record.is_none_or(|record| record.closed));
        }
    }
    let mut netted = net(claims, &closed).ok_or("an amount overflows")?;
    if netted.uncovered > Amount::ZERO {
        tracing::warn!("{} C of closed channels are paid by the gateway itself", netted.uncovered);
        let own = own_debit(gateway, netted.uncovered).await?;
        netted.debits.insert(own.channel, own);
    }
    Ok(netted.debits.into_values().collect())
}

fn net(claims: &[Claim], closed: &BTreeMap<ChannelId, bool>) -> Option<Netted> {
    let mut debits = BTreeMap::new();
    let mut uncovered = Amount::ZERO;
    for Claim { channel, charged, cumulative, voucher } in claims {
        if closed.get(channel).copied().unwrap_or(true) {
            uncovered = uncovered.plus(*charged)?;
        } else {
            let debit = Debit { channel: *channel, cumulative: *cumulative, voucher: *voucher };
            debits.insert(*channel, debit);
        }
    }
    Some(Netted { debits, uncovered })
}

/// A debit of the gateway's channel to itself, which is opened or topped up as needed.
async fn own_debit(gateway: &Gateway, amount: Amount) -> Result<Debit, Trouble> {
    let me = gateway.account();
    let channel = channel_id(&me, &me, &OWN_CHANNEL_SALT);
    let record: Option<ChannelRecord> = gateway.facts.now(&StateKey::Channel(channel)).await?;
    let (deposit, spent) =
        record.as_ref().map_or((Amount::ZERO, Amount::ZERO), |own| (own.deposit, own.spent));
    let cumulative = spent.plus(amount).ok_or("an amount overflows")?;
    if let Some(missing) = cumulative.minus(deposit).filter(|missing| *missing > Amount::ZERO) {
        let account: Option<AccountRecord> = gateway.facts.now(&StateKey::Account(me)).await?;
        let held = account.map_or(Amount::ZERO, |account| account.credits);
        if held < missing {
            return Err(format!(
                "receipts of closed channels need {missing} C of the gateway's own and it holds {held} C; send credits to {me}"
            )
            .into());
        }
        let action = match record {
            Some(_) => Action::TopUpChannel { channel, amount: missing },
            None => {
                Action::OpenChannel { gateway: me, authorizer: me, deposit: missing, salt: OWN_CHANNEL_SALT }
            }
        };
        submit(gateway, action).await?;
    }
    let voucher = Voucher { chain_id: gateway.config.chain_id, channel, cumulative };
    Ok(Debit { channel, cumulative, voucher: voucher.sign(&gateway.account) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_channels_pay_by_their_last_voucher_and_closed_ones_are_summed() {
        let claim = |channel: u8, charged: u64, cumulative: u64| Claim {
            channel: ChannelId([channel; 32]),
            charged: Amount(charged),
            cumulative: Amount(cumulative),
            voucher: [channel; 65],
        };
        let claims = [claim(1, 5, 105), claim(2, 7, 7), claim(1, 6, 111), claim(3, 9, 9), claim(2, 1, 8)];
        let closed = BTreeMap::from([
            (ChannelId([1; 32]), false),
            (ChannelId([2; 32]), true),
            (ChannelId([3; 32]), false),
        ]);
        let netted = net(&claims, &closed).unwrap();
        let paid: Vec<_> =
            netted.debits.values().map(|debit| (debit.channel.0[0], debit.cumulative.0)).collect();
        assert_eq!(paid, [(1, 111), (3, 9)]);
        assert_eq!(netted.uncovered, Amount(8));
        // A channel that the ledger does not know pays nothing.
        assert_eq!(net(&claims[3..4], &BTreeMap::new()).unwrap().uncovered, Amount(9));
        assert_eq!(net(&[claim(1, u64::MAX, 0), claim(1, 1, 0)], &BTreeMap::new()), None);
    }
}
