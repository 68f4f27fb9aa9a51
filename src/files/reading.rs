//! Parquet files in parts that threads read side by side: each decodes the columns in use of some rows.

use std::any::Any;
use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, Encoding, Type};
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetStatisticsPolicy, RowGroupMetaData,
};

use crate::error::{Error, Result};
use crate::input::{Step, steps};

/// How many rows a part has at most: row groups may be much larger, and threads share them.
const PART_ROWS: usize = 262_144;

/// A column that is read, or what lies in it at the end of a path.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The column's name.
    pub own: String,
    /// The path into it; its name, if all of it is read.
    pub path: String,
    /// Whether it is one of the keys, which are compared together.
    pub is_key: bool,
}

/// Parquet files, of which some columns are read.
#[derive(Debug, Clone)]
pub struct Parquet {
    files: Vec<Arc<OneFile>>,
    schema: SchemaRef,
    read: Arc<AtomicU64>,
}

/// A file, and what is read of it.
#[derive(Debug)]
struct OneFile {
    path: PathBuf,
    reading: ArrowReaderMetadata,
    mask: ProjectionMask,
}

/// Some rows of a row group.
#[derive(Debug)]
pub struct Part {
    file: Arc<OneFile>,
    group: usize,
    rows: Range<usize>,
    read: Arc<AtomicU64>,
}

/// The batches of parts, one after the other.
pub struct Batches {
    parts: VecDeque<Part>,
    /// What is read of the part at hand, and its file.
    reader: Option<(Arc<OneFile>, ParquetRecordBatchReader)>,
    rows: usize,
    read: Arc<AtomicU64>,
}

impl Parquet {
    /// The files at `paths`, with all their columns.
    ///
    /// # Errors
    /// If one cannot be opened, or holds what is not read here: it may be encrypted, or damaged.
    pub fn open(paths: &[PathBuf]) -> Result<Self> {
        let files = paths.iter().map(|path| OneFile::open(path)).collect::<Result<Vec<_>>>()?;
        let schema =
            files.first().map_or_else(|| Arc::new(Schema::empty()), |file| Arc::clone(file.reading.schema()));
        Ok(Self { files: files.into_iter().map(Arc::new).collect(), schema, read: Arc::default() })
    }

    /// The names of the columns, of each file.
    pub fn names(&self) -> impl Iterator<Item = Vec<&str>> {
        let fields = self.files.iter().map(|file| file.reading.schema().fields());
        fields.map(|fields| fields.iter().map(|field| field.name().as_str()).collect())
    }

    /// The same files, of which only what is `chosen` is read. If `may_code`, columns of text that stand in dictionaries in
    /// the files are dictionaries here; keys only if all of them are.
    ///
    /// # Errors
    /// If the files are unlike in what is chosen.
    pub fn only(&self, chosen: &[Chosen], may_code: bool) -> Result<Self> {
        let coded = if may_code { self.coded(chosen) } else { Vec::new() };
        let files = self.files.iter().map(|file| file.only(chosen, &coded).map(Arc::new));
        let files = files.collect::<Result<Vec<_>>>()?;
        let schemas = files.iter().map(|file| file.projected()).collect::<Result<Vec<_>>>()?;
        let Some((first, others)) = schemas.split_first() else { return Ok(self.clone()) };
        let unlike = |(other, file): (&SchemaRef, &Arc<OneFile>)| {
            (other.fields() != first.fields()).then(|| file.path.display().to_string())
        };
        if let Some(path) = others.iter().zip(&files[1..]).find_map(unlike) {
            return Err(Error::Source(format!("the file {path} has other columns than the first one.")));
        }
        Ok(Self { schema: Arc::clone(first), files, read: Arc::default() })
    }

    /// The names of those of the columns to be read that are read as dictionaries.
    fn coded(&self, chosen: &[Chosen]) -> Vec<String> {
        let is_coded = |column: &Chosen| {
            column.own == column.path && self.files.iter().all(|file| file.is_coded(&column.own))
        };
        let are_keys = chosen.iter().filter(|column| column.is_key).all(is_coded);
        let coded = chosen.iter().filter(|column| if column.is_key { are_keys } else { is_coded(column) });
        coded.map(|column| column.own.clone()).collect()
    }

    /// The columns that are read.
    #[must_use]
    pub const fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let rows = |file: &Arc<OneFile>| file.metadata().file_metadata().num_rows();
        self.files.iter().map(|file| u64::try_from(rows(file)).unwrap_or_default()).sum()
    }

    /// How many rows were read so far, by whoever read.
    #[must_use]
    pub fn rows_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// All rows in parts, in order.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        self.files.iter().flat_map(|file| OneFile::parts(file, &self.read)).collect()
    }

    /// All rows in order, in batches of `rows` each.
    #[must_use]
    pub fn batches(&self, rows: usize) -> Batches {
        Batches { parts: self.parts().into(), reader: None, rows, read: Arc::clone(&self.read) }
    }
}

