//! The journal on a real PostgreSQL server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use dsrkit::journal::postgres::PostgresJournal;
use dsrkit::journal::{Journal, conformance};

#[path = "support/postgres.rs"]
mod postgres;
use postgres::Server;

fn place() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("dsrkit").tempdir().unwrap()
}

fn open(url: &str) -> PostgresJournal {
    let journal = PostgresJournal::open(url).unwrap();
    journal.claim().unwrap();
    journal
}

#[test]
fn conforms() {
    let server = Server::start();
    let place = place();
    conformance::run(&|| Box::new(open(&server.url(place.path()))));
    conformance::run(&|| Box::new(open(&server.socket_url(place.path()))));
}
