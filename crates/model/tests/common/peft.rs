//! Adapters as PEFT writes them, good and bad ones, and random ones from a seed.
//!
//! Rule: files are written here byte by byte, without the crate that reads them.
//! Absent: any sense in what they change.

#![allow(dead_code, reason = "each test uses a part")]

use openledger_model::{Adapter, AdapterBase, Factors, Model, Module, Shape};

/// A small generator with a fixed sequence (SplitMix64, Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    /// From -1 to 1, a multiple of 2^-7: exact in every type of tensor.
    fn signed(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ (value >> 31)) % 257) as f32 / 128.0 - 1.0
    }
}

/// Random factors of one projection; what they add is of the size of `scale` times the input.
pub(crate) fn factors(shape: &Shape, module: Module, rank: usize, scale: f32, seed: u64) -> Factors {
    let (width, rows) = module.sizes(shape);
    let mut random = Random(seed);
    let mut floats = |count: usize| (0..count).map(|_| random.signed()).collect();
    let (down, up) = (floats(rank * width), floats(rows * rank));
    // Sums over the width and the rank grow as their roots do.
    Factors { rank, scale: scale * 3.0 / ((width * rank) as f32).sqrt(), down, up }
}

/// The projections and ranks of an adapter: `rank` says which are changed.
pub(crate) fn parts(
    shape: &Shape,
    seed: u64,
    rank: impl Fn(usize, Module) -> Option<usize>,
) -> Vec<(usize, Module, Factors)> {
    let places = (0..shape.layers).flat_map(|layer| Module::ALL.map(|module| (layer, module)));
    places
        .filter_map(|(layer, module)| {
            let seed = seed * 1_000_003 + layer as u64 * 31 + module as u64;
            Some((layer, module, factors(shape, module, rank(layer, module)?, 0.5, seed)))
        })
        .collect()
}

/// An adapter of one rank for some projections of every layer.
pub(crate) fn adapter(shape: &Shape, seed: u64, rank: usize, modules: &[Module]) -> Adapter {
    let rank = |_, module| modules.contains(&module).then_some(rank);
    Adapter::new(shape, parts(shape, seed, rank)).expect("the factors fit")
}

/// A base without a name.
pub(crate) fn base(model: &Model) -> AdapterBase {
    AdapterBase { shape: *model.shape(), names: Vec::new() }
}

/// A file of tensors: name, type, size, bytes.
#[derive(Clone, Default)]
pub(crate) struct Tensors(pub(crate) Vec<(String, &'static str, Vec<usize>, Vec<u8>)>);

impl Tensors {
    /// The factors as PEFT names them, as `kind`.
    pub(crate) fn of(shape: &Shape, parts: &[(usize, Module, Factors)], kind: &'static str) -> Tensors {
        let mut tensors = Vec::new();
        for (layer, module, factors) in parts {
            let is_feed_forward = [Module::Gate, Module::Up, Module::Down].contains(module);
            let block = if is_feed_forward { "mlp" } else { "self_attn" };
            let name = |factor: &str| {
                format!(
                    "base_model.model.model.layers.{layer}.{block}.{}.lora_{factor}.weight",
                    module.name()
                )
            };
            let (width, rows) = module.sizes(shape);
            tensors.push((name("A"), kind, vec![factors.rank, width], bytes(kind, &factors.down)));
            tensors.push((name("B"), kind, vec![rows, factors.rank], bytes(kind, &factors.up)));
        }
        Tensors(tensors)
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut entries = Vec::new();
        let mut data = Vec::new();
        for (name, kind, size, bytes) in &self.0 {
            let start = data.len();
            data.extend(bytes);
            let offsets = format!("[{start},{}]", data.len());
            entries
                .push(format!(r#""{name}":{{"dtype":"{kind}","shape":{size:?},"data_offsets":{offsets}}}"#));
        }
        file(&format!("{{{}}}", entries.join(",")), &data)
    }
}

/// A file of this header and data.
pub(crate) fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// Numbers as `F32`, `F16` or `BF16`; those of [`Random`] are exact in each.
fn bytes(kind: &str, floats: &[f32]) -> Vec<u8> {
    let half = |value: f32| -> u16 {
        let bits = value.to_bits();
        let magnitude = bits & 0x7fff_ffff;
        let exponent = if magnitude == 0 { 0 } else { (magnitude >> 13) - (112 << 10) };
        ((bits >> 16) & 0x8000 | exponent) as u16
    };
    let bytes = |value: &f32| match kind {
        "F16" => half(*value).to_le_bytes().to_vec(),
        "BF16" => value.to_le_bytes()[2..].to_vec(),
        _ => value.to_le_bytes().to_vec(),
    };
    floats.iter().flat_map(bytes).collect()
}

/// A configuration as PEFT writes it, with other entries in place of its own.
pub(crate) fn config(rank: usize, alpha: f64, others: &str) -> String {
    let others = others.trim();
    let mut entries = serde_json::json!({
        "alpha_pattern": {}, "auto_mapping": null, "base_model_name_or_path": "someone/Tiny-Model",
        "bias": "none", "corda_config": null, "eva_config": null, "exclude_modules": null,
        "fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": true,
        "layer_replication": null, "layers_pattern": null, "layers_to_transform": null,
        "loftq_config": {}, "lora_alpha": alpha, "lora_bias": false, "lora_dropout": 0.05,
        "megatron_config": null, "megatron_core": "megatron.core", "modules_to_save": null,
        "peft_type": "LORA", "qalora_group_size": 16, "r": rank, "rank_pattern": {}, "revision": null,
        "target_modules": ["q_proj", "v_proj", "model.layers.0.mlp.down_proj"], "target_parameters": null,
        "task_type": "CAUSAL_LM", "trainable_token_indices": null, "use_dora": false, "use_qalora": false,
        "use_rslora": false
    });
    let others: serde_json::Value = serde_json::from_str(others).expect("JSON");
    for (name, value) in others.as_object().expect("an object") {
        entries[name] = value.clone();
    }
    entries.to_string()
}
