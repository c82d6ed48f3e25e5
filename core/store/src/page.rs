//! One page of a list.

/// Some items, and where the next ones begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T, C> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where to go on; none when this is the end.
    pub next: Option<C>,
}

/// Returns how many rows to ask for: one more than the page holds tells whether there is another.
pub(crate) fn rows_for(limit: usize) -> i64 {
    i64::try_from(limit).map_or(i64::MAX, |limit| limit.saturating_add(1))
}

impl<T, C> Page<T, C> {
    /// Makes a page of at most `limit` items from one that was asked for one more.
    pub(crate) fn cut(mut items: Vec<T>, limit: usize, cursor: impl FnOnce(&T) -> C) -> Self {
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = if has_more {
            items.last().map(cursor)
        } else {
            None
        };
        Self { items, next }
    }
}
