//! From the lines of a person to everything that their package holds.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::error::{self, Error, ErrorKind, Result};
use crate::secret::Secret;

use super::digest::NewFile;
use super::manifest::Origin;
use super::survey::{Survey, each_line};
use super::table::write_table;
use super::write::{DataFile, Part};

const EVENTS: &str = "data/events.jsonl";
const TABLE: &str = "data/events.csv";
/// As the split leaves it: a line a profile.
const PROFILE_LINES: &str = "data/profile.jsonl";
const PROFILE: &str = "data/profile.json";

/// How packages are to be made.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Pages for people, besides the files of data.
    pub html: bool,
    /// The zone of the times on pages, such as `"Europe/Berlin"`; UTC without one.
    pub timezone: Option<String>,
    /// The language of pages, such as `"de"`; English without one.
    pub language: Option<String>,
    /// A folder with templates and texts of the company's own.
    pub templates: Option<PathBuf>,
    /// Each package becomes a zip that this passphrase opens.
    pub protect: Option<Secret>,
}

/// A wish that can be fulfilled.
pub struct Maker {
    zone: TimeZone,
    html: bool,
    #[cfg(feature = "package")]
    look: super::look::Look,
    pub(super) protect: Option<Secret>,
}

/// What is told about a package besides its files.
#[derive(Default)]
pub(super) struct About {
    /// Further ids of the person, as the data names them.
    pub(super) identifiers: Vec<String>,
}

impl Maker {
    /// Checks the wish before anything is written.
    pub fn new(wish: &Wish) -> Result<Self> {
        let name = wish.timezone.as_deref().unwrap_or("UTC");
        let zone = TimeZone::get(name).map_err(|_| {
            Error::new(ErrorKind::InvalidInput, "the time zone is not known")
                .with_hint("Give a name of the IANA database, such as \"Europe/Berlin\".")
        })?;
        let empty = |secret: &Secret| secret.expose().is_empty();
        if wish.protect.as_ref().is_some_and(empty) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the passphrase for the packages is empty",
            ));
        }
        Ok(Self {
            zone,
            html: wish.html,
            protect: wish.protect.clone(),
            #[cfg(feature = "package")]
            look: super::look::Look::new(
                wish.language.as_deref().unwrap_or("en"),
                wish.templates.as_deref(),
            )?,
        })
    }

    /// The texts of Art. 15(1) that the controller has not given, by their slots' names. Pages say
    /// so at the place of each.
    pub fn missing_texts(&self) -> Vec<String> {
        #[cfg(feature = "package")]
        if self.html {
            return self.look.missing.clone();
        }
        Vec::new()
    }

    /// Completes the folder of a person. Only the manifest is missing afterwards.
    pub(super) fn compose(&self, origin: &Origin, part: &mut Part) -> Result<About> {
        let dir = part.dir.clone();
        let failed = |e| error::io("write in", &dir, e);
        let has = |name: &str| part.files.iter().any(|file| file.path == name);
        let (events, profiles) = (
            has(EVENTS).then_some(EVENTS),
            has(PROFILE_LINES).then_some(PROFILE_LINES),
        );
        let survey =
            Survey::take(&dir, &part.subject, [events, profiles], &self.zone).map_err(failed)?;
        if let Some(events) = events {
            part.files
                .push(write_table(&dir, events, TABLE, &survey, &self.zone).map_err(failed)?);
        }
        if let Some(lines) = profiles {
            part.files.retain(|file| file.path != lines);
            part.files
                .push(write_profiles(&dir, lines).map_err(failed)?);
        }
        #[cfg(feature = "package")]
        self.write_for_people(origin, part, &survey, events, profiles)?;
        #[cfg(not(feature = "package"))]
        let _ = origin;
        if let Some(lines) = profiles {
            fs::remove_file(dir.join(lines)).map_err(failed)?;
        }
        Ok(About {
            identifiers: survey.identifiers.into_iter().map(|(id, _)| id).collect(),
        })
    }

    #[cfg(feature = "package")]
    fn write_for_people(
        &self,
        origin: &Origin,
        part: &mut Part,
        survey: &Survey,
        events: Option<&str>,
        profiles: Option<&str>,
    ) -> Result<()> {
        if !self.html {
            return Ok(());
        }
        let person = super::html::Person {
            dir: &part.dir,
            subject: &part.subject,
            survey,
            zone: &self.zone,
            look: &self.look,
            origin,
            data: &part.files,
            events,
            profiles,
        };
        let mut files = person.write_pages()?;
        let several = files.len() > 1;
        files.push(person.write_readme(several)?);
        files.append(&mut part.files);
        part.files = files;
        Ok(())
    }
}

/// A list of the profiles, each byte for byte as received.
fn write_profiles(dir: &Path, lines: &str) -> std::io::Result<DataFile> {
    let mut file = NewFile::create(dir, PROFILE)?;
    let mut records = 0;
    file.write_all(b"[")?;
    each_line(&dir.join(lines), |_, line| {
        file.write_all(if records == 0 { b"\n" } else { b",\n" })?;
        records += 1;
        file.write_all(line)
    })?;
    file.write_all(b"\n]\n")?;
    file.finish(Some(records))
}
