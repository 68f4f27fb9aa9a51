//! Ordering fragments by their keys, and cutting the order into tasks of whole users.

use std::hash::BuildHasher;
use std::ops::Range;

use rayon::prelude::*;

use super::fragments::Hash;
use super::prefix::{Prefix, shared};
use super::store::{At, KeyStore};
use crate::input::Keys;

/// A fragment with what tells its keys from others without reading them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    /// The user, beyond what all users share.
    user: Prefix,
    /// A hash of the session in the upper half, of the video in the lower one; its lowest bit is the video's mark.
    code: u64,
    /// Where the fragment is.
    pub(super) at: At,
}

impl Placed {
    fn new(at: At, [user, video, session]: Keys<'_>, hash: &impl BuildHasher, is_marked: bool) -> Self {
        let video = hash.hash_one(video) >> 33 << 1 | u64::from(is_marked);
        Self { user: Prefix::of(user), code: hash.hash_one(session) >> 32 << 32 | video, at }
    }

    /// The same keys elsewhere.
    pub(super) const fn moved(self, at: At) -> Self {
        Self { at, ..self }
    }

    /// Whether the video is one that was to be marked.
    pub(super) const fn is_marked(&self) -> bool {
        self.code & 1 == 1
    }

    /// Whether two fragments may be of one user and, if there are sessions, of one session.
    pub(super) fn may_share_scope(&self, other: &Self, has_session: bool) -> bool {
        self.user == other.user && (!has_session || self.code >> 32 == other.code >> 32)
    }
}

/// All comparisons end at the numbers, where they can.
impl KeyStore {
    pub(super) fn same_user(&self, a: &Placed, b: &Placed) -> bool {
        a.user == b.user && (a.user.is_whole() || self.user(a.at) == self.user(b.at))
    }

    pub(super) fn same_session(&self, a: &Placed, b: &Placed) -> bool {
        a.code >> 32 == b.code >> 32 && self.get(a.at)[2] == self.get(b.at)[2]
    }

    pub(super) fn same_video(&self, a: &Placed, b: &Placed) -> bool {
        a.code << 32 == b.code << 32 && self.video(a.at) == self.video(b.at)
    }

    pub(super) fn same(&self, a: &Placed, b: &Placed) -> bool {
        self.same_user(a, b) && self.same_session(a, b) && self.same_video(a, b)
    }
}

/// Every fragment, ordered by user; those of a user so that equal session ids stand together, and among these equal
/// videos. Those of some videos are marked.
pub(super) fn grouped(store: &KeyStore, is_marked: impl Fn(&[u8]) -> bool + Sync) -> Vec<Placed> {
    grouped_by(store, &Hash::default(), is_marked)
}

fn grouped_by(
    store: &KeyStore,
    hash: &(impl BuildHasher + Sync),
    is_marked: impl Fn(&[u8]) -> bool + Sync,
) -> Vec<Placed> {
    let users = || store.chunks().into_par_iter().flat_map_iter(|chunk| chunk.map(|at| store.user(at)));
    let shared = users()
        .find_any(|_| true)
        .map_or(0, |first| users().map(|user| shared(first, user)).min().unwrap_or(0));
    let place = |at| {
        let [user, video, session] = store.get(at);
        Placed::new(at, [&user[shared..], video, session], hash, is_marked(video))
    };
    let chunks = store.chunks().into_par_iter();
    let mut fragments: Vec<_> = chunks.flat_map_iter(|chunk| chunk.map(&place)).collect();
    fragments.par_sort_unstable_by_key(|fragment| (fragment.user, fragment.code));
    let alike = fragments.par_chunk_by_mut(|a, b| a.user == b.user);
    alike.for_each(|fragments| mend(store, fragments));
    fragments
}

/// Puts fragments whose users look alike in the order of their strings where their numbers, which are ordered, do not
/// tell them apart.
fn mend(store: &KeyStore, fragments: &mut [Placed]) {
    let is_whole = fragments.first().is_none_or(|fragment| fragment.user.is_whole());
    if !is_whole && fragments.windows(2).any(|pair| !store.same_user(&pair[0], &pair[1])) {
        return sort(store, fragments);
    }
    // One user may have so many sessions that some of their hashes are equal: only those are put in order.
    for session in fragments.chunk_by_mut(|a, b| a.code >> 32 == b.code >> 32) {
        let collide =
            |[a, b]: &[Placed; 2]| !store.same_session(a, b) || a.code == b.code && !store.same_video(a, b);
        if session.array_windows().any(collide) {
            sort(store, session);
        }
    }
}

/// Puts fragments in the order of their strings.
fn sort(store: &KeyStore, fragments: &mut [Placed]) {
    fragments.sort_unstable_by_key(|fragment| {
        let [user, video, session] = store.get(fragment.at);
        (user, session, video)
    });
}

/// Every fragment, ordered by user, session and video.
pub(super) fn ordered(store: &KeyStore) -> Vec<At> {
    let mut fragments: Vec<_> = store.chunks().into_iter().flatten().collect();
    fragments.par_sort_unstable_by_key(|&at| {
        let [user, video, session] = store.get(at);
        (user, session, video, at)
    });
    fragments
}

