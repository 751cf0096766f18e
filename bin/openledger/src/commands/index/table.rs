//! Parquet tables to contributions: a row is the line of JSON that its columns `text`, `id`, `title`, `authors`, `license` and
//! `source` would be. `text` may be named `content`; authors are one text or a list of texts. Other columns are not read.
//!
//! The only file that names the crate `parquet`, which also is asked from one row group on, so that a build that goes on
//! does not unpack what is behind it. Absent: nested tables, encryption, and packings other than Snappy and zstd.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use openledger_datanet::{Contribution, ParseOptions, parse_json_line};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::types::Type;
use serde_json::{Map, Value};

use super::input::InputFile;
use super::manifest::Position;
use super::read::Reader;

/// Columns that are read, and the fields of a line that they are.
const COLUMNS: [(&str, &str); 7] = [
    ("text", "text"),
    ("content", "text"),
    ("id", "id"),
    ("title", "title"),
    ("authors", "authors"),
    ("license", "license"),
    ("source", "source"),
];

pub struct Table {
    rows: RowIter<'static>,
    position: Position,
    row_count: u64,
    bytes: u64,
    options: ParseOptions,
    shown: String,
}

impl Table {
    /// Opens a table to be read from `position` on.
    pub fn open(file: &InputFile, position: Position, options: ParseOptions) -> Result<Self> {
        let shown = file.path.display().to_string();
        let (rows, row_count) = guarded(|| Self::rows(file, position.items)).with_context(|| {
            format!("{shown} cannot be read as Parquet; write it again, with Snappy or zstd")
        })?;
        Ok(Self { rows, position, row_count, bytes: file.bytes, options, shown })
    }

    fn rows(file: &InputFile, first: u64) -> Result<(RowIter<'static>, u64)> {
        let whole = SerializedFileReader::new(File::open(&file.path)?)?;
        let metadata = whole.metadata();
        let schema = metadata.file_metadata().schema();
        let fields = schema.get_fields();
        let wanted: Vec<Arc<Type>> =
            fields.iter().filter(|field| field_of(field.name()).is_some()).cloned().collect();
        if !wanted.iter().any(|field| field_of(field.name()) == Some("text")) {
            let names: Vec<&str> = fields.iter().map(|field| field.name()).take(20).collect();
            bail!("it has no column \"text\" but {}; rename the column with the texts", names.join(", "));
        }
        let counts = metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0));
        let (mut group, mut before, mut total) = (0, 0, 0);
        for (place, count) in counts.enumerate() {
            if total <= first {
                (group, before) = (place, total);
            }
            total += count;
        }
        let projection = Type::group_type_builder(schema.name()).with_fields(wanted).build()?;
        let from_group = ReadOptionsBuilder::new().with_predicate(Box::new(move |_, place| place >= group));
        let reader = SerializedFileReader::new_with_options(File::open(&file.path)?, from_group.build())?;
        let mut rows = RowIter::from_file_into(Box::new(reader)).project(Some(projection))?;
        for _ in before..first {
            rows.next().transpose()?;
        }
        Ok((rows, total))
    }

    fn contribution(&self, row: Row) -> Result<Option<Contribution>> {
        let mut line = Map::new();
        for (column, field) in row.into_columns() {
            let Some(name) = field_of(&column) else { continue };
            let value = value_of(field).with_context(|| format!("the column {column:?}"))?;
            match (name, value) {
                (_, Value::Null) => {}
                ("authors", Value::String(author)) => {
                    line.insert(name.to_owned(), Value::Array(vec![Value::String(author)]));
                }
                (_, value) => {
                    line.insert(name.to_owned(), value);
                }
            }
        }
        let line = serde_json::to_vec(&line)?;
        Ok(parse_json_line(&line, self.position.items, &self.options)?)
    }
}

impl Reader for Table {
    fn next(&mut self) -> Result<Option<Result<Contribution>>> {
        loop {
            let row = guarded(|| Ok(self.rows.next().transpose()?)).with_context(|| {
                format!(
                    "{} cannot be read behind row {}; write it again, with Snappy or zstd",
                    self.shown, self.position.items
                )
            })?;
            let Some(row) = row else { return Ok(None) };
            self.position.items += 1;
            let share =
                u128::from(self.position.items) * u128::from(self.bytes) / u128::from(self.row_count.max(1));
            self.position.bytes = u64::try_from(share).unwrap_or(u64::MAX).min(self.bytes);
            let number = self.position.items;
            match self.contribution(row) {
                Ok(None) => {}
                Ok(Some(contribution)) => return Ok(Some(Ok(contribution))),
                Err(cause) => return Ok(Some(Err(anyhow!("{} row {number}: {cause:#}", self.shown)))),
            }
        }
    }

    fn position(&self) -> Position {
        self.position
    }
}

/// Damaged files make the crate panic in places; for us they are files that cannot be read.
fn guarded<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let done = catch_unwind(AssertUnwindSafe(read));
    std::panic::set_hook(told);
    done.unwrap_or_else(|_| bail!("its pages contradict each other"))
}

fn field_of(column: &str) -> Option<&'static str> {
    COLUMNS.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, field)| *field)
}

fn value_of(field: Field) -> Result<Value> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Str(text) => Value::String(text),
        Field::Bytes(bytes) => Value::String(String::from_utf8(bytes.data().to_vec())?),
        Field::ListInternal(list) => {
            Value::Array(list.elements().iter().cloned().map(value_of).collect::<Result<_>>()?)
        }
        Field::Int(number) => Value::String(number.to_string()),
        Field::Long(number) => Value::String(number.to_string()),
        Field::UInt(number) => Value::String(number.to_string()),
        Field::ULong(number) => Value::String(number.to_string()),
        _ => bail!("is neither a text, a whole number nor a list of texts"),
    })
}
