//! One value of a row, as every database has it.

use crate::error::{Error, ErrorKind, Result};

/// One value.
pub(in crate::journal) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl std::fmt::Debug for Cell {
    // A value may be an id of a person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cell")
    }
}

/// The values of a row, one after the other.
pub(in crate::journal) struct Cells(std::vec::IntoIter<Cell>);

/// A value that a cell can hold. `None`: the cell holds something else.
pub(in crate::journal) trait FromCell: Sized {
    fn from_cell(cell: Cell) -> Option<Self>;
}

impl Cells {
    pub fn new(cells: Vec<Cell>) -> Self {
        Self(cells.into_iter())
    }

    pub fn get<T: FromCell>(&mut self) -> Option<T> {
        T::from_cell(self.0.next()?)
    }

    /// A word of a fixed list.
    pub(super) fn word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        parse(&self.get::<String>()?)
    }

    #[expect(
        clippy::option_option,
        reason = "whether it can be read; whether it is there"
    )]
    pub(super) fn maybe_word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
        match self.get::<Option<String>>()? {
            None => Some(None),
            Some(word) => parse(&word).map(Some),
        }
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        self.get().map(i64::cast_unsigned)
    }
}

/// A row that holds what no journal writes.
pub(in crate::journal) fn unreadable() -> Error {
    Error::new(
        ErrorKind::Journal,
        "a row of the journal cannot be read: it was changed or damaged",
    )
}

/// The row, or that it cannot be read.
pub(super) fn readable<T>(row: Option<T>) -> Result<T> {
    row.ok_or_else(unreadable)
}

impl FromCell for i64 {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Int(number) => Some(number),
            _ => None,
        }
    }
}

impl FromCell for u32 {
    fn from_cell(cell: Cell) -> Option<Self> {
        i64::from_cell(cell)?.try_into().ok()
    }
}

impl FromCell for u16 {
    fn from_cell(cell: Cell) -> Option<Self> {
        i64::from_cell(cell)?.try_into().ok()
    }
}

impl FromCell for bool {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Int(0) => Some(false),
            Cell::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl FromCell for String {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl FromCell for [u8; 32] {
    fn from_cell(cell: Cell) -> Option<Self> {
        Vec::from_cell(cell)?.try_into().ok()
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Cell {
    fn from(yes: bool) -> Self {
        Self::Int(yes.into())
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u16> for Cell {
    fn from(number: u16) -> Self {
        Self::Int(number.into())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<[u8; 32]> for Cell {
    fn from(bytes: [u8; 32]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Databases' integers are signed: the upper half is kept as negative numbers, and read back so.
pub(super) fn number(number: u64) -> Cell {
    Cell::Int(number.cast_signed())
}
