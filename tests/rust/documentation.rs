//! README's Rust, line by line as it stands there, on the simulated vendor. The test below it keeps
//! the two the same.
#![allow(clippy::unwrap_used)]

use std::sync::OnceLock;

use dsrkit::sandbox::{Sandbox, SandboxOptions};
use dsrkit::vendor::mixpanel::Builder;
use dsrkit::{Client, EventKind, IdSource, Journal, Region};

static SANDBOX: OnceLock<Sandbox> = OnceLock::new();

/// What reads as a real project is the simulated one.
struct Mixpanel;

impl Mixpanel {
    fn builder(_project_token: &str, _oauth_token: &str) -> Builder {
        let begin = || Sandbox::start(SandboxOptions::default()).unwrap();
        SANDBOX.get_or_init(begin).mixpanel()
    }
}

#[rustfmt::skip]
async fn readme() -> dsrkit::Result<()> {
    // README
    let vendor = Mixpanel::builder("PROJECT_TOKEN", "OAUTH_TOKEN").region(Region::Eu).build()?;
    let client = Client::builder(vendor).journal(Journal::sqlite("dsr.sqlite3")?).build()?;
    let ids = IdSource::file("erase.csv").column("distinct_id");
    let plan = client.plan_deletion(ids).reference("DSR-42").freeze().await?;
    println!("{} people, {}", plan.subjects(), plan.estimate().text);
    let run = plan.start(plan.confirm()).await?;
    let mut events = run.events();
    while let Some(event) = events.next().await {
        let event = event?;
        if event.kind != EventKind::Waiting {
            println!("{}", event.text);
        }
    }
    println!("{:?}", run.report()?.counts);
    // END
    assert_eq!(run.report()?.counts.get("done"), Some(&2));
    Ok(())
}

#[tokio::test]
async fn readme_runs_as_it_stands() {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    };
    let between = |text: &str, begin: &str, end: &str| {
        let (_, rest) = text.split_once(begin).unwrap();
        lines(rest.split_once(end).unwrap().0)
    };
    let told = between(include_str!("../../README.md"), "```rust\n", "```");
    let here = between(include_str!("documentation.rs"), "// README\n", "// END");
    assert_eq!(told, here);

    let place = tempfile::tempdir().unwrap();
    std::env::set_current_dir(place.path()).unwrap();
    std::fs::write("erase.csv", "distinct_id\na\nb\n").unwrap();
    readme().await.unwrap();
}