/// Cuts ordered items into about so many ranges, none of which ends between two items of the same group.
pub(super) fn tasks<T>(items: &[T], count: usize, same: impl Fn(&T, &T) -> bool) -> Vec<Range<usize>> {
    let size = items.len().div_ceil(count).max(1);
    let mut tasks = Vec::new();
    let mut start = 0;
    while start < items.len() {
        let mut end = (start + size).min(items.len());
        while end < items.len() && same(&items[end - 1], &items[end]) {
            end += 1;
        }
        tasks.push(start..end);
        start = end;
    }
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::store::KeyArena;
    use proptest::prelude::*;

    /// A hash of the length and nothing else.
    struct Weak;

    impl BuildHasher for Weak {
        type Hasher = Lengths;
        fn build_hasher(&self) -> Lengths {
            Lengths(0)
        }
    }

    struct Lengths(u64);

    impl std::hash::Hasher for Lengths {
        fn finish(&self) -> u64 {
            self.0 << 32
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0 += bytes.len() as u64;
        }
    }

    type Three = (String, String, String);

    fn store(keys: &[Three]) -> KeyStore {
        let mut arenas = Vec::new();
        for keys in keys.chunks(7) {
            let mut arena = KeyArena::default();
            for (user, video, session) in keys {
                arena.push([user.as_bytes(), video.as_bytes(), session.as_bytes()]);
            }
            arenas.push(arena);
        }
        KeyStore(arenas)
    }

    fn any_keys() -> impl Strategy<Value = Vec<Three>> {
        let user = prop_oneof!["x?[ab\0]{0,4}", "(abcdefgh){0,3}[ab]{0,2}"];
        prop::collection::vec((user, "[ab]{0,2}", "[ab]{0,2}"), 0..60)
    }

    /// Users in order, and every group in one piece.
    fn assert_grouped(store: &KeyStore, fragments: &[Placed], count: usize) {
        assert_eq!(fragments.len(), count);
        assert!(fragments.is_sorted_by_key(|placed| store.user(placed.at)));
        for length in 1..=3 {
            let of = |placed: &Placed| {
                let [user, video, session] = store.get(placed.at);
                [user, session, video][..length].to_vec()
            };
            let groups: Vec<_> =
                fragments.chunk_by(|a, b| of(a) == of(b)).map(|group| of(&group[0])).collect();
            let different: std::collections::HashSet<_> = groups.iter().collect();
            assert_eq!(different.len(), groups.len(), "groups of {length} keys");
        }
        for pair in fragments.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            assert_eq!(store.same(a, b), store.get(a.at) == store.get(b.at));
        }
    }

    #[test]
    fn users_that_differ_soon_are_told_apart_by_numbers_alone() {
        let fits = |users: &[&str]| {
            let keys: Vec<_> =
                users.iter().map(|user| ((*user).to_owned(), "v".into(), "s".into())).collect();
            let fragments = grouped(&store(&keys), |_| false);
            fragments.iter().map(|fragment| fragment.user.is_whole()).collect::<Vec<_>>()
        };
        let shared = "shared by all users, however long it is: ";
        let users = ["", "a", "fifteen letters"].map(|rest| format!("{shared}{rest}"));
        assert_eq!(fits(&users.each_ref().map(String::as_str)), [true; 3]);
        assert_eq!(fits(&["a", "one letter longer"]), [true, false]);
    }

    proptest! {
        #[test]
        fn groups_are_whole_whatever_the_hash(keys in any_keys()) {
            let store = store(&keys);
            let marked = |video: &[u8]| video == b"a";
            for fragments in [grouped(&store, marked), grouped_by(&store, &Weak, marked)] {
                assert_grouped(&store, &fragments, keys.len());
                prop_assert!(fragments.iter().all(|placed| placed.is_marked() == marked(store.video(placed.at))));
            }
        }

        #[test]
        fn order_is_that_of_the_strings(keys in any_keys()) {
            let store = store(&keys);
            let sorted: Vec<_> = ordered(&store).into_iter().map(|at| store.get(at)).collect();
            let order = |[user, video, session]: &[&[u8]; 3]| (user.to_vec(), session.to_vec(), video.to_vec());
            prop_assert!(sorted.is_sorted_by_key(order));
            prop_assert_eq!(sorted.len(), keys.len());
        }

        #[test]
        fn tasks_cover_everything_and_keep_groups_whole(mut items in prop::collection::vec(0u8..9, 0..50), count in 1usize..9) {
            items.sort_unstable();
            let tasks = tasks(&items, count, |a, b| a == b);
            let covered: Vec<_> = tasks.iter().flat_map(|task| items[task.clone()].iter().copied()).collect();
            prop_assert_eq!(covered, items.clone());
            prop_assert!(tasks.windows(2).all(|w| items[w[0].end - 1] != items[w[1].start]));
        }
    }
}
