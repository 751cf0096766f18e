//! Random adapters for two programs: folders as PEFT saves them, and files as llama.cpp reads them.
//!
//! Rule: both are written from the same factors. The rows of queries and keys are put into the base's order here, and not by the
//! code that reads PEFT's, so that either's mistake shows. Absent: any sense in what they change.

#[path = "../../../model/tests/common/mod.rs"]
#[allow(unreachable_pub, clippy::expect_used, reason = "the model's own helper of tests")]
mod checkpoint;
#[path = "../../../model/tests/common/peft.rs"]
#[allow(unreachable_pub, clippy::expect_used, reason = "the model's own helper of tests")]
mod peft;

use std::fs;
use std::path::Path;

use checkpoint::{F32, Writer};
use openledger_model::{Adapter, Factors, Model, Module};
use serde_json::{Value, json};

const RANK: usize = 8;
/// How much an adapter adds, in parts of a projection's input: enough to change every answer, and little enough to leave words.
const STRENGTH: f32 = 0.2;

/// `COUNT` adapters of all seven projections: `NAME/` and `NAME.gguf`.
pub(crate) fn write(model: &Model, folder: &Path, count: u64) -> anyhow::Result<Value> {
    let shape = model.shape();
    let mut names = Vec::new();
    for seed in 0..count {
        let seed_of = |layer: usize, module: Module| seed * 1_000_003 + layer as u64 * 31 + module as u64;
        let places = (0..shape.layers).flat_map(|layer| Module::ALL.map(|module| (layer, module)));
        let part = |(layer, module)| {
            (layer, module, peft::factors(shape, module, RANK, STRENGTH, seed_of(layer, module)))
        };
        let parts: Vec<(usize, Module, Factors)> = places.map(part).collect();
        let name = format!("adapter-{seed}");
        let file = lora(model, &parts);
        Adapter::new(shape, parts)?.write(&folder.join(&name), "")?;
        fs::write(folder.join(format!("{name}.gguf")), file.bytes())?;
        names.push(name);
    }
    Ok(json!(names))
}

/// llama.cpp's file of an adapter.
fn lora(model: &Model, parts: &[(usize, Module, Factors)]) -> Writer {
    let mut file = Writer { metadata: Vec::new(), tensors: Vec::new() };
    file.text("general.type", "adapter");
    file.text("general.architecture", "llama");
    file.text("adapter.type", "lora");
    // What is added is multiplied with alpha over rank: with 1, because the scale is in the factors.
    file.number("adapter.lora.alpha", RANK as f32);
    for (layer, module, factors) in parts {
        let (width, rows) = module.sizes(model.shape());
        let name = format!("blk.{layer}.{}.weight", tensor(*module));
        let head = model.shape().head_width;
        let up = match module {
            Module::Query | Module::Key => neighbours(&factors.up, head, factors.rank),
            _ => factors.up.clone(),
        };
        let up: Vec<f32> = up.iter().map(|value| value * factors.scale).collect();
        let mut add = |factor: &str, sizes: [usize; 2], floats: &[f32]| {
            let bytes = floats.iter().flat_map(|value| value.to_le_bytes()).collect();
            file.tensors.push((
                format!("{name}.{factor}"),
                sizes.map(|size| size as u64).to_vec(),
                F32,
                bytes,
            ));
        };
        add("lora_a", [width, factors.rank], &factors.down);
        add("lora_b", [factors.rank, rows], &up);
    }
    file
}

/// llama.cpp's name of a projection.
const fn tensor(module: Module) -> &'static str {
    match module {
        Module::Query => "attn_q",
        Module::Key => "attn_k",
        Module::Value => "attn_v",
        Module::Output => "attn_output",
        Module::Gate => "ffn_gate",
        Module::Up => "ffn_up",
        Module::Down => "ffn_down",
    }
}

/// Rows of each head, from halves that turn together to neighbours that do.
fn neighbours(rows: &[f32], head: usize, rank: usize) -> Vec<f32> {
    let mut ordered = Vec::with_capacity(rows.len());
    for head in rows.chunks_exact(head * rank) {
        let (first, second) = head.split_at(head.len() / 2);
        for (first, second) in first.chunks_exact(rank).zip(second.chunks_exact(rank)) {
            ordered.extend_from_slice(first);
            ordered.extend_from_slice(second);
        }
    }
    ordered
}
