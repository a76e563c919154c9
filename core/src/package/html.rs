//! `index.html`, `pages/*.html` and `README.txt`: the part of a package that is for people.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use jiff::tz::TimeZone;

use crate::error::{self, Error, Result};

use super::digest::NewFile;
use super::folder::create_private;
use super::language::Language;
use super::look::Look;
use super::manifest::Origin;
use super::pages::{Page, Period, pages};
use super::strip::strip;
use super::survey::Survey;
use super::timeline::VALUE;
use super::view::{FileRow, Frame, Identifier, Index, Link, Part};
use super::visible::{shortened, visible};
use super::write::DataFile;

/// One person, on the way to pages.
pub(super) struct Person<'a> {
    pub(super) dir: &'a Path,
    pub(super) subject: &'a str,
    pub(super) survey: &'a Survey,
    pub(super) zone: &'a TimeZone,
    pub(super) look: &'a Look,
    pub(super) origin: &'a Origin,
    /// The files of data that are there already.
    pub(super) data: &'a [DataFile],
    pub(super) events: Option<&'a str>,
    pub(super) profiles: Option<&'a str>,
}

impl Person<'_> {
    /// Writes the pages and gives them, with their hashes.
    pub(super) fn write_pages(&self) -> Result<Vec<DataFile>> {
        let survey = self.survey;
        let cut = pages(&survey.places, self.zone);
        let mut files = Vec::new();
        if !cut.is_empty() {
            create_private(&self.dir.join("pages"))?;
        }
        for (n, page) in cut.iter().enumerate() {
            let link = |at: Option<usize>| at.and_then(|at| cut.get(at)).map(|p| self.link(p, ""));
            let part = Part {
                page: self.frame(),
                title: self
                    .words()
                    .fill("timeline_page", &[("period", &self.period(page))]),
                groups: self.groups(survey.places.get(page.places.clone()).unwrap_or_default())?,
                previous: link(Some(n + 1)),
                next: link(n.checked_sub(1)),
            };
            let text = self.look.render("page.html", part)?;
            files.push(self.put(&page.path, &text)?);
        }
        let index = self.index(&cut)?;
        files.insert(
            0,
            self.put("index.html", &self.look.render("index.html", index)?)?,
        );
        Ok(files)
    }

    /// Says in plain text how to open the rest.
    pub(super) fn write_readme(&self, with_pages: bool) -> Result<DataFile> {
        let words = self.words();
        let mut rows = String::new();
        // It tells of the page above, and of itself nothing.
        let here = |file: &FileRow| matches!(file.path.as_str(), "index.html" | "README.txt");
        for file in self.file_rows(with_pages) {
            if here(&file) {
                continue;
            }
            // Writing to a String cannot fail.
            let _ = writeln!(rows, "  {:<20} {}", file.path, file.about);
        }
        let missing: Vec<&str> = self
            .look
            .slots
            .iter()
            .filter(|slot| slot.paragraphs.is_empty())
            .map(|slot| slot.label.as_str())
            .collect();
        let missing = if missing.is_empty() {
            String::new()
        } else {
            words.fill("readme_missing", &[("names", &missing.join(", "))])
        };
        let gaps = [
            ("lead", self.lead()),
            ("profile", self.profile_line()),
            ("files", rows.trim_end().to_owned()),
            ("missing", missing),
        ];
        let gaps: Vec<(&str, &str)> = gaps.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let text = format!("{}\n", words.fill("readme", &gaps).trim());
        // An old editor takes it for its own alphabet without the mark, and wants both line ends.
        self.put(
            "README.txt",
            &format!("\u{feff}{}", text.replace('\n', "\r\n")),
        )
    }

    pub(super) fn words(&self) -> &Language {
        &self.look.words
    }

    fn put(&self, path: &str, text: &str) -> Result<DataFile> {
        NewFile::whole(self.dir, path, text.as_bytes()).map_err(|e| self.failed(e))
    }

    pub(super) fn failed(&self, e: io::Error) -> Error {
        error::io("write in", self.dir, e)
    }

    fn frame(&self) -> Frame<'_> {
        Frame {
            lang: &self.words().code,
            dir: &self.words().dir,
            style: &self.look.style,
            policy: &self.look.policy,
            controller: &self.look.controller,
            text: &self.words().text,
        }
    }

    fn index(&self, cut: &[Page]) -> Result<Index<'_>> {
        let (words, survey) = (self.words(), self.survey);
        let groups = match cut {
            [] => self.groups(&survey.places)?,
            _ => Vec::new(),
        };
        let shown = survey.places.len() as u64;
        Ok(Index {
            page: self.frame(),
            lead: self.lead(),
            profile_line: self.profile_line(),
            cards: self.cards(),
            strip: strip(&survey.months, words),
            months: self.month_rows(),
            profiles: self.read_profiles()?,
            kinds: self.kinds(),
            names: self.names(),
            identifiers: self.identifiers(),
            groups,
            pages: cut.iter().map(|page| self.link(page, "pages/")).collect(),
            pages_note: if shown < survey.events.count {
                words.fill("timeline_not_all", &[("shown", &words.number(shown))])
            } else {
                String::new()
            },
            slots: &self.look.slots,
            missing: !self.look.missing.is_empty(),
            files: self.file_rows(!cut.is_empty()),
            origin: self.origin_line(),
        })
    }

    fn identifiers(&self) -> Vec<Identifier> {
        let words = self.words();
        let asked = Identifier {
            id: visible(self.subject).into_owned(),
            how: words.text("identifier_asked").to_owned(),
        };
        let named = self.survey.identifiers.iter().map(|(id, by)| Identifier {
            id: visible(shortened(id, VALUE).0).into_owned(),
            how: words.fill("identifier_named", &[("name", by)]),
        });
        std::iter::once(asked).chain(named).collect()
    }

    fn period(&self, page: &Page) -> String {
        let words = self.words();
        let period = match page.period {
            Period::Year(year) => year.to_string(),
            Period::Month(year, month) => format!("{} {year}", words.month(month)),
            Period::Undated => words.text("month_other").to_owned(),
        };
        match page.part {
            0 => period,
            part => format!("{period} ({part})"),
        }
    }

    fn link(&self, page: &Page, folder: &str) -> Link {
        let name = page.path.rsplit('/').next().unwrap_or_default();
        Link {
            href: format!("{folder}{name}"),
            label: self.period(page),
            count: self.words().count("events", page.places.len() as u64),
        }
    }

    fn file_rows(&self, with_pages: bool) -> Vec<FileRow> {
        let words = self.words();
        let row = |path: &str, about: &str, linked: bool| FileRow {
            path: path.to_owned(),
            about: words.text(about).to_owned(),
            linked,
        };
        let mut rows = vec![row("index.html", "file_html", false)];
        if with_pages {
            rows.push(row("pages/", "file_pages", false));
        }
        for file in self.data {
            let about = match file.path.as_str() {
                "data/events.csv" => "file_csv",
                "data/events.jsonl" => "file_jsonl",
                _ => "file_profile",
            };
            rows.push(row(&file.path, about, true));
        }
        rows.push(row("README.txt", "file_readme", true));
        rows.push(row("manifest.json", "file_manifest", true));
        rows
    }

    fn origin_line(&self) -> String {
        let words = self.words();
        let vendor = match self.origin.vendor.as_str() {
            "mixpanel" => "Mixpanel",
            other => other,
        };
        let zone = self.zone.iana_name().unwrap_or("UTC");
        let received = self.origin.times.get("received_at");
        let received = received
            .and_then(|at| at.parse::<jiff::Timestamp>().ok())
            .and_then(|at| words.moment(at.as_millisecond(), self.zone));
        let gaps = [("vendor", vendor), ("zone", zone)];
        // Pointing at a time tells nothing more when it is in UTC already.
        let (dated, undated) = match zone {
            "UTC" => ("origin_utc", "origin_utc_undated"),
            _ => ("origin", "origin_undated"),
        };
        match received {
            Some(at) => words.fill(dated, &[gaps[0], gaps[1], ("date", &at.date)]),
            None => words.fill(undated, &gaps),
        }
    }
}
