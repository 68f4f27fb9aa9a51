//! Tables as Parquet files: the columns of row groups are encoded side by side.

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Field, FieldRef, Schema, SchemaRef};
use arrow_select::concat::concat;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::arrow::{ArrowSchemaConverter, encode_arrow_schema};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;
use rayon::prelude::*;

use super::coding::repeats;
use crate::error::{Error, Result};

/// How many rows a row group has.
const GROUP_ROWS: usize = 131_072;
/// Under which key readers of Arrow find the types that columns had.
const ARROW_SCHEMA: &str = "ARROW:schema";

/// A Parquet file in the making.
pub struct ParquetWriter<W: Write + Send> {
    sink: Option<W>,
    /// The file, once there is a row group.
    file: Option<Open<W>>,
    /// Rows that are no row group yet.
    waiting: Vec<RecordBatch>,
    rows: u64,
}

struct Open<W: Write + Send> {
    file: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    groups: usize,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// A file whose bytes go to `sink`.
    pub const fn new(sink: W) -> Self {
        Self { sink: Some(sink), file: None, waiting: Vec::new(), rows: 0 }
    }

    /// How many rows were added.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds `batches`, which are all of the same columns. Whole row groups are encoded by the threads of the pool in which
    /// this is called.
    ///
    /// # Errors
    /// If a type has no counterpart in Parquet, or the sink fails.
    pub fn add(&mut self, batches: Vec<RecordBatch>) -> Result<()> {
        self.rows += batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
        self.waiting.extend(batches.into_iter().filter(|batch| batch.num_rows() > 0));
        let groups = self.whole_groups();
        self.write(&groups)
    }

    /// Writes the last rows and ends the file, which is of `schema` with its metadata.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn finish(mut self, schema: &Schema) -> Result<()> {
        let last = std::mem::take(&mut self.waiting);
        if !last.is_empty() {
            self.write(&[last])?;
        }
        let mut open = match self.file {
            Some(open) => open,
            None => Open::new(self.sink.take().ok_or_else(twice)?, &[], &Arc::new(schema.clone()))?,
        };
        let mut entries: Vec<_> = schema.metadata().iter().collect();
        entries.sort();
        for (key, value) in entries {
            open.file.append_key_value_metadata(KeyValue::new(key.clone(), value.clone()));
        }
        let arrow = KeyValue::new(ARROW_SCHEMA.to_owned(), encode_arrow_schema(schema));
        open.file.append_key_value_metadata(arrow);
        open.file.close().map_err(failed)?;
        Ok(())
    }

    /// The waiting rows in groups of so many as a row group has; what is left waits on.
    fn whole_groups(&mut self) -> Vec<Vec<RecordBatch>> {
        let (mut groups, mut group, mut rows) = (Vec::new(), Vec::new(), 0);
        for mut batch in std::mem::take(&mut self.waiting) {
            while rows + batch.num_rows() >= GROUP_ROWS {
                let missing = GROUP_ROWS - rows;
                group.push(batch.slice(0, missing));
                groups.push(std::mem::take(&mut group));
                (batch, rows) = (batch.slice(missing, batch.num_rows() - missing), 0);
            }
            if batch.num_rows() > 0 {
                rows += batch.num_rows();
                group.push(batch);
            }
        }
        self.waiting = group;
        groups
    }

    fn write(&mut self, groups: &[Vec<RecordBatch>]) -> Result<()> {
        let Some(first) = groups.first() else { return Ok(()) };
        let open = match &mut self.file {
            Some(open) => open,
            empty => {
                let sink = self.sink.take().ok_or_else(twice)?;
                empty.insert(Open::new(sink, first, first[0].schema_ref())?)
            }
        };
        open.write(groups)
    }
}

impl<W: Write + Send> Open<W> {
    /// A file of `schema`, whose columns are like those of `batches`.
    fn new(sink: W, batches: &[RecordBatch], schema: &SchemaRef) -> Result<Self> {
        // What the schema says beyond the fields is known at the end, and written then.
        let schema = Arc::new(Schema::new(schema.fields().clone()));
        let columns = ArrowSchemaConverter::new().with_coerce_types(true).convert(&schema).map_err(failed)?;
        let properties = Arc::new(properties(&columns, batches));
        let file = SerializedFileWriter::new(sink, columns.root_schema_ptr(), properties).map_err(failed)?;
        let factory = ArrowRowGroupWriterFactory::new(&file, Arc::clone(&schema));
        Ok(Self { file, factory, schema, groups: 0 })
    }

