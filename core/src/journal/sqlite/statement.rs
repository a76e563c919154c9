//! How SQLite runs a statement.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Row, ToSql, params_from_iter};

use super::failure::sql;
use crate::error::Result;
use crate::journal::sql::Sql;
use crate::journal::sql::cells::{Cell, Cells, unreadable};

impl Sql for Connection {
    fn each(
        &self,
        statement: &str,
        params: Vec<Cell>,
        row: &mut dyn FnMut(Cells) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.prepare_cached(statement).map_err(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(params)).map_err(sql)?;
        while let Some(found) = rows.next().map_err(sql)? {
            let cells = (0..columns).map(|column| cell(found, column));
            row(Cells::new(cells.collect::<Result<_>>()?))?;
        }
        Ok(())
    }

    fn execute(&self, statement: &str, params: Vec<Cell>) -> Result<u64> {
        let mut statement = self.prepare_cached(statement).map_err(sql)?;
        let changed = statement.execute(params_from_iter(params)).map_err(sql)?;
        Ok(changed as u64)
    }
}

fn cell(row: &Row<'_>, column: usize) -> Result<Cell> {
    Ok(match row.get_ref(column).map_err(sql)? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Text(bytes) => {
            Cell::Text(String::from_utf8(bytes.to_vec()).map_err(|_| unreadable())?)
        }
        ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
        ValueRef::Real(_) => return Err(unreadable()),
    })
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Int(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}
