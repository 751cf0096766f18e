//! `adapter_model.safetensors` as PEFT writes it.
//!
//! Rule: every tensor is one factor of a projection that the base model has, of the size and rank that shape and
//! configuration demand, and every factor has its other one; anything else is refused by its name. Sizes are compared before
//! memory is taken for numbers.
//! Absent: tensors of the other kinds of adapters.

use std::collections::BTreeMap;

use safetensors::tensor::TensorView;

use super::config::Config;
use super::error::AdapterError;
use super::module::Module;
use super::{Adapter, Factors};
use crate::shape::Shape;
use crate::tensor_file;

/// What stands before the base model's names.
pub(super) const PREFIX: &str = "base_model.model.";
/// What stands behind them, for the first factor and the second.
pub(super) const SUFFIXES: [&str; 2] = [".lora_A.weight", ".lora_B.weight"];

/// Reads the adapter of a configuration and a file of tensors.
pub(super) fn read(config: &Config, file: &[u8], shape: &Shape) -> Result<Adapter, AdapterError> {
    let format = |reason: String| AdapterError::Format { reason };
    let file = tensor_file::open(file).map_err(format)?;
    let places = places(shape);
    let mut found: BTreeMap<(usize, Module), [Option<TensorView<'_>>; 2]> = BTreeMap::new();
    for (name, tensor) in file.iter() {
        let wrong = |reason: &str| AdapterError::Tensor { name: name.to_owned(), reason: reason.to_owned() };
        let (place, factor) = place_of(name, &places)
            .ok_or_else(|| wrong("it is no LoRA factor of a projection that the base model has"))?;
        found.entry(place).or_default()[factor] = Some(tensor);
    }
    let mut parts = Vec::with_capacity(found.len());
    for ((layer, module), tensors) in found {
        parts.push((layer, module, factors(config, shape, layer, module, tensors)?));
    }
    Adapter::new(shape, parts)
}

/// Every projection of the base model by its name.
fn places(shape: &Shape) -> BTreeMap<String, (usize, Module)> {
    let layers = 0..shape.layers;
    layers.flat_map(|layer| Module::ALL.map(|module| (module.path(layer), (layer, module)))).collect()
}

/// The projection and which of its factors a tensor is.
fn place_of(name: &str, places: &BTreeMap<String, (usize, Module)>) -> Option<((usize, Module), usize)> {
    let name = name.strip_prefix(PREFIX)?;
    SUFFIXES.iter().enumerate().find_map(|(factor, suffix)| {
        let place = places.get(name.strip_suffix(suffix)?)?;
        Some((*place, factor))
    })
}

fn factors(
    config: &Config,
    shape: &Shape,
    layer: usize,
    module: Module,
    tensors: [Option<TensorView<'_>>; 2],
) -> Result<Factors, AdapterError> {
    let path = module.path(layer);
    let (rank, scale) = config.of(&path)?;
    let (width, rows) = module.sizes(shape);
    let mut floats = [Vec::new(), Vec::new()];
    for (factor, (tensor, expected)) in tensors.iter().zip([[rank, width], [rows, rank]]).enumerate() {
        let name = format!("{PREFIX}{path}{}", SUFFIXES[factor]);
        let wrong = |reason: String| AdapterError::Tensor { name, reason };
        let Some(tensor) = tensor else {
            return Err(wrong("it is missing, its other factor is there".to_owned()));
        };
        if tensor.shape() != expected {
            return Err(wrong(format!("its size is {:?}, expected {expected:?}", tensor.shape())));
        }
        floats[factor] = tensor_file::values(tensor).map_err(wrong)?;
    }
    let [down, up] = floats;
    Ok(Factors { rank, scale, down, up })
}
