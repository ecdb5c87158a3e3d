//! Kafka's encoding of what is asked and what is answered, without compact
//! fields but for those that say which Kafka it is.

use std::io::{self, ErrorKind};

pub(super) fn garbled() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the answer is not Kafka's")
}

/// What is asked, in Kafka's encoding.
pub(super) struct Body(pub(super) Vec<u8>);

impl Body {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn with(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn byte(self, value: u8) -> Self {
        self.with(&[value])
    }

    pub(super) fn short(self, value: i16) -> Self {
        self.with(&value.to_be_bytes())
    }

    pub(super) fn int(self, value: i32) -> Self {
        self.with(&value.to_be_bytes())
    }

    pub(super) fn long(self, value: i64) -> Self {
        self.with(&value.to_be_bytes())
    }

    /// Names and passwords are far shorter than 32 KiB; a longer one is cut
    /// off and refused by the broker.
    pub(super) fn text(self, text: &str) -> Self {
        let length = text.len().min(i16::MAX as usize);
        self.short(length as i16).with(&text.as_bytes()[..length])
    }

    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        self.int(bytes.len() as i32).with(bytes)
    }

    pub(super) fn texts(self, texts: &[&str]) -> Self {
        texts.iter().fold(self.int(texts.len() as i32), |body, text| body.text(text))
    }

    /// Texts here are shorter than 127 bytes.
    pub(super) fn compact_text(self, text: &str) -> Self {
        self.byte(text.len() as u8 + 1).with(text.as_bytes())
    }

    pub(super) fn tags(self) -> Self {
        self.byte(0)
    }
}

/// What is answered, and how far it is read.
pub(super) struct Answer(pub(super) Vec<u8>, pub(super) usize);

impl Answer {
    pub(super) fn take(&mut self, length: usize) -> io::Result<&[u8]> {
        let end = self.1.checked_add(length).ok_or_else(garbled)?;
        let taken = self.0.get(self.1..end).ok_or_else(garbled)?;
        self.1 = end;
        Ok(taken)
    }

    pub(super) fn skip(&mut self, length: usize) -> io::Result<()> {
        self.take(length).map(|_| ())
    }

    pub(super) fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| garbled())
    }

    pub(super) fn short(&mut self) -> io::Result<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn int(&mut self) -> io::Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn long(&mut self) -> io::Result<i64> {
        self.array().map(i64::from_be_bytes)
    }

    pub(super) fn text(&mut self) -> io::Result<String> {
        self.nullable()?.ok_or_else(garbled)
    }

    pub(super) fn nullable(&mut self) -> io::Result<Option<String>> {
        let Ok(length) = usize::try_from(self.short()?) else { return Ok(None) };
        let text = self.take(length)?.to_vec();
        String::from_utf8(text).map(Some).map_err(|_| garbled())
    }

    pub(super) fn many<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> io::Result<T>,
    ) -> io::Result<Vec<T>> {
        let count = self.int()?.max(0);
        (0..count).map(|_| one(self)).collect()
    }

    pub(super) fn varint(&mut self) -> io::Result<u32> {
        let mut value = 0;
        for shift in (0..32).step_by(7) {
            let [byte] = self.array()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(garbled())
    }

    /// One more than the length is written, and 0 for none.
    pub(super) fn compact_length(&mut self) -> io::Result<u32> {
        Ok(self.varint()?.saturating_sub(1))
    }

    pub(super) fn skip_tags(&mut self) -> io::Result<()> {
        for _ in 0..self.varint()? {
            self.varint()?;
            let length = self.varint()?;
            self.skip(length as usize)?;
        }
        Ok(())
    }

    /// The newest level of the feature `metadata.version` in a list of features.
    pub(super) fn metadata_level(&mut self) -> io::Result<Option<i16>> {
        for _ in 0..self.compact_length()? {
            let length = self.compact_length()?;
            let is_metadata = self.take(length as usize)? == b"metadata.version";
            self.skip(2)?;
            let newest = self.short()?;
            self.skip_tags()?;
            if is_metadata {
                return Ok(Some(newest));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_absurd_answers_are_errors() {
        for bytes in [vec![], vec![0], vec![0x7f, 0xff, 0xff, 0xff]] {
            assert!(Answer(bytes.clone(), 0).many(Answer::text).is_err());
            assert!(Answer(bytes, 0).text().is_err());
        }
        assert!(Answer(vec![0xff; 6], 0).varint().is_err());
        assert_eq!(Answer(vec![0xac, 0x02], 0).varint().expect("a number"), 300);
    }
}
