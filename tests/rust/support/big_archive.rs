//! Archives of any size, written as they go: JSON lines of events, people drawn at random.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

use zip::unstable::write::FileOptionsExt as _;
use zip::write::SimpleFileOptions;
use zip::{AesMode, CompressionMethod, ZipWriter};

/// How an archive is made.
pub struct Plan {
    pub bytes: u64,
    pub people: u64,
    pub members: u64,
    /// `none`, `zipcrypto` or `aes256`.
    pub cipher: String,
}

pub const SECRET: &str = "archive-secret";

pub fn subjects(people: u64) -> Vec<String> {
    (0..people)
        .map(|n| format!("person-{n}@example.com"))
        .collect()
}

fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

const EVENTS: [&str; 5] = ["Page View", "Search", "Add to Cart", "Purchase", "Log Out"];

/// Gives the number of events in it.
pub fn write(path: &Path, plan: &Plan) -> Result<u64> {
    let mut zip = ZipWriter::new(BufWriter::with_capacity(1 << 20, File::create(path)?));
    let plain = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .large_file(plan.bytes / plan.members >= 3 << 30);
    let each = plan.bytes / plan.members;
    let mut events = 0;
    for member in 0..plan.members {
        let options = match plan.cipher.as_str() {
            "zipcrypto" => plain.with_deprecated_encryption(SECRET.as_bytes())?,
            "aes256" => plain.with_aes_encryption(AesMode::Aes256, SECRET),
            _ => plain,
        };
        zip.start_file(format!("events-{member:05}.jsonl"), options)?;
        let mut bytes = 0;
        let mut block = Vec::with_capacity(1 << 20);
        while bytes < each {
            block.clear();
            while block.len() < 1 << 20 && bytes + (block.len() as u64) < each {
                let (a, b) = (mix(events), mix(events ^ 0xabcd));
                writeln!(
                    block,
                    "{{\"event\":\"{}\",\"properties\":{{\"time\":{},\"distinct_id\":\"person-{}@example.com\",\"$insert_id\":\"{a:016x}{b:016x}\",\"$city\":\"Berlin\",\"mp_country_code\":\"DE\",\"$os\":\"Android\",\"$browser\":\"Chrome\",\"price\":{},\"$current_url\":\"https://shop.example.com/item/{}\"}}}}",
                    EVENTS[usize::try_from(a % 5).unwrap_or_default()],
                    1_700_000_000 + b % 60_000_000,
                    a % plan.people,
                    b % 10_000,
                    a % 100_000,
                )?;
                events += 1;
            }
            zip.write_all(&block)?;
            bytes += block.len() as u64;
        }
    }
    zip.finish()?.flush()?;
    Ok(events)
}
