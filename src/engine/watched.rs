//! Session rows of sources that tell what was watched, not what happened: intervals.

use arrow_array::RecordBatch;
use rayon::prelude::*;

use super::order::{At, KeyStore};
use super::pool::Engine;
use super::sessions::Sessions;
use super::walk::{Ids, Session};
use crate::error::Result;
use crate::input::{Dictionaries, DropCounts, DropReason, EventBatch, EventSchema, KeyArena};
use crate::intervals::{Interval, IntervalSet};
use crate::rules::Rules;
use crate::session::SessionStats;
use crate::time::Micros;

/// What one row says.
struct Viewing {
    at: At,
    start: Micros,
    end: Micros,
    interval: Interval,
    /// Wall-clock seconds that it took.
    play_time: f64,
    duration: Option<f64>,
    /// When its session began, if sessions are cut by inactivity.
    cut_at: Option<Micros>,
}

/// The session rows of watched intervals: `batches`, all of `schema`, whose `seekFrom` is where each begins, `currentTime`
/// where it ends, `timestamp` when it began to be watched and `playbackRate` how fast. Rows that are equal in all these
/// are one, unless they are of the moment at which 1970 began: that stands for no time.
///
/// # Errors
/// If a column's type is not that of the schema, keys are far too long, or the work was stopped.
pub fn sessions_of_intervals(
    engine: &Engine,
    schema: &EventSchema,
    batches: &[RecordBatch],
    rules: &Rules,
) -> Result<Sessions> {
    let (mut store, mut rows, mut counts) = (KeyStore::default(), Vec::new(), DropCounts::default());
    for batch in batches {
        engine.check()?;
        let columns = EventBatch::bind(schema, batch, &Dictionaries::default())?;
        let mut keys = KeyArena::default();
        counts.read += batch.num_rows() as u64;
        for row in 0..batch.num_rows() {
            match viewing(&columns, row, &store, &mut keys) {
                Ok(viewing) => rows.push(viewing),
                Err(reason) => counts.add(reason, 1),
            }
        }
        store.add(keys)?;
    }
    let ids = Ids::of(schema, rules);
    let timeout = match rules.session_timeout_seconds {
        None if schema.has_session() => None,
        timeout => Some(timeout.unwrap_or(Rules::DEFAULT_SESSION_TIMEOUT)),
    };
    let sessions = engine.run(|| {
        if let Some(timeout) = timeout {
            cut(&store, &mut rows, timeout);
        }
        rows.par_sort_by(|a, b| {
            let keys = store.get(a.at).cmp(&store.get(b.at));
            keys.then_with(|| (a.cut_at, a.start).cmp(&(b.cut_at, b.start)))
                .then_with(|| a.interval.start.total_cmp(&b.interval.start))
                .then_with(|| a.interval.end.total_cmp(&b.interval.end))
                .then_with(|| a.play_time.total_cmp(&b.play_time))
        });
        let read = rows.len();
        rows.dedup_by(|a, b| is_same(&store, a, b));
        counts.add(DropReason::Duplicate, (read - rows.len()) as u64);
        let same = |a: &Viewing, b: &Viewing| store.get(a.at) == store.get(b.at) && a.cut_at == b.cut_at;
        rows.chunk_by(same).filter_map(session).collect()
    });
    Ok(Sessions::in_order(engine, store, sessions, ids, counts))
}

/// What `row` says, or why it does not count.
fn viewing(
    columns: &EventBatch,
    row: usize,
    store: &KeyStore,
    keys: &mut KeyArena,
) -> Result<Viewing, DropReason> {
    if columns.unreadable.as_ref().is_some_and(|unreadable| unreadable.value(row)) {
        return Err(DropReason::Unreadable);
    }
    let user = columns.user.get(row).ok_or(DropReason::NullKey)?;
    let video = columns.video.get(row).ok_or(DropReason::NullKey)?;
    let session = columns.session.as_ref().map_or(Some(&[][..]), |session| session.get(row));
    let start = columns.time.get(row).ok_or(DropReason::InvalidTimestamp)?;
    let extras = columns.extras(row);
    let interval = extras.seek_from.zip(columns.position.position(row)).filter(|(start, end)| start < end);
    let (from, to) = interval.ok_or(DropReason::InvalidPosition)?;
    let play_time = (to - from) / extras.rate.unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, reason = "what is too long ends with the years")]
    let end = Micros(start.0.saturating_add((play_time * 1e6) as i64).min(Micros::MAX.0));
    let fragment = keys.push([user, video, session.ok_or(DropReason::NullKey)?]);
    Ok(Viewing {
        at: store.next(fragment),
        start,
        end,
        interval: Interval { start: from, end: to },
        play_time,
        duration: extras.duration,
        cut_at: None,
    })
}

/// Says of each of `rows` when its session began: a user (or the session of one, where there are ids) begins another
/// after `timeout` seconds in which nothing plays.
fn cut(store: &KeyStore, rows: &mut [Viewing], timeout: f64) {
    let player = |row: &Viewing| {
        let [user, _, session] = store.get(row.at);
        [user, session]
    };
    rows.par_sort_by(|a, b| (player(a), a.start, a.end).cmp(&(player(b), b.start, b.end)));
    for rows in rows.chunk_by_mut(|a, b| player(a) == player(b)) {
        let mut began: Option<(Micros, Micros)> = None;
        for row in rows {
            let (first, last) = began
                .filter(|(_, last)| row.start.seconds_since(*last) <= timeout)
                .unwrap_or((row.start, row.end));
            row.cut_at = Some(first);
            began = Some((first, last.max(row.end)));
        }
    }
}

