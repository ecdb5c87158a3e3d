//! One-dimensional arrays in PostgreSQL's binary form, written as tasks come,
//! so that a batch of tasks is a few buffers and not one value per task.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// An array that grows at its end.
#[derive(Debug)]
pub(super) struct Array {
    element: Type,
    count: i32,
    has_null: bool,
    elements: Vec<u8>,
}

impl Array {
    /// An empty one. `bytes` is what each element is expected to take.
    pub(super) fn of(element: Type, count: usize, bytes: usize) -> Self {
        let elements = Vec::with_capacity(count * (bytes + 4));
        Self { element, count: 0, has_null: false, elements }
    }

    /// Adds an element in its type's binary form: at most [`i32::MAX`] bytes,
    /// which callers have checked.
    pub(super) fn push(&mut self, element: &[u8]) {
        self.elements.extend_from_slice(&(element.len() as i32).to_be_bytes());
        self.elements.extend_from_slice(element);
        self.count += 1;
    }

    /// Adds a NULL.
    pub(super) fn push_null(&mut self) {
        self.elements.extend_from_slice(&(-1_i32).to_be_bytes());
        self.has_null = true;
        self.count += 1;
    }
}

/// An array of 64-bit numbers.
pub(super) fn numbers(of: impl ExactSizeIterator<Item = i64>) -> Array {
    let mut array = Array::of(Type::INT8, of.len(), 8);
    of.for_each(|number| array.push(&number.to_be_bytes()));
    array
}

/// A `timestamptz` in its binary form: microseconds since the year 2000. An
/// instant between two of them becomes the later one.
pub(super) fn timestamp(unix_ns: u64) -> [u8; 8] {
    const YEAR_2000_US: i64 = 946_684_800_000_000;
    // 2^64 ns are 2^54 µs, well inside.
    (unix_ns.div_ceil(1_000) as i64 - YEAR_2000_US).to_be_bytes()
}

impl ToSql for Array {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        // One dimension.
        out.extend_from_slice(&1_i32.to_be_bytes());
        out.extend_from_slice(&i32::from(self.has_null).to_be_bytes());
        out.extend_from_slice(&self.element.oid().to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        // The index of the first element.
        out.extend_from_slice(&1_i32.to_be_bytes());
        out.extend_from_slice(&self.elements);
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        [Type::INT8_ARRAY, Type::TIMESTAMPTZ_ARRAY, Type::BYTEA_ARRAY].contains(of)
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client's own encoding of the same values.
    #[test]
    fn is_what_the_client_itself_writes() {
        let mut ours = Array::of(Type::BYTEA, 3, 4);
        ours.push(b"");
        ours.push_null();
        ours.push(&[0, 255]);
        let theirs: Vec<Option<&[u8]>> = vec![Some(b""), None, Some(&[0, 255])];
        let written = |value: &dyn ToSql, of: &Type| {
            let mut out = BytesMut::new();
            value.to_sql_checked(of, &mut out).expect("it is written");
            out
        };
        assert_eq!(written(&ours, &Type::BYTEA_ARRAY), written(&theirs, &Type::BYTEA_ARRAY));
        let none: Vec<i64> = Vec::new();
        let ours = numbers(none.iter().copied());
        assert_eq!(written(&ours, &Type::INT8_ARRAY), written(&none, &Type::INT8_ARRAY));
    }

    #[test]
    fn an_instant_is_never_written_as_an_earlier_one() {
        let us = |unix_ns| i64::from_be_bytes(timestamp(unix_ns));
        assert_eq!(us(946_684_800_000_000_000), 0);
        assert_eq!(us(946_684_800_000_000_001), 1);
        assert_eq!(us(946_684_800_000_001_000), 1);
    }
}
