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
fn a_session_signs_for_one_account_and_refuses_tampering() {
    let action = Action::Transfer { to: AccountId([7; 20]), asset: Asset::Credit, amount: Amount(5) };
    let transaction = Transaction { chain_id: 31_337, nonce: 3, action };
    let keys =
        [SessionSecret::Ed25519(ServiceSecret::from_bytes([2; 32])), SessionSecret::Secp256k1(secret(2))];
    for key in keys {
        let signed = transaction.clone().sign_in_session(secret(1).account(), &key);
        assert_eq!(signed.verify(), Ok(()));
        assert_eq!(signed.authorization.session(), Some(key.key()));
        let bytes = signed.encode();
        assert_eq!(SignedTransaction::decode(&bytes).unwrap(), signed);
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let verified = SignedTransaction::decode(&changed).ok().map(|other| other.verify());
            assert!(!matches!(verified, Some(Ok(()))), "byte {index} may be changed");
        }
        let other = SignedTransaction { sender: secret(3).account(), ..signed };
        assert!(other.verify().is_err(), "a session signature names its account");
    }
    // The account's own signature is none of a session, nor the other way round.
    let own = transaction.clone().sign(&secret(1));
    let Authorization::Account(signature) = own.authorization else { unreachable!("signed by the account") };
    let key = secret(1).account();
    let as_session = SignedTransaction {
        sender: key,
        transaction,
        authorization: Authorization::Secp256k1 { key, signature },
    };
    assert!(as_session.verify().is_err());
}

/// The three canonical forms of one transaction, by hash: a change here is a change of the protocol.
#[test]
fn signed_transactions_have_recorded_hashes() {
    let action = Action::Transfer { to: AccountId([7; 20]), asset: Asset::Credit, amount: Amount(5) };
    let transaction = Transaction { chain_id: 31_337, nonce: 3, action };
    let account = secret(1).account();
    let ed25519 = SessionSecret::Ed25519(ServiceSecret::from_bytes([2; 32]));
    let found = [
        transaction.clone().sign(&secret(1)).hash(),
        transaction.clone().sign_in_session(account, &ed25519).hash(),
        transaction.clone().sign_in_session(account, &SessionSecret::Secp256k1(secret(2))).hash(),
        transaction.session_hash(&account),
    ];
    let recorded = [
        "0x63f8a589dfec0f54f0044a8ac3815703a52b2b1d8d777ae68d77a817ee5dc62d",
        "0x08f034c9e2f43ce1239d7aec8977e0be01bfc9be8573c6d07e0b72ef338e0db1",
        "0xc6d7443d2c15368b02e5afdb320d4d6de2120974167c39b9eba58f608b8ab47b",
        "0xb20d3fae8892bb62d582dee440c4264ad4afc62aff28685b42b84a9fa65c9b75",
    ];
    assert_eq!(found.map(|hash| hash.to_string()), recorded);
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
