//! Pictures of a run: read with limits, since whoever wrote the directory may have meant them to be too much.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{ImageFormat, ImageReader, RgbImage};

use crate::files;

/// The largest side that is read, in pixels.
const LARGEST_SIDE: u32 = 16_384;

/// One picture as stored and as pixels.
#[derive(Debug)]
pub struct Loaded {
    /// The PNG file.
    pub file: Vec<u8>,
    /// Its pixels.
    pub pixels: RgbImage,
}

/// A picture that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("picture {} cannot be used: {reason}", path.display())]
pub struct PictureError {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// Reads one picture.
///
/// # Errors
/// If it is missing, too large, or no PNG.
pub fn read(path: &Path) -> Result<Loaded, PictureError> {
    let refuse = |reason: String| PictureError { path: path.to_path_buf(), reason };
    let file = files::read(path, files::PICTURE).map_err(|error| refuse(error.to_string()))?;
    let mut reader = ImageReader::with_format(Cursor::new(&file), ImageFormat::Png);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(LARGEST_SIDE);
    limits.max_image_height = Some(LARGEST_SIDE);
    reader.limits(limits);
    let pixels = reader.decode().map_err(|error| refuse(error.to_string()))?.into_rgb8();
    Ok(Loaded { file, pixels })
}
