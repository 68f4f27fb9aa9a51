//! The events of whole users, brought together from wherever they were read, become sessions.

use std::cell::OnceCell;
use std::ops::Range;

use crate::engine::group::Record;
use crate::engine::order::{At, KeyStore, Link, Ordered, Task};
use crate::event::Event;
use crate::session::{Cutting, Inactivity};
use crate::time::Micros;

/// The events of one session on one video, in order, without duplicates.
pub(crate) struct SessionEvents<'a, R> {
    /// Where the keys are.
    pub(crate) at: At,
    /// The session's first event on any video, if sessions are cut by inactivity.
    pub(crate) cut_at: Option<Micros>,
    pub(crate) events: &'a [R],
    timeline: &'a Timeline<'a, R>,
    /// Where the next session begins.
    end: Option<Micros>,
}

impl<R: Record> SessionEvents<'_, R> {
    /// When the session's next event strictly after `time` was, on any video.
    pub(crate) fn next_later(&self, time: Micros) -> Option<Micros> {
        self.timeline.next_later(time).filter(|&t| self.end.is_none_or(|end| t < end))
    }
}

/// The sorted moments of one session id (or one user), gathered when first asked for.
struct Timeline<'a, R> {
    users: &'a Users<R>,
    groups: &'a [Group],
    moments: OnceCell<Vec<Moment>>,
}

/// When an event of a group was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    time: Micros,
    group: usize,
}

/// Among how many groups an event is looked for in each of them, rather than in a list of all moments.
const FEW_GROUPS: usize = 4;

impl<R: Record> Timeline<'_, R> {
    /// The next of its times strictly after `time`.
    fn next_later(&self, time: Micros) -> Option<Micros> {
        fn after<T>(sorted: &[T], time: Micros, of: impl Fn(&T) -> Micros) -> Option<&T> {
            sorted.get(sorted.partition_point(|item| of(item) <= time))
        }
        if self.groups.len() > FEW_GROUPS {
            return after(self.moments(), time, |moment| moment.time).map(|moment| moment.time);
        }
        let later = |group| after(self.users.events(group), time, Record::time).map(Record::time);
        self.groups.iter().filter_map(later).min()
    }

    fn moments(&self) -> &[Moment] {
        self.moments.get_or_init(|| {
            let of_group = |(group, events): (usize, &Group)| {
                self.users.events(events).iter().map(move |record| Moment { time: record.time(), group })
            };
            let mut moments: Vec<_> = self.groups.iter().enumerate().flat_map(of_group).collect();
            moments.sort_unstable();
            moments
        })
    }

    /// When each session begins, as `inactivity` tells them apart.
    fn session_starts(&self, inactivity: Inactivity) -> Vec<Micros> {
        let moments = self.moments();
        let times: Vec<_> = moments.iter().map(|moment| moment.time).collect();
        inactivity.session_starts(&times, |index| self.neighbours(&moments[..index], &moments[index..]))
    }

    /// The last event of the moments `before` a silence and the first one of those `after` it, if they are of one
    /// video. Where several are at the same time, those on the last and on the first video are.
    fn neighbours(&self, before: &[Moment], after: &[Moment]) -> Option<[Event; 2]> {
        fn at_once<'m>(
            moments: impl Iterator<Item = &'m Moment> + Clone,
        ) -> impl Iterator<Item = &'m Moment> {
            let time = moments.clone().next().map(|moment| moment.time);
            moments.take_while(move |moment| Some(moment.time) == time)
        }
        let video = |moment: &&Moment| self.users.store.video(self.groups[moment.group].first.at);
        let last = at_once(before.iter().rev()).max_by_key(video)?;
        let first = at_once(after.iter()).min_by_key(video)?;
        let events = self.users.events(self.groups.get(first.group).filter(|_| first.group == last.group)?);
        let end = events.partition_point(|record| record.time() <= last.time);
        Some([events.get(end.checked_sub(1)?)?.event(), events.get(end)?.event()])
    }
}

/// The events of one user, video and session id.
struct Group {
    /// The first of its fragments.
    first: Ordered,
    events: Range<usize>,
}

/// The events of whole users, in groups of one user, video and session id; each group is in order and has no
/// duplicates. One per thread, so that its memory is warm.
pub(crate) struct Users<R> {
    /// The keys of the task's chunks.
    pub(crate) store: KeyStore,
    groups: Vec<Group>,
    records: Vec<R>,
    /// Of each fragment, its chunk and where its events are in it.
    spans: Vec<(usize, Range<usize>)>,
}