fn options() -> ArrowReaderOptions {
    // Nothing here is left out by what statistics say, and of many files they are large.
    ArrowReaderOptions::new()
        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll)
}

impl OneFile {
    fn open(path: &Path) -> Result<Self> {
        let unreadable = |reason: &dyn std::fmt::Display| unreadable(path, reason);
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        let reading = caught(path, || {
            let plain = ArrowReaderMetadata::load(&file, options()).map_err(|error| unreadable(&error))?;
            let schema = as_read(&plain, &[]);
            if schema == *plain.schema().as_ref() {
                return Ok(plain);
            }
            typed(&plain, schema).map_err(|error| unreadable(&error))
        })?;
        if chunks(reading.metadata()).any(|chunk| matches!(chunk.compression(), Compression::LZO)) {
            return Err(unreadable(&"it is compressed by LZO"));
        }
        Ok(Self { path: path.to_owned(), reading, mask: ProjectionMask::all() })
    }

    /// The same file, of which only what is `chosen` is read, the columns of the names `coded` as dictionaries.
    fn only(&self, chosen: &[Chosen], coded: &[String]) -> Result<Self> {
        let reading = typed(&self.reading, as_read(&self.reading, coded));
        let reading = reading.map_err(|error| unreadable(&self.path, &error))?;
        let places =
            chosen.iter().map(|column| place(column, reading.schema())).collect::<Result<Vec<_>>>()?;
        let is_chosen = |leaf: &[String]| places.iter().any(|place| leaf.starts_with(place));
        let columns = reading.parquet_schema().columns().iter().enumerate();
        let leaves = columns.filter(|(_, column)| is_chosen(column.path().parts())).map(|(leaf, _)| leaf);
        let mask = ProjectionMask::leaves(reading.parquet_schema(), leaves.collect::<Vec<_>>());
        Ok(Self { path: self.path.clone(), reading, mask })
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.reading.metadata()
    }

    /// Whether the column `name` is text, and stands in a dictionary everywhere in the file.
    fn is_coded(&self, name: &str) -> bool {
        let leaves = self.reading.parquet_schema().columns().iter();
        let Some(leaf) = leaves.clone().position(|leaf| leaf.path().parts() == [name]) else { return false };
        let field = self.reading.schema().fields().iter().find(|field| field.name() == name);
        field.is_some_and(|field| text(field.data_type()).is_some())
            && self.metadata().row_groups().iter().all(|group| is_coded(group.column(leaf)))
    }

    /// The columns that are read.
    fn projected(&self) -> Result<SchemaRef> {
        let reader = self.builder()?.with_row_groups(Vec::new()).build();
        Ok(arrow_array::RecordBatchReader::schema(&reader.map_err(|error| unreadable(&self.path, &error))?))
    }

    fn builder(&self) -> Result<ParquetRecordBatchReaderBuilder<File>> {
        // A file of its own for each reader: threads would move each other's place in a shared one.
        let file = File::open(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.reading.clone());
        Ok(builder.with_projection(self.mask.clone()))
    }

    fn parts(file: &Arc<Self>, read: &Arc<AtomicU64>) -> Vec<Part> {
        let rows = |group: usize| file.metadata().row_group(group).num_rows();
        let cut = |group: usize| {
            let rows = usize::try_from(rows(group)).unwrap_or_default();
            (0..rows).step_by(PART_ROWS).map(move |start| (group, start..rows.min(start + PART_ROWS)))
        };
        let ranges = (0..file.metadata().num_row_groups()).flat_map(cut);
        ranges
            .map(|(group, rows)| Part { file: Arc::clone(file), group, rows, read: Arc::clone(read) })
            .collect()
    }
}

/// The same file as `reading` tells, read as `schema`.
fn typed(reading: &ArrowReaderMetadata, schema: Schema) -> parquet::errors::Result<ArrowReaderMetadata> {
    ArrowReaderMetadata::try_new(Arc::clone(reading.metadata()), options().with_schema(Arc::new(schema)))
}

