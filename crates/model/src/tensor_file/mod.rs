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
    let Some((mut file, stated)) = opened(path, limit)? else { return Ok(None) };
    let mut bytes = Vec::with_capacity(stated);
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= limit))
}

/// The same of a file of tensors. Of one whose header is refused nothing behind the header is read.
pub(crate) fn read_tensors(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let Some((mut file, stated)) = opened(path, limit)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.by_ref().take(header::LENGTH_BYTES).read_to_end(&mut bytes)?;
    let length = header::length(&bytes).unwrap_or(0);
    file.by_ref().take(length).read_to_end(&mut bytes)?;
    if header::check(&bytes).is_ok() {
        bytes.reserve_exact(stated.saturating_sub(bytes.len()));
        file.read_to_end(&mut bytes)?;
    }
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= limit))
}

/// A file that is read up to one byte more than the limit, and how many it says that it has; `None` when that is more.
fn opened(path: &Path, limit: u64) -> io::Result<Option<(io::Take<File>, usize)>> {
    let file = File::open(path)?;
    let stated = file.metadata()?.len();
    let bytes = usize::try_from(stated).unwrap_or(usize::MAX);
    Ok((stated <= limit).then(|| (file.take(limit.saturating_add(1)), bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let length = u64::try_from(header.len()).expect("it is short");
        [&length.to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
    }

    #[test]
    fn nothing_is_read_behind_a_header_that_is_refused() {
        let folder = std::env::temp_dir().join(format!("openledger-tensor-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("file");
        let good = file(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8);
        let double = file(r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{}}"#, 1_000_000);
        let huge = [u64::MAX.to_le_bytes().to_vec(), vec![0; 1_000_000]].concat();
        for (bytes, length) in [
            (good.clone(), good.len()),
            (double.clone(), double.len() - 1_000_000),
            (huge, 8),
            (vec![1, 2, 3], 3),
        ] {
            std::fs::write(&path, &bytes).expect("it is written");
            let read = read_tensors(&path, 2_000_000).expect("it can be read").expect("it is small");
            assert_eq!(read, bytes[..length]);
            assert_eq!(open(&read).is_ok(), bytes == good);
        }
        assert!(read_tensors(&path, 2).expect("it can be looked at").is_none());
        std::fs::remove_dir_all(&folder).expect("it is ours");
    }
}
