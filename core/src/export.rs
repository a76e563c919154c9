//! A run's rows as files for a spreadsheet.

use std::path::Path;

use jiff::Timestamp;

use crate::error::{Error, Result, io};
use crate::handle::RunHandle;
use crate::package::keep;

/// Rows of the journal that are in memory at a time.
const PAGE: u32 = 1000;

type Rows = csv::Writer<tempfile::NamedTempFile>;

impl RunHandle {
    /// Writes the outcome of each id as CSV with a header line: `id`, `outcome`, `batch`, `task_id`,
    /// `package`. Readable by its owner only; the file appears whole or not at all.
    pub fn outcomes_csv(&self, path: &Path) -> Result<()> {
        let names = ["id", "outcome", "batch", "task_id", "package"];
        write(path, &names, |rows, failed| {
            let mut batch = 0;
            while let Some(page) = self.outcomes(batch)? {
                for row in page {
                    let package = row.package.as_deref().map(Path::to_string_lossy);
                    rows.write_record([
                        row.id.as_str(),
                        row.outcome.as_str(),
                        &row.batch.to_string(),
                        row.task_id.as_deref().unwrap_or_default(),
                        package.as_deref().unwrap_or_default(),
                    ])
                    .map_err(failed)?;
                }
                batch += 1;
            }
            Ok(())
        })
    }

    /// Writes what was recorded until now as CSV with a header line: `seq`, `at` (UTC), `kind`,
    /// `batch`, `task_id`, `text`. Moves nothing.
    pub fn events_csv(&self, path: &Path) -> Result<()> {
        let names = ["seq", "at", "kind", "batch", "task_id", "text"];
        write(path, &names, |rows, failed| {
            let mut after = 0;
            loop {
                let page = self.history(after, PAGE)?;
                let Some(last) = page.last() else {
                    return Ok(());
                };
                after = last.seq;
                for event in page {
                    let batch = event.batch.map(|batch| batch.to_string());
                    rows.write_record([
                        event.seq.to_string().as_str(),
                        &moment(event.at_ms),
                        event.kind.as_str(),
                        batch.as_deref().unwrap_or_default(),
                        event.task_id.as_deref().unwrap_or_default(),
                        &event.text,
                    ])
                    .map_err(failed)?;
                }
            }
        })
    }
}

fn moment(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(
        |_| at_ms.to_string(),
        |at| at.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string(),
    )
}

fn write(
    path: &Path,
    names: &[&str],
    content: impl FnOnce(&mut Rows, &dyn Fn(csv::Error) -> Error) -> Result<()>,
) -> Result<()> {
    let failed = |error| io("write", path, error);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut rows = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(file);
    rows.write_record(names)
        .map_err(|error| failed(error.into()))?;
    content(&mut rows, &|error| failed(error.into()))?;
    let file = rows.into_inner();
    let file = file.map_err(|error| failed(error.into_error()))?;
    keep(file, path).map_err(failed)
}
