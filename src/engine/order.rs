//! Ordering fragments by their keys, and cutting the order into tasks of whole users.

use std::ops::Range;

use rayon::prelude::*;

use super::store::{At, KeyStore};

/// A place with the first bytes of its user beyond what all users share: most comparisons end there.
#[derive(Debug, Clone, Copy)]
struct Prefixed {
    prefix: u64,
    at: At,
}

/// Every fragment, ordered by user, session and video.
pub(super) fn ordered(store: &KeyStore) -> Vec<At> {
    let shared = shared_prefix(store);
    let prefixed = |at| Prefixed { prefix: prefix(&store.user(at)[shared..]), at };
    let mut fragments: Vec<_> = store.all().map(prefixed).collect();
    fragments.par_sort_unstable_by(|a, b| {
        a.prefix.cmp(&b.prefix).then_with(|| {
            let ([user_a, video_a, session_a], [user_b, video_b, session_b]) =
                (store.get(a.at), store.get(b.at));
            (user_a, session_a, video_a, a.at).cmp(&(user_b, session_b, video_b, b.at))
        })
    });
    fragments.into_iter().map(|fragment| fragment.at).collect()
}

/// How many first bytes all users have in common.
fn shared_prefix(store: &KeyStore) -> usize {
    let mut users = store.all().map(|at| store.user(at));
    let Some(first) = users.next() else { return 0 };
    users.fold(first.len(), |shared, user| {
        first[..shared].iter().zip(user).take_while(|(a, b)| a == b).count()
    })
}

fn prefix(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_be_bytes(first)
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

    proptest! {
        #[test]
        fn order_is_that_of_the_strings(keys in prop::collection::vec(("x?[ab\0]{0,10}", "[ab]?", "[ab]?"), 0..60)) {
            let mut arena = KeyArena::default();
            for (user, video, session) in &keys {
                arena.push([user.as_bytes(), video.as_bytes(), session.as_bytes()]);
            }
            let store = KeyStore(vec![arena]);
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
