//! How values lie in columns: identifiers as blobs, times as milliseconds, words as text, lists and
//! objects as JSON. Nowhere else.

use std::str::FromStr;

use hearth_domain::{JsonObject, Timestamp};
use rusqlite::{Row, Rows};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::error::StoreError;

/// Reads columns of one row of one sort of thing; its errors name the column.
pub(crate) struct Columns<'a, 'stmt> {
    pub(crate) entity: &'static str,
    pub(crate) row: &'a Row<'stmt>,
}

/// Reads the first row, if there is one.
pub(crate) fn read_one<T>(
    entity: &'static str,
    mut rows: Rows<'_>,
    read: impl FnOnce(&Columns<'_, '_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    rows.next()?
        .map(|row| read(&Columns { entity, row }))
        .transpose()
}

/// Reads every row.
pub(crate) fn read_all<T>(
    entity: &'static str,
    mut rows: Rows<'_>,
    read: impl Fn(&Columns<'_, '_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(&Columns { entity, row })?);
    }
    Ok(items)
}

impl Columns<'_, '_> {
    pub(crate) fn uuid(&self, index: usize) -> Result<Uuid, StoreError> {
        Ok(self.row.get(index)?)
    }

    pub(crate) fn uuid_option(&self, index: usize) -> Result<Option<Uuid>, StoreError> {
        Ok(self.row.get(index)?)
    }

    pub(crate) fn text(&self, index: usize) -> Result<String, StoreError> {
        Ok(self.row.get(index)?)
    }

    pub(crate) fn text_option(&self, index: usize) -> Result<Option<String>, StoreError> {
        Ok(self.row.get(index)?)
    }

    pub(crate) fn time(&self, index: usize) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_millis(self.row.get(index)?))
    }

    pub(crate) fn time_option(&self, index: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self
            .row
            .get::<_, Option<i64>>(index)?
            .map(Timestamp::from_millis))
    }

    pub(crate) fn integer(&self, index: usize) -> Result<i64, StoreError> {
        Ok(self.row.get(index)?)
    }

    /// Reads a count, which the schema keeps from being negative or huge.
    pub(crate) fn count<N: TryFrom<i64>>(
        &self,
        column: &'static str,
        index: usize,
    ) -> Result<N, StoreError> {
        N::try_from(self.row.get(index)?)
            .map_err(|_| StoreError::corrupt(self.entity, column, "is out of range"))
    }

    pub(crate) fn word<T>(&self, column: &'static str, index: usize) -> Result<T, StoreError>
    where
        T: FromStr,
        T::Err: ToString,
    {
        let text = self
            .row
            .get_ref(index)?
            .as_str()
            .map_err(rusqlite::Error::from)?;
        text.parse()
            .map_err(|problem: T::Err| StoreError::corrupt(self.entity, column, problem))
    }

    /// Reads JSON that stands in every row.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        column: &'static str,
        index: usize,
    ) -> Result<T, StoreError> {
        let text = self
            .row
            .get_ref(index)?
            .as_str()
            .map_err(rusqlite::Error::from)?;
        serde_json::from_str(text)
            .map_err(|problem| StoreError::corrupt(self.entity, column, problem))
    }

    /// Reads JSON that is NULL where there is nothing to say.
    pub(crate) fn json_option<T: DeserializeOwned>(
        &self,
        column: &'static str,
        index: usize,
    ) -> Result<Option<T>, StoreError> {
        let text = self
            .row
            .get_ref(index)?
            .as_str_or_null()
            .map_err(rusqlite::Error::from)?;
        text.map(serde_json::from_str)
            .transpose()
            .map_err(|problem| StoreError::corrupt(self.entity, column, problem))
    }

    /// Reads a JSON object; most are empty.
    pub(crate) fn object(
        &self,
        column: &'static str,
        index: usize,
    ) -> Result<JsonObject, StoreError> {
        let text = self
            .row
            .get_ref(index)?
            .as_str()
            .map_err(rusqlite::Error::from)?;
        if text == "{}" {
            return Ok(JsonObject::new());
        }
        serde_json::from_str(text)
            .map_err(|problem| StoreError::corrupt(self.entity, column, problem))
    }
}

/// Writes JSON for a column that stands in every row.
pub(crate) fn to_json(
    entity: &'static str,
    column: &'static str,
    value: &impl Serialize,
) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|problem| StoreError::corrupt(entity, column, problem))
}

/// Writes a list as JSON, or NULL where it is empty.
pub(crate) fn list_to_json<T: Serialize>(
    entity: &'static str,
    column: &'static str,
    list: &[T],
) -> Result<Option<String>, StoreError> {
    if list.is_empty() {
        Ok(None)
    } else {
        to_json(entity, column, &list).map(Some)
    }
}
