//! How a value stands in an export, and how it is read from there.

use hearth_domain::Timestamp;
use rusqlite::types::{Value, ValueRef};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::contents::from_hex;

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// An identifier, as text.
    Uuid,
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// True or false.
    Flag,
    /// A moment, in RFC 3339.
    Time,
    /// JSON, as it stands.
    Json,
    /// 32 bytes, as digits.
    Hash,
}

/// Appends a value as JSON on one line.
pub(super) fn write(
    out: &mut Vec<u8>,
    encoding: Encoding,
    value: ValueRef<'_>,
) -> Result<(), &'static str> {
    let quoted = |out: &mut Vec<u8>, text: &str| {
        serde_json::to_writer(out, text).map_err(|_| "it cannot be written as JSON")
    };
    match (encoding, value) {
        (_, ValueRef::Null) => out.extend_from_slice(b"null"),
        (Encoding::Uuid, ValueRef::Blob(bytes)) => {
            let id = Uuid::from_slice(bytes).map_err(|_| "it is no identifier")?;
            quoted(out, &id.to_string())?;
        }
        (Encoding::Hash, ValueRef::Blob(bytes)) => {
            let hash = bytes.try_into().map_err(|_| "it is no hash")?;
            quoted(out, &hearth_domain::artifact::ContentHash(hash).to_string())?;
        }
        (Encoding::Text, ValueRef::Text(bytes)) => quoted(out, utf8(bytes)?)?,
        (Encoding::Integer, ValueRef::Integer(number)) => {
            out.extend_from_slice(number.to_string().as_bytes());
        }
        (Encoding::Flag, ValueRef::Integer(number @ (0 | 1))) => {
            out.extend_from_slice(if number == 1 { b"true" } else { b"false" });
        }
        (Encoding::Real, ValueRef::Real(number)) if number.is_finite() => {
            serde_json::to_writer(out, &number).map_err(|_| "it cannot be written as JSON")?;
        }
        (Encoding::Time, ValueRef::Integer(millis)) => {
            let time = Timestamp::from_millis(millis);
            if time.as_millis() != millis {
                return Err("it is no moment between the years 1970 and 9999");
            }
            quoted(out, &time.to_string())?;
        }
        (Encoding::Json, ValueRef::Text(bytes)) => {
            let text = utf8(bytes)?;
            serde_json::from_str::<&RawValue>(text).map_err(|_| "it is no JSON")?;
            if text.trim() == "null" {
                return Err("it is a JSON null, which an export takes for no value");
            }
            // Between tokens a line break is a blank; inside one it cannot be.
            out.extend(text.trim().bytes().map(|byte| match byte {
                b'\n' | b'\r' => b' ',
                byte => byte,
            }));
        }
        _ => return Err("it is of another type than the column"),
    }
    Ok(())
}

/// Reads a value from JSON.
pub(super) fn read(encoding: Encoding, json: &RawValue) -> Result<Value, &'static str> {
    let json = json.get();
    if json == "null" {
        return Ok(Value::Null);
    }
    let text = || serde_json::from_str::<String>(json).map_err(|_| "must be text");
    Ok(match encoding {
        Encoding::Uuid => {
            let id = Uuid::try_parse(&text()?).map_err(|_| "must be a UUID")?;
            Value::Blob(id.into_bytes().into())
        }
        Encoding::Hash => {
            let mut hash = vec![0; 32];
            if !from_hex(&text()?, &mut hash) {
                return Err("must be 64 digits of a hash");
            }
            Value::Blob(hash)
        }
        Encoding::Text => Value::Text(text()?),
        Encoding::Integer => {
            Value::Integer(serde_json::from_str(json).map_err(|_| "must be a whole number")?)
        }
        Encoding::Flag => {
            let flag: bool = serde_json::from_str(json).map_err(|_| "must be true or false")?;
            Value::Integer(flag.into())
        }
        Encoding::Real => Value::Real(serde_json::from_str(json).map_err(|_| "must be a number")?),
        Encoding::Time => {
            let time = Timestamp::parse("it", &text()?)
                .map_err(|_| "must be a moment such as 2026-11-23T09:00:00.000Z")?;
            Value::Integer(time.as_millis())
        }
        Encoding::Json => Value::Text(json.to_owned()),
    })
}

/// Whether a stored value is the one that was read.
pub(super) fn is_same(encoding: Encoding, stored: ValueRef<'_>, read: &Value) -> bool {
    if let (Encoding::Json, ValueRef::Text(_)) = (encoding, stored) {
        let mut written = Vec::new();
        return write(&mut written, encoding, stored).is_ok()
            && matches!(read, Value::Text(text) if text.as_bytes() == written);
    }
    stored == ValueRef::from(read)
}

fn utf8(bytes: &[u8]) -> Result<&str, &'static str> {
    std::str::from_utf8(bytes).map_err(|_| "it is no UTF-8")
}
