//! Evidence as an auditor uses it: what is honest is equal however it came about, whole, in windows and by one layer; what is
//! not is found in every window that it touches. `cargo xtask bench evidence` does the same on the packaged model.

#[path = "cheats/mod.rs"]
mod cheats;
#[path = "../../model/tests/common/mod.rs"]
mod common;
#[path = "cheats/honest.rs"]
mod honest;
#[path = "../../model/tests/common/peft.rs"]
mod peft;

use std::sync::Arc;

use cheats::{Cheat, Made, SALT, answer, answer_under, differing, differing_at_once, rewritten};
use openledger_inference::{
    Adapter, Auditor, Claim, Difference, Evidence, Hash, Model, Opening, ReplayError, Sampling, Scope,
};
use openledger_model::Module;

fn model(bytes: &[u8]) -> Arc<Model> {
    Arc::new(Model::from_bytes(bytes).expect("the model is good"))
}

fn auditor(model: &Arc<Model>) -> Auditor {
    Auditor::new(Arc::clone(model), 1, None).expect("one thread starts")
}

fn prompt() -> Vec<u32> {
    (0..50).map(|index| (index * 37 + 11) % 200).collect()
}

#[test]
fn other_weights_are_found_in_every_window() {
    let file = common::tiny().bytes();
    let shipped = model(&file);
    let adapted = model(&rewritten(&file, 8, Some(1)));
    let requantised = |bits| model(&rewritten(&file, bits, None));
    let rows = [
        ("8 bits", &shipped, requantised(8)),
        ("6 bits", &shipped, requantised(6)),
        ("5 bits", &shipped, requantised(5)),
        ("4 bits", &shipped, requantised(4)),
        ("a merged adapter left out", &adapted, requantised(8)),
        ("another merged adapter", &adapted, model(&rewritten(&file, 8, Some(2)))),
    ];
    for (name, honest, cheap) in rows {
        let mut auditor = auditor(honest);
        let made = answer(&cheap, honest.sha256(), &prompt(), 100, Cheat::default());
        assert_eq!(differing(&mut auditor, &made), [0, 1, 2, 3, 4], "{name}");
        let made = answer(honest, honest.sha256(), &prompt(), 100, Cheat::default());
        assert_eq!(differing(&mut auditor, &made), [] as [u32; 0], "honest, {name}");
    }
}

#[test]
fn another_adapter_and_none_are_found_in_every_window() {
    let model = model(&common::tiny().bytes());
    let of = |seed, modules: &[Module]| Arc::new(peft::adapter(model.shape(), seed, 4, modules));
    let (honest, other) = (of(1, &[Module::Query, Module::Value]), of(2, &[Module::Query, Module::Value]));
    let mut smaller: Vec<_> = honest.parts().collect();
    smaller.pop();
    let smaller = Arc::new(Adapter::new(model.shape(), smaller).expect("the factors fit"));
    let prompt = prompt();
    let make = |used: Option<&Arc<Adapter>>, claimed: Option<[u8; 32]>| {
        answer_under((&model, used), (model.sha256(), claimed), &prompt, 100, Cheat::default())
    };
    let mut under = auditor(&model).under(Arc::clone(&honest));
    let rows = [("none", None), ("another", Some(&other)), ("one projection less", Some(&smaller))];
    for (name, used) in rows {
        let made = make(used, Some(honest.id()));
        let least = if used.is_some_and(|used| used.id() == smaller.id()) { 4 } else { 5 };
        assert!(differing(&mut under, &made).len() >= least, "{name}");
        let whole = under.replay(&made.claim(), &Scope::All, None).expect("it can be computed");
        assert!(whole.differences.contains(&Difference::States), "{name}: {whole:?}");
    }
    let made = make(Some(&honest), None);
    assert_eq!(differing(&mut auditor(&model), &made), [0, 1, 2, 3, 4], "an adapter where none is claimed");

    let made = make(Some(&honest), Some(honest.id()));
    assert_eq!(differing(&mut under, &made), [] as [u32; 0], "honest");
    for layer in 0..2 {
        let scope = Scope::Layer { layer, windows: vec![2] };
        let opening = under.open(&made.claim(), &scope).expect("its own answer comes again");
        let report = under.replay(&made.claim(), &scope, Some(&opening)).expect("it can be computed");
        assert!(report.is_equal(), "layer {layer}: {report:?}");
    }
    let claimed = Some(Hash(honest.id()));
    for (mut auditor, found) in
        [(auditor(&model), None), (auditor(&model).under(Arc::clone(&other)), Some(Hash(other.id())))]
    {
        let refused = auditor.replay(&made.claim(), &Scope::All, None).expect_err("it cannot be compared");
        let ReplayError::OtherAdapter { claimed: named, found: here } = refused else { panic!("{refused}") };
        assert_eq!((named, here), (claimed, found));
    }
}

