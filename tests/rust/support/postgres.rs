//! A PostgreSQL server of the test's own: made in a folder of its own, listening on 127.0.0.1 and
//! on a socket there, run by a user that is not root, gone when dropped.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

pub struct Server {
    folder: Option<tempfile::TempDir>,
    bin: PathBuf,
    pub port: u16,
    schemas: AtomicU32,
}

const HOW: &str = "no PostgreSQL server is installed: apt-get install postgresql (its programs, not its service, are used)";

/// Where syncing costs nothing, if there is room.
fn memory() -> Option<&'static str> {
    let place = "/dev/shm";
    let said = Command::new("df")
        .args(["-k", "--output=avail", place])
        .output()
        .ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let free: u64 = said.lines().last()?.trim().parse().ok()?;
    (free > 1_000_000).then_some(place)
}

/// Where Debian and others put the server's programs.
fn programs() -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    found.sort();
    found.reverse();
    found.extend(["/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"].map(PathBuf::from));
    found
        .into_iter()
        .find(|bin| {
            ["initdb", "pg_ctl", "psql"]
                .iter()
                .all(|name| bin.join(name).exists())
        })
        .expect(HOW)
}

/// A free port, below those that the system gives to connections: it stays free while the server is
/// made, and while it is down.
fn port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(17);
    (0..1000)
        .map(|_| start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000)
        .filter_map(|at| u16::try_from(20_000 + at).ok())
        .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

impl Server {
    pub fn start() -> Self {
        let bin = programs();
        let mut maker = tempfile::Builder::new();
        let folder = match memory() {
            Some(place) => maker.prefix("dsrkit-pg").tempdir_in(place),
            None => maker.prefix("dsrkit-pg").tempdir(),
        };
        let folder = folder.unwrap();
        if is_root() {
            // The server refuses to run as root.
            let (user, group) = nobody();
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let port = port();
        let server = Self {
            folder: Some(folder),
            bin,
            port,
            schemas: AtomicU32::new(0),
        };
        server.run(
            "initdb",
            &[
                "-D",
                &server.data(),
                "-A",
                "trust",
                "-U",
                "dsr",
                "-E",
                "UTF8",
                "--locale=C",
                "-N",
            ],
        );
        server.up();
        server
    }

    fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    fn data(&self) -> String {
        self.folder().join("data").to_str().unwrap().to_owned()
    }

    fn run(&self, program: &str, args: &[&str]) {
        let done = self.command(program).args(args).output().unwrap();
        let log = fs::read_to_string(self.folder().join("log")).unwrap_or_default();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{program}: {said}\n{log}");
    }

    fn command(&self, program: &str) -> Command {
        self.as_its_user(self.bin.join(program))
    }

    fn as_its_user(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        use std::os::unix::process::CommandExt as _;
        let mut command = Command::new(program);
        if is_root() {
            let (user, group) = nobody();
            command.uid(user).gid(group);
        }
        command.current_dir(self.folder()).stdin(Stdio::null());
        command
    }

    pub fn up(&self) {
        let socket = self.folder().to_str().unwrap().to_owned();
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={socket} -c shared_buffers=16MB -c max_connections=60",
            self.port
        );
        let log = self.folder().join("log");
        self.run(
            "pg_ctl",
            &[
                "-D",
                &self.data(),
                "-l",
                log.to_str().unwrap(),
                "-o",
                &options,
                "-w",
                "start",
            ],
        );
    }

    /// Lets it speak TLS as `localhost`; gives the file of the authority.
    pub fn encrypt(&self) -> PathBuf {
        let script = "umask 077
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \\
              -subj /CN=authority -keyout ca.key -out ca.pem
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server \\
              -keyout data/server.key -out server.csr
            printf 'subjectAltName=DNS:localhost\\nextendedKeyUsage=serverAuth\\n' > server.ext
            openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \\
              -extfile server.ext -out data/server.crt";
        let done = self
            .as_its_user("sh")
            .args(["-ec", script])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{said}");
        self.psql("ALTER SYSTEM SET ssl = on");
        self.psql("SELECT pg_reload_conf()");
        self.folder().join("ca.pem")
    }

    /// Stops it: orderly, or as in a crash.
    pub fn down(&self, crash: bool) {
        let mode = if crash { "immediate" } else { "fast" };
        self.run("pg_ctl", &["-D", &self.data(), "-m", mode, "-w", "stop"]);
    }

    /// A URL for a journal of its own, whose key file is in `place`.
    pub fn url(&self, place: &Path) -> String {
        let number = self.schemas.fetch_add(1, Ordering::Relaxed);
        self.url_of(place, &format!("j{number}"), self.port)
    }

    pub fn url_of(&self, place: &Path, schema: &str, port: u16) -> String {
        let key = place.join(format!("{schema}.key"));
        format!(
            "postgresql://dsr@127.0.0.1:{port}/postgres?dsrkit_schema={schema}&dsrkit_key_file={}",
            key.to_str().unwrap()
        )
    }

    /// The same over the server's socket.
    pub fn socket_url(&self, place: &Path) -> String {
        let number = self.schemas.fetch_add(1, Ordering::Relaxed);
        format!(
            "postgresql://dsr@/postgres?host={}&port={}&dsrkit_schema=s{number}&dsrkit_key_file={}",
            self.folder().to_str().unwrap(),
            self.port,
            place.join(format!("s{number}.key")).to_str().unwrap()
        )
    }

    /// As if the lease of the journal at this URL had run out: whoever had it is certainly dead.
    pub fn expire(&self, url: &str) {
        let (_, rest) = url.split_once("dsrkit_schema=").unwrap();
        let schema = rest.split('&').next().unwrap();
        self.psql(&format!(
            "DO $$ BEGIN IF to_regclass('{schema}.journal') IS NOT NULL THEN
               UPDATE {schema}.journal SET until = clock_timestamp(); END IF; END $$"
        ));
    }

    /// What an operator does; gives the rows that were found.
    pub fn psql(&self, statement: &str) -> String {
        let done = self
            .command("psql")
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-U",
                "dsr",
                "-d",
                "postgres",
            ])
            .args(["-v", "ON_ERROR_STOP=1", "-Atqc", statement])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{statement}: {said}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self
            .command("pg_ctl")
            .args(["-D", &self.data(), "-m", "immediate", "-w", "stop"])
            .output();
    }
}

fn is_root() -> bool {
    // The owner of what this process makes is its user.
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|found| found.uid() == 0)
}

/// The user of Debian's package, or the one that owns nothing.
fn nobody() -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    of("postgres")
        .or_else(|| of("nobody"))
        .unwrap_or((65534, 65534))
}
