//! One user's events on one video, and how each was judged.

use std::collections::HashMap;

use arrow_array::{RecordBatch, UInt64Array};
use arrow_select::take::take_record_batch;

use super::group::{Chunk, Grouper, Numbered, Record, Rejects, SLICE_ROWS, in_slices};
use super::pool::Engine;
use super::walk::{Partition, SessionEvents, Users};
use crate::error::Result;
use crate::event::{Event, EventKind, Vocabulary};
use crate::input::{Cleaner, Dictionaries, DropReason, EventBatch, EventSchema};
use crate::output::{ExplanationRow, Sums, explanation_table};
use crate::rules::Rules;
use crate::session::{Cutting, SessionStats, Tally};
use crate::time::Micros;
use crate::walk::{Finding, Tell, Walker};

/// The row number of what follows from a session's end rather than from an event.
const NO_ROW: i64 = -1;

/// What an event looked like before it was judged.
struct Seen {
    time: Option<Micros>,
    event_name: Option<String>,
    position: Option<f64>,
}

/// Collects one user's events on one video, batch by batch, and tells how each was judged.
pub struct Explanation<'e> {
    engine: &'e Engine,
    schema: EventSchema,
    vocabulary: Vocabulary,
    user: Vec<u8>,
    video: Vec<u8>,
    /// The user's events on the video, by the numbers of their rows.
    seen: HashMap<u64, Seen>,
    /// The user's accepted events on all videos, which decide where sessions are cut.
    chunks: Vec<Chunk<Numbered>>,
    dropped: Rejects,
    grouper: Grouper<Numbered>,
    /// The values of the keys' dictionaries in the batch that was taken in last, which the next one mostly shares.
    dictionaries: Dictionaries,
    /// How many rows were read.
    read: u64,
}

impl<'e> Explanation<'e> {
    /// No events yet of `user` on `video`, which are keys as the columns of `schema` hold them.
    #[must_use]
    pub fn new(
        engine: &'e Engine,
        schema: EventSchema,
        vocabulary: Vocabulary,
        [user, video]: [Vec<u8>; 2],
    ) -> Self {
        Self {
            engine,
            schema,
            vocabulary,
            user,
            video,
            seen: HashMap::new(),
            chunks: Vec::new(),
            dropped: Rejects::new(usize::MAX),
            grouper: Grouper::default(),
            dictionaries: Dictionaries::default(),
            read: 0,
        }
    }

    /// Takes in `batches`: all that follow those taken in before.
    ///
    /// # Errors
    /// If a column's type is not that of the schema, or the work was stopped.
    pub fn push(&mut self, batches: &[RecordBatch]) -> Result<()> {
        batches.iter().try_for_each(|batch| self.push_batch(batch))
    }

