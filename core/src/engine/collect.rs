//! From archives on this disk to one package per person. Can be repeated: finished packages are
//! left as they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::book::{Book, RunBook};
use super::fetch::{blocking, limits};
use super::project::Project;
use crate::archive::{Keep, Limits, split, unpack};
use crate::error::{Error, ErrorKind, Result, io};
use crate::ids::decode;
use crate::journal::{ArtifactRow, Change, DeliveryRow};
use crate::model::action::Kind;
use crate::model::report::Problem;
use crate::model::run::RunState;
use crate::package::{
    Archive, DataFile, Index, Maker, Origin, Part, Wish, Workspace, Written, folder_name, place,
    write_all,
};
use crate::secret::Secret;

/// How packages are made.
#[derive(Debug, Clone)]
pub struct CollectOptions {
    /// Pages for people in each package (`index.html`, `README.txt`), besides the files of data.
    /// Default: yes.
    pub html: bool,
    /// The zone of the times on pages and in tables, such as `"Europe/Berlin"`. Default: UTC.
    pub timezone: Option<String>,
    /// The language of pages: `"en"` (default), `"de"`, `"fr"`, `"es"`, or one that `templates` holds.
    pub language: Option<String>,
    /// A folder with templates and texts of your own; see docs/PACKAGES.md.
    pub templates: Option<PathBuf>,
    /// Each package becomes a zip (AES-256) that this passphrase opens, instead of a folder.
    pub protect: Option<Secret>,
    /// Also keep each archive's members untouched, under `archives/<task>/`.
    pub raw: bool,
    /// Accept archives that are not encrypted.
    pub allow_plain: bool,
    /// More candidates for the secret, tried after the vendor's own.
    pub secrets: Vec<Secret>,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            html: true,
            timezone: None,
            language: None,
            templates: None,
            protect: None,
            raw: false,
            allow_plain: false,
            secrets: Vec::new(),
        }
    }
}

/// The archives of a run, with the batches whose people they are about.
pub(crate) struct Order {
    run: String,
    reference: Option<String>,
    subjects: u64,
    archives: Vec<(ArtifactRow, Vec<u32>, i64)>,
}

/// What came of it.
pub(crate) struct Outcome {
    pub problems: Vec<Problem>,
    /// Whether any package was written.
    pub written: bool,
    /// The tasks whose packages stand there.
    pub tasks: Vec<String>,
    /// Texts that the controller has not given, by their slots.
    pub missing_texts: Vec<String>,
}

/// Looks up what is on this disk.
pub(crate) fn prepare(run: &RunBook, _state: RunState) -> Result<Order> {
    if run.row.terms.kind != Kind::Retrieval {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "a deletion has nothing to collect; collect is for retrievals",
        ));
    }
    if run.row.purged_at.is_some() {
        return Err(Error::new(
            ErrorKind::NotFound,
            "this run was purged: its archives, its packages and its ids are gone",
        )
        .with_hint("To give these people their data again, make a new plan."));
    }
    let sealed = |task: &str| {
        let mut carried = run.carried(task).peekable();
        carried.peek().is_some() && carried.all(|batch| batch.sealed_at.is_some())
    };
    let (over, open): (Vec<_>, Vec<_>) = run
        .artifacts
        .iter()
        .partition(|artifact| sealed(&artifact.task));
    if open.is_empty() && !over.is_empty() {
        return Err(Error::new(
            ErrorKind::NotFound,
            "the ids of this run were removed after its packages were written; without them packages cannot be written again",
        )
        .with_hint("The packages stand where they were collected to; keep_retrieved_for tells how long ids are kept."));
    }
    let archives = open
        .into_iter()
        .map(|artifact| {
            let batches = run.carried(&artifact.task).map(|batch| batch.no).collect();
            let requested = run
                .job(&artifact.task)
                .map_or(artifact.at, |job| job.created_at);
            (artifact.clone(), batches, requested)
        })
        .collect();
    Ok(Order {
        run: run.row.id.clone(),
        reference: run.row.reference.clone(),
        subjects: run.row.subjects,
        archives,
    })
}

