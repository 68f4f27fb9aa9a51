//! Parquet files, read and written by several threads at a time.

mod coding;
mod reading;
mod writing;

pub use reading::{Batches, Chosen, Parquet, Part};
pub use writing::ParquetWriter;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use arrow_schema::{DataType, Schema};
    use arrow_select::concat::concat_batches;

    use super::*;

    /// Rows of two columns of text, of which one repeats, and one of numbers.
    fn rows(count: i64) -> RecordBatch {
        let text = |per: i64| -> ArrayRef {
            Arc::new((0..count).map(|n| Some((n / per).to_string())).collect::<StringArray>())
        };
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
        RecordBatch::try_from_iter([("user", text(9)), ("session", text(1)), ("number", numbers)]).unwrap()
    }

    fn written(folder: &Path, name: &str, batches: &[RecordBatch]) -> PathBuf {
        let path = folder.join(name);
        let mut writer = ParquetWriter::new(std::fs::File::create(&path).unwrap());
        batches.iter().for_each(|batch| writer.add(vec![batch.clone()]).unwrap());
        let metadata = [("made".to_owned(), "here".to_owned())].into();
        writer.finish(&batches[0].schema().as_ref().clone().with_metadata(metadata)).unwrap();
        path
    }

    fn chosen(names: &[&str], keys: &[&str]) -> Vec<Chosen> {
        let column = |&name: &&str| {
            let (own, path) = (name.to_owned(), name.to_owned());
            Chosen { own, path, is_key: keys.contains(&name) }
        };
        names.iter().map(column).collect()
    }

    fn all(files: &Parquet) -> RecordBatch {
        let batches: Vec<_> = files.batches(65_536).map(Result::unwrap).collect();
        concat_batches(&batches[0].schema(), &batches).unwrap()
    }

    #[test]
    fn what_is_written_is_read_in_parts_of_row_groups() {
        let folder = tempfile::tempdir().unwrap();
        let table = rows(300_000);
        let pieces: Vec<_> = (0..3).map(|piece| table.slice(piece * 100_000, 100_000)).collect();
        let files = Parquet::open(&[written(folder.path(), "a", &pieces)]).unwrap();
        assert_eq!(files.names().collect::<Vec<_>>(), [["user", "session", "number"]]);
        assert_eq!((files.rows(), files.parts().len()), (300_000, 3));
        assert_eq!(files.schema().metadata().get("made").map(String::as_str), Some("here"));
        let found = all(&files);
        assert!((0..3).all(|column| found.column(column) == table.column(column)));
        assert_eq!(files.rows_read(), 300_000);
    }

    #[test]
    fn text_that_repeats_comes_as_codes_unless_other_keys_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = Parquet::open(&[written(folder.path(), "a", &[rows(1_000)])]).unwrap();
        let kind = |keys: &[&str]| {
            let only = files.only(&chosen(&["session", "user"], keys), true).unwrap();
            assert_eq!(only.schema().fields().len(), 2);
            only.schema().field(0).data_type().clone()
        };
        assert!(matches!(kind(&[]), DataType::Dictionary(..)));
        assert!(matches!(kind(&["user"]), DataType::Dictionary(..)));
        assert_eq!(kind(&["user", "session"]), DataType::Utf8);
    }

    #[test]
    fn files_have_to_be_alike_in_what_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let numbers: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
        let other =
            RecordBatch::try_from_iter([("user", Arc::clone(&numbers)), ("number", numbers)]).unwrap();
        let paths = [written(folder.path(), "a", &[rows(10)]), written(folder.path(), "b", &[other])];
        let files = Parquet::open(&paths).unwrap();
        assert_eq!(all(&files.only(&chosen(&["user"], &[]), true).unwrap()).num_rows(), 11);
        let error = files.only(&chosen(&["user", "number"], &[]), true).unwrap_err().to_string();
        assert!(error.contains("/b has other columns"), "{error}");
    }

    #[test]
    fn what_is_no_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, "no Parquet at all").unwrap();
        for (path, reason) in
            [(path, "cannot be read as Parquet"), (folder.path().join("none"), "No such file")]
        {
            let error = Parquet::open(&[path]).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let none = ParquetWriter::new(std::fs::File::create(folder.path().join("empty")).unwrap());
        none.finish(&Schema::empty()).unwrap();
        assert_eq!(Parquet::open(&[folder.path().join("empty")]).unwrap().batches(9).count(), 0);
    }
}
