//! The part of zip that PyTorch and NumPy write: entries stored or deflated, zip64, checked by CRC-32.

use std::borrow::Cow;
use std::io::Read;

use super::{Fault, MAX_BYTES, MAX_TENSORS, shown};

/// Bytes that an archive may unpack to in any case.
const FREE_BYTES: u64 = 64 << 20;
/// Above that, how many times its own size it may unpack to.
const MAX_RATIO: u64 = 200;
/// Most entries: PyTorch adds a few of its own to one a tensor.
const MAX_ENTRIES: usize = MAX_TENSORS + 100;

const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const STORED: u64 = 0;
const DEFLATED: u64 = 8;

/// An archive in memory.
pub struct Archive<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry>,
}

/// One file of an archive, as the central directory lists it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Path in the archive.
    pub name: String,
    method: u64,
    crc: u32,
    packed: u64,
    unpacked: u64,
    local: u64,
}

/// Reads little-endian numbers out of a record of known place.
struct Record<'a>(&'a [u8]);

impl<'a> Record<'a> {
    fn at(bytes: &'a [u8], start: u64, length: usize, signature: [u8; 4], what: &str) -> Result<Self, Fault> {
        let record = slice(bytes, start, length as u64).ok_or_else(|| Fault::cut(what))?;
        if record[..4] != signature {
            return Err(Fault::Damaged(format!("{what} is not where it should be")));
        }
        Ok(Record(record))
    }

    /// The number of `N` bytes at `position`, which lies within the record.
    fn number<const N: usize>(&self, position: usize) -> u64 {
        self.0[position..position + N].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

fn slice(bytes: &[u8], start: u64, length: u64) -> Option<&[u8]> {
    let start = usize::try_from(start).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(length).ok()?)?)
}

impl<'a> Archive<'a> {
    /// Reads the list of entries and holds it against the limits. Nothing is unpacked.
    pub fn new(bytes: &'a [u8]) -> Result<Archive<'a>, Fault> {
        let (mut at, count) = directory(bytes)?;
        if count > MAX_ENTRIES as u64 {
            return Err(Fault::Limit(format!(
                "is an archive of {count} entries, above the limit of {MAX_ENTRIES}"
            )));
        }
        let what = "the directory of the archive";
        let mut entries = Vec::new();
        let mut total = 0_u64;
        for _ in 0..count {
            let record = Record::at(bytes, at, 46, CENTRAL, what)?;
            let [name, extra, comment] = [28, 30, 32].map(|position| record.number::<2>(position));
            let text = slice(bytes, at + 46, name).ok_or_else(|| Fault::cut(what))?;
            let fields = slice(bytes, at + 46 + name, extra).ok_or_else(|| Fault::cut(what))?;
            let mut entry = Entry {
                name: String::from_utf8_lossy(text).into_owned(),
                method: record.number::<2>(10),
                crc: record.number::<4>(16) as u32,
                packed: record.number::<4>(20),
                unpacked: record.number::<4>(24),
                local: record.number::<4>(42),
            };
            if record.number::<2>(8) & 1 != 0 {
                return Err(Fault::Unsupported("is an encrypted archive".into()));
            }
            entry.widen(fields);
            total = total.saturating_add(entry.unpacked);
            entries.push(entry);
            at += 46 + name + extra + comment;
        }
        if total > MAX_BYTES {
            return Err(Fault::Limit(format!("unpacks to {total} bytes, above the limit of {MAX_BYTES}")));
        }
        let most = FREE_BYTES + MAX_RATIO * bytes.len() as u64;
        if total > most {
            return Err(Fault::Limit(format!(
                "unpacks from {} to {total} bytes, above the limit of {MAX_RATIO} to 1",
                bytes.len()
            )));
        }
        Ok(Archive { bytes, entries })
    }

    /// In the order of the archive.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The first entry whose name is wanted.
    pub fn find(&self, wanted: impl Fn(&str) -> bool) -> Option<&Entry> {
        self.entries.iter().find(|entry| wanted(&entry.name))
    }

    /// The content of an entry, as long as the directory says and with the right checksum.
    pub fn content(&self, entry: &Entry) -> Result<Cow<'a, [u8]>, Fault> {
        let name = || shown(&entry.name);
        let local = Record::at(self.bytes, entry.local, 30, LOCAL, "an entry of the archive")?;
        // Name and extra field may be longer here than in the directory: PyTorch aligns the data with them.
        let start = entry.local + 30 + local.number::<2>(26) + local.number::<2>(28);
        let packed = slice(self.bytes, start, entry.packed).ok_or_else(|| Fault::cut(&name()))?;
        let content = match entry.method {
            STORED => Cow::Borrowed(packed),
            DEFLATED => {
                let mut content = Vec::new();
                // One byte more than announced tells a longer one from the right one.
                flate2::read::DeflateDecoder::new(packed)
                    .take(entry.unpacked.saturating_add(1))
                    .read_to_end(&mut content)
                    .map_err(|error| Fault::Damaged(format!("{}: {error}", name())))?;
                Cow::Owned(content)
            }
            other => return Err(Fault::Unsupported(format!("holds {} packed by method {other}", name()))),
        };
        if content.len() as u64 != entry.unpacked {
            return Err(Fault::Damaged(format!("{} is not of the length announced", name())));
        }
        let mut crc = flate2::Crc::new();
        crc.update(&content);
        if crc.sum() != entry.crc {
            return Err(Fault::Damaged(format!("the checksum of {} is wrong", name())));
        }
        Ok(content)
    }
}

impl Entry {
    /// Takes what does not fit 32 bits from the zip64 field.
    fn widen(&mut self, mut fields: &[u8]) {
        while let [a, b, c, d, rest @ ..] = fields {
            let (id, length) = (u16::from_le_bytes([*a, *b]), usize::from(u16::from_le_bytes([*c, *d])));
            let Some((field, next)) = rest.split_at_checked(length) else { return };
            if id == 1 {
                let mut words = field.chunks_exact(8);
                for number in [&mut self.unpacked, &mut self.packed, &mut self.local] {
                    if *number == u64::from(u32::MAX)
                        && let Some(word) = words.next()
                    {
                        *number = Record(word).number::<8>(0);
                    }
                }
            }
            fields = next;
        }
    }
}

/// Where the central directory begins and how many entries it has.
fn directory(bytes: &[u8]) -> Result<(u64, u64), Fault> {
    // The end record is the last thing but for a comment of at most 65,535 bytes.
    let from = bytes.len().saturating_sub(22 + usize::from(u16::MAX));
    let end = (from..bytes.len().saturating_sub(21)).rev().find(|&at| bytes[at..at + 4] == END);
    let end = end.ok_or_else(|| Fault::Damaged("the end of the archive is missing".into()))? as u64;
    let record = Record::at(bytes, end, 22, END, "the end of the archive")?;
    let (count, start) = (record.number::<2>(10), record.number::<4>(16));
    if count != u64::from(u16::MAX) && start != u64::from(u32::MAX) {
        return Ok((start, count));
    }
    let Some(locator) = end.checked_sub(20) else { return Ok((start, count)) };
    match Record::at(bytes, locator, 20, LOCATOR_64, "the locator of the archive") {
        Ok(locator) => {
            let record = Record::at(bytes, locator.number::<8>(8), 56, END_64, "the end of the archive")?;
            Ok((record.number::<8>(48), record.number::<8>(32)))
        }
        Err(_) => Ok((start, count)),
    }
}