/// Unpacks and splits every archive that can be; one bad archive does not hide the others.
pub(crate) async fn collect(
    project: &Project,
    order: Order,
    into: &Path,
    options: &CollectOptions,
) -> Result<Outcome> {
    let _busy = project.clock.busy();
    let maker = Arc::new(Maker::new(&Wish {
        html: options.html,
        timezone: options.timezone.clone(),
        language: options.language.clone(),
        templates: options.templates.clone(),
        protect: options.protect.clone(),
    })?);
    let out = std::path::absolute(into).map_err(|error| io("find", into, error))?;
    let mut secrets = project.vendor.archive_secrets().to_vec();
    secrets.extend(options.secrets.iter().cloned());
    let mut problems = Vec::new();
    // A folder that cannot be used is the caller's to know at once; a bad archive is not.
    let mut index = None;
    if !order.archives.is_empty() {
        index = Some(Index::create(&out)?);
    }
    if index.is_none() {
        problems.push(Problem {
            batch: None,
            task_id: None,
            kind: ErrorKind::NotFound.as_str().to_owned(),
            message: "there is nothing to collect: no archive of this run is on this disk yet"
                .to_owned(),
            hint: "Wait for the run first.".to_owned(),
            ids: order.subjects,
        });
    }
    for (artifact, batches, requested) in order.archives {
        let mut subjects = Vec::new();
        for no in batches.iter().copied() {
            subjects.extend(decode(&project.journal.batch_ids(&order.run, no)?)?);
        }
        let people = subjects.len() as u64;
        let task = artifact.task.clone();
        let work = Work {
            out: out.clone(),
            artifact,
            subjects,
            requested,
            vendor: project
                .vendor
                .name()
                .split('-')
                .next()
                .unwrap_or_default()
                .to_owned(),
            secrets: secrets.clone(),
            limits: limits(project),
            raw: options.raw,
            allow_plain: options.allow_plain,
            maker: Arc::clone(&maker),
        };
        match blocking(move || work.run()).await {
            Ok(collected) => {
                if let Some(index) = &mut index {
                    index.add(&task, &collected.written, collected.unassigned_lines)?;
                }
            }
            Err(error) => problems.push(Problem {
                batch: batches.first().copied(),
                task_id: Some(task),
                kind: error.kind().as_str().to_owned(),
                message: error.to_string(),
                hint: error.hint().to_owned(),
                ids: people,
            }),
        }
    }
    let index = index.filter(|index| !index.tasks().is_empty());
    let written = index.is_some();
    let tasks = index.as_ref().map(|index| index.tasks().to_vec());
    if let Some(index) = index {
        index.finish(&order.run, order.reference.as_deref(), problems.len())?;
    }
    Ok(Outcome {
        problems,
        written,
        tasks: tasks.unwrap_or_default(),
        missing_texts: maker.missing_texts(),
    })
}

/// Remembers where the packages are, and since when.
pub(crate) fn record(
    project: &Project,
    book: &mut Book,
    run: &str,
    into: &Path,
    tasks: &[String],
) -> Result<()> {
    let out = std::path::absolute(into).map_err(|error| io("find", into, error))?;
    let mut row = book.run(run)?.row.clone();
    let folder = out.to_string_lossy().into_owned();
    let at = project.now();
    let delivery = |task: &String| {
        Change::Delivery(DeliveryRow {
            run: run.to_owned(),
            task: task.clone(),
            folder: folder.clone(),
            at,
        })
    };
    let mut changes: Vec<Change> = tasks.iter().map(delivery).collect();
    row.packages = Some(folder.clone());
    changes.push(Change::Run(row));
    book.commit(project.journal.as_ref(), run, changes)
}

/// One archive.
struct Work {
    out: PathBuf,
    artifact: ArtifactRow,
    subjects: Vec<String>,
    requested: i64,
    vendor: String,
    secrets: Vec<Secret>,
    limits: Limits,
    raw: bool,
    allow_plain: bool,
    maker: Arc<Maker>,
}

struct Collected {
    written: Vec<Written>,
    unassigned_lines: u64,
}

impl Work {
    fn run(self) -> Result<Collected> {
        let task = &self.artifact.task;
        let workspace = Workspace::open(&self.out, task)?;
        let members_dir = workspace.path("members");
        let members = unpack(
            Path::new(&self.artifact.path),
            &self.secrets,
            &self.limits,
            self.allow_plain,
            &members_dir,
            Keep::Scratch,
        )?;
        let split = split(
            &members,
            &self.subjects,
            &self.limits,
            &workspace.path("split"),
        )?;
        let origin = Origin {
            vendor: self.vendor.clone(),
            archives: vec![Archive {
                task_id: task.clone(),
                bytes: self.artifact.bytes,
                sha256: self.artifact.sha256,
            }],
            times: BTreeMap::from([
                ("requested_at".to_owned(), utc(self.requested)),
                ("received_at".to_owned(), utc(self.artifact.at)),
            ]),
        };
        let parts = self
            .subjects
            .iter()
            .cloned()
            .zip(split.shares)
            .map(|(subject, share)| Part {
                subject,
                dir: share.dir,
                files: share
                    .files
                    .into_iter()
                    .map(|file| DataFile {
                        path: file.name.to_owned(),
                        bytes: file.bytes,
                        sha256: file.sha256,
                        records: Some(file.lines),
                    })
                    .collect(),
            });
        let written = write_all(&self.out, &origin, parts.collect(), &self.maker)?;
        let folder = folder_name(task);
        if let Some(unassigned) = &split.unassigned_dir {
            place(unassigned, &self.out.join("unassigned").join(&folder))?;
        }
        if self.raw {
            place(&members_dir, &self.out.join("archives").join(&folder))?;
        }
        let unassigned_lines = split.unassigned.iter().map(|rest| rest.lines).sum();
        Ok(Collected {
            written,
            unassigned_lines,
        })
    }
}

fn utc(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| String::new(), |at| at.to_string())
}
