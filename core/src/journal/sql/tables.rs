//! The tables: their columns, once, in the order that rows are read and written in.

/// A table; its key columns come first.
pub(in crate::journal) struct Table {
    name: &'static str,
    keys: &'static [&'static str],
    columns: &'static [&'static str],
}

#[rustfmt::skip]
pub(in crate::journal) const RUN: Table = Table {
    name: "run",
    keys: &["id"],
    columns: &[
        "project", "kind", "compliance", "disclosure", "reference", "state", "subjects",
        "duplicates", "refused", "batches", "plan_digest", "approved_digest", "approved_at",
        "created_at", "received_at", "deadline_at", "hold_for_ms", "warned", "cancel_at",
        "paused", "archives", "packages", "purged_at",
    ],
};

#[rustfmt::skip]
pub(in crate::journal) const BATCH: Table = Table {
    name: "batch",
    keys: &["run", "no"],
    columns: &[
        "parent", "n", "digest", "state", "attempts", "ambiguous", "failures", "not_before",
        "first_sent_at", "task", "problem_kind", "problem", "sealed_at",
    ],
};

pub(in crate::journal) const ATTEMPT: Table = Table {
    name: "attempt",
    keys: &["run", "batch", "n"],
    columns: &["state", "sending_at", "done_at", "http", "seen", "task"],
};

#[rustfmt::skip]
pub(in crate::journal) const JOB: Table = Table {
    name: "job",
    keys: &["run", "task"],
    columns: &[
        "batch", "origin", "status", "created_at", "polls", "missing_since", "failures", "fetch_failures",
        "last_poll_at", "next_poll_at", "ended_at", "cancel", "dropped",
    ],
};

pub(in crate::journal) const ORPHAN: Table = Table {
    name: "orphan",
    keys: &["run", "task"],
    columns: &["batch", "at", "why"],
};

pub(in crate::journal) const ARTIFACT: Table = Table {
    name: "artifact",
    keys: &["run", "task"],
    columns: &["path", "bytes", "sha256", "at"],
};

pub(in crate::journal) const DELIVERY: Table = Table {
    name: "delivery",
    keys: &["run", "task", "folder"],
    columns: &["at"],
};

pub(in crate::journal) const EVENT: Table = Table {
    name: "event",
    keys: &["seq"],
    columns: &["at", "run", "kind", "batch", "task", "text", "hash"],
};

impl Table {
    fn all(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.keys.iter().chain(self.columns).copied()
    }

    /// All columns of the rows that `rest` names.
    pub fn select(&self, rest: &str) -> String {
        let columns: Vec<_> = self.all().collect();
        format!("SELECT {} FROM {} {rest}", columns.join(", "), self.name)
    }

    /// A new row, with these columns at the end.
    pub fn insert(&self, more: &[&'static str]) -> String {
        let columns: Vec<_> = self.all().chain(more.iter().copied()).collect();
        let marks: Vec<_> = (1..=columns.len()).map(|n| format!("?{n}")).collect();
        format!(
            "INSERT INTO {} ({}) VALUES ({})",
            self.name,
            columns.join(", "),
            marks.join(", ")
        )
    }

    /// A row in the place of the one with its key. Not REPLACE: that would give it a new place in
    /// the order.
    pub fn put(&self) -> String {
        let sets: Vec<_> = self
            .columns
            .iter()
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        format!(
            "{} ON CONFLICT ({}) DO UPDATE SET {}",
            self.insert(&[]),
            self.keys.join(", "),
            sets.join(", ")
        )
    }

    /// The columns of a row that is there; those that the table has besides are left alone.
    pub fn update(&self) -> String {
        let set = |(n, column): (usize, &str)| format!("{column} = ?{}", n + 1);
        let keys: Vec<_> = self.keys.iter().copied().enumerate().map(set).collect();
        let sets: Vec<_> = self.all().enumerate().skip(keys.len()).map(set).collect();
        format!(
            "UPDATE {} SET {} WHERE {}",
            self.name,
            sets.join(", "),
            keys.join(" AND ")
        )
    }
}
