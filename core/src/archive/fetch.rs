//! Fetches one archive to the disk: whole and as announced, or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use url::Url;

use crate::error::{self, Error, ErrorKind, Result};
use crate::secret::Secret;

use super::hosts::HostRules;
use super::limits::check_space;
use super::refused;
use super::store::{ResumeFrom, Store, StoreAnswer};
use super::tree::{create_private, exists, parent_of, rename_new, sync_parent};

/// Tries in a row that bring less than [`PROGRESS`]. Longer outages are the caller's to wait for,
/// as it has the clock.
const TRIES: u32 = 5;
const PROGRESS: u64 = 1 << 20;
/// Tries in all: a store that always sends a little must not keep us for ever.
const TRIES_IN_ALL: u32 = 1_000;
/// Written in one go, on a thread that may block.
const BLOCK: usize = 512 << 10;

/// What a download may cost and whether it may replace.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// The largest archive that is accepted.
    pub max_bytes: u64,
    /// Replace an archive of the same name. Without it, an existing one is an error.
    pub replace: bool,
}

/// A complete download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The file, as it was received.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The hash of its content.
    pub sha256: [u8; 32],
}

/// Why there is no archive.
#[derive(Debug)]
pub enum FetchError {
    /// The store does not accept the link any more. The job's status gives a fresh one.
    LinkExpired {
        /// 400, 403, 404 or 410.
        status: u16,
    },
    /// Everything else.
    Failed(Error),
}

impl From<Error> for FetchError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<FetchError> for Error {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Failed(error) => error,
            FetchError::LinkExpired { status } => Self::new(
                ErrorKind::NotFound,
                "the archive's link is not accepted any more",
            )
            .with_http_status(status)
            .with_hint("Ask for the job's status again: it gives a fresh link for 14 days."),
        }
    }
}

/// Fetches `link` into the file `target`, whose folder is created when it is missing. The file
/// appears when every byte announced has arrived and is on the disk; whether the bytes are a
/// sound archive is for [`check_structure`](super::check_structure) to say.
pub async fn fetch(
    store: &dyn Store,
    link: &Secret,
    rules: &HostRules,
    target: &Path,
    budget: Budget,
) -> Result<Fetched, FetchError> {
    let url = Url::parse(link.expose()).map_err(|_| refused("the archive's link is not a URL"))?;
    rules.check(&url)?;
    if !budget.replace && target.symlink_metadata().is_ok() {
        return Err(exists(target).into());
    }
    let mut download = Download {
        part: Part::create(target)?,
        etag: None,
        total: None,
        budget,
    };
    let (mut tries, mut tries_in_all) = (0, 0);
    loop {
        let before = download.part.bytes;
        let Some(cut) = download.go_on(store, &url).await? else {
            break;
        };
        tries_in_all += 1;
        tries = if download.part.bytes >= before.saturating_add(PROGRESS) {
            0
        } else {
            tries + 1
        };
        if tries >= TRIES || tries_in_all >= TRIES_IN_ALL {
            return Err(cut.with("tries", tries_in_all).into());
        }
    }
    let target = target.to_owned();
    let publish = move || download.part.publish(&target, budget.replace);
    Ok(on_blocking_thread(publish).await?)
}

/// A download in progress, over several connections.
struct Download {
    part: Part,
    /// The version of what is in `part`, when the store can be asked for its rest.
    etag: Option<String>,
    total: Option<u64>,
    budget: Budget,
}

impl Download {
    /// One connection. `Some` is why it ended too early, `None` means that all is here.
    async fn go_on(&mut self, store: &dyn Store, url: &Url) -> Result<Option<Error>, FetchError> {
        let from = self.etag.clone().filter(|_| self.part.bytes > 0);
        let from = from.map(|etag| ResumeFrom {
            offset: self.part.bytes,
            etag,
        });
        let resumes = from.is_some();
        let mut answer = match store.get(url, from).await {
            Ok(answer) => answer,
            Err(e) if e.kind() == ErrorKind::Unavailable => return Ok(Some(e)),
            Err(e) => return Err(e.into()),
        };
        match answer.status {
            200 => self.start_anew(&answer)?,
            206 if resumes && self.continues(&answer) => {}
            // The range does not exist, or is another than was asked for: not the same content.
            206 | 416 => {
                self.etag = None;
                return Ok(Some(broken("the store of the archives sent another part")));
            }
            status @ (400 | 403 | 404 | 410) => return Err(FetchError::LinkExpired { status }),
            status @ (408 | 429 | 500..=599) => {
                let busy = broken("the store of the archives is not available");
                return Ok(Some(busy.with_http_status(status)));
            }
            status @ 300..=399 => {
                let moved = refused("the store of the archives redirects; that is not followed");
                return Err(moved.with_http_status(status).into());
            }
            status => {
                let what = "the store of the archives answered in an unknown way";
                return Err(Error::new(ErrorKind::Protocol, what)
                    .with_http_status(status)
                    .into());
            }
        }
        self.receive(&mut answer).await
    }

