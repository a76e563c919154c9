//! A server that says what a test wants it to say, byte for byte, with or without TLS. It listens on
//! this machine only.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Says something to one request. What was asked is its head and body as text.
pub type Script = dyn Fn(&str, &mut dyn Stream) + Send + Sync;

pub struct Wire {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    bytes: Arc<AtomicU64>,
}

impl Wire {
    /// Serves one request on each connection.
    pub fn serve(
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(&str, &mut dyn Stream) + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Ipv4Addr::LOCALHOST, move |stream, requests| match &tls {
            None => answer(stream, requests, &script),
            Some(tls) => secured(stream, Arc::clone(tls), requests, &script),
        })
    }

    /// Takes connections and lets `each` do what it likes with them.
    pub fn listen(
        at: Ipv4Addr,
        each: impl Fn(TcpStream, &Mutex<Vec<String>>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((IpAddr::V4(at), 0)).unwrap();
        let wire = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            bytes: Arc::default(),
        };
        let requests = Arc::clone(&wire.requests);
        let each = Arc::new(each);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (requests, each) = (Arc::clone(&requests), Arc::clone(&each));
                let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
                std::thread::spawn(move || each(stream, &requests));
            }
        });
        wire
    }

    /// Somebody who listens for what should not come. A connection alone counts as a byte.
    pub fn eavesdrop(at: Ipv4Addr) -> Self {
        let bytes = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&bytes);
        let mut wire = Self::listen(at, move |mut stream, _| {
            count.fetch_add(1, Ordering::SeqCst);
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                count.fetch_add(read as u64, Ordering::SeqCst);
            }
        });
        wire.bytes = bytes;
        wire
    }

    /// What was asked, in order.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// How many bytes an eavesdropper got.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }
}

/// Over TLS, when the handshake succeeds.
pub fn secured(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    requests: &Mutex<Vec<String>>,
    script: &Script,
) {
    let mut stream = StreamOwned::new(ServerConnection::new(tls).unwrap(), stream);
    if let Some(request) = request(&mut stream) {
        requests.lock().unwrap().push(request.clone());
        script(&request, &mut stream);
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
}

fn answer(mut stream: TcpStream, requests: &Mutex<Vec<String>>, script: &Script) {
    if let Some(request) = request(&mut stream) {
        requests.lock().unwrap().push(request.clone());
        script(&request, &mut stream);
    }
}

/// Reads one request, with its body.
pub fn request(stream: &mut dyn Stream) -> Option<String> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        text.extend_from_slice(&buffer[..read]);
        let said = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = said.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, length)| length.parse().unwrap());
        if body.len() >= length {
            return Some(said);
        }
    }
}

/// An answer with this status line, further headers (each with its line end) and body.
pub fn say(stream: &mut dyn Stream, status: &str, headers: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
    let _ = stream.flush();
}

/// Somebody who signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "the tests' authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self {
            issuer: Issuer::new(params, key),
            pem: pem(&der),
        }
    }

    /// Its certificate as a file.
    pub fn bundle(&self, place: &std::path::Path) -> PathBuf {
        let path = place.join("authority.pem");
        std::fs::write(&path, &self.pem).unwrap();
        path
    }

    /// A server's identity by this name, valid until this year.
    pub fn server(&self, name: &str, until: i32) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        config(signed.der().clone(), &key)
    }
}

/// A server that vouches for itself.
pub fn self_signed(name: &str) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    config(params.self_signed(&key).unwrap().der().clone(), &key)
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}
