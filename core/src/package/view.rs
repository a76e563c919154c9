//! What templates are given. A company's own templates rely on these names.

use std::collections::BTreeMap;

use serde::Serialize;

use super::language::Moment;
use super::look::Slot;
use super::strip::Strip;

/// What a page says about one person. The templates of a company see these names.
#[derive(Serialize)]
pub(super) struct Index<'a> {
    pub(super) page: Frame<'a>,
    pub(super) lead: String,
    pub(super) profile_line: String,
    pub(super) cards: Vec<Card>,
    pub(super) strip: Option<Strip>,
    pub(super) months: Vec<(String, String)>,
    pub(super) profiles: Vec<Vec<Fact>>,
    pub(super) kinds: Vec<Kind>,
    pub(super) names: Vec<Name>,
    pub(super) identifiers: Vec<Identifier>,
    pub(super) groups: Vec<Group>,
    pub(super) pages: Vec<Link>,
    pub(super) pages_note: String,
    pub(super) slots: &'a [Slot],
    /// Whether a slot has no text.
    pub(super) missing: bool,
    pub(super) files: Vec<FileRow>,
    pub(super) origin: String,
}

/// A page of a long timeline.
#[derive(Serialize)]
pub(super) struct Part<'a> {
    pub(super) page: Frame<'a>,
    pub(super) title: String,
    pub(super) groups: Vec<Group>,
    pub(super) previous: Option<Link>,
    pub(super) next: Option<Link>,
}

/// What every page has.
#[derive(Serialize)]
pub(super) struct Frame<'a> {
    pub(super) lang: &'a str,
    pub(super) dir: &'a str,
    pub(super) style: &'a str,
    pub(super) policy: &'a str,
    pub(super) controller: &'a str,
    pub(super) text: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
pub(super) struct Card {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) note: String,
}

#[derive(Serialize)]
pub(super) struct Link {
    pub(super) href: String,
    pub(super) label: String,
    pub(super) count: String,
}

/// The events of a month.
#[derive(Serialize)]
pub(super) struct Group {
    pub(super) label: String,
    pub(super) count: String,
    pub(super) open: bool,
    pub(super) events: Vec<Event>,
}

#[derive(Serialize)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) about: Option<String>,
    pub(super) at: Option<Moment>,
    pub(super) facts: Vec<Fact>,
    pub(super) more: Option<String>,
    /// A record that could not be taken apart.
    pub(super) raw: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Fact {
    pub(super) name: String,
    pub(super) about: Option<String>,
    pub(super) value: String,
    pub(super) more: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Kind {
    pub(super) name: String,
    pub(super) about: Option<String>,
    pub(super) count: String,
    pub(super) first: String,
    pub(super) last: String,
}

#[derive(Serialize)]
#[allow(clippy::struct_field_names)] // templates say `name.name`
pub(super) struct Name {
    pub(super) name: String,
    pub(super) about: Option<String>,
    pub(super) count: String,
}

#[derive(Serialize)]
pub(super) struct Identifier {
    pub(super) id: String,
    pub(super) how: String,
}

#[derive(Serialize)]
pub(super) struct FileRow {
    pub(super) path: String,
    pub(super) about: String,
    pub(super) linked: bool,
}
