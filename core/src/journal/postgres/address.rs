//! Where the journal is: a URL, some of whose options are ours.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::error::{Error, ErrorKind, Result};

/// How long one owner keeps the journal without a sign of life.
const LEASE: Duration = Duration::from_secs(120);

/// A server, a schema in a database there, and the key file on this machine.
pub(super) struct Address {
    pub config: Config,
    pub schema: String,
    pub key_file: PathBuf,
    pub root_cert: Option<PathBuf>,
    pub lease: Duration,
}

impl Address {
    /// Reads the URL. Errors never quote it: it may hold a password.
    pub fn parse(url: &str) -> Result<Self> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let mut theirs = Vec::new();
        let mut schema = "dsrkit".to_owned();
        let (mut key_file, mut root_cert, mut mode) = (None, None, None);
        let mut lease = LEASE;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "dsrkit_key_file" => key_file = Some(PathBuf::from(decode(value))),
                "dsrkit_schema" => schema = decode(value),
                "dsrkit_lease_ms" => {
                    let ms = value
                        .parse()
                        .map_err(|_| bad("dsrkit_lease_ms is no number"))?;
                    lease = Duration::from_millis(ms);
                }
                "sslmode" => mode = Some(value),
                "sslrootcert" => root_cert = Some(PathBuf::from(decode(value))),
                _ => theirs.push(pair),
            }
        }
        let Some(key_file) = key_file.filter(|path| !path.as_os_str().is_empty()) else {
            return Err(bad(
                "a journal on PostgreSQL needs its key file: add ?dsrkit_key_file=/path/to/journal.key (it is made with the journal; copy it to every machine that works with it)",
            ));
        };
        check_schema(&schema)?;
        let mut config: Config = format!("{place}?{}", theirs.join("&"))
            .parse()
            .map_err(|_| bad("the journal's PostgreSQL URL cannot be read; see the manual of libpq for its form"))?;
        config.ssl_mode(tls(mode, &config)?);
        let mut defaults = |unset: bool, set: fn(&mut Config)| {
            if unset {
                set(&mut config);
            }
        };
        let asks = |name: &str| theirs.iter().any(|pair| pair.starts_with(name));
        defaults(!asks("application_name="), |config| {
            config.application_name("dsrkit");
        });
        defaults(!asks("connect_timeout="), |config| {
            config.connect_timeout(Duration::from_secs(5));
        });
        defaults(!asks("tcp_user_timeout="), |config| {
            config.tcp_user_timeout(Duration::from_secs(15));
        });
        defaults(!asks("target_session_attrs="), |config| {
            if config.get_hosts().len() > 1 {
                config.target_session_attrs(TargetSessionAttrs::ReadWrite);
            }
        });
        defaults(!asks("keepalives_idle="), |config| {
            config.keepalives_idle(Duration::from_secs(30));
        });
        Ok(Self {
            config,
            schema,
            key_file,
            root_cert,
            lease,
        })
    }

    /// Whether the way to the server is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }
}

/// Encrypted, and the server's certificate checked, unless the server is on this machine or
/// somebody switched it off knowingly. There is no "if the server likes".
fn tls(mode: Option<&str>, config: &Config) -> Result<SslMode> {
    match mode {
        Some("disable") => Ok(SslMode::Disable),
        None | Some("prefer" | "allow") if is_local(config) => Ok(SslMode::Disable),
        None | Some("prefer" | "allow" | "require" | "verify-ca" | "verify-full") => {
            Ok(SslMode::Require)
        }
        Some(_) => Err(bad("sslmode must be disable, require or verify-full")),
    }
}

fn is_local(config: &Config) -> bool {
    let addresses = config.get_hostaddrs();
    let local = |host: &Host| match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    };
    if addresses.is_empty() {
        config.get_hosts().iter().all(local)
    } else {
        addresses.iter().all(std::net::IpAddr::is_loopback)
    }
}

/// A name that needs no escaping.
fn check_schema(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    if starts && name.len() < 60 && name.chars().all(plain) && !name.starts_with("pg_") {
        return Ok(());
    }
    Err(bad(
        "dsrkit_schema must be a plain name: small letters, digits and _",
    ))
}

/// Percent-decodes; a plus stands for itself.
fn decode(value: &str) -> String {
    let whole = format!("v={}", value.replace('+', "%2B"));
    url::form_urlencoded::parse(whole.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn bad(message: &str) -> Error {
    Error::new(ErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dsrkit_key_file=/k";

    fn address(url: &str) -> Result<Address> {
        Address::parse(url)
    }

    #[test]
    fn our_options_are_taken_out_and_theirs_are_kept() {
        let url = "postgresql://u:p@db.example/d?dsrkit_key_file=/a%20b+c&connect_timeout=3&dsrkit_schema=dsr_eu";
        let address = address(url).unwrap();
        assert_eq!(address.key_file, PathBuf::from("/a b+c"));
        assert_eq!(address.schema, "dsr_eu");
        let timeout = address.config.get_connect_timeout();
        assert_eq!(timeout, Some(&Duration::from_secs(3)));
        assert_eq!(address.config.get_dbname(), Some("d"));
    }

    #[test]
    fn only_this_machine_is_reached_in_plain_text() {
        for (url, encrypted) in [
            ("postgresql://db.example/d?", true),
            ("postgresql://db.example/d?sslmode=prefer&", true),
            ("postgresql://db.example/d?sslmode=verify-full&", true),
            ("postgresql://db.example/d?sslmode=disable&", false),
            ("postgresql://10.0.0.1/d?", true),
            ("postgresql://localhost,db.example/d?", true),
            ("postgresql://localhost/d?", false),
            ("postgresql://127.0.0.1:5433/d?", false),
            ("postgresql://localhost/d?sslmode=require&", true),
            ("postgresql:///d?host=/run/postgresql&", false),
            ("postgresql:///d?host=localhost&hostaddr=10.0.0.1&", true),
        ] {
            let address = address(&format!("{url}{KEY}")).unwrap();
            assert_eq!(address.is_encrypted(), encrypted, "{url}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_quoting_the_password() {
        for (url, words) in [
            ("postgresql://u:hunter2@h/d".to_owned(), "key file"),
            (
                format!("postgresql://u:hunter2@h/d?{KEY}&dsrkit_schema=a;b"),
                "plain name",
            ),
            (
                format!("postgresql://u:hunter2@h/d?{KEY}&dsrkit_schema=pg_x"),
                "plain name",
            ),
            (
                format!("postgresql://u:hunter2@h/d?{KEY}&sslmode=maybe"),
                "sslmode",
            ),
            (
                format!("postgresql://u:hunter2@h:port/d?{KEY}"),
                "cannot be read",
            ),
            (
                format!("postgresql://u:hunter2@h/d?{KEY}&colour=red"),
                "cannot be read",
            ),
        ] {
            let error = address(&url).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().contains(words), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