impl<R> Default for Users<R> {
    fn default() -> Self {
        Self { store: KeyStore::default(), groups: Vec::new(), records: Vec::new(), spans: Vec::new() }
    }
}

impl<R: Record> Users<R> {
    /// Brings the events of `fragments`, which are of `task` and in order, together in place of what was here, and tells
    /// `duplicate` of each duplicate.
    ///
    /// They lie anywhere, and waiting for memory costs more than all else: so the places of all are looked up first,
    /// then all events are copied, in loops whose reads do not wait for each other.
    pub(crate) fn gather(&mut self, task: &Task<R>, fragments: &[Ordered], mut duplicate: impl FnMut(&R)) {
        let Self { groups, records, spans, .. } = self;
        let span = |&Ordered { at, .. }: &Ordered| {
            let chunk = at.chunk as usize;
            (chunk, task.chunks[chunk].span(at.fragment))
        };
        spans.clear();
        spans.extend(fragments.iter().map(span));
        groups.clear();
        records.clear();
        let mut first = 0;
        for group in fragments.chunk_by(|_, next| next.link == Link::All) {
            let start = records.len();
            for (chunk, span) in &spans[first..first + group.len()] {
                records.extend_from_slice(&task.chunks[*chunk].records[span.clone()]);
            }
            first += group.len();
            settle(records, start, &mut duplicate);
            groups.push(Group { first: group[0], events: start..records.len() });
        }
    }

    /// How many groups there are: about as many sessions come of them.
    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The events of `group`, in order.
    fn events(&self, group: &Group) -> &[R] {
        &self.records[group.events.clone()]
    }

    /// The users, in order.
    pub(crate) fn each(&self) -> impl Iterator<Item = User<'_, R>> {
        let users = self.groups.chunk_by(|_, next| next.first.link >= Link::User);
        users.map(|groups| User { users: self, groups })
    }
}

/// The groups of one user.
pub(crate) struct User<'a, R> {
    users: &'a Users<R>,
    groups: &'a [Group],
}

impl<R: Record> User<'_, R> {
    /// Tells `visit` of each session that `cutting` makes of the user's events, on the videos whose first fragment
    /// `is_wanted` accepts.
    pub(crate) fn visit(
        &self,
        cutting: Cutting,
        is_wanted: impl Fn(&Ordered) -> bool,
        mut visit: impl FnMut(&SessionEvents<'_, R>),
    ) {
        let users = self.users;
        // Without a session column all session ids are the same.
        for scope in self.groups.chunk_by(|_, next| next.first.link >= Link::Session) {
            let timeline = Timeline { users, groups: scope, moments: OnceCell::new() };
            let starts = match cutting {
                Cutting::Trusted => Vec::new(),
                Cutting::Inactivity(inactivity) => timeline.session_starts(inactivity),
            };
            for group in scope.iter().filter(|group| is_wanted(&group.first)) {
                each_session(users.events(group), group.first.at, &starts, &timeline, &mut visit);
            }
        }
    }
}

/// Puts the `records` from `start` on in order and takes the duplicates out, of each of which it tells `duplicate`.
fn settle<R: Record>(records: &mut Vec<R>, start: usize, duplicate: &mut impl FnMut(&R)) {
    let group = &mut records[start..];
    // Most often time alone decides.
    if group.array_windows().all(|[a, b]| a.time() < b.time() || a < b && !b.same(a)) {
        return;
    }
    group.sort_unstable();
    let mut kept = 0;
    for index in 1..group.len() {
        if group[index].same(&group[kept]) {
            duplicate(&group[index]);
        } else {
            kept += 1;
            group[kept] = group[index];
        }
    }
    let length = group.len().min(kept + 1);
    records.truncate(start + length);
}

/// Tells `visit` of each session among `events`, which are of one group and in order: sessions begin at `starts`, and
/// without any the group is one.
fn each_session<R: Record>(
    events: &[R],
    at: At,
    starts: &[Micros],
    timeline: &Timeline<'_, R>,
    visit: &mut impl FnMut(&SessionEvents<'_, R>),
) {
    if starts.is_empty() {
        return visit(&SessionEvents { at, cut_at: None, events, timeline, end: None });
    }
    let mut rest = events;
    while let Some(first) = rest.first() {
        let next = starts.partition_point(|&start| start <= first.time());
        let end = starts.get(next).copied();
        let length = end.map_or(rest.len(), |end| rest.partition_point(|record| record.time() < end));
        let (session, later) = rest.split_at(length);
        let cut_at = next.checked_sub(1).and_then(|index| starts.get(index)).copied();
        visit(&SessionEvents { at, cut_at, events: session, timeline, end });
        rest = later;
    }
}
