//! A vendor of one's own, on its own simulated world: an erasure of 250 people and a copy for 25 of
//! them. Nothing leaves the machine. docs/VENDORS.md goes through it.
//!
//! ```sh
//! cargo run -p formbox
//! ```

use std::sync::Arc;

use dsrkit::{Client, CollectOptions, Error, ErrorKind, Journal, Result};

use formbox::Formbox;
use formbox::world::World;

#[tokio::main]
async fn main() -> Result<()> {
    let world = World::new();
    let clock = world.clock.clone();
    let vendor = Formbox::new(
        "https://api.formbox.example/privacy",
        "acme",
        "formbox-key",
        Some(clock),
    )?;
    let folder = tempfile::tempdir()
        .map_err(|_| Error::new(ErrorKind::Io, "no temporary folder can be made"))?;
    let place = folder.path();
    let client = Client::builder(vendor)
        .journal(Journal::memory())
        .transport(Arc::new(world.clone()))
        .store(Arc::new(world.clone()))
        .build()?;

    let people = |count: u32| (0..count).map(|number| format!("person-{number}"));
    let run = client
        .retrieve(people(25))
        .archives(place.join("archives"))
        .start()
        .await?;
    println!("{:?}", run.await?.counts);
    let run = client.runs()?.remove(0);
    let options = CollectOptions {
        allow_plain: true, // Formbox does not encrypt its archives
        ..CollectOptions::default()
    };
    let report = run.collect(&place.join("packages"), &options).await?;
    println!("packages in {:?}, {:?}", report.packages, report.problems);

    let plan = client.plan_deletion(people(250)).freeze().await?;
    let report = plan.start(plan.confirm()).await?.await?;
    println!("{:?} in {} calls", report.counts, world.calls().len());
    println!(
        "{} copied, {} erased",
        world.people("copy").len(),
        world.people("erase").len()
    );
    Ok(())
}
