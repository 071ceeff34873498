//! Files that may be gzip-compressed.

use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::{DataError, io_error};

/// The file's bytes, decompressed if its content is gzip.
pub(super) fn unpacked(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let open = || crate::files::open(path).map(BufReader::new).map_err(|reason| io_error(path, reason));
    let mut start = Vec::new();
    open()?.take(2).read_to_end(&mut start).map_err(|reason| io_error(path, reason))?;
    Ok(if start == [0x1f, 0x8b] { Box::new(MultiGzDecoder::new(open()?)) } else { Box::new(open()?) })
}