fn is_same(store: &KeyStore, a: &Viewing, b: &Viewing) -> bool {
    a.start != Micros(0)
        && (a.start, a.interval, a.play_time.to_bits()) == (b.start, b.interval, b.play_time.to_bits())
        && store.get(a.at) == store.get(b.at)
}

/// The session row of `rows`, which are all of its intervals.
fn session(rows: &[Viewing]) -> Option<Session> {
    let first = rows.first()?;
    let sum = |seconds: fn(&Viewing) -> f64| rows.iter().map(seconds).sum::<f64>().min(f64::MAX);
    let (watched, replayed) = IntervalSet::layered(rows.iter().map(|row| row.interval));
    let stats = SessionStats {
        start: rows.iter().map(|row| row.start).min()?,
        end: rows.iter().map(|row| row.end).max()?,
        event_count: i64::try_from(rows.len()).unwrap_or(i64::MAX),
        watch_time: sum(|row| row.interval.end - row.interval.start),
        play_time: sum(|row| row.play_time),
        reported_duration: rows.iter().filter_map(|row| row.duration).reduce(f64::max),
        max_position: watched.last_end().unwrap_or_default(),
        watched,
        replayed,
        ..SessionStats::default()
    };
    Some(Session { at: first.at, cut_at: first.cut_at, stats })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, StringArray};

    use super::*;
    use crate::input::{ColumnMap, ColumnSource};

    /// User, session, second, start, end and speed.
    type Row<'a> = (&'a str, Option<&'a str>, i64, f64, f64, Option<f64>);

    fn sessions(rows: &[Row<'_>], with_session: bool, rules: &Rules) -> Sessions {
        let times: Vec<_> = rows.iter().map(|row| Micros(row.2 * 1_000_000).to_string()).collect();
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("userId", Arc::new(rows.iter().map(|row| Some(row.0)).collect::<StringArray>())),
            ("timestamp", Arc::new(StringArray::from(times))),
            ("seekFrom", Arc::new(rows.iter().map(|row| row.3).collect::<Float64Array>())),
            ("currentTime", Arc::new(rows.iter().map(|row| row.4).collect::<Float64Array>())),
            ("playbackRate", Arc::new(rows.iter().map(|row| row.5).collect::<Float64Array>())),
        ];
        if with_session {
            columns.push(("sessionId", Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>())));
        }
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, column)| (name, column, true)),
        )
        .unwrap();
        let constant =
            |value: &str| Some(ColumnSource { value: Some(value.to_owned()), ..ColumnSource::default() });
        let map = ColumnMap::new([
            ("videoId".to_owned(), constant("v")),
            ("eventName".to_owned(), constant("interval")),
        ])
        .unwrap();
        let schema = EventSchema::bind(&batch.schema(), &map).unwrap();
        sessions_of_intervals(&Engine::new(Some(1)).unwrap(), &schema, &[batch], rules).unwrap()
    }

    fn rows(sessions: &Sessions) -> Vec<SessionStats> {
        sessions.rows().map(|row| row.stats.clone()).collect()
    }

    #[test]
    fn intervals_of_a_session_add_up() {
        let told = [
            ("ann", Some("s"), 0, 0.0, 60.0, None),
            ("ann", Some("s"), 100, 30.0, 90.0, Some(2.0)),
            // A retry, among what only looks like one.
            ("ann", Some("u"), 100, 30.0, 90.0, Some(2.0)),
            ("ann", Some("u"), 100, 30.0, 90.0, Some(1.0)),
            ("ann", Some("u"), 100, 30.0, 90.0, Some(2.0)),
            ("ann", Some("s"), 100, 30.0, 90.0, Some(2.0)),
            ("ann", Some("t"), 9000, 0.0, 10.0, None),
        ];
        let sessions = sessions(&told, true, &Rules::default());
        let [s, u, t] = &rows(&sessions)[..] else { panic!("three sessions") };
        assert_eq!((u.watch_time, u.event_count), (120.0, 2));
        assert_eq!((s.watch_time, s.play_time, s.watched.measure()), (120.0, 90.0, 90.0));
        assert_eq!(s.replayed, [Interval { start: 30.0, end: 60.0 }]);
        assert_eq!((s.start, s.end, s.event_count), (Micros(0), Micros(130_000_000), 2));
        assert_eq!((t.watch_time, t.max_position), (10.0, 10.0));
        assert_eq!(sessions.counts().dropped(DropReason::Duplicate), 2);
    }

    #[test]
    fn without_ids_silence_cuts() {
        let told = [
            ("ann", None, 0, 0.0, 100.0, None),
            // Half an hour after the end of the one before, and a second more.
            ("ann", None, 1900, 0.0, 1.0, None),
            ("ann", None, 3702, 0.0, 1.0, None),
            ("bob", None, 3702, 0.0, 1.0, None),
        ];
        let counts: Vec<_> = rows(&sessions(&told, false, &Rules::default()))
            .iter()
            .map(|row| (row.start.0 / 1_000_000, row.event_count))
            .collect();
        assert_eq!(counts, [(0, 2), (3702, 1), (3702, 1)]);
    }

    #[test]
    fn what_is_no_interval_is_counted() {
        let told = [
            ("", Some("s"), 0, 0.0, 60.0, None),
            ("ann", None, 0, 0.0, 60.0, None),
            ("ann", Some("s"), 0, 60.0, 60.0, None),
            ("ann", Some("s"), 0, -1.0, 60.0, None),
            ("ann", Some("s"), 0, 0.0, f64::NAN, None),
        ];
        let sessions = sessions(&told, true, &Rules::default());
        let dropped = |reason| sessions.counts().dropped(reason);
        assert_eq!((dropped(DropReason::NullKey), dropped(DropReason::InvalidPosition)), (2, 3));
        assert_eq!(rows(&sessions).len(), 0);
    }
}
