//! An adapter's folder: `adapter_config.json` and `adapter_model.safetensors`.
//!
//! Rule: files are read whole into memory, up to a limit, so that a file that changes meanwhile gives other numbers at worst.
//! What is written reads back as the same adapter, here and in PEFT.
//! Absent: fetching; other files of the folder, which are passed over.

use std::io;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};
use serde_json::{Value, json};

use super::config::{CONFIG_BYTES_MAX, Config};
use super::error::AdapterError;
use super::module::Module;
use super::tensors::{self, PREFIX, SUFFIXES};
use super::{ADAPTER_FILE_BYTES_MAX, Adapter, AdapterBase, Factors};
use crate::tensor_file;

/// The file that says what an adapter is.
pub const ADAPTER_CONFIG_FILE: &str = "adapter_config.json";
/// The file with its numbers.
pub const ADAPTER_TENSORS_FILE: &str = "adapter_model.safetensors";

impl Adapter {
    /// Opens the adapter in a folder.
    ///
    /// # Errors
    /// A file cannot be read, is too large or damaged, or is not of a LoRA adapter for this base.
    pub fn open(folder: &Path, base: &AdapterBase) -> Result<Adapter, AdapterError> {
        let path = folder.join(ADAPTER_CONFIG_FILE);
        let config = configured(&within(&path, tensor_file::read, CONFIG_BYTES_MAX)?, base)?;
        let path = folder.join(ADAPTER_TENSORS_FILE);
        tensors::read(
            &config,
            &within(&path, tensor_file::read_tensors, ADAPTER_FILE_BYTES_MAX)?,
            &base.shape,
        )
    }

    /// Reads an adapter from the bytes of its two files.
    ///
    /// # Errors
    /// They are damaged, or not of a LoRA adapter for this base.
    pub fn from_bytes(config: &[u8], tensors: &[u8], base: &AdapterBase) -> Result<Adapter, AdapterError> {
        tensors::read(&configured(config, base)?, tensors, &base.shape)
    }

    /// The bytes of the two files, configuration first; `base` is the name of the base model.
    ///
    /// # Errors
    /// The adapter is too large for the format.
    pub fn to_bytes(&self, base: &str) -> Result<(Vec<u8>, Vec<u8>), AdapterError> {
        let parts: Vec<(usize, Module, Factors)> = self.parts().collect();
        let config = config_of(&parts, base).to_string().into_bytes();
        let shape = &self.shape;
        let mut tensors = Vec::with_capacity(2 * parts.len());
        for (layer, module, factors) in &parts {
            let (width, rows) = module.sizes(shape);
            let sizes = [[factors.rank, width], [rows, factors.rank]];
            for ((suffix, size), floats) in SUFFIXES.iter().zip(sizes).zip([&factors.down, &factors.up]) {
                let bytes: Vec<u8> = floats.iter().flat_map(|value| value.to_le_bytes()).collect();
                tensors.push((format!("{PREFIX}{}{suffix}", module.path(*layer)), size, bytes));
            }
        }
        let views: Result<Vec<_>, SafeTensorError> = tensors
            .iter()
            .map(|(name, size, bytes)| Ok((name, TensorView::new(Dtype::F32, size.to_vec(), bytes)?)))
            .collect();
        let tensors = views.and_then(|views| safetensors::serialize(views, None));
        Ok((config, tensors.map_err(|error| AdapterError::Format { reason: error.to_string() })?))
    }

    /// Writes the adapter into a folder, which is made where it is missing.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Path, base: &str) -> Result<(), AdapterError> {
        let (config, tensors) = self.to_bytes(base)?;
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| AdapterError::File { path, source }
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        for (name, bytes) in [(ADAPTER_CONFIG_FILE, config), (ADAPTER_TENSORS_FILE, tensors)] {
            let path = folder.join(name);
            std::fs::write(&path, bytes).map_err(failed(&path))?;
        }
        Ok(())
    }
}

impl AdapterBase {
    /// Whether an adapter that states this base is for it: the last part of a name or path, letters and digits alone, must be
    /// one of the names. An adapter that states none is taken by its shape.
    fn check_name(&self, stated: Option<&str>) -> Result<(), AdapterError> {
        let Some(stated) = stated.filter(|_| !self.names.is_empty()) else { return Ok(()) };
        let plain = |name: &str| -> String {
            let last = name.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
            last.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let wanted = plain(stated);
        if self.names.iter().any(|name| plain(name) == wanted) {
            return Ok(());
        }
        let stated = stated.chars().take(200).collect();
        Err(AdapterError::Base { stated, names: self.names.join(" or ") })
    }
}

/// What PEFT needs to compute the same: the scaling is folded into the factors, so every alpha is its rank.
fn config_of(parts: &[(usize, Module, Factors)], base: &str) -> Value {
    let rank = parts.first().map_or(1, |(_, _, factors)| factors.rank);
    let targets: Vec<&str> = Module::ALL
        .iter()
        .filter(|module| parts.iter().any(|(_, other, _)| other == *module))
        .map(|module| module.name())
        .collect();
    let others: serde_json::Map<String, Value> = parts
        .iter()
        .filter(|(_, _, factors)| factors.rank != rank)
        .map(|(layer, module, factors)| (module.path(*layer), json!(factors.rank)))
        .collect();
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "inference_mode": true,
        "r": rank,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "use_rslora": false,
        "use_dora": false,
        "fan_in_fan_out": false,
        "target_modules": targets,
        "modules_to_save": null,
        "rank_pattern": others,
        "alpha_pattern": others,
    })
}

/// The configuration of an adapter for this base.
fn configured(config: &[u8], base: &AdapterBase) -> Result<Config, AdapterError> {
    let config = Config::parse(config)?;
    base.check_name(config.base.as_deref())?;
    Ok(config)
}

/// A file that is read within a limit.
fn within(
    path: &Path,
    read: impl FnOnce(&Path, u64) -> io::Result<Option<Vec<u8>>>,
    limit: u64,
) -> Result<Vec<u8>, AdapterError> {
    let bytes = read(path, limit).map_err(|source| AdapterError::File { path: path.to_owned(), source })?;
    bytes.ok_or_else(|| AdapterError::TooLarge { path: path.to_owned(), limit })
}