#[test]
fn a_cheat_is_found_in_every_window_that_it_touches_and_in_no_other() {
    let honest = model(&common::tiny().bytes());
    let token = |index| Cheat { second_best: Some(index), ..Cheat::default() };
    let rows = [
        ("prompt edited at 0", Cheat { edited: Some(0), ..Cheat::default() }, vec![0, 1, 2, 3, 4]),
        ("prompt edited at 40", Cheat { edited: Some(40), ..Cheat::default() }, vec![1, 2, 3, 4]),
        ("rounded cache", Cheat { rounds_cache: true, ..Cheat::default() }, vec![0, 1, 2, 3, 4]),
        ("first token changed", token(0), vec![1]),
        ("last token of a window changed", token(14), vec![1]),
        ("first token of a window changed", token(15), vec![2]),
        ("last token changed", token(99), vec![4]),
    ];
    for (name, cheat, touched) in rows {
        let made = answer(&honest, honest.sha256(), &prompt(), 100, cheat);
        let mut auditor = auditor(&honest);
        assert_eq!(differing(&mut auditor, &made), touched, "{name}");
        assert_eq!(differing_at_once(&mut auditor, &made), touched, "{name}, all windows at once");
        let whole = auditor.replay(&made.claim(), &Scope::All, None).expect("it can be computed");
        assert!(!whole.is_equal(), "{name}");
    }
}

#[test]
fn one_layer_is_checked_from_what_entered_it() {
    let file = common::tiny().bytes();
    let (honest, cheap) = (model(&file), model(&rewritten(&file, 8, None)));
    let made = answer(&honest, honest.sha256(), &prompt(), 100, Cheat::default());
    let wrong = answer(&cheap, honest.sha256(), &prompt(), 100, Cheat::default());
    // What the cheat would open of its own weights, under their own name.
    let own = Evidence { model_sha256: Hash(cheap.sha256()), ..wrong.evidence.clone() }.committed(&SALT);
    let own = Made { evidence: own, ..wrong.clone() };
    let mut auditor = auditor(&honest);
    for layer in 0..2 {
        let scope = Scope::Layer { layer, windows: vec![1, 4] };
        let opening = auditor.open(&made.claim(), &scope).expect("its own answer comes again");
        let report = auditor.replay(&made.claim(), &scope, Some(&opening)).expect("it can be computed");
        assert!(report.is_equal(), "layer {layer}: {report:?}");
        assert_eq!(report.tokens > 0, layer == 1, "tokens are chosen behind the last layer");

        let opening = self::auditor(&cheap).open(&own.claim(), &scope).expect("its own answer comes again");
        let report = auditor.replay(&wrong.claim(), &scope, Some(&opening)).expect("it can be computed");
        let windows: Vec<_> = report.differences.iter().filter_map(Difference::window).collect();
        assert!(windows.contains(&1) && windows.contains(&4), "layer {layer}: {report:?}");

        // A changed hash or float belongs to no commitment.
        for place in [4, opening.to_bytes().len() - 2] {
            let mut bytes = opening.to_bytes();
            bytes[place] ^= 1;
            let Ok(changed) = Opening::from_bytes(&bytes) else { continue };
            let report = auditor.replay(&wrong.claim(), &scope, Some(&changed)).expect("it can be computed");
            assert!(!report.is_equal() && report.positions == 0, "layer {layer}: nothing is computed");
        }
    }
    let missing = auditor.replay(&made.claim(), &Scope::Windows(vec![0]), None);
    assert!(matches!(missing, Err(ReplayError::OpeningMissing)));
    let refused = auditor.open(&wrong.claim(), &Scope::Windows(vec![0]));
    assert!(matches!(refused, Err(ReplayError::NotOpened(Difference::States))), "it would be a lie");
}

