//! The rescue file: where the vendor's answers go that the journal cannot take, because its disk is
//! full or fails, or its server is away. Its room is taken when the journal is opened, so that writing into it needs
//! none.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Mutex;

use super::files;
use super::rows::Rescued;
use crate::error::{Error, ErrorKind, Result};

/// Some ninety answers; each holds up all further calls, so one is the rule.
const ROOM: usize = 8192;

/// The file, with its room taken.
pub(super) struct Rescue {
    path: PathBuf,
    file: Mutex<File>,
}

impl Rescue {
    /// Makes or opens it, and takes its room.
    #[cfg(feature = "sqlite")]
    pub fn open(path: PathBuf) -> Result<Self> {
        files::check(&path)?;
        let file = files::open_or_create(&path)?;
        Self::over(path, file)
    }

    /// The same for this process alone; `None` when another one has it.
    #[cfg(feature = "postgres")]
    pub fn open_alone(path: PathBuf) -> Result<Option<Self>> {
        use rustix::fs::{FlockOperation, flock};
        files::check(&path)?;
        let file = files::open_or_create(&path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Self::over(path, file).map(Some),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(files::failed("lock", &path, error.into())),
        }
    }

    /// The file's path.
    #[cfg(feature = "postgres")]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    fn over(path: PathBuf, file: File) -> Result<Self> {
        let rescue = Self {
            path,
            file: Mutex::new(file),
        };
        let kept = rescue.text()?;
        if kept.len() < ROOM {
            rescue.write(&kept)?;
        }
        Ok(rescue)
    }

    /// Adds a line.
    pub fn add(&self, answer: &Rescued) -> Result<()> {
        let line = serde_json::to_string(answer)
            .map_err(|_| Error::new(ErrorKind::Internal, "an answer cannot be written"))?;
        let mut text = self.text()?;
        let end = text.trim_end_matches(['\0', '\n']).len();
        text.truncate(end);
        if end > 0 {
            text.push('\n');
        }
        text.push_str(&line);
        if text.len() > ROOM {
            return Err(Error::new(ErrorKind::Journal, "the rescue file is full"));
        }
        self.write(&text)
    }

    /// What is in it. A line that was cut short by a crash is no answer.
    pub fn read(&self) -> Result<Vec<Rescued>> {
        let text = self.text()?;
        let lines = text.trim_end_matches('\0').lines();
        Ok(lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect())
    }

    /// Empties it; its room stays.
    pub fn clear(&self) -> Result<()> {
        self.write("")
    }

    fn text(&self) -> Result<String> {
        let mut file = File::open(&self.path).map_err(|e| files::failed("read", &self.path, e))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(|e| files::failed("read", &self.path, e))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes the whole room in one go, in place.
    fn write(&self, text: &str) -> Result<()> {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(ROOM.max(bytes.len()), 0);
        let file = self
            .file
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all_at(&bytes, 0)
            .and_then(|()| file.sync_data())
            .map_err(|e| files::failed("write", &self.path, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(batch: u32) -> Rescued {
        Rescued {
            run: "r".into(),
            batch,
            attempt: 1,
            tasks: vec!["1583792934719392965".into()],
        }
    }

    #[test]
    fn answers_outlive_the_process_and_need_no_room() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("dsr.sqlite3.rescue");
        let rescue = Rescue::open(file.clone()).unwrap();
        let size = std::fs::metadata(&rescue.path).unwrap().len();
        rescue.add(&answer(1)).unwrap();
        rescue.add(&answer(2)).unwrap();
        assert_eq!(std::fs::metadata(&rescue.path).unwrap().len(), size);
        drop(rescue);
        let rescue = Rescue::open(file.clone()).unwrap();
        assert_eq!(rescue.read().unwrap(), [answer(1), answer(2)]);
        rescue.clear().unwrap();
        assert!(rescue.read().unwrap().is_empty());
        rescue.add(&answer(3)).unwrap();
        assert_eq!(rescue.read().unwrap(), [answer(3)]);
    }

    #[test]
    fn a_full_rescue_file_says_so_and_keeps_what_it_has() {
        let place = tempfile::tempdir().unwrap();
        let rescue = Rescue::open(place.path().join("dsr.sqlite3.rescue")).unwrap();
        let error = (0..1000)
            .find_map(|batch| rescue.add(&answer(batch)).err())
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(rescue.read().unwrap().len() > 50);
    }
}
