//! Tables: which row is whose, and the row as the JSON line that a person's file holds.

use std::sync::Arc;

use super::lines::Kind;

/// The columns of a table.
#[derive(Debug, Clone)]
pub(super) struct Header {
    names: Arc<Vec<String>>,
    id: usize,
    event: Option<usize>,
    pub(super) delimiter: u8,
    /// Bytes of the line itself, with its end.
    pub(super) len: usize,
}

/// What the vendor's own tables call the id.
const ID: [&str; 3] = ["distinct_id", "$distinct_id", "Distinct ID"];

impl Header {
    /// `None` unless the first line names each column once, and exactly one is the id's.
    pub(super) fn read(head: &[u8]) -> Option<Self> {
        let len = memchr::memchr(b'\n', head).map_or(head.len(), |at| at + 1);
        let line = head.get(..len)?;
        [b',', b';', b'\t'].into_iter().find_map(|delimiter| {
            let names = cells(line, delimiter)?;
            let mut ids = names
                .iter()
                .enumerate()
                .filter(|(_, n)| ID.contains(&n.as_str()));
            let id = ids.next()?.0;
            let mut sorted: Vec<&String> = names.iter().collect();
            sorted.sort_unstable();
            sorted.dedup();
            let distinct = sorted.len() == names.len() && names.iter().all(|n| !n.is_empty());
            (distinct && ids.next().is_none()).then(|| Self {
                event: names.iter().position(|name| name == "event"),
                names: Arc::new(names),
                id,
                delimiter,
                len,
            })
        })
    }

    /// The kind of a row, its id, and its JSON line. `None` for a row that does not fit the header.
    pub(super) fn owner(&self, row: &[u8]) -> Option<(Kind, String, Vec<u8>)> {
        let cells = cells(row, self.delimiter)?;
        if cells.len() != self.names.len() {
            return None;
        }
        let mut properties = String::from("{");
        for (n, (name, cell)) in self.names.iter().zip(&cells).enumerate() {
            let beside = self.event == Some(n) || (self.event.is_none() && self.id == n);
            if beside {
                continue;
            }
            if properties.len() > 1 {
                properties.push(',');
            }
            properties.extend([&*json(name)?, ":", &json(cell)?]);
        }
        properties.push('}');
        let id = cells.get(self.id)?.clone();
        let (kind, line) = if let Some(event) = self.event {
            let event = json(cells.get(event)?)?;
            let line = format!("{{\"event\":{event},\"properties\":{properties}}}");
            (Kind::Event, line)
        } else {
            let id = json(&id)?;
            let line = format!("{{\"$distinct_id\":{id},\"$properties\":{properties}}}");
            (Kind::Profile, line)
        };
        Some((kind, id, line.into_bytes()))
    }
}

fn json(text: &str) -> Option<String> {
    serde_json::to_string(text).ok()
}

/// The cells of one row.
fn cells(row: &[u8], delimiter: u8) -> Option<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(row);
    let mut rows = reader.records();
    let first = rows.next()?.ok()?;
    // A line end inside what was taken for one row.
    if rows.next().is_some() {
        return None;
    }
    Some(first.iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_becomes_the_line_that_an_export_would_hold() {
        let header =
            Header::read(b"event,time,distinct_id,\"a \"\"b\"\"\"\r\nrest").expect("header");
        assert_eq!(
            header.len,
            "event,time,distinct_id,\"a \"\"b\"\"\"\r\n".len()
        );
        let (kind, id, line) = header
            .owner(b"Buy,1700000000,ann,\"x\ny\"\r\n")
            .expect("row");
        assert_eq!((kind, id.as_str()), (Kind::Event, "ann"));
        assert_eq!(
            String::from_utf8(line).expect("text"),
            r#"{"event":"Buy","properties":{"time":"1700000000","distinct_id":"ann","a \"b\"":"x\ny"}}"#
        );
        let header = Header::read(b"$distinct_id;$name").expect("header");
        let (kind, id, line) = header.owner(b"ann;Ann").expect("row");
        assert_eq!((kind, id.as_str()), (Kind::Profile, "ann"));
        assert_eq!(
            line,
            br#"{"$distinct_id":"ann","$properties":{"$name":"Ann"}}"#
        );
        for odd in ["ann", "ann;Ann;x", "a;b\nc;d", ""] {
            assert!(header.owner(odd.as_bytes()).is_none(), "{odd:?}");
        }
        assert!(header.owner(b"\xff;x").is_none());
    }

    #[test]
    fn a_header_in_doubt_is_none() {
        for odd in [
            "distinct_id,distinct_id",
            "distinct_id,$distinct_id",
            "distinct_id,a,a",
            "distinct_id,",
            "id,name",
            "",
        ] {
            assert!(Header::read(odd.as_bytes()).is_none(), "{odd:?}");
        }
    }
}
