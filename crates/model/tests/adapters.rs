//! Files of adapters: what PEFT writes is read as it is meant, what is written reads back, and all else is refused by name.

mod common;
#[path = "common/peft.rs"]
mod peft;

use openledger_model::{Adapter, AdapterBase, AdapterError, Factors, Model, Module};
use peft::{Tensors, config, file};

fn model() -> Model {
    Model::from_bytes(&common::tiny().bytes()).expect("the tiny model is good")
}

fn parts(model: &Model) -> Vec<(usize, Module, Factors)> {
    peft::parts(model.shape(), 4, |_, module| matches!(module, Module::Query | Module::Down).then_some(3))
}

fn read(model: &Model, config: &str, tensors: &Tensors) -> Result<Adapter, AdapterError> {
    Adapter::from_bytes(config.as_bytes(), &tensors.bytes(), &peft::base(model))
}

#[test]
fn numbers_mean_the_same_in_every_type() {
    let model = model();
    let shape = model.shape();
    let parts = parts(&model);
    let of = |kind| {
        let read = read(&model, &config(3, 6.0, "{}"), &Tensors::of(shape, &parts, kind));
        read.expect("PEFT writes this")
    };
    let adapter = of("F32");
    assert_eq!((of("F16").id(), of("BF16").id()), (adapter.id(), adapter.id()));
    let floats: usize = parts.iter().map(|(_, _, factors)| factors.down.len() + factors.up.len()).sum();
    assert_eq!(adapter.bytes(), 4 * floats as u64);
    for ((layer, module, factors), (_, _, given)) in adapter.parts().zip(&parts) {
        assert_eq!(factors.down, given.down, "{layer} {module:?}");
        let doubled: Vec<f32> = given.up.iter().map(|value| value * 2.0).collect();
        assert_eq!(factors.up, doubled, "alpha 6 of rank 3 is 2: {layer} {module:?}");
    }
}