/// As what a file is read: the columns of the names `coded` as dictionaries, no others, and instants of 96 bits in
/// microseconds, as which more years fit.
fn as_read(reading: &ArrowReaderMetadata, coded: &[String]) -> Schema {
    let leaves = reading.parquet_schema().columns();
    let physical = |name: &str| {
        let leaf = leaves.iter().find(|leaf| leaf.path().parts() == [name]);
        leaf.map(|leaf| leaf.physical_type())
    };
    let field = |field: &Arc<Field>| {
        let data_type = match (field.data_type(), text(field.data_type())) {
            (_, Some(text)) if coded.contains(field.name()) => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(text))
            }
            // Views and codes of few bits are nothing that every reader of batches knows.
            (DataType::Dictionary(..) | DataType::Utf8View, Some(text)) => text,
            (DataType::Timestamp(_, zone), _) if physical(field.name()) == Some(Type::INT96) => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            (other, _) => other.clone(),
        };
        field.as_ref().clone().with_data_type(data_type)
    };
    let fields: Vec<_> = reading.schema().fields().iter().map(field).collect();
    Schema::new_with_metadata(fields, reading.schema().metadata().clone())
}

/// The type of text, or of the values of a dictionary of text.
fn text(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Utf8 | DataType::Utf8View => Some(DataType::Utf8),
        DataType::LargeUtf8 => Some(DataType::LargeUtf8),
        DataType::Dictionary(_, values) => text(values),
        _ => None,
    }
}

fn chunks(metadata: &ParquetMetaData) -> impl Iterator<Item = &ColumnChunkMetaData> {
    metadata.row_groups().iter().flat_map(RowGroupMetaData::columns)
}

/// Whether all pages of a column chunk hold codes.
fn is_coded(chunk: &ColumnChunkMetaData) -> bool {
    let only_codes = |mask: &parquet::basic::EncodingMask| {
        mask.is_only(Encoding::PLAIN_DICTIONARY) || mask.is_only(Encoding::RLE_DICTIONARY)
    };
    chunk.num_values() == 0
        || chunk.dictionary_page_offset().is_some()
            && chunk.page_encoding_stats_mask().is_some_and(only_codes)
}

/// Where `column` is in a file of `schema`: its name, and the names of the structs' fields that its path leads through.
fn place(column: &Chosen, schema: &Schema) -> Result<Vec<String>> {
    let mut place = vec![column.own.clone()];
    if column.own == column.path {
        return Ok(place);
    }
    let mut fields = schema.fields();
    let mut name = column.own.clone();
    for step in steps(&column.path)?.into_iter().skip(1) {
        let field = fields.iter().find(|field| *field.name() == name);
        let (Some(DataType::Struct(inner)), Step::Field(next)) = (field.map(|field| field.data_type()), step)
        else {
            break;
        };
        place.push(next.clone());
        (fields, name) = (inner, next);
    }
    Ok(place)
}

impl Part {
    fn open(&self, batch_rows: usize) -> Result<ParquetRecordBatchReader> {
        let builder = self.file.builder()?.with_row_groups(vec![self.group]);
        let builder = builder.with_offset(self.rows.start).with_limit(self.rows.len());
        let builder = builder.with_batch_size(batch_rows);
        builder.build().map_err(|error| unreadable(&self.file.path, &error))
    }

    /// Its rows, in batches of `rows` each.
    #[must_use]
    pub fn batches(self, rows: usize) -> Batches {
        Batches { read: Arc::clone(&self.read), parts: VecDeque::from([self]), reader: None, rows }
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        loop {
            if self.reader.is_none() {
                let part = self.parts.pop_front()?;
                match caught(&part.file.path, || part.open(self.rows)) {
                    Ok(reader) => self.reader = Some((part.file, reader)),
                    Err(error) => return Some(self.failed(error)),
                }
            }
            let (file, reader) = self.reader.as_mut()?;
            let read = caught(&file.path, || {
                reader.next().transpose().map_err(|error| unreadable(&file.path, &error))
            });
            match read {
                Ok(Some(batch)) => {
                    self.read.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
                    return Some(Ok(batch));
                }
                Ok(None) => self.reader = None,
                Err(error) => return Some(self.failed(error)),
            }
        }
    }
}

impl Batches {
    /// Nothing follows an error.
    fn failed(&mut self, error: Error) -> Result<RecordBatch> {
        (self.reader, self.parts) = (None, VecDeque::new());
        Err(error)
    }
}

/// What `work` on the file at `path` gives. A file may be damaged in ways that its reader does not foresee.
fn caught<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let told = |panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref().map(String::as_str));
        unreadable(path, &text.unwrap_or("it contradicts itself"))
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(told(panic)))
}

fn unreadable(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::Source(format!(
        "{} cannot be read as Parquet: {reason}. If other readers cannot read it either, write it anew.",
        path.display()
    ))
}
