//! Where ids come from: the caller's own values, or a file.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::blocks::Blocks;
use super::scan::Made;
use super::{guard, read_csv, read_jsonl, read_text};
use crate::error::{Error, ErrorKind, Result};

/// Ids to be taken in: an iterator, a text file (one id a line), a `.csv` or a `.jsonl` file.
///
/// Files are UTF-8, with or without byte order mark, with LF or CRLF line ends, and are read
/// once.
pub struct IdSource(pub(super) Kind);

type Give<'a> = dyn FnMut(&str) -> Result<()> + 'a;
type Each = dyn FnOnce(&mut Give<'_>) -> Result<()> + Send;

pub(super) enum Kind {
    Values {
        each: Box<Each>,
        column: Option<String>,
    },
    File {
        path: PathBuf,
        column: Option<String>,
    },
}

impl IdSource {
    /// A file; its ending tells the format: `.csv`, `.jsonl` (or `.ndjson`), anything else is
    /// text.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Kind::File {
            path: path.into(),
            column: None,
        })
    }

    /// The column (`.csv`) or key (`.jsonl`) that holds the ids.
    pub fn column(mut self, name: impl Into<String>) -> Self {
        match &mut self.0 {
            Kind::Values { column, .. } | Kind::File { column, .. } => *column = Some(name.into()),
        }
        self
    }

    /// Values of the caller.
    pub fn iter<I>(ids: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
        I::IntoIter: Send + 'static,
    {
        let mut ids = ids.into_iter();
        Self::each(move |give| ids.try_for_each(|id| give(&id.into())))
    }

    /// Values that may fail to come; the first error ends the import and is passed on as it is.
    pub fn try_iter(ids: impl Iterator<Item = Result<String>> + Send + 'static) -> Self {
        let mut ids = ids;
        Self::each(move |give| ids.try_for_each(|id| give(&id?)))
    }

    /// Values that need no owned text: the function hands each to `give` and passes its errors on.
    pub fn each(ids: impl FnOnce(&mut Give<'_>) -> Result<()> + Send + 'static) -> Self {
        Self(Kind::Values {
            each: Box::new(ids),
            column: None,
        })
    }
}

impl<I> From<I> for IdSource
where
    I: IntoIterator<Item: Into<String>>,
    I::IntoIter: Send + 'static,
{
    fn from(ids: I) -> Self {
        Self::iter(ids)
    }
}

impl std::fmt::Debug for IdSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Values { .. } => f.write_str("IdSource::Values"),
            Kind::File { path, column } => f
                .debug_struct("IdSource::File")
                .field("path", path)
                .field("column", column)
                .finish(),
        }
    }
}

/// Takes what a source holds, row by row.
pub(super) trait Sink {
    fn id(&mut self, row: u64, id: &str, made: Made) -> Result<()>;
    /// A row that holds no id that could be judged.
    fn bad(&mut self, row: u64, reason: &'static str) -> Result<()>;
}

impl Kind {
    /// The word in front of a row's number: files count lines from 1, iterators positions from 0.
    pub fn place(&self) -> &'static str {
        match self {
            Self::Values { .. } => "position",
            Self::File { .. } => "line",
        }
    }

    /// Whether the ids stand in a column or key of their own.
    pub fn is_table(&self) -> bool {
        match self {
            Self::Values { .. } => false,
            Self::File { path, .. } => has_columns(path),
        }
    }

    pub fn read(self, sink: &mut impl Sink) -> Result<()> {
        match self {
            Self::Values {
                column: Some(_), ..
            } => Err(Error::new(
                ErrorKind::Config,
                "column= names a column of a .csv or .jsonl file, and these ids are not a file",
            )),
            Self::Values { each, column: None } => {
                let mut position = 0;
                each(&mut |id| {
                    sink.id(position, id, Made::of(id.as_bytes()))?;
                    position += 1;
                    Ok(())
                })
            }
            Self::File { path, column } => read_file(&path, column.as_deref(), sink),
        }
    }
}

/// What a file's name says about its format.
fn ending(path: &Path) -> String {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.unwrap_or_default().to_ascii_lowercase()
}

fn has_columns(path: &Path) -> bool {
    matches!(ending(path).as_str(), "csv" | "jsonl" | "ndjson")
}

fn read_file(path: &Path, column: Option<&str>, sink: &mut impl Sink) -> Result<()> {
    let ending = ending(path);
    if matches!(
        ending.as_str(),
        "xlsx" | "xls" | "ods" | "parquet" | "json" | "gz" | "zip" | "zst" | "bz2" | "xz"
    ) {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "{}: .{ending} files are not read; save it as .csv, .jsonl or text",
                path.display()
            ),
        ));
    }
    let file = File::open(path).map_err(|error| crate::error::io("open", path, error))?;
    let mut sink = Blanks {
        sink,
        from: 0,
        count: 0,
    };
    match ending.as_str() {
        "csv" => read_csv::read(Blocks::new(file, path, 16 << 20), column, &mut sink),
        "jsonl" | "ndjson" => {
            read_jsonl::read(Blocks::new(file, path, 16 << 20), column, &mut sink)
        }
        _ if column.is_some() => Err(Error::new(
            ErrorKind::Config,
            format!(
                "column= names a column of a .csv or .jsonl file, and {} is read as text",
                path.display()
            ),
        )),
        _ => read_text::read(Blocks::new(file, path, 1 << 20), &mut sink),
    }
}