    fn push_batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = EventBatch::bind(&self.schema, batch, &self.dictionaries)?;
        self.dictionaries = columns.dictionaries();
        let mut rows = Vec::new();
        for slice in in_slices(batch.num_rows()) {
            self.engine.check()?;
            rows.extend(slice.filter(|&row| columns.user.get(row) == Some(&self.user)));
        }
        for &row in rows.iter().filter(|&&row| columns.video.get(row) == Some(&self.video)) {
            self.seen.insert(self.read + row as u64, Seen::read(&columns, row));
        }
        rows.chunks(SLICE_ROWS).try_for_each(|rows| self.group(batch, rows))?;
        self.read += batch.num_rows() as u64;
        Ok(())
    }

    /// Groups `rows`, which are the numbers of the user's rows in `batch`: a slice at most.
    fn group(&mut self, batch: &RecordBatch, rows: &[usize]) -> Result<()> {
        self.engine.check()?;
        let wanted: UInt64Array = rows.iter().map(|&row| row as u64).collect();
        let columns =
            EventBatch::bind(&self.schema, &take_record_batch(batch, &wanted)?, &self.dictionaries)?;
        let (cleaner, number) =
            (Cleaner { vocabulary: &self.vocabulary }, |row: usize| self.read + rows[row] as u64);
        self.chunks.extend(self.grouper.group(&columns, number, cleaner, &mut self.dropped)?.0);
        Ok(())
    }

    /// The explanation table under `rules`: the events session by session, in the order in which these began, each with
    /// its verdict, then the dropped ones.
    ///
    /// # Errors
    /// If the work was stopped.
    pub fn table(mut self, rules: &Rules) -> Result<RecordBatch> {
        let mut dropped: Vec<_> = self.dropped.rows.iter().map(|&(reason, row)| (row, reason)).collect();
        dropped.retain(|(row, _)| self.seen.contains_key(row));
        let partition = Partition::new(self.engine, std::mem::take(&mut self.chunks));
        let (schema, video, seen) = (&self.schema, &self.video[..], self.seen);
        let mut explainer = Explainer { schema, rules, video, seen, rows: Vec::new(), sessions: Vec::new() };
        explainer.walk(self.engine, &partition, &mut dropped)?;
        explainer.sessions.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        explainer.rows = explainer.sessions.drain(..).flat_map(|(_, _, rows)| rows).collect();
        dropped.sort_unstable();
        for (row, reason) in dropped {
            explainer.push(row, None, format!("dropped: {}", reason.name()), None, None);
        }
        explanation_table().batch(&explainer.rows, self.schema.keys())
    }
}

impl Seen {
    /// What `row` says, as it was sent.
    fn read(columns: &EventBatch, row: usize) -> Self {
        Self {
            time: columns.time.get(row),
            event_name: columns.name.text(row).map(str::to_owned),
            position: columns.position.get(row),
        }
    }
}

struct Explainer<'a> {
    schema: &'a EventSchema,
    rules: &'a Rules,
    video: &'a [u8],
    seen: HashMap<u64, Seen>,
    rows: Vec<ExplanationRow>,
    /// The rows of each session, with when it began and its name: what orders them.
    sessions: Vec<(Micros, String, Vec<ExplanationRow>)>,
}

impl Explainer<'_> {
    fn walk(
        &mut self,
        engine: &Engine,
        partition: &Partition<Numbered>,
        dropped: &mut Vec<(u64, DropReason)>,
    ) -> Result<()> {
        let has_session = self.schema.has_session();
        let cutting = Cutting::new(self.rules, has_session);
        let (mut users, mut duplicates) = (Users::default(), Vec::new());
        for task in &partition.tasks {
            engine.check()?;
            users.store = task.store();
            let fragments = task.ordered(&users.store, |video| video == self.video);
            users.gather(task, &fragments, |record| duplicates.push(record.row));
            for user in users.each() {
                user.visit(
                    cutting,
                    |fragment| fragment.is_marked,
                    |session| {
                        let id = users.store.get(session.at)[2];
                        self.session(session, &self.session_id(id, session.cut_at));
                    },
                );
            }
        }
        let duplicates = duplicates.into_iter().filter(|row| self.seen.contains_key(row));
        dropped.extend(duplicates.map(|row| (row, DropReason::Duplicate)));
        Ok(())
    }

    /// The name of a session of the session id `id`, as session rows show it; one that inactivity cut begins at
    /// `cut_at`.
    fn session_id(&self, id: &[u8], cut_at: Option<Micros>) -> String {
        let id = self.schema.keys().session.show(id);
        match cut_at {
            None => id.into_owned(),
            Some(time) if self.schema.has_session() => format!("{id}@{time}"),
            Some(time) => time.to_string(),
        }
    }

    fn session(&mut self, session: &SessionEvents<'_, Numbered>, id: &str) {
        let mut stats = SessionStats::default();
        let mut tally = Tally::new(&mut stats);
        let mut walker = Walker::new(self.rules, |time| session.next_later(time));
        for record in session.events {
            let event = record.event();
            // What counts does so by the position that was accepted, or without one.
            if let Some(seen) = self.seen.get_mut(&record.row) {
                seen.position = event.position;
            }
            let mut verdicts = Vec::new();
            walker.step(&event, &mut |finding| {
                tally.tell(finding);
                verdicts.extend(verdict(finding));
            });
            if verdicts.is_empty() {
                verdicts.push(silent(&event));
            }
            let playing = Some(walker.is_playing());
            self.push(record.row, Some(id), verdicts.join("; "), playing, Some(sums(tally.stats(), &walker)));
        }
        let mut verdicts = Vec::new();
        let sums = sums(tally.stats(), &walker);
        walker.finish(&mut |finding| verdicts.extend(verdict(finding)));
        if !verdicts.is_empty() {
            self.rows.push(ExplanationRow {
                row: NO_ROW,
                time: None,
                session: Some(id.to_owned()),
                event_name: None,
                position: None,
                verdict: format!("the session ends while playing: {}", verdicts.join("; ")),
                playing: Some(true),
                sums: Some(sums),
            });
        }
        let began = session.events.first().map(Record::time).unwrap_or_default();
        self.sessions.push((began, id.to_owned(), std::mem::take(&mut self.rows)));
    }

    fn push(
        &mut self,
        row: u64,
        session: Option<&str>,
        verdict: String,
        playing: Option<bool>,
        sums: Option<Sums>,
    ) {
        let seen = self.seen.remove(&row);
        let (time, event_name, position) =
            seen.map_or((None, None, None), |seen| (seen.time, seen.event_name, seen.position));
        self.rows.push(ExplanationRow {
            row: i64::try_from(row).unwrap_or(NO_ROW),
            time,
            session: session.map(str::to_owned),
            event_name,
            position,
            verdict,
            playing,
            sums,
        });
    }
}

