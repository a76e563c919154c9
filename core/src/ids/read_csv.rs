//! CSV files: a header row, then one id a record in one of the columns.
//!
//! Every record must have as many fields as the header: a stray comma would shift another value
//! into the column of ids.

use std::io::Read;
use std::ops::Range;

use super::blocks::Blocks;
use super::guard;
use super::scan::{Made, seek};
use super::source::{Blanks, Sink};
use crate::error::{Error, Result};

/// Where one record ends, and what is odd about it.
#[derive(Default)]
struct Record {
    /// Its end in the text, line end included.
    end: usize,
    /// The lines it takes.
    lines: u64,
    fields: usize,
    blank: bool,
    malformed: bool,
    /// The end of the text came before the end of a quoted field.
    unclosed: bool,
}

/// The place of a field's value; `doubled` when its quotes are doubled.
#[derive(Default)]
struct Field {
    at: Range<usize>,
    doubled: bool,
}

/// Cuts one record off `bytes` and shows each field: its number, where its value begins and ends, and
/// whether its quotes are doubled. None when it may go on behind them.
#[inline]
fn record(
    bytes: &[u8],
    start: usize,
    ended: bool,
    mut field: impl FnMut(usize, usize, usize, bool),
) -> Option<Record> {
    let mut found = Record {
        lines: 1,
        ..Record::default()
    };
    let mut from = start;
    loop {
        let mut value = from;
        let mut doubled = false;
        let mut quoted_until = None;
        let stop = if bytes.get(from) == Some(&b'"') {
            value += 1;
            let mut at = value;
            let quote = loop {
                let Some(hit) = seek(bytes, at, b'"', b'\n') else {
                    found.unclosed = true;
                    return ended.then_some(found);
                };
                match (bytes.get(hit), bytes.get(hit + 1)) {
                    (Some(b'\n'), _) => {
                        found.lines += 1;
                        at = hit + 1;
                    }
                    (_, Some(b'"')) => {
                        doubled = true;
                        at = hit + 2;
                    }
                    (_, None) if !ended => return None,
                    _ => break hit,
                }
            };
            quoted_until = Some(quote);
            from = quote + 1;
            match bytes.get(from) {
                Some(b',' | b'\n') => Some(from),
                _ => seek(bytes, from, b',', b'\n'),
            }
        } else {
            seek(bytes, from, b',', b'\n')
        };
        if let Some(at) = stop.filter(|&at| bytes.get(at) == Some(&b',')) {
            let end = quoted_until.unwrap_or(at);
            found.malformed |= quoted_until.is_some() && at != from;
            field(found.fields, value, end, doubled);
            found.fields += 1;
            from = at + 1;
            continue;
        }
        // The last field.
        let mut end = match stop {
            Some(at) => at,
            None if !ended => return None,
            None => bytes.len(),
        };
        if stop.is_some() && end > from && bytes.get(end - 1) == Some(&b'\r') {
            end -= 1;
        }
        if let Some(quote) = quoted_until {
            found.malformed |= end != from;
            end = quote;
        }
        field(found.fields, value, end, doubled);
        found.fields += 1;
        found.blank = found.fields == 1 && quoted_until.is_none() && end == value;
        found.end = stop.map_or(bytes.len(), |at| at + 1);
        return Some(found);
    }
}

fn value<'a>(text: &'a str, field: &Field, unquoted: &'a mut String) -> &'a str {
    let raw = text.get(field.at.clone()).unwrap_or_default();
    if !field.doubled {
        return raw;
    }
    unquoted.clear();
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once("\"\"") {
        unquoted.push_str(before);
        unquoted.push('"');
        rest = after;
    }
    unquoted.push_str(rest);
    unquoted
}

