//! A receipt's statement becomes the same facts that the ledger's rules give, and its file opens only with its opening.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that unwraps nothing fails")]

mod world;

use openledger_explorer::{StoredReceipt, facts_of};
use openledger_receipt::*;
use openledger_types::*;
use world::network::{Answer, account, name};
use world::{CONSUMER, GATEWAY, MODEL, PROVIDER, World};

fn predicate(world: &World, receipt: &openledger_query::ReceiptFacts) -> Predicate {
    let lines = world.network.last_lines();
    let passage = |share: &openledger_query::ShareFacts| PassageRef {
        datanet: share.datanet.clone(),
        contribution: share.contribution,
        start: 4,
        end: 9,
    };
    let zero = Hash([0; 32]);
    Predicate {
        id: receipt.id.clone(),
        network: NetworkRef { chain_id: 31_337, genesis: zero },
        gateway: receipt.gateway,
        sequence: receipt.sequence,
        previous: zero,
        issued_at_ms: receipt.issued_at_ms,
        request: RequestFacts {
            salted_sha256: zero,
            endpoint: "/v1/chat/completions".into(),
            model_requested: MODEL.into(),
            seed: 0,
            max_tokens: 100,
            temperature_millis: 0,
        },
        response: ResponseFacts { salted_sha256: zero, finish_reason: "stop".into() },
        served: ServedFacts {
            provider: lines.provider,
            model: lines.model.clone(),
            weights: zero,
            engine: "test".into(),
            numeric_specification: 1,
            index_root: zero,
            snapshots: vec![],
            retrieval: receipt.shares.iter().map(passage).collect(),
        },
        routing: RoutingFacts { policy: "only".into(), attempts: vec![] },
        usage: UsageFacts {
            prompt_tokens: receipt.prompt_tokens,
            completion_tokens: receipt.completion_tokens,
        },
        price: PriceFacts {
            prompt_price: Amount(1),
            completion_price: Amount(10),
            router_fee: BasisPoints(250),
        },
        payment: PaymentFacts {
            consumer: receipt.consumer,
            channel: ChannelId([1; 32]),
            cumulative: receipt.total,
            voucher: [0; 65],
        },
        attribution: AttributionFacts {
            context: None,
            method: "A".into(),
            version: 3,
            unigrams: 1,
            total: receipt.mass,
            common: receipt.unattributed / 3,
            unattributed: receipt.unattributed - receipt.unattributed / 3,
            spans: vec![SpanFacts {
                start: 0,
                end: 5,
                value: 1,
                mass: receipt.mass - receipt.unattributed,
                count: 1,
                clusters: 1,
                common: false,
                committed: 1,
                edits: 0,
                matched: Vec::new(),
                sources: receipt.shares.iter().map(passage).collect(),
            }],
            shares: receipt
                .shares
                .iter()
                .map(|share| ShareFacts {
                    datanet: share.datanet.clone(),
                    contribution: share.contribution,
                    weight: share.mass,
                })
                .collect(),
        },
        settlement: lines,
        evidence: EvidenceFacts { commitment: String::new(), windows: 0 },
        timing: TimingFacts { queue_ms: 0, first_token_ms: 0, total_ms: 0 },
    }
}

#[test]
fn a_statement_says_the_same_as_the_ledgers_rules_and_opens_only_with_its_opening() {
    let mut world = World::new();
    let text = openledger_explorer::ContributionText {
        title: "Words".into(),
        text: "Some words of somebody.".into(),
        authors: vec!["Ann".into(), "Ben".into()],
        others: vec![],
        license: "CC0-1.0".into(),
        label: "words".into(),
    };
    world.datanet("words", "Words", vec![text]);
    let id = world.labels[&("words".to_owned(), "words".to_owned())];
    for (premium, mass, unattributed) in [(0, 700, 300), (333, 1, 0), (5, 0, 9)] {
        let shares = if mass > 0 { vec![(name("words"), id, mass)] } else { vec![] };
        let receipt = world.network.answer(Answer {
            id: &format!("r-{premium}"),
            gateway: GATEWAY,
            provider: PROVIDER,
            consumer: CONSUMER,
            model: MODEL,
            reference: 10_007,
            premium,
            tokens: (7, 1_000),
            shares,
            unattributed,
        });
        assert_eq!(receipt.consumer, account(CONSUMER));
        let predicate = predicate(&world, &receipt);
        assert_eq!(facts_of(&predicate), receipt);
        let envelope =
            Envelope::sign(Statement::new(predicate).to_payload(), &ServiceSecret::from_bytes([1; 32]));
        let request = r#"{"messages":[{"role":"user","content":"Whose words?"}]}"#.to_owned();
        let opening = Opening { salt: [9; 32], request, answer: "words indeed".into() };
        let certificate = (mass > 0).then(|| vec![1, 2, 3]);
        let file =
            ReceiptFile { envelope, opening: Some(opening), certificate, material: None, inclusion: None };
        let stored = StoredReceipt::of(&file).unwrap();
        let opened = stored.opening.clone().unwrap();
        assert_eq!((opened.question.as_str(), opened.answer.as_str()), ("Whose words?", "words indeed"));
        assert_eq!(opened.file, file.to_bytes());
        assert_eq!((stored.spans.len(), stored.context.len()), (1, 0));
        let closed = ReceiptFile::from_bytes(&stored.file).unwrap();
        assert_eq!(stored.certificate_bytes, (mass > 0).then_some(3));
        assert!(closed.opening.is_none() && closed.certificate.is_none());
        assert!(!String::from_utf8(stored.file).unwrap().contains("indeed"));
    }
}
