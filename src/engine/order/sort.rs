//! Ordering fragments by their keys.

use std::hash::BuildHasher;
use std::ops::Range;

use rayon::prelude::*;

use super::key_store::{At, KeyStore};
use crate::engine::group::Hash;
use crate::engine::prefix::{Prefix, shared_by_all};
use crate::input::Keys;

/// A fragment in order, and what its keys have in common with those of the one before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ordered {
    /// Where the fragment is.
    pub(crate) at: At,
    pub(crate) link: Link,
    /// Whether its video is one that was to be marked.
    pub(crate) is_marked: bool,
}

/// Which keys of a fragment are those of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    /// Not even the user.
    Nothing,
    /// The user.
    User,
    /// The user and the session.
    Session,
    /// The user, the session and the video.
    All,
}

/// A fragment with what tells its keys from others without reading them.
#[derive(Debug, Clone, Copy)]
struct Placed {
    /// The user, beyond what all users share.
    user: Prefix,
    /// A hash of the session in the upper half, of the video in the lower one. The lowest bit of the upper half says that
    /// the numbers are those of other keys, too; that of the lower half is the video's mark.
    code: u64,
    at: At,
}

impl Placed {
    /// The fragment `at` with these keys, of whose user the beginning that all users share is left out. Session and
    /// video are hashed by `hash`.
    fn new(at: At, [user, video, session]: Keys<'_>, hash: &impl BuildHasher, is_marked: bool) -> Self {
        let video = hash.hash_one(video) >> 33 << 1 | u64::from(is_marked);
        Self { user: Prefix::of(user), code: hash.hash_one(session) >> 33 << 33 | video, at }
    }

    /// The fragment in order: after the one `before` it, or as the first one.
    fn after(&self, before: Option<&Self>, store: &KeyStore) -> Ordered {
        let link = before.map_or(Link::Nothing, |before| store.link(before, self));
        Ordered { at: self.at, link, is_marked: self.code & 1 == 1 }
    }

    /// Whether its numbers are those of other keys, too.
    const fn is_ambiguous(&self) -> bool {
        self.code & AMBIGUOUS != 0
    }
}

/// The bit of a code that says that numbers do not decide.
const AMBIGUOUS: u64 = 1 << 32;

impl KeyStore {
    /// What the fragments `a` and `b` have in common. Their numbers tell, unless they are those of other keys, too:
    /// then strings do.
    fn link(&self, a: &Placed, b: &Placed) -> Link {
        let decides = !a.is_ambiguous() && !b.is_ambiguous();
        if a.user != b.user || !decides && self.user(a.at) != self.user(b.at) {
            Link::Nothing
        } else if a.code >> 32 != b.code >> 32 || !decides && self.session(a.at) != self.session(b.at) {
            Link::User
        } else if a.code << 32 != b.code << 32 || !decides && self.video(a.at) != self.video(b.at) {
            Link::Session
        } else {
            Link::All
        }
    }
}

/// The fragments of `pieces`, one of each arena of `store`, in the order of their users; those of a user so that equal
/// session ids stand together, and among these equal videos. A fragment is marked if `is_marked` accepts its video. The
/// users of each piece are in order.
pub(crate) fn ordered(
    store: &KeyStore,
    pieces: &[Range<u32>],
    is_marked: impl Fn(&[u8]) -> bool,
) -> Vec<Ordered> {
    linked(store, &placed(store, pieces, &Hash::default(), is_marked))
}

/// The fragments `placed`, which are in order, each with what it has in common with the one before it.
fn linked(store: &KeyStore, placed: &[Placed]) -> Vec<Ordered> {
    let before = std::iter::once(None).chain(placed.iter().map(Some));
    placed.iter().zip(before).map(|(placed, before)| placed.after(before, store)).collect()
}

