//! One user's fragments become sessions.

use std::cell::OnceCell;

use super::fragments::Chunk;
use super::record::Record;
use super::store::{At, KeyStore};
use crate::session::Cutting;
use crate::time::Micros;

/// The events of one session on one video, in order, without duplicates.
pub(super) struct Piece<'a, R> {
    /// Where the keys are.
    pub(super) at: At,
    /// The session's first event on any video, if sessions are cut by inactivity.
    pub(super) cut_at: Option<Micros>,
    pub(super) events: &'a [R],
    timeline: &'a Timeline<'a, R>,
    /// Where the next session begins.
    end: Option<Micros>,
}

impl<R: Record> Piece<'_, R> {
    /// The next strictly later event of the session, on any video.
    pub(super) fn next_later(&self, time: Micros) -> Option<Micros> {
        let times = self.timeline.times();
        let next = times.partition_point(|&t| t <= time);
        times.get(next).copied().filter(|&t| self.end.is_none_or(|end| t < end))
    }
}

/// All fragments' events, to be read user by user.
pub(super) struct UserReader<'a, R> {
    pub(super) store: &'a KeyStore,
    pub(super) chunks: &'a [Chunk<R>],
    pub(super) cutting: Cutting,
    pub(super) has_session: bool,
}

/// The sorted times of the fragments of one session id (or one user), gathered when first asked for.
struct Timeline<'a, R> {
    reader: &'a UserReader<'a, R>,
    fragments: &'a [At],
    times: OnceCell<Vec<Micros>>,
}

impl<R: Record> Timeline<'_, R> {
    fn times(&self) -> &[Micros] {
        self.times.get_or_init(|| {
            let records = self.fragments.iter().flat_map(|&at| self.reader.records(at));
            let mut times: Vec<_> = records.map(Record::time).collect();
            times.sort_unstable();
            times
        })
    }
}

impl<R: Record> UserReader<'_, R> {
    fn records(&self, at: At) -> &[R] {
        self.chunks[at.chunk as usize].records(at.fragment)
    }

    /// Visits the sessions of one user, given all of the user's fragments in order.
    pub(super) fn visit(
        &self,
        fragments: &[At],
        mut duplicate: impl FnMut(&R),
        mut visit: impl FnMut(&Piece<'_, R>),
    ) {
        let session = |at: At| self.store.get(at)[2];
        let scopes = fragments.chunk_by(|&a, &b| !self.has_session || session(a) == session(b));
        let mut events = Vec::new();
        for scope in scopes {
            let timeline = Timeline { reader: self, fragments: scope, times: OnceCell::new() };
            let starts = match self.cutting {
                Cutting::Trusted => Vec::new(),
                Cutting::Timeout(_) => self.cutting.pieces(timeline.times()),
            };
            for video in scope.chunk_by(|&a, &b| self.store.video(a) == self.store.video(b)) {
                self.gather(video, &mut events, &mut duplicate);
                Self::pieces(&events, video[0], &starts, &timeline, &mut visit);
            }
        }
    }

    /// Puts the events of one session id and video in order and takes the duplicates out.
    pub(super) fn gather(&self, fragments: &[At], events: &mut Vec<R>, duplicate: &mut impl FnMut(&R)) {
        events.clear();
        fragments.iter().for_each(|&at| events.extend_from_slice(self.records(at)));
        if !events.is_sorted() {
            events.sort_unstable();
        }
        events.dedup_by(|later, kept| {
            let same = later.same(kept);
            if same {
                duplicate(later);
            }
            same
        });
    }

    fn pieces(
        events: &[R],
        at: At,
        starts: &[Micros],
        timeline: &Timeline<'_, R>,
        visit: &mut impl FnMut(&Piece<'_, R>),
    ) {
        if starts.is_empty() {
            return visit(&Piece { at, cut_at: None, events, timeline, end: None });
        }
        let mut rest = events;
        while let Some(first) = rest.first() {
            let next = starts.partition_point(|&start| start <= first.time());
            let end = starts.get(next).copied();
            let length = end.map_or(rest.len(), |end| rest.partition_point(|record| record.time() < end));
            let (piece, later) = rest.split_at(length);
            let cut_at = next.checked_sub(1).and_then(|index| starts.get(index)).copied();
            visit(&Piece { at, cut_at, events: piece, timeline, end });
            rest = later;
        }
    }
}