#[test]
fn scaling_follows_alpha_rank_and_their_exceptions() {
    let model = model();
    let rank = |layer, module| match (layer, module) {
        (0, Module::Value) => Some(2),
        (1, Module::Value) => Some(4),
        (1, Module::Up) => Some(9),
        _ => None,
    };
    let parts = peft::parts(model.shape(), 9, rank);
    let tensors = Tensors::of(model.shape(), &parts, "F32");
    let patterns = r#""rank_pattern": {"layers.1.self_attn.v_proj": 4, "up_proj": 9}"#;
    let scales = |config: String| -> Vec<f32> {
        let adapter = read(&model, &config, &tensors).expect("PEFT writes this");
        let scale = |(index, (_, _, factors)): (usize, (usize, Module, Factors))| {
            let given = &parts[index].2.up;
            let at = given.iter().position(|value| value.abs() > 0.5).expect("some are large");
            factors.up[at] / given[at]
        };
        adapter.parts().enumerate().map(scale).collect()
    };
    assert_eq!(scales(config(2, 4.0, &format!("{{{patterns}}}"))), [2.0, 1.0, 4.0 / 9.0]);
    let stabilised = format!(r#"{{"use_rslora": true, {patterns}}}"#);
    assert_eq!(scales(config(2, 4.0, &stabilised)), [4.0 / 2_f32.sqrt(), 2.0, 4.0 / 3.0]);
    let alphas = format!(r#"{{"alpha_pattern": {{"v_proj": 8}}, {patterns}}}"#);
    assert_eq!(scales(config(2, 4.0, &alphas)), [4.0, 2.0, 4.0 / 9.0]);
}

#[test]
fn what_is_written_is_the_same_adapter() {
    let model = model();
    let rank = |layer: usize, module: Module| Some(1 + layer * 5 + module as usize);
    let adapter = Adapter::new(model.shape(), peft::parts(model.shape(), 2, rank)).expect("it fits");
    let folder = tempfile::tempdir().expect("a folder");
    adapter.write(folder.path(), "someone/Tiny").expect("it is written");
    let base = AdapterBase { names: vec!["other".to_owned(), "tiny".to_owned()], ..peft::base(&model) };
    let back = Adapter::open(folder.path(), &base).expect("it reads back");
    assert_eq!(back.id(), adapter.id());
    assert!(back.parts().eq(adapter.parts()));
    assert_eq!(back.to_bytes("x").expect("it fits"), adapter.to_bytes("x").expect("it fits"));
}

#[test]
fn the_name_is_of_what_is_computed() {
    let model = model();
    let given = parts(&model);
    let of = |parts: Vec<(usize, Module, Factors)>| Adapter::new(model.shape(), parts).expect("it fits").id();
    let honest = of(given.clone());
    let reversed = given.iter().rev().cloned().collect();
    assert_eq!(of(reversed), honest, "the order of the parts is none of it");
    let mut ids = vec![honest];
    let mut change = |edit: &dyn Fn(&mut Vec<(usize, Module, Factors)>)| {
        let mut parts = given.clone();
        edit(&mut parts);
        ids.push(of(parts));
    };
    change(&|parts| parts[0].2.down[5] += 0.5);
    change(&|parts| parts[0].2.up[5] += 0.5);
    change(&|parts| parts[1].2.scale *= 0.5);
    change(&|parts| parts.truncate(3));
    change(&|parts| parts[0].1 = Module::Output);
    change(&|parts| (parts[0].0, parts[2].0) = (1, 0));
    let distinct = ids.iter().enumerate().all(|(index, id)| !ids[..index].contains(id));
    assert!(distinct, "{ids:?}");
}

#[test]
fn configurations_that_ask_for_more_are_refused_by_name() {
    let model = model();
    let tensors = Tensors::of(model.shape(), &parts(&model), "F32");
    read(&model, &config(3, 3.0, "{}"), &tensors).expect("PEFT writes this");
    let rows = [
        (r#"{"use_dora": true}"#, "use_dora true"),
        (r#"{"bias": "lora_only"}"#, "bias \"lora_only\""),
        (r#"{"bias": null}"#, "bias null"),
        (r#"{"modules_to_save": ["lm_head"]}"#, "modules_to_save [\"lm_head\"]"),
        (r#"{"fan_in_fan_out": true}"#, "fan_in_fan_out true"),
        (r#"{"target_modules": ["q_proj", "lm_head"]}"#, "target_modules with \"lm_head\""),
        (r#"{"target_modules": 3}"#, "target_modules is no list"),
        (r#"{"peft_type": "LOHA"}"#, "peft_type \"LOHA\""),
        (r#"{"init_lora_weights": "pissa"}"#, "init_lora_weights \"pissa\""),
        (r#"{"layer_replication": [[0, 1]]}"#, "layer_replication [[0,1]]"),
        (r#"{"trainable_token_indices": [1]}"#, "trainable_token_indices [1]"),
        (r#"{"use_something_new": 7}"#, "use_something_new 7"),
        (r#"{"use_rslora": 1}"#, "use_rslora 1"),
        (r#"{"r": 0}"#, "r is 0, accepted is 1 to 256"),
        (r#"{"r": 257}"#, "r is 257"),
        (r#"{"r": 2.5}"#, "r is 2.5"),
        (r#"{"r": null}"#, "r is null"),
        (r#"{"lora_alpha": -1}"#, "lora_alpha is -1"),
        (r#"{"lora_alpha": 1e300}"#, "lora_alpha is 1e+300"),
        (r#"{"rank_pattern": {"q_.*": 3}}"#, "rank_pattern with \"q_.*\""),
        (r#"{"rank_pattern": {"q_proj": 300}}"#, "rank_pattern of q_proj is 300"),
        (r#"{"rank_pattern": [1]}"#, "rank_pattern [1]"),
        (r#"{"alpha_pattern": {"q_proj": 3, "self_attn.q_proj": 4}}"#, "alpha_pattern that says two things"),
        (r#"{"base_model_name_or_path": 3}"#, "base_model_name_or_path is no text"),
    ];
    for (others, expected) in rows {
        let error = read(&model, &config(3, 3.0, others), &tensors).expect_err(others).to_string();
        assert!(error.contains(expected) && error.contains("adapter_config.json"), "{others}: {error}");
    }
    for bytes in ["", "[]", "{", "{}", "null", "{\"peft_type\": \"LORA\"}"] {
        read(&model, bytes, &tensors).expect_err(bytes);
    }
}

#[test]
fn an_adapter_of_another_base_is_refused_by_its_name() {
    let model = model();
    let tensors = Tensors::of(model.shape(), &parts(&model), "F32").bytes();
    let open = |stated: &str, names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let base = AdapterBase { names, ..peft::base(&model) };
        let config = config(3, 3.0, &format!(r#"{{"base_model_name_or_path": {stated}}}"#));
        Adapter::from_bytes(config.as_bytes(), &tensors, &base).map(|_| ()).map_err(|error| error.to_string())
    };
    for (stated, names) in [
        ("\"someone/Tiny-Model\"", &["tiny_model"][..]),
        ("\"/models/Tiny Model/\"", &["big", "TinyModel"]),
        ("\"anything\"", &[]),
        ("null", &["tiny"]),
        ("\"\"", &["tiny"]),
    ] {
        assert_eq!(open(stated, names), Ok(()), "{stated}");
    }
    let error = open("\"someone/Large\"", &["tiny", "small"]).expect_err("another model");
    assert!(error.contains("for someone/Large, this model is tiny or small"), "{error}");
}

#[test]
fn tensors_that_do_not_belong_are_refused_by_name() {
    let model = model();
    let good = Tensors::of(model.shape(), &parts(&model), "F32");
    let rows: [(&str, &dyn Fn(&mut Tensors), &str); 12] = [
        ("a factor alone", &|tensors| drop(tensors.0.remove(1)), "q_proj.lora_B.weight: it is missing"),
        ("no prefix", &|tensors| tensors.0[0].0.replace_range(..11, ""), "no LoRA factor"),
        (
            "another layer",
            &|tensors| tensors.0[0].0 = tensors.0[0].0.replace("s.0.", "s.2."),
            "no LoRA factor",
        ),
        (
            "a padded layer",
            &|tensors| tensors.0[0].0 = tensors.0[0].0.replace("s.0.", "s.00."),
            "no LoRA factor",
        ),
        (
            "another module",
            &|tensors| tensors.0[0].0 = tensors.0[0].0.replace("q_p", "z_p"),
            "no LoRA factor",
        ),
        (
            "a magnitude",
            &|tensors| tensors.0[0].0 = tensors.0[0].0.replace("lora_A.weight", "lora_magnitude_vector"),
            "no LoRA factor",
        ),
        (
            "an embedding",
            &|tensors| tensors.0[0].0 = tensors.0[0].0.replace("lora_A.weight", "lora_embedding_A"),
            "no LoRA factor",
        ),
        ("turned", &|tensors| tensors.0[0].2.reverse(), "its size is [128, 3], expected [3, 128]"),
        ("flat", &|tensors| tensors.0[0].2 = vec![384], "its size is [384]"),
        ("integers", &|tensors| tensors.0[0].1 = "I32", "its type is I32"),
        (
            "infinite",
            &|tensors| tensors.0[3].3[..4].copy_from_slice(&f32::INFINITY.to_le_bytes()),
            "not finite",
        ),
        (
            "no number",
            &|tensors| tensors.0[2].3[8..12].copy_from_slice(&f32::NAN.to_le_bytes()),
            "not finite",
        ),
    ];
    for (name, edit, expected) in rows {
        let mut tensors = good.clone();
        edit(&mut tensors);
        let error = read(&model, &config(3, 3.0, "{}"), &tensors).expect_err(name).to_string();
        assert!(error.contains(expected) && error.contains("adapter"), "{name}: {error}");
    }
    let error = read(&model, &config(4, 4.0, "{}"), &good).expect_err("another rank").to_string();
    assert!(error.contains("its size is [3, 128], expected [4, 128]"), "{error}");
    let mut large = good.clone();
    large.0[1].3[..4].copy_from_slice(&1e38_f32.to_le_bytes());
    let error = read(&model, &config(3, 300.0, "{}"), &large).expect_err("scaled").to_string();
    assert!(error.contains("not finite"), "{error}");
    let error = read(&model, &config(3, 3.0, "{}"), &Tensors::default()).expect_err("nothing").to_string();
    assert!(error.contains("changes nothing"), "{error}");
}

#[test]
fn damaged_files_are_refused_before_memory_is_taken() {
    let model = model();
    let entry = |name: &str, size: &str, offsets: &str| {
        format!(r#""{name}":{{"dtype":"F32","shape":{size},"data_offsets":{offsets}}}"#)
    };
    let one = entry("a", "[2]", "[0,8]");
    let rows = [
        (vec![], "shorter than its header's length"),
        (u64::MAX.to_le_bytes().to_vec(), "at most 4194304 are read"),
        (100_u64.to_le_bytes().to_vec(), "goes beyond its end"),
        (file("[]", &[]), "its header"),
        (file("{", &[]), "its header"),
        (file(&format!("{{{one},{one}}}"), &[0; 8]), "the name a is there twice"),
        (file(&format!("{{{}}}", entry("a", "[2]", "[0,16]")), &[0; 16]), "invalid shape"),
        (file(&format!("{{{one}}}"), &[0; 4]), "not fully covered"),
        (file(&format!("{{{one}}}"), &[0; 12]), "not fully covered"),
        (file(&format!("{{{one},{}}}", entry("b", "[2]", "[4,12]")), &[0; 12]), "invalid offset"),
        (file(&format!("{{{one},{}}}", entry("b", "[2]", "[12,20]")), &[0; 20]), "invalid offset"),
        (file(&format!("{{{}}}", entry("a", "[4294967296,4294967296,2]", "[0,8]")), &[0; 8]), "overflow"),
        (file(&format!("{{{}}}", entry("a", "[1,1,1,1,2]", "[0,8]")), &[0; 8]), "at most 4 entries"),
        (file(&format!("{{{}}}", entry("a", "[-2]", "[0,8]")), &[0; 8]), "its header"),
        (file(&format!("{{{}}}", entry(&"a".repeat(300), "[2]", "[0,8]")), &[0; 8]), "a name has 300 bytes"),
        (file(r#"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"more":1}}"#, &[0; 4]), "unknown field"),
    ];
    for (bytes, expected) in rows {
        let base = peft::base(&model);
        let error = Adapter::from_bytes(config(3, 3.0, "{}").as_bytes(), &bytes, &base);
        let error = error.expect_err(expected).to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_folder_without_its_files_is_refused_by_their_path() {
    let model = model();
    let folder = tempfile::tempdir().expect("a folder");
    let base = peft::base(&model);
    let open = || Adapter::open(folder.path(), &base).expect_err("a file is missing").to_string();
    assert!(open().contains("adapter_config.json"), "{}", open());
    std::fs::write(folder.path().join("adapter_config.json"), config(3, 3.0, "{}")).expect("it is written");
    assert!(open().contains("adapter_model.safetensors"), "{}", open());
    std::fs::write(folder.path().join("adapter_config.json"), vec![b' '; 70_000]).expect("it is written");
    assert!(open().contains("65536 bytes that are accepted"), "{}", open());
}
