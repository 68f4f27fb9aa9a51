//! The videos table: durations and titles.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};

use super::columns::{InputColumn, InputTable};
use super::keys::{KeyColumn, KeyType};
use super::mapping::{Bound, ColumnMap};
use super::values::{NumberColumn, TextColumn};
use crate::duration::{Duration, DurationSource};
use crate::error::{Error, Result};

/// What is known of one video.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Video {
    /// Its duration, if it is a finite number above 0.
    pub duration: Option<Duration>,
    /// Its title.
    pub title: Option<String>,
}

impl Video {
    fn show(&self) -> String {
        let duration = self.duration.map_or("unknown".to_owned(), |duration| match duration.source {
            DurationSource::Metadata => format!("{} s", duration.seconds),
            source => format!("{} s, {}", duration.seconds, source.name()),
        });
        let title = self.title.as_ref().map_or("none".to_owned(), |title| format!("{title:?}"));
        format!("(duration {duration}, title {title})")
    }
}

/// What a row states of a video.
type Statement<'a> = (&'a [u8], Option<f64>, Option<&'a [u8]>, Option<&'a [u8]>);

/// Gathers what rows state of videos, batch by batch.
#[derive(Debug)]
pub struct VideoReader {
    id: Bound,
    duration: Bound,
    source: Option<Bound>,
    title: Option<Bound>,
    key: KeyType,
    videos: Videos,
}

impl VideoReader {
    /// A reader of videos tables of `schema`, whose names `map` tells.
    ///
    /// # Errors
    /// If a column is missing or of a type that cannot be read.
    pub fn of_videos(schema: &Schema, map: &ColumnMap) -> Result<Self> {
        let needed = |column| Bound::needed(map, column, InputTable::Videos, schema);
        let optional = |column| Bound::optional(map, column, InputTable::Videos, schema);
        let id = needed(InputColumn::VIDEO)?;
        let duration = needed(InputColumn::DURATION)?;
        let source = optional(InputColumn::DURATION_SOURCE)?;
        let title = optional(InputColumn::TITLE)?;
        let key = KeyType::of_column(&id, schema)?;
        let empty = schema.fields().is_empty() || id.data_type(schema)?.is_null();
        let videos = Videos { key: (!empty).then_some(key), videos: HashMap::default() };
        let mut reader = Self { id, duration, source, title, key, videos };
        // An empty batch shows every column's type before the first row is read.
        reader.read(&[RecordBatch::new_empty(schema.clone().into())])?;
        Ok(reader)
    }

    /// Takes in what the rows of `batches` state.
    ///
    /// # Errors
    /// If a type cannot be read, or two different rows are about one video.
    pub fn read(&mut self, batches: &[RecordBatch]) -> Result<()> {
        batches.iter().try_for_each(|batch| self.read_batch(batch))
    }

    fn read_batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let text = |column: &Bound| TextColumn::bind(column, &column.array(batch)?);
        let ids = KeyColumn::bind(&self.id, &self.id.array(batch)?)?;
        let durations = NumberColumn::bind(&self.duration, &self.duration.array(batch)?)?;
        let sources = self.source.as_ref().map(text).transpose()?;
        let titles = self.title.as_ref().map(text).transpose()?;
        let mut last = None;
        for row in 0..batch.num_rows() {
            let Some(id) = ids.get(row) else { continue };
            let source = sources.as_ref().and_then(|sources| sources.get(row));
            let title = titles.as_ref().and_then(|titles| titles.get(row));
            let statement: Statement<'_> = (id, durations.get(row), source, title);
            // Neighbouring session rows may be about one video, and state the same.
            if last != Some(statement) {
                self.take(statement)?;
                last = Some(statement);
            }
        }
        Ok(())
    }

    fn take(&mut self, (id, duration, source, title): Statement<'_>) -> Result<()> {
        let duration = Duration::stated(duration, DurationSource::named(source));
        let title = title.and_then(|title| std::str::from_utf8(title).ok()).map(str::to_owned);
        self.videos.add(id, Video { duration, title }, self.key)
    }

    /// What was gathered.
    #[must_use]
    pub fn finish(self) -> Videos {
        self.videos
    }
}

/// What is known of videos.
#[derive(Debug, Clone, Default)]
pub struct Videos {
    key: Option<KeyType>,
    videos: HashMap<Box<[u8]>, Video, foldhash::fast::RandomState>,
}

impl Videos {
    /// What is known of the videos in `batches` of a videos table, all of `schema`, whose names `map` tells.
    ///
    /// # Errors
    /// If a column is missing or of a type that cannot be read, or two different rows are about one video.
    pub fn read(schema: &Schema, batches: &[RecordBatch], map: &ColumnMap) -> Result<Self> {
        let mut reader = VideoReader::of_videos(schema, map)?;
        reader.read(batches)?;
        Ok(reader.finish())
    }

