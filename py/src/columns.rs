//! Parts of Arrow columns as plain bytes. Python reads them from memory (`_arrow.py`); here they
//! become texts, checked, without a Python object for each of them.

use dsrkit::Result;

/// Ids on their way to the core.
pub enum Chunk {
    Texts(Vec<String>),
    Packed(Packed),
}

impl Chunk {
    pub fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Packed(packed) => packed.ends.len(),
        }
    }

    /// Gives each of them on.
    pub fn each(&self, give: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        match self {
            Self::Texts(texts) => texts.iter().try_for_each(|id| give(id)),
            Self::Packed(packed) => packed.iter().try_for_each(give),
        }
    }
}

/// Texts one after the other, and where each of them ends.
#[derive(Default)]
pub struct Packed {
    text: String,
    ends: Vec<usize>,
}

impl Packed {
    fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let from = std::mem::replace(&mut start, *end);
            // Checked when it was made.
            self.text.get(from..*end).unwrap_or_default()
        })
    }
}

/// A part of a buffer.
pub struct Window<'a> {
    pub buffer: usize,
    pub start: usize,
    pub bytes: &'a [u8],
}

type Refused = (usize, &'static str);

const NO_TEXT: &str = "an id that is not UTF-8";
const BROKEN: &str = "the column's offsets do not fit its bytes";

/// Texts between offsets of 4 or 8 bytes; the first offset may be any.
pub fn texts(bytes: &[u8], offsets: &[u8], wide: bool) -> std::result::Result<Packed, Refused> {
    let mut all = offsets
        .chunks_exact(if wide { 8 } else { 4 })
        .map(|each| number(each, 0, each.len()));
    let first = all.next().flatten().ok_or((0, BROKEN))?;
    let ends: Option<Vec<usize>> = all.map(|end| end?.checked_sub(first)).collect();
    let ends = ends.ok_or((0, BROKEN))?;
    let used = bytes
        .get(..ends.last().copied().unwrap_or(0))
        .ok_or((0, BROKEN))?;
    checked(used.to_vec(), ends)
}

/// Views of 16 bytes each: a length, then the text itself or the place of it.
pub fn views(views: &[u8], windows: &[Window<'_>]) -> std::result::Result<Packed, Refused> {
    let mut bytes = Vec::with_capacity(views.len() * 2);
    let mut ends = Vec::with_capacity(views.len() / 16);
    for (row, view) in views.chunks_exact(16).enumerate() {
        let text = match place(view) {
            Some(Place::Inside(text)) => Some(text),
            Some(Place::Outside(buffer, start, length)) => windows
                .iter()
                .find(|window| window.buffer == buffer && window.start <= start)
                .and_then(|window| {
                    let from = start.checked_sub(window.start)?;
                    window.bytes.get(from..from.checked_add(length)?)
                }),
            None => None,
        };
        bytes.extend_from_slice(text.ok_or((row, BROKEN))?);
        ends.push(bytes.len());
    }
    checked(bytes, ends)
}

/// Which part of each buffer these views use: buffer, start, end, bytes used.
pub fn spans(views: &[u8]) -> Vec<(usize, usize, usize, usize)> {
    let mut spans: Vec<(usize, usize, usize, usize)> = Vec::new();
    for view in views.chunks_exact(16) {
        if let Some(Place::Outside(buffer, start, length)) = place(view) {
            let end = start.saturating_add(length);
            match spans.iter_mut().find(|span| span.0 == buffer) {
                Some((_, first, last, used)) => {
                    *first = start.min(*first);
                    *last = end.max(*last);
                    *used = used.saturating_add(length);
                }
                None => spans.push((buffer, start, end, length)),
            }
        }
    }
    spans
}

enum Place<'a> {
    Inside(&'a [u8]),
    /// Buffer, start, length.
    Outside(usize, usize, usize),
}

fn place(view: &[u8]) -> Option<Place<'_>> {
    let length = number(view, 0, 4)?;
    if length <= 12 {
        return view.get(4..4 + length).map(Place::Inside);
    }
    Some(Place::Outside(
        number(view, 8, 4)?,
        number(view, 12, 4)?,
        length,
    ))
}

/// A signed number that is not negative, as this machine writes it.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + size)?;
    let number = match size {
        4 => i64::from(i32::from_ne_bytes(bytes.try_into().ok()?)),
        _ => i64::from_ne_bytes(bytes.try_into().ok()?),
    };
    usize::try_from(number).ok()
}

/// Texts that begin and end between characters.
fn checked(bytes: Vec<u8>, ends: Vec<usize>) -> std::result::Result<Packed, Refused> {
    let row_of = |at: usize| ends.iter().position(|end| at < *end).unwrap_or(0);
    let text = String::from_utf8(bytes)
        .map_err(|error| (row_of(error.utf8_error().valid_up_to()), NO_TEXT))?;
    let mut start = 0;
    for (row, end) in ends.iter().enumerate() {
        if *end < start {
            return Err((row, BROKEN));
        }
        if !text.is_char_boundary(*end) {
            return Err((row, NO_TEXT));
        }
        start = *end;
    }
    Ok(Packed { text, ends })
}