/// `seconds` as text, with at most three decimals.
fn show(seconds: f64) -> String {
    let rounded = (seconds * 1000.0).round() / 1000.0;
    format!("{rounded} s")
}

/// What was counted so far in `stats`, and of the run that `walker` is in.
fn sums<N: FnMut(Micros) -> Option<Micros>>(stats: &SessionStats, walker: &Walker<'_, N>) -> Sums {
    Sums {
        watch_time: stats.watch_time,
        play_time: stats.play_time + walker.run_seconds(),
        lead: walker.lead(),
    }
}

/// What `finding` says, as people read it; of play time a column tells.
fn verdict(finding: Finding) -> Option<String> {
    Some(match finding {
        Finding::Watched(segment) => {
            let length = show(segment.end - segment.start);
            format!("watched {} to {} ({length})", show(segment.start), show(segment.end))
        }
        Finding::Played(_) => return None,
        Finding::Unobserved(stretch) => {
            format!("up to {} from {} unobserved", show(stretch.seconds), show(stretch.start))
        }
        Finding::ForwardSkip(d) => format!("skip forward by {}", show(d)),
        Finding::BackwardSkip(d) => format!("skip backward by {}", show(d)),
        Finding::Rejected { moved, .. } if moved < 0.0 => {
            format!("rejected: the position moved back by {}, which is no playback", show(-moved))
        }
        Finding::Rejected { moved, allowed } => format!(
            "rejected: the position moved by {}, and playback can have moved it by {} at most",
            show(moved),
            show(allowed.max(0.0))
        ),
        Finding::OpenSegment => "open segment: playback went on and its stop was never seen".to_owned(),
        Finding::Ended(position) => format!("ended at {}", show(position)),
    })
}

/// What to say of an event that shows nothing watched and nothing wrong.
fn silent(event: &Event) -> String {
    let what = match event.kind {
        EventKind::Heartbeat => "sign of life",
        EventKind::SeekStart => "seek begins",
        EventKind::Pause => "pause",
        EventKind::Close => "player closed",
        EventKind::End => "end",
        EventKind::Seek => "seek",
        EventKind::RateChange => "speed change",
        EventKind::Play | EventKind::Resume => "playback starts",
    };
    if event.position.is_some() { what.to_owned() } else { format!("{what}, at an unknown position") }
}
