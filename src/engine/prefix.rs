//! Byte strings as numbers of the same order, as far as they fit.

/// How many bytes a [`Prefix`] holds.
const LENGTH: usize = 15;

/// The first bytes of a byte string, and in the lowest byte how many there are: one more than fit if not all of them do.
/// Ordered as the strings are, but for those that are not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Prefix(u128);

impl Prefix {
    /// The first bytes of `bytes` as a number.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let first = &bytes[..bytes.len().min(LENGTH)];
        // Of most strings the last eight of these bytes overlap the first eight.
        let rest = match first.last_chunk::<8>() {
            Some(last) if first.len() > 8 => u64::from_be_bytes(*last) << (8 * (16 - first.len())),
            _ => 0,
        };
        // At most one more than fit: so much fits a byte.
        let length = bytes.len().min(LENGTH + 1) as u128;
        Self(u128::from(head(first)) << 64 | u128::from(rest) | length)
    }

    /// Whether a prefix of `bytes` would hold all of them.
    pub(super) const fn holds(bytes: &[u8]) -> bool {
        bytes.len() <= LENGTH
    }

    /// The first eight bytes as a number.
    pub(super) const fn head(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// Whether it holds all bytes: it then equals no other string's.
    pub(super) const fn is_whole(self) -> bool {
        (self.0 & 0xFF) as usize <= LENGTH
    }
}

/// The first eight of `bytes` as a number, which orders strings by these; as if zeros followed where there are fewer.
pub(super) fn head(bytes: &[u8]) -> u64 {
    if let Some(first) = bytes.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_be_bytes(first)
}

/// How many first bytes `a` and `b` have in common.
pub(super) fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// How many first bytes all of `strings` have in common.
pub(super) fn shared_by_all<'a>(mut strings: impl Iterator<Item = &'a [u8]>) -> usize {
    let Some(first) = strings.next() else { return 0 };
    strings.map(|string| shared(first, string)).min().unwrap_or(first.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_ordered_as_strings_until_they_are_not_whole(a in "[ab\0]{0,17}", b in "[ab\0]{0,17}") {
            let (a, b) = (a.as_bytes(), b.as_bytes());
            let (first, second) = (Prefix::of(a), Prefix::of(b));
            prop_assert_eq!(first.is_whole(), a.len() <= LENGTH);
            if first == second && !first.is_whole() {
                prop_assert_eq!(&a[..LENGTH], &b[..LENGTH]);
            } else {
                prop_assert_eq!(first.cmp(&second), a.cmp(b));
            }
            prop_assert!(head(a).cmp(&head(b)).is_eq() || head(a).cmp(&head(b)) == a.cmp(b));
            let length = shared(a, b);
            prop_assert_eq!(&a[..length], &b[..length]);
            prop_assert!(a.get(length) != b.get(length) || length == a.len().min(b.len()));
            prop_assert_eq!(shared_by_all([a, b].into_iter()), length);
            prop_assert_eq!(shared_by_all([a].into_iter()), a.len());
        }
    }
}