/// The fragments of `pieces` in order, as [`ordered`] says, with numbers made by `hash`.
fn placed(
    store: &KeyStore,
    pieces: &[Range<u32>],
    hash: &impl BuildHasher,
    is_marked: impl Fn(&[u8]) -> bool,
) -> Vec<Placed> {
    let pieces = || pieces.iter().zip(&store.0).zip(0u32..).filter(|((piece, _), _)| !piece.is_empty());
    // What the first and the last user of all share, those between them share, too.
    let ends = pieces().flat_map(|((piece, keys), _)| [piece.start, piece.end - 1].map(|end| keys.user(end)));
    let shared = shared_by_all(ends);
    let mut fragments = Vec::with_capacity(pieces().map(|((piece, _), _)| piece.len()).sum());
    for ((piece, keys), chunk) in pieces() {
        fragments.extend(piece.clone().map(|fragment| {
            let [user, video, session] = keys.get(fragment);
            Placed::new(At { chunk, fragment }, [&user[shared..], video, session], hash, is_marked(video))
        }));
    }
    let mut fragments = in_order(&fragments);
    fragments.chunk_by_mut(|a, b| a.user == b.user).for_each(|alike| mend(store, alike));
    fragments
}

/// `fragments` in the order of their numbers. Numbers of 8 bytes are sorted first, as they are far smaller: the first
/// bits of the user and the place among the fragments. Those whose users share these bits are few.
fn in_order(fragments: &[Placed]) -> Vec<Placed> {
    let bits = usize::BITS - fragments.len().leading_zeros();
    let first_bits = |fragment: &Placed| fragment.user.head() >> bits << bits;
    let mut numbers: Vec<_> = (0..).zip(fragments).map(|(place, f)| first_bits(f) | place).collect();
    numbers.sort_unstable();
    let mask = (1u64 << bits) - 1;
    let place = |number: u64| usize::try_from(number & mask).unwrap_or(usize::MAX);
    let mut sorted: Vec<_> = numbers.into_iter().map(|number| fragments[place(number)]).collect();
    for alike in sorted.chunk_by_mut(|a, b| first_bits(a) == first_bits(b)) {
        alike.sort_unstable_by_key(|fragment| (fragment.user, fragment.code));
    }
    sorted
}

/// Puts `fragments`, whose users look alike, in the order of their strings where their numbers, by which they are in
/// order, do not tell them apart.
fn mend(store: &KeyStore, fragments: &mut [Placed]) {
    let is_whole = fragments.first().is_none_or(|fragment| fragment.user.is_whole());
    if !is_whole && fragments.array_windows().any(|[a, b]| store.user(a.at) != store.user(b.at)) {
        return sort(store, fragments);
    }
    // One user may have so many sessions that some of their hashes are equal: only those are put in order.
    for session in fragments.chunk_by_mut(|a, b| a.code >> 32 == b.code >> 32) {
        let collide = |[a, b]: &[Placed; 2]| {
            store.session(a.at) != store.session(b.at)
                || a.code == b.code && store.video(a.at) != store.video(b.at)
        };
        if session.array_windows().any(collide) {
            sort(store, session);
        }
    }
}

/// Puts `fragments` in the order of their strings, by which they are then told apart.
fn sort(store: &KeyStore, fragments: &mut [Placed]) {
    fragments.iter_mut().for_each(|fragment| fragment.code |= AMBIGUOUS);
    fragments.sort_unstable_by_key(|fragment| {
        let [user, video, session] = store.get(fragment.at);
        (user, session, video)
    });
}

