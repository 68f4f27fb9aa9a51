//! How a column is defined, and how rows become arrays.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Fields, Schema, SchemaRef};

use super::cells::Cells;
use super::value::Value;
use crate::error::Result;
use crate::input::KeyTypes;

/// One column of a table of `R`.
pub struct Column<R> {
    /// Its name.
    pub name: &'static str,
    /// Its unit, or empty.
    pub unit: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Where its value comes from.
    pub value: Value<R>,
}

/// A column as documentation sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name.
    pub name: &'static str,
    /// Its type, as documentation prints it.
    pub type_name: String,
    /// Whether it can be null.
    pub nullable: bool,
    /// Its unit, or empty.
    pub unit: &'static str,
    /// What it means.
    pub doc: &'static str,
}

/// A table of `R`: its columns, in order.
pub struct Table<R> {
    columns: Vec<Column<R>>,
}

impl<R> Table<R> {
    /// A table of these columns.
    #[must_use]
    pub const fn new(columns: Vec<Column<R>>) -> Self {
        Self { columns }
    }

    /// Its columns as documentation sees them.
    #[must_use]
    pub fn specs(&self) -> Vec<ColumnSpec> {
        self.columns.iter().map(Column::spec).collect()
    }

    /// Its Arrow schema, for keys of these types.
    #[must_use]
    pub fn schema(&self, keys: KeyTypes) -> SchemaRef {
        let fields = self
            .columns
            .iter()
            .map(|column| Field::new(column.name, column.value.data.data_type(keys), column.value.nullable));
        Arc::new(Schema::new(fields.collect::<Fields>()))
    }

    /// Batches in the making.
    #[must_use]
    pub fn building<'t>(&'t self, keys: KeyTypes, scratch: &'t mut Scratch) -> Building<'t, R> {
        if scratch.0.len() != self.columns.len() {
            *scratch = self.scratch(keys);
        }
        Building { table: self, keys, scratch, rows: 0, full: Vec::new() }
    }

    /// A batch of these rows.
    ///
    /// # Errors
    /// If a text is not one, or a batch cannot hold them: a fault of this crate.
    pub fn batch(&self, rows: &[R], keys: KeyTypes) -> Result<RecordBatch> {
        let mut scratch = self.scratch(keys);
        self.fill(rows, &mut scratch)?;
        self.take(&mut scratch, keys)
    }

    /// Adds rows to the cells of all columns.
    fn fill(&self, rows: &[R], Scratch(cells): &mut Scratch) -> Result<()> {
        self.columns.iter().zip(cells).try_for_each(|(column, cells)| (column.value.fill)(rows, cells))
    }

    /// The batch of cells that are full.
    fn take(&self, Scratch(cells): &mut Scratch, keys: KeyTypes) -> Result<RecordBatch> {
        let columns = self.columns.iter().zip(cells);
        let arrays = columns.map(|(column, cells)| cells.take(column.name)).collect::<Result<_>>()?;
        Ok(RecordBatch::try_new(self.schema(keys), arrays)?)
    }

    fn scratch(&self, keys: KeyTypes) -> Scratch {
        Scratch(self.columns.iter().map(|column| Cells::new(column.value.data, keys)).collect())
    }
}

impl<R> Column<R> {
    fn spec(&self) -> ColumnSpec {
        ColumnSpec {
            name: self.name,
            type_name: self.value.data.name(),
            nullable: self.value.nullable,
            unit: self.unit,
            doc: self.doc,
        }
    }
}

/// A count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "counts of events and users are far below 2^53")]
pub(super) fn to_float(count: i64) -> f64 {
    count as f64
}

/// The memory in which batches of one table are made, one after the other. One per thread, so that it is warm.
#[derive(Default)]
pub struct Scratch(Vec<Cells>);

/// Batches of a table in the making: rows come in blocks, so that a block is still in cache for every column.
pub struct Building<'t, R> {
    table: &'t Table<R>,
    keys: KeyTypes,
    scratch: &'t mut Scratch,
    rows: usize,
    full: Vec<RecordBatch>,
}

/// How many rows a batch has at most, about.
const BATCH_ROWS: usize = 65_536;
/// How many bytes of text a column has in a batch at most, but for those of one block of rows: its offsets have 32 bits.
const BATCH_TEXT: usize = 1 << 30;

impl<R> Building<'_, R> {
    /// Adds rows.
    ///
    /// # Errors
    /// If a batch cannot hold them: text of more than 2 GiB in one block of rows, or a fault of this crate.
    pub fn add(&mut self, rows: &[R]) -> Result<()> {
        if self.rows >= BATCH_ROWS || self.scratch.0.iter().any(|cells| cells.text() >= BATCH_TEXT) {
            self.end_batch()?;
        }
        self.rows += rows.len();
        self.table.fill(rows, self.scratch)
    }

    /// The batches; none without rows.
    ///
    /// # Errors
    /// If a text is not one, or a batch cannot hold the rows: a fault of this crate.
    pub fn finish(mut self) -> Result<Vec<RecordBatch>> {
        if self.rows > 0 {
            self.end_batch()?;
        }
        Ok(self.full)
    }

    fn end_batch(&mut self) -> Result<()> {
        self.rows = 0;
        self.full.push(self.table.take(self.scratch, self.keys)?);
        Ok(())
    }
}