#[test]
fn claims_that_contradict_themselves_are_found_without_computing() {
    let honest = model(&common::tiny().bytes());
    let prompt = prompt();
    let Made { output, evidence, .. } = answer(&honest, honest.sha256(), &prompt, 40, Cheat::default());
    let mut auditor = auditor(&honest);
    let mut check = |prompt: &[u32], output: &[u32], salt: u8, evidence: Evidence| {
        let claim = Claim { prompt, output, salt: &[salt; 32], evidence: &evidence, grammar: None };
        let report = auditor.replay(&claim, &Scope::All, None).expect("it can be computed");
        assert_eq!((report.positions, report.differences.len()), (0, 1));
        report.differences[0]
    };
    let of = || evidence.clone();
    let again = |evidence: Evidence| evidence.committed(&SALT);
    assert_eq!(check(&prompt, &output, 6, of()), Difference::Prompt, "another salt");
    assert_eq!(check(&prompt[1..], &output, 5, of()), Difference::Prompt);
    assert_eq!(check(&prompt, &output[1..], 5, of()), Difference::Output);
    assert_eq!(
        check(&prompt, &output, 5, Evidence { states_root: Hash([9; 32]), ..of() }),
        Difference::Commitment
    );
    let sampling = Sampling { temperature: f32::NAN, ..Sampling::default() };
    assert_eq!(check(&prompt, &output, 5, again(Evidence { sampling, ..of() })), Difference::Sampling);
    for (positions, layers) in [(u32::MAX, 2), (88, 2), (89, 3)] {
        let claimed = check(&prompt, &output, 5, again(Evidence { positions, layers, ..of() }));
        assert_eq!(claimed, Difference::Shape { positions, layers });
    }
}

#[test]
fn evidence_of_something_else_than_is_at_hand_is_no_difference() {
    let honest = model(&common::tiny().bytes());
    let prompt = prompt();
    let Made { output, evidence, .. } = answer(&honest, honest.sha256(), &prompt, 40, Cheat::default());
    let mut auditor = auditor(&honest);
    let mut check = |evidence: Evidence| {
        let evidence = evidence.committed(&SALT);
        let claim =
            Claim { prompt: &prompt, output: &output, salt: &SALT, evidence: &evidence, grammar: None };
        auditor.replay(&claim, &Scope::All, None).expect_err("nothing can be found out").to_string()
    };
    let of = || evidence.clone();
    let refused = check(Evidence { adapter: Some(Hash([3; 32])), ..of() });
    assert!(refused.contains("the adapter 0303") && refused.contains("no adapter"), "{refused}");
    let refused = check(Evidence { numeric_specification: 1, ..of() });
    assert!(refused.contains("numeric specification 1"), "{refused}");
    let refused = check(Evidence { model_sha256: Hash([1; 32]), ..of() });
    assert!(refused.contains("model file 0101"), "{refused}");
}

#[test]
fn an_answer_that_goes_on_after_its_end_is_found_without_computing() {
    let model = model(&common::tiny().bytes());
    let going_on = |place| Cheat { goes_on_after: Some(place), ..Cheat::default() };
    let found = |place| {
        let made = answer(&model, model.sha256(), &prompt(), 40, going_on(place));
        auditor(&model).replay(&made.claim(), &Scope::All, None).expect("it can be read")
    };
    let report = found(7);
    assert_eq!((report.positions, report.differences), (0, vec![Difference::AfterEnd { index: 7 }]));
    // As the last token it is the model's choice or not, like any other.
    assert!(found(39).positions > 0);
}

#[test]
fn what_is_honest_is_equal_however_it_came_about() {
    let model = model(&common::tiny().bytes());
    let found = honest::audit(&model, 200, 17);
    assert!(found.windows >= 200 && found.remembered > 0);
    assert_eq!(found.false_alarms, [] as [String; 0]);
}