pub(super) fn read(
    mut blocks: Blocks<impl Read>,
    column: Option<&str>,
    sink: &mut Blanks<'_, impl Sink>,
) -> Result<()> {
    let mut line = 1;
    let mut header = None;
    let mut unquoted = String::new();
    loop {
        let fits = blocks.fill()?;
        let ended = blocks.ended();
        let text = blocks.text()?;
        let mut from = 0;
        while from < text.len() {
            let Some((wanted, width)) = header else {
                let mut names = Vec::new();
                let Some(found) = record(text.as_bytes(), from, ended, |_, start, end, doubled| {
                    names.push(Field {
                        at: start..end,
                        doubled,
                    });
                }) else {
                    break;
                };
                closed(&blocks, &found, line)?;
                if !found.blank {
                    let names: Vec<String> = names
                        .iter()
                        .map(|field| value(text, field, &mut unquoted).to_owned())
                        .collect();
                    header = Some((choose(&blocks, &names, column)?, names.len()));
                }
                from = found.end;
                line += found.lines;
                continue;
            };
            let mut id = None;
            let Some(found) = record(text.as_bytes(), from, ended, |at, start, end, doubled| {
                if at == wanted {
                    id = Some(Field {
                        at: start..end,
                        doubled,
                    });
                }
            }) else {
                break;
            };
            closed(&blocks, &found, line)?;
            match id {
                _ if found.blank => sink.blank(line),
                _ if found.malformed => {
                    sink.bad(line, "a quoted field goes on behind its closing quote")?;
                }
                Some(id) if found.fields == width => {
                    let id = value(text, &id, &mut unquoted);
                    sink.id(line, id, Made::of(id.as_bytes()))?;
                }
                _ => sink.bad(line, "not as many fields as the header")?,
            }
            from = found.end;
            line += found.lines;
        }
        if ended {
            // A file without even a header has no ids, which is told by the one who asked.
            return Ok(());
        }
        blocks.consume(from);
        if from == 0 && !fits {
            return Err(blocks.refuse(format_args!(
                "the record at line {line} has no end (a quote that is never closed?)"
            )));
        }
    }
}

fn closed(blocks: &Blocks<impl Read>, found: &Record, line: u64) -> Result<()> {
    if found.unclosed {
        return Err(blocks.refuse(format_args!(
            "a quote in the record at line {line} is never closed"
        )));
    }
    Ok(())
}

/// Which column holds the ids.
fn choose(blocks: &Blocks<impl Read>, names: &[String], column: Option<&str>) -> Result<usize> {
    let refuse = |problem: &str| -> Error {
        blocks.refuse(format_args!("{problem}; its columns are: {}", shown(names)))
    };
    let places = |wanted: &str| -> Vec<usize> {
        names
            .iter()
            .enumerate()
            .filter(|(_, name)| *name == wanted)
            .map(|(at, _)| at)
            .collect()
    };
    let wanted: &[&str] = match &column {
        Some(name) => &[name],
        None => &["distinct_id", "$distinct_id"],
    };
    for name in wanted {
        match places(name).as_slice() {
            [] => {}
            [at] => return Ok(*at),
            _ => return Err(refuse("two columns have the wanted name")),
        }
    }
    match (column, names) {
        (_, [name]) if name.contains([';', '\t', '\r']) => {
            Err(blocks.refuse("its fields are not separated by commas; save it with commas and LF or CRLF line ends"))
        }
        // Without a header the first id would be taken for one and be lost.
        (_, [name]) if !guard::is_header_word(name) && guard::may_be_an_id(name) => Err(blocks.refuse(
            "its first line looks like an id, and a .csv file needs a header row; add one, or name it as .txt",
        )),
        (Some(_), _) => Err(refuse("no column has the name given as column=")),
        (None, [_]) => Ok(0),
        (None, _) => Err(refuse("which column holds the ids? Name it with column=")),
    }
}

/// The names of the columns for a message, except those that may be an id themselves.
fn shown(names: &[String]) -> String {
    const MOST: usize = 30;
    let mut text = names
        .iter()
        .take(MOST)
        .map(|name| {
            if guard::may_be_an_id(name) {
                "(not shown, may be an id)"
            } else {
                name
            }
        })
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MOST {
        text.push_str(", ...");
    }
    text
}

#[cfg(test)]
#[path = "read_csv_tests.rs"]
mod tests;