/// Keeps empty lines back until it is known whether anything follows them: at the end of a file
/// they are no rows, in its middle an id is missing.
pub(super) struct Blanks<'a, S> {
    sink: &'a mut S,
    from: u64,
    count: u64,
}

impl<S: Sink> Blanks<'_, S> {
    pub fn blank(&mut self, line: u64) {
        if self.count == 0 {
            self.from = line;
        }
        self.count += 1;
    }

    #[cold]
    fn settle(&mut self) -> Result<()> {
        for line in self.from..self.from + std::mem::take(&mut self.count) {
            self.sink.bad(line, guard::EMPTY)?;
        }
        Ok(())
    }
}

impl<S: Sink> Sink for Blanks<'_, S> {
    #[inline]
    fn id(&mut self, line: u64, id: &str, made: Made) -> Result<()> {
        if self.count > 0 {
            self.settle()?;
        }
        self.sink.id(line, id, made)
    }

    fn bad(&mut self, line: u64, reason: &'static str) -> Result<()> {
        self.settle()?;
        self.sink.bad(line, reason)
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// A row's number, and its id or the reason why there is none.
    pub type Row = (u64, std::result::Result<String, &'static str>);

    /// What a reader gave.
    #[derive(Default)]
    pub struct Rows(pub Vec<Row>);

    impl Sink for Rows {
        fn id(&mut self, row: u64, id: &str, _made: Made) -> Result<()> {
            self.0.push((row, Ok(id.to_owned())));
            Ok(())
        }
        fn bad(&mut self, row: u64, reason: &'static str) -> Result<()> {
            self.0.push((row, Err(reason)));
            Ok(())
        }
    }

    pub fn blanks<S>(sink: &mut S) -> Blanks<'_, S> {
        Blanks {
            sink,
            from: 0,
            count: 0,
        }
    }

    /// Reads a file of this name and content.
    pub fn read(name: &str, content: &[u8], column: Option<&str>) -> Result<Vec<Row>> {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        let mut rows = Rows::default();
        read_file(&path, column, &mut rows)?;
        Ok(rows.0)
    }

    /// Rows that are all ids, as (line, id).
    pub fn ids(rows: &[Row]) -> Vec<(u64, &str)> {
        rows.iter()
            .map(|(row, id)| (*row, id.as_deref().expect("an id")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::read;
    use super::*;

    #[test]
    fn a_missing_file_names_its_path() {
        let error = read_file(
            Path::new("no-such-folder/ids.txt"),
            None,
            &mut testing::Rows::default(),
        )
        .expect_err("missing");
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(
            error.to_string().contains("no-such-folder/ids.txt"),
            "{error}"
        );
        assert!(error.hint().contains("path"));
    }

    #[test]
    fn a_folder_is_an_error_and_no_panic() {
        let folder = tempfile::tempdir().expect("folder");
        let error =
            read_file(folder.path(), None, &mut testing::Rows::default()).expect_err("a folder");
        assert_eq!(error.kind(), ErrorKind::Io);
    }

    #[test]
    fn formats_that_are_not_read_are_told() {
        assert!(
            read("a.XLSX", b"PK", None)
                .expect_err("refused")
                .message()
                .contains("save it as .csv")
        );
        assert_eq!(
            read("a.txt", b"a\n", Some("id"))
                .expect_err("refused")
                .kind(),
            ErrorKind::Config
        );
        let error = IdSource::iter(["a"])
            .column("id")
            .0
            .read(&mut testing::Rows::default())
            .expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Config);
    }

    type Reader = fn(Blocks<&[u8]>, &mut Blanks<'_, testing::Rows>) -> Result<()>;

    #[test]
    fn no_content_makes_a_reader_panic() {
        const PIECES: &[&[u8]] = &[
            b"\"",
            b",",
            b"\n",
            b"\r",
            b"a",
            b"\xc3",
            b"\xa9",
            b"\xef\xbb\xbf",
            b"{",
            b"}",
            b":",
            b"\\u",
            b"[",
            b"\0",
            b"1",
            b"\"distinct_id\"",
            b"id\n",
        ];
        let mut state = 3u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).expect("small") % below
        };
        let path = Path::new("ids");
        for _ in 0..5_000 {
            let content: Vec<u8> = (0..random(30))
                .flat_map(|_| PIECES[random(PIECES.len())])
                .copied()
                .collect();
            let lines = content
                .iter()
                .fold(1, |lines, &byte| lines + u64::from(byte == b'\n'));
            let readers: [Reader; 3] = [
                |blocks, sink| read_text::read(blocks, sink),
                |blocks, sink| read_csv::read(blocks, Some("id"), sink),
                |blocks, sink| read_jsonl::read(blocks, None, sink),
            ];
            for reader in readers {
                let mut rows = testing::Rows::default();
                // Errors are fine; rows must come in order and lie within the file.
                let _ = reader(
                    Blocks::new(content.as_slice(), path, 1 << 10),
                    &mut testing::blanks(&mut rows),
                );
                assert!(
                    rows.0.windows(2).all(|pair| pair[0].0 < pair[1].0),
                    "{content:?}"
                );
                assert!(
                    rows.0.iter().all(|(row, _)| (1..=lines).contains(row)),
                    "{content:?}"
                );
            }
        }
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(
            format!("{:?}", IdSource::iter(["canary"])),
            "IdSource::Values"
        );
    }
}
