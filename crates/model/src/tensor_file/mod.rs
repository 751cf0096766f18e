//! Files in the format safetensors: the one place where they are read.
//!
//! Rule: the header is held to limits before the library sees it, a file is read up to a stated size, and numbers are widened to
//! binary32 exactly and are finite, or the file is refused.
//! Absent: which tensors a file must have, and of which sizes; that is for whoever reads it.

mod header;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::half::{bf16_to_f32, f16_to_f32};

/// A file's tensors; the reason where it is damaged, or beyond the limits.
pub(crate) fn open(file: &[u8]) -> Result<SafeTensors<'_>, String> {
    header::check(file)?;
    SafeTensors::deserialize(file).map_err(|error| error.to_string())
}

/// The numbers of a tensor, widened exactly.
pub(crate) fn values(tensor: &TensorView<'_>) -> Result<Vec<f32>, String> {
    let bytes = tensor.data();
    let halves = bytes.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes));
    let values: Vec<f32> = match tensor.dtype() {
        Dtype::F32 => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Dtype::F16 => halves.map(f16_to_f32).collect(),
        Dtype::BF16 => halves.map(bf16_to_f32).collect(),
        other => return Err(format!("its type is {other:?}, accepted are F32, F16 and BF16")),
    };
    if values.iter().all(|value| value.is_finite()) {
        Ok(values)
    } else {
        Err("it holds values that are not finite".to_owned())
    }
}

/// A whole file of at most `limit` bytes; `None` when it has more.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let stated = file.metadata()?.len();
    if stated > limit {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(stated).unwrap_or(0));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= limit))
}
