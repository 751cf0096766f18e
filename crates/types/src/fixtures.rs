//! Recorded encodings and hashes: a change here is a change of the protocol.

use crate::*;

fn secret(byte: u8) -> AccountSecret {
    AccountSecret::from_bytes([byte; 32]).unwrap()
}

#[test]
fn transactions_sign_verify_and_refuse_tampering() {
    let transaction = Transaction {
        chain_id: 31_337,
        nonce: 3,
        action: Action::Transfer { to: AccountId([7; 20]), asset: Asset::Credit, amount: Amount(5) },
    };
    let signed = transaction.sign(&secret(1));
    assert_eq!(signed.verify(), Ok(()));
    let decoded = SignedTransaction::decode(&signed.encode()).unwrap();
    assert_eq!(decoded, signed);
    let bytes = signed.encode();
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 1;
        let verified = SignedTransaction::decode(&changed).ok().map(|other| other.verify());
        assert!(!matches!(verified, Some(Ok(()))), "byte {index} may be changed");
    }
}

#[test]
fn a_voucher_belongs_to_one_channel_amount_network_and_signer() {
    let voucher = Voucher { chain_id: 1, channel: ChannelId([9; 32]), cumulative: Amount(10) };
    let signature = voucher.sign(&secret(2));
    let authorizer = secret(2).account();
    assert_eq!(voucher.verify(&authorizer, &signature), Ok(()));
    for other in [
        Voucher { chain_id: 2, ..voucher },
        Voucher { channel: ChannelId([8; 32]), ..voucher },
        Voucher { cumulative: Amount(11), ..voucher },
    ] {
        assert!(other.verify(&authorizer, &signature).is_err());
    }
    assert!(voucher.verify(&secret(3).account(), &signature).is_err());
}
