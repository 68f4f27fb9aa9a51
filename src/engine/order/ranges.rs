//! Ranges of users: their bounds, and what of each chunk lies between these.

use std::ops::Range;

use rayon::prelude::*;

use crate::engine::group::Chunk;
use crate::engine::pool::Engine;
use crate::input::KeyArena;

/// The fragments of whole users: pieces of chunks, in the order of the chunks.
pub(crate) type Pieces = Vec<(usize, Range<u32>)>;

/// Where the second and all later ranges of users begin, of at most `count` ranges that have about as many of `users`
/// each.
pub(crate) fn bounds<T: Ord + Clone>(mut users: Vec<T>, count: usize) -> Vec<T> {
    users.sort_unstable();
    let mut bounds: Vec<_> =
        (1..count).filter_map(|range| users.get(range * users.len() / count).cloned()).collect();
    bounds.dedup();
    // Nobody is before the first user.
    bounds.retain(|bound| Some(bound) != users.first());
    bounds
}

/// The users of about `size` fragments, at even distances among all of `keys`.
pub(crate) fn sample<'a>(
    keys: impl Iterator<Item = &'a KeyArena> + Clone,
    size: usize,
) -> impl Iterator<Item = &'a [u8]> {
    let step = (keys.clone().map(KeyArena::len).sum::<usize>() / size).max(1);
    // Only the users of these fragments are read: that is why the step comes first.
    let fragments = keys.flat_map(|keys| keys.range().map(move |fragment| (keys, fragment)));
    fragments.step_by(step).map(|(keys, fragment)| keys.user(fragment))
}

/// The pieces of the chunk with these `keys`, each with the number of its range. `bounds` are where the second and all
/// later ranges begin.
pub(crate) fn cut(keys: &KeyArena, bounds: &[impl AsRef<[u8]>]) -> Pieces {
    let mut pieces = Vec::new();
    let mut rest = keys.range();
    while !rest.is_empty() {
        let user = keys.user(rest.start);
        let range = bounds.partition_point(|bound| bound.as_ref() <= user);
        let end = bounds.get(range).map_or(rest.end, |bound| keys.first_from(rest.clone(), bound.as_ref()));
        pieces.push((range, rest.start..end));
        rest.start = end;
    }
    pieces
}

/// From how many fragments a range is made.
const SAMPLES: usize = 32;

/// The fragments of at most `count` ranges of users with about as many fragments each: the pieces of `chunks` in each
/// range, with the number of their chunk.
pub(crate) fn ranges<R: Sync + Send>(engine: &Engine, chunks: &[Chunk<R>], count: usize) -> Vec<Pieces> {
    let users = sample(chunks.iter().map(|chunk| &*chunk.keys), count * SAMPLES).collect();
    let bounds = bounds(users, count);
    let cuts: Vec<_> = engine.run(|| chunks.par_iter().map(|chunk| cut(&chunk.keys, &bounds)).collect());
    let mut ranges = vec![Vec::new(); bounds.len() + 1];
    for (chunk, pieces) in cuts.into_iter().enumerate() {
        for (range, piece) in pieces {
            ranges[range].push((chunk, piece));
        }
    }
    ranges.retain(|pieces| !pieces.is_empty());
    ranges
}

/// At most `count` ranges of `items`, which are in order. None ends between two items of one group, as `same`
/// tells for neighbours.
pub(crate) fn whole_groups<T>(items: &[T], count: usize, same: impl Fn(&T, &T) -> bool) -> Vec<Range<usize>> {
    let size = items.len().div_ceil(count).max(1);
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < items.len() {
        let mut end = (start + size).min(items.len());
        while end < items.len() && same(&items[end - 1], &items[end]) {
            end += 1;
        }
        ranges.push(start..end);
        start = end;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arena(users: &[String]) -> KeyArena {
        let mut arena = KeyArena::default();
        for user in users {
            arena.push([user.as_bytes(), b"v", b"s"]);
        }
        arena
    }

    proptest! {
        #[test]
        fn every_user_is_in_one_range(chunks in prop::collection::vec(prop::collection::vec("[ab]{0,4}", 0..40), 0..8), count in 1usize..9) {
            let sorted = |mut users: Vec<String>| {
                users.sort();
                Chunk::<u8>::new(arena(&users), &vec![1; users.len()], vec![0; users.len()])
            };
            let chunks: Vec<_> = chunks.into_iter().map(sorted).collect();
            let engine = Engine::new(Some(1)).unwrap();
            let ranges = ranges(&engine, &chunks, count);
            let users = |pieces: &Pieces| -> Vec<Vec<u8>> {
                let piece = |(chunk, piece): &(usize, Range<u32>)| {
                    let keys = &chunks[*chunk].keys;
                    piece.clone().map(|fragment| keys.get(fragment)[0].to_vec()).collect::<Vec<_>>()
                };
                pieces.iter().flat_map(piece).collect()
            };
            let ranges: Vec<_> = ranges.iter().map(users).collect();
            prop_assert!(ranges.len() <= count);
            prop_assert_eq!(ranges.concat().len(), chunks.iter().map(|chunk| chunk.keys.len()).sum::<usize>());
            for pair in ranges.windows(2) {
                prop_assert!(pair[0].iter().max() < pair[1].iter().min());
            }
        }
    }

    proptest! {
        #[test]
        fn ranges_cover_everything_and_keep_groups_whole(mut items in prop::collection::vec(0u8..9, 0..50), count in 1usize..9) {
            items.sort_unstable();
            let ranges = whole_groups(&items, count, |a, b| a == b);
            let covered: Vec<_> = ranges.iter().flat_map(|range| items[range.clone()].iter().copied()).collect();
            prop_assert_eq!(covered, items.clone());
            prop_assert!(ranges.windows(2).all(|w| items[w[0].end - 1] != items[w[1].start]));
        }
    }

    #[test]
    fn ranges_are_about_as_large() {
        let users: Vec<_> = (0..10_000).map(|user| format!("{user:05}")).collect();
        let chunks: Vec<_> = users
            .chunks(1000)
            .map(|users| Chunk::<u8>::new(arena(users), &vec![0; users.len()], Vec::new()))
            .collect();
        let engine = Engine::new(Some(1)).unwrap();
        let ranges = ranges(&engine, &chunks, 10);
        let sizes: Vec<usize> =
            ranges.iter().map(|pieces| pieces.iter().map(|(_, piece)| piece.len()).sum()).collect();
        assert!(sizes.len() == 10 && sizes.iter().all(|size| (800..1200).contains(size)), "{sizes:?}");
    }
}
