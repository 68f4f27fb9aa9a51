//! The videos table: durations and titles.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use super::columns::{Bound, ColumnMap, InputColumn, InputTable};
use super::events::key_type;
use super::keys::{KeyColumn, KeyType};
use super::values::{NumberColumn, TextColumn};
use crate::engagement::Duration;
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
        let duration = self.duration.map_or("unknown".to_owned(), |d| format!("{} s", d.seconds));
        let title = self.title.as_ref().map_or("none".to_owned(), |title| format!("{title:?}"));
        format!("(duration {duration}, title {title})")
    }
}

/// What is known of videos.
#[derive(Debug, Clone, Default)]
pub struct Videos {
    key: Option<KeyType>,
    videos: HashMap<Box<[u8]>, Video, foldhash::fast::RandomState>,
}

impl Videos {
    /// Reads the videos table from its batches, all of that schema.
    ///
    /// # Errors
    /// If a column is missing or of a type that cannot be read, or two different rows are about one video.
    pub fn read(schema: &Schema, batches: &[RecordBatch], map: &ColumnMap) -> Result<Self> {
        let table = InputTable::Videos;
        let id = Bound::needed(map, InputColumn::VIDEO, table, schema)?;
        let duration = Bound::needed(map, InputColumn::DURATION, table, schema)?;
        let title = Bound::optional(map, InputColumn::TITLE, table, schema)?;
        let key = key_type(&id, schema)?;
        let empty = schema.fields().is_empty() || schema.field(id.index).data_type().is_null();
        let mut videos = Self { key: (!empty).then_some(key), videos: HashMap::default() };
        for batch in batches {
            let ids = KeyColumn::bind(&id, id.array(batch)?)?;
            let durations = NumberColumn::bind(&duration, duration.array(batch)?)?;
            let titles =
                title.as_ref().map(|title| TextColumn::bind(title, title.array(batch)?)).transpose()?;
            for row in 0..batch.num_rows() {
                let Some(id) = ids.get(row) else { continue };
                let title = titles.as_ref().and_then(|titles| titles.text(row)).map(str::to_owned);
                videos.add(
                    id,
                    Video { duration: Duration::from_metadata(durations.get(row)), title },
                    key,
                )?;
            }
        }
        Ok(videos)
    }

    fn add(&mut self, id: &[u8], video: Video, key: KeyType) -> Result<()> {
        match self.videos.entry(id.into()) {
            Entry::Vacant(entry) => {
                entry.insert(video);
            }
            Entry::Occupied(entry) if *entry.get() != video => {
                return Err(Error::ConflictingVideo {
                    video: key.show(id).into_owned(),
                    first: entry.get().show(),
                    second: video.show(),
                });
            }
            Entry::Occupied(_) => {}
        }
        Ok(())
    }

    /// Refuses videos whose keys cannot be found among keys of that type.
    ///
    /// # Errors
    /// If one side has text and the other integers.
    pub fn check_key(&self, other: KeyType) -> Result<()> {
        match self.key {
            Some(key) if !self.videos.is_empty() && key.noun() != other.noun() => {
                Err(Error::KeyMismatch { videos: key.noun(), events: other.noun() })
            }
            _ => Ok(()),
        }
    }

    /// What is known of that video.
    #[must_use]
    pub fn get(&self, id: &[u8]) -> Option<&Video> {
        self.videos.get(id)
    }
}