    /// Adds what a row states of the video `id`; `key` is the type of ids.
    fn add(&mut self, id: &[u8], video: Video, key: KeyType) -> Result<()> {
        // Session rows repeat what is known of their video, so the rule is that there is nothing to insert.
        match self.videos.get(id) {
            Some(known) if *known == video => {}
            Some(known) => {
                return Err(Error::ConflictingVideo {
                    video: key.show(id).into_owned(),
                    first: known.show(),
                    second: video.show(),
                });
            }
            None => {
                self.videos.insert(id.into(), video);
            }
        }
        Ok(())
    }

    /// Refuses videos whose ids cannot be found among keys of the type `other`.
    ///
    /// # Errors
    /// If one side has text and the other integers.
    pub fn check_key(&self, other: KeyType) -> Result<()> {
        if self.videos.is_empty() { Ok(()) } else { self.check_key_type(other) }
    }

    /// What [`Self::check_key`] says of keys of the type `other`, even if there are no videos.
    fn check_key_type(&self, other: KeyType) -> Result<()> {
        match self.key {
            Some(key) if key.noun() != other.noun() => {
                Err(Error::KeyMismatch { videos: key.noun(), events: other.noun() })
            }
            _ => Ok(()),
        }
    }

    /// Refuses a videos table of the schema `schema`, whose columns have the names of `map`, for events whose `videoId`
    /// is of the type `key`.
    ///
    /// # Errors
    /// If a column is missing or of a type that cannot be read, or one side has text as key and the other integers.
    pub fn check(schema: &Schema, map: &ColumnMap, key: &DataType) -> Result<()> {
        let videos = VideoReader::of_videos(schema, map)?.finish();
        let events = Schema::new(vec![Field::new(InputColumn::VIDEO.name, key.clone(), true)]);
        let column = Bound::needed(&ColumnMap::default(), InputColumn::VIDEO, InputTable::Events, &events)?;
        videos.check_key_type(KeyType::of_column(&column, &events)?)
    }

    /// What is known of the video `id`.
    #[must_use]
    pub fn get(&self, id: &[u8]) -> Option<&Video> {
        self.videos.get(id)
    }

    /// Whether no duration is known of the video `id`.
    #[must_use]
    pub fn lacks_duration(&self, id: &[u8]) -> bool {
        self.get(id).is_none_or(|video| video.duration.is_none())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, StringArray};

    use super::*;
    use crate::error::ErrorKind;

    type Row<'a> = (Option<&'a str>, Option<f64>, Option<&'a str>);

    fn batch(rows: &[Row<'_>]) -> RecordBatch {
        let columns: [(&str, ArrayRef); 3] = [
            ("videoId", Arc::new(rows.iter().map(|row| row.0).collect::<StringArray>())),
            ("duration", Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>())),
            ("durationSource", Arc::new(rows.iter().map(|row| row.2).collect::<StringArray>())),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
    }

    /// What rows state, `size` of them in a batch.
    fn videos(rows: &[Row<'_>], size: usize) -> Result<Videos> {
        let mut reader = VideoReader::of_videos(&batch(&[]).schema(), &ColumnMap::default())?;
        rows.chunks(size).try_for_each(|rows| reader.read(&[batch(rows)]))?;
        Ok(reader.finish())
    }

    fn duration(videos: &Videos, id: &str) -> Option<(f64, &'static str)> {
        let duration = videos.get(id.as_bytes()).unwrap().duration?;
        Some((duration.seconds, duration.source.name()))
    }

    #[test]
    fn a_duration_is_metadata_unless_it_says_otherwise() {
        let rows = [
            (Some("a"), Some(10.0), Some("estimated")),
            (Some("b"), Some(20.0), Some("metadata")),
            (Some("c"), Some(30.0), None),
            (Some("d"), Some(40.0), Some("Estimated")),
            (Some("g"), Some(60.0), Some("reported")),
            (Some("e"), Some(-1.0), Some("estimated")),
            (Some("f"), None, None),
            (None, Some(50.0), None),
            (Some("b"), Some(20.0), Some("metadata")),
        ];
        for videos in [videos(&rows, 1).unwrap(), videos(&rows, 9).unwrap()] {
            assert_eq!(duration(&videos, "a"), Some((10.0, "estimated")));
            assert_eq!(duration(&videos, "b"), Some((20.0, "metadata")));
            assert_eq!(duration(&videos, "c"), Some((30.0, "metadata")));
            assert_eq!(duration(&videos, "d"), Some((40.0, "metadata")));
            assert_eq!(duration(&videos, "g"), Some((60.0, "reported")));
            assert_eq!(duration(&videos, "e"), None);
            assert_eq!(duration(&videos, "f"), None);
            assert_eq!(videos.videos.len(), 7);
        }
    }

    #[test]
    fn rows_that_contradict_each_other_are_refused_wherever_they_stand() {
        let first = (Some("a"), Some(10.0), Some("metadata"));
        for second in [
            (Some("a"), Some(11.0), Some("metadata")),
            (Some("a"), None, Some("metadata")),
            (Some("a"), Some(10.0), Some("estimated")),
        ] {
            let between = (Some("b"), Some(10.0), None);
            for rows in [vec![first, second], vec![first, between, second]] {
                for result in [videos(&rows, 1), videos(&rows, 9)] {
                    let error = result.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Data);
                    assert!(error.to_string().contains("videoId a"), "{error}");
                }
            }
        }
    }
}