/// Where every fragment of `store` is, ordered by user, session and video.
pub(crate) fn sorted_by_keys(store: &KeyStore) -> Vec<At> {
    let mut fragments: Vec<_> = store.chunks().into_iter().flatten().collect();
    fragments.par_sort_unstable_by_key(|&at| {
        let [user, video, session] = store.get(at);
        (user, session, video, at)
    });
    fragments
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::input::KeyArena;
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
            let mut keys: Vec<_> = keys.iter().collect();
            keys.sort_by_key(|(user, _, _)| user);
            let mut arena = KeyArena::default();
            for (user, video, session) in keys {
                arena.push([user.as_bytes(), video.as_bytes(), session.as_bytes()]);
            }
            arenas.push(Arc::new(arena));
        }
        KeyStore(arenas)
    }

    /// All fragments of each arena.
    fn whole(store: &KeyStore) -> Vec<Range<u32>> {
        store.0.iter().map(|keys| 0..u32::try_from(keys.len()).unwrap()).collect()
    }

    fn any_keys() -> impl Strategy<Value = Vec<Three>> {
        let user = prop_oneof!["x?[ab\0]{0,4}", "(abcdefgh){0,3}[ab]{0,2}"];
        prop::collection::vec((user, "[ab]{0,2}", "[ab]{0,2}"), 0..60)
    }

    /// Users in order, and every group together.
    fn assert_grouped(store: &KeyStore, fragments: &[Ordered], count: usize) {
        assert_eq!(fragments.len(), count);
        assert!(fragments.is_sorted_by_key(|fragment| store.user(fragment.at)));
        let of = |fragment: &Ordered, length: usize| {
            let [user, video, session] = store.get(fragment.at);
            [user, session, video][..length].to_vec()
        };
        for length in 1..=3 {
            let of = |fragment: &Ordered| of(fragment, length);
            let groups: Vec<_> =
                fragments.chunk_by(|a, b| of(a) == of(b)).map(|group| of(&group[0])).collect();
            let different: std::collections::HashSet<_> = groups.iter().collect();
            assert_eq!(different.len(), groups.len(), "groups of {length} keys");
        }
        assert!(fragments.first().is_none_or(|first| first.link == Link::Nothing));
        for [a, b] in fragments.array_windows() {
            let alike = (1..=3).filter(|&length| of(a, length) == of(b, length)).count();
            assert_eq!(b.link, [Link::Nothing, Link::User, Link::Session, Link::All][alike]);
        }
    }

    #[test]
    fn users_that_differ_soon_are_told_apart_by_numbers_alone() {
        let fits = |users: &[&str]| {
            let keys: Vec<_> =
                users.iter().map(|user| ((*user).to_owned(), "v".into(), "s".into())).collect();
            let store = store(&keys);
            let fragments = placed(&store, &whole(&store), &Hash::default(), |_| false);
            fragments.iter().map(|fragment| fragment.user.is_whole()).collect::<Vec<_>>()
        };
        let shared = "shared by all users, however long it is: ";
        let users = ["", "a", "fifteen letters"].map(|rest| format!("{shared}{rest}"));
        assert_eq!(fits(&users.each_ref().map(String::as_str)), [true; 3]);
        assert_eq!(fits(&["a", "one letter longer"]), [true, false]);
    }

    #[test]
    fn strings_are_compared_only_where_numbers_collide() {
        let keys: Vec<_> =
            (0..20).map(|n| (format!("u{}", n / 4), format!("v{n}"), format!("s{}", n % 4))).collect();
        let store = store(&keys);
        let ambiguous = |placed: Vec<Placed>| placed.iter().filter(|placed| placed.is_ambiguous()).count();
        let pieces = whole(&store);
        assert_eq!(ambiguous(placed(&store, &pieces, &Hash::default(), |_| false)), 0);
        assert_eq!(ambiguous(placed(&store, &pieces, &Weak, |_| false)), 20);
    }

    proptest! {
        #[test]
        fn groups_are_whole_whatever_the_hash(keys in any_keys()) {
            let store = store(&keys);
            let marked = |video: &[u8]| video == b"a";
            let pieces = whole(&store);
            let weak = linked(&store, &placed(&store, &pieces, &Weak, marked));
            for fragments in [ordered(&store, &pieces, marked), weak] {
                assert_grouped(&store, &fragments, keys.len());
                prop_assert!(fragments.iter().all(|fragment| fragment.is_marked == marked(store.video(fragment.at))));
            }
        }

        #[test]
        fn order_is_that_of_the_strings(keys in any_keys()) {
            let store = store(&keys);
            let sorted: Vec<_> = sorted_by_keys(&store).into_iter().map(|at| store.get(at)).collect();
            let order = |[user, video, session]: &[&[u8]; 3]| (user.to_vec(), session.to_vec(), video.to_vec());
            prop_assert!(sorted.is_sorted_by_key(order));
            prop_assert_eq!(sorted.len(), keys.len());
        }
    }
}