    /// Writes `groups`, each as a row group: some are encoded while those before them go to the sink.
    #[expect(clippy::disallowed_methods, reason = "it is the pool in which rows are added")]
    fn write(&mut self, groups: &[Vec<RecordBatch>]) -> Result<()> {
        let mut ready = Vec::new();
        for groups in groups.chunks(rayon::current_num_threads()) {
            let columns = self.columns(groups)?;
            let (written, next) = rayon::join(|| append(&mut self.file, ready), || encoded(columns));
            written.map_err(failed)?;
            let (mut next, count) = (next.map_err(failed)?.into_iter(), self.schema.fields().len());
            ready = groups.iter().map(|_| next.by_ref().take(count).flatten().collect()).collect();
        }
        append(&mut self.file, ready).map_err(failed)
    }

    /// All columns of `groups`, which are the next ones, group by group.
    fn columns<'b>(&mut self, groups: &'b [Vec<RecordBatch>]) -> Result<Vec<Column<'b>>> {
        let mut columns = Vec::new();
        for batches in groups {
            let mut writers = self.factory.create_column_writers(self.groups).map_err(failed)?.into_iter();
            self.groups += 1;
            for (index, field) in self.schema.fields().iter().enumerate() {
                let leaves = leaves(field, batches[0].column(index))?;
                let writers = writers.by_ref().take(leaves).collect();
                columns.push(Column { batches, index, field: Arc::clone(field), writers });
            }
        }
        Ok(columns)
    }
}

/// A column of a row group, to be encoded.
struct Column<'b> {
    batches: &'b [RecordBatch],
    index: usize,
    field: FieldRef,
    /// Those of its leaves.
    writers: Vec<ArrowColumnWriter>,
}

impl Column<'_> {
    /// Its chunks, which do not depend on how its rows came in batches.
    fn encoded(mut self) -> parquet::errors::Result<Vec<ArrowColumnChunk>> {
        let arrays: Vec<_> = self.batches.iter().map(|batch| batch.column(self.index)).collect();
        let whole = concat(&arrays.iter().map(AsRef::as_ref).collect::<Vec<_>>());
        // Two gigabytes of text have no room in one array.
        let arrays = whole.as_ref().map_or(arrays, |whole| vec![whole]);
        for array in arrays {
            for (writer, leaf) in self.writers.iter_mut().zip(compute_leaves(&self.field, array)?) {
                writer.write(&leaf)?;
            }
        }
        self.writers.into_iter().map(ArrowColumnWriter::close).collect()
    }
}

/// The chunks of each of `columns`, in order.
fn encoded(columns: Vec<Column<'_>>) -> parquet::errors::Result<Vec<Vec<ArrowColumnChunk>>> {
    columns.into_par_iter().with_max_len(1).map(Column::encoded).collect()
}

/// Adds row groups of these chunks to `file`.
fn append<W: Write + Send>(
    file: &mut SerializedFileWriter<W>,
    groups: Vec<Vec<ArrowColumnChunk>>,
) -> parquet::errors::Result<()> {
    for chunks in groups {
        let mut group = file.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
    }
    Ok(())
}

fn properties(columns: &SchemaDescriptor, batches: &[RecordBatch]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_coerce_types(true)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for (column, repeats) in columns.columns().iter().zip(repeats(batches)) {
        properties = properties.set_column_dictionary_enabled(column.path().clone(), repeats);
    }
    properties.build()
}

/// How many columns of Parquet the column of `field` becomes.
fn leaves(field: &Field, array: &ArrayRef) -> Result<usize> {
    Ok(compute_leaves(field, &array.slice(0, 0)).map_err(failed)?.len())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what a result hands over")]
fn failed(error: ParquetError) -> Error {
    Error::Source(format!("the table cannot be written as Parquet: {error}"))
}

fn twice() -> Error {
    Error::Internal("a file was begun twice".to_owned())
}
