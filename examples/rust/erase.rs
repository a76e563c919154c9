//! Erases the people of a CSV file. With `--sandbox` on a simulated vendor, on this machine alone.
//!
//! ```sh
//! cargo run -p dsrkit --features sandbox --example erase -- --sandbox people.csv
//! ```

use dsrkit::{Client, EventKind, IdSource, Journal, Mixpanel, Region, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    let simulated = arguments
        .next_if(|argument| argument == "--sandbox")
        .is_some();
    let Some(path) = arguments.next() else {
        eprintln!("usage: erase [--sandbox] FILE.csv");
        std::process::exit(2);
    };
    let sandbox = dsrkit::sandbox::Sandbox::start(dsrkit::sandbox::SandboxOptions::default())?;
    let token = |name| std::env::var(name).unwrap_or_default();
    let vendor = if simulated {
        sandbox.mixpanel().build()?
    } else {
        Mixpanel::builder(token("PROJECT_TOKEN"), token("OAUTH_TOKEN"))
            .region(Region::Eu)
            .build()?
    };
    let journal = if simulated {
        Journal::memory()
    } else {
        Journal::sqlite("dsr.sqlite3")?
    };

    let client = Client::builder(vendor).journal(journal).build()?;
    let ids = IdSource::file(path).column("distinct_id");
    let plan = client
        .plan_deletion(ids)
        .reference("DSR-42")
        .freeze()
        .await?;
    println!("{} people, {}", plan.subjects(), plan.estimate().text);
    if !simulated {
        println!(
            "nothing is sent by this example; confirm with {}",
            plan.confirm().as_str()
        );
        return Ok(());
    }
    let run = plan.start(plan.confirm()).await?;
    let mut events = run.events();
    while let Some(event) = events.next().await {
        let event = event?;
        if event.kind != EventKind::Waiting {
            println!("{}", event.text);
        }
    }
    println!("{:?}", run.report()?.counts);
    Ok(())
}
