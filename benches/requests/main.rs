//! One kind of client sends so many creates and as many looks, 64 at once, and prints microseconds of
//! CPU of its process for each request. `run.py` puts them side by side.
//!
//! ```sh
//! cargo run --release -p dsrkit --example requests -- dsrkit 127.0.0.1:8080 5000
//! ```
//!
//! `vendor` answers until its input ends. The address is that of any server that answers everything
//! with the JSON of a task.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use bytes::Bytes;
use dsrkit::{Client, Compliance, Mixpanel, Network, Settings};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;

#[path = "server.rs"]
mod server;

const AT_ONCE: usize = 64;
const BODY: &str = r#"{"distinct_ids":["user-1","user-2"],"compliance_type":"GDPR"}"#;
const PATH: &str = "/api/app/data-deletions/v3.0/?token=token";
const ITEM: &str = "/api/app/data-deletions/v3.0/1583792934719392965/?token=token";

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [word] if word == "vendor" => runtime.block_on(server::vendor()),
        [who, address, count] => {
            let each = count.parse::<usize>().unwrap() / AT_ONCE;
            let address = address.clone();
            let work = async {
                match who.as_str() {
                    "dsrkit" => ours(&address, each).await,
                    "hyper" => plain(&address, each).await,
                    "reqwest" => layered(&address, each).await,
                    _ => panic!("no such client"),
                }
            };
            runtime.block_on(work);
            let requests = (AT_ONCE * each * 2) as f64;
            println!(
                "{:.2} {}",
                server::cpu() * 1e6 / requests,
                server::peak_kib()
            );
        }
        _ => eprintln!("usage: requests CLIENT ADDRESS COUNT"),
    }
}

async fn all<F: Future<Output = ()> + Send + 'static>(work: impl Fn(usize) -> F) {
    let tasks: Vec<_> = (0..AT_ONCE).map(|n| tokio::spawn(work(n))).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Our calls as users make them: paced (as fast as the settings allow), the answer read and judged.
async fn ours(address: &str, each: usize) {
    let settings = Settings {
        requests_per_second: Some(1000.0),
        ..Settings::default()
    };
    let project = |n: usize| {
        Mixpanel::builder(format!("token-{n}"), "oauth")
            .base_url(format!("http://{address}/api/app"))
            .build()
            .unwrap()
    };
    let network = Network::new(&settings, &project(0)).unwrap();
    all(|n| {
        let client = Client::builder(project(n))
            .settings(settings.clone())
            .network(&network)
            .build()
            .unwrap();
        async move {
            for _ in 0..each {
                let ids = ["user-1", "user-2"];
                let made = client.create_deletion(ids, Compliance::Gdpr).await;
                let task = made.unwrap().id;
                client.get_deletion(&task).await.unwrap();
            }
        }
    })
    .await;
}

/// The floor: a connection each, and the bytes of the answer.
async fn plain(address: &str, each: usize) {
    all(|_| {
        let address = address.to_owned();
        async move {
            let stream = tokio::net::TcpStream::connect(&address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
            let (mut sender, connection) = handshake.await.unwrap();
            tokio::spawn(async move { drop(connection.await) });
            for turn in 0..each * 2 {
                let (method, path, body) = match turn % 2 {
                    0 => ("POST", PATH, BODY),
                    _ => ("GET", ITEM, ""),
                };
                let request = http::Request::builder()
                    .method(method)
                    .uri(path)
                    .header("host", &address)
                    .header("authorization", "Bearer oauth")
                    .header("content-type", "application/json")
                    .body(Full::new(Bytes::from_static(body.as_bytes())))
                    .unwrap();
                sender.ready().await.unwrap();
                let response = sender.send_request(request).await.unwrap();
                let body = response.into_body().collect().await.unwrap().to_bytes();
                assert!(body.starts_with(b"{"));
            }
        }
    })
    .await;
}

async fn layered(address: &str, each: usize) {
    let client = reqwest::Client::new();
    all(|_| {
        let (client, address) = (client.clone(), address.to_owned());
        async move {
            for _ in 0..each {
                let create = client
                    .post(format!("http://{address}{PATH}"))
                    .header("authorization", "Bearer oauth")
                    .header("content-type", "application/json")
                    .body(BODY);
                let look = client
                    .get(format!("http://{address}{ITEM}"))
                    .header("authorization", "Bearer oauth");
                for request in [create, look] {
                    let text = request.send().await.unwrap().bytes().await.unwrap();
                    let _: serde_json::Value = serde_json::from_slice(&text).unwrap();
                }
            }
        }
    })
    .await;
}