    /// Every 200 is a whole archive, also when a part was asked for.
    fn start_anew(&mut self, answer: &StoreAnswer) -> Result<()> {
        self.part.clear()?;
        self.total = answer.content_length;
        // A weak tag does not promise the same bytes.
        self.etag = answer.etag.clone().filter(|tag| !tag.starts_with("W/"));
        if let Some(total) = self.total {
            self.check_size(total)?;
            check_space(parent_of(&self.part.path), total)?;
        }
        Ok(())
    }

    fn continues(&self, answer: &StoreAnswer) -> bool {
        let range_fits = answer.content_range.is_some_and(|range| {
            let total_fits = match (range.total, self.total) {
                (Some(says), Some(said)) => says == said,
                _ => true,
            };
            range.start == self.part.bytes && total_fits
        });
        range_fits && (answer.etag.is_none() || answer.etag == self.etag)
    }

    fn check_size(&self, bytes: u64) -> Result<()> {
        if bytes <= self.budget.max_bytes {
            return Ok(());
        }
        Err(refused("the archive is larger than allowed")
            .with("bytes", bytes)
            .with("allowed", self.budget.max_bytes)
            .with_hint("Raise archive_max_bytes if an archive of this size is expected."))
    }

    async fn receive(&mut self, answer: &mut StoreAnswer) -> Result<Option<Error>, FetchError> {
        let mut block = Vec::with_capacity(BLOCK);
        let ended = loop {
            let piece = match answer.body.next_chunk().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break None,
                Err(e) if e.kind() == ErrorKind::Unavailable => break Some(e),
                Err(e) => return Err(e.into()),
            };
            let bytes = self.part.bytes + (block.len() + piece.len()) as u64;
            self.check_size(bytes)?;
            if self.total.is_some_and(|total| bytes > total) {
                self.etag = None;
                return Ok(Some(broken(
                    "the store of the archives sent more than announced",
                )));
            }
            block.extend_from_slice(&piece);
            if block.len() >= BLOCK {
                block = self.part.write(block).await?;
            }
        };
        self.part.write(block).await?;
        if ended.is_some() {
            return Ok(ended);
        }
        let complete = self.total.is_none_or(|total| self.part.bytes == total);
        Ok((!complete).then(|| broken("the store of the archives sent less than announced")))
    }
}

fn broken(what: &str) -> Error {
    Error::new(ErrorKind::Unavailable, what)
}

/// The file while it is incomplete; removed when dropped.
struct Part {
    path: PathBuf,
    bytes: u64,
    /// Away only while a blocking thread writes.
    out: Option<(File, Sha256)>,
    published: bool,
}

impl Part {
    fn create(target: &Path) -> Result<Self> {
        let folder = parent_of(target);
        create_private(folder, true)?;
        let about = fs::metadata(folder).map_err(|e| error::io("read", folder, e))?;
        // In a folder where others may write, they could put their own file in the archive's place.
        if about.mode() & 0o022 != 0 && about.mode() & 0o1000 == 0 {
            return Err(Error::new(
                ErrorKind::Io,
                format!("{} can be written to by other users", folder.display()),
            ));
        }
        let name = target
            .file_name()
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "the archive's file has no name"))?;
        let mut part_name = OsString::from(name);
        part_name.push(".part");
        let path = folder.join(part_name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(error::io("remove", &path, e));
            }
            _ => {}
        }
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(|e| error::io("create", &path, e))?;
        Ok(Self {
            path,
            bytes: 0,
            out: Some((file, Sha256::new())),
            published: false,
        })
    }

    fn out(&mut self) -> Result<(File, Sha256)> {
        self.out
            .take()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a download lost its file"))
    }

    fn clear(&mut self) -> Result<()> {
        let (mut file, _) = self.out()?;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .map_err(|e| error::io("write", &self.path, e))?;
        self.bytes = 0;
        self.out = Some((file, Sha256::new()));
        Ok(())
    }

    /// Appends a block and gives its memory back, empty.
    async fn write(&mut self, mut block: Vec<u8>) -> Result<Vec<u8>> {
        let (mut file, mut hash) = self.out()?;
        let path = self.path.clone();
        let write = move || {
            hash.update(&block);
            file.write_all(&block)
                .map_err(|e| error::io("write", &path, e))?;
            let written = block.len() as u64;
            block.clear();
            Ok((file, hash, block, written))
        };
        let (file, hash, block, written) = on_blocking_thread(write).await?;
        self.out = Some((file, hash));
        self.bytes += written;
        Ok(block)
    }

    fn publish(mut self, target: &Path, replace: bool) -> Result<Fetched> {
        let (file, hash) = self.out()?;
        file.sync_all()
            .map_err(|e| error::io("write", &self.path, e))?;
        if replace {
            fs::rename(&self.path, target).map_err(|e| error::io("create", target, e))?;
        } else {
            rename_new(&self.path, target)?;
        }
        self.published = true;
        sync_parent(target)?;
        Ok(Fetched {
            path: target.to_owned(),
            bytes: self.bytes,
            sha256: hash.finalize().into(),
        })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.published {
            // What stays is removed by the next download.
            let _ = fs::remove_file(&self.path);
        }
    }
}

async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Error::new(
            ErrorKind::Internal,
            "a thread that writes was lost",
        )),
    }
}
