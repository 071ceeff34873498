//! One PNG or JPEG picture, from a file or embedded, decoded when it is needed and never trusted.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::foreign;
use super::raster::Raster;
use super::{DataError, Dataset, MIN_SIDE, Normalisation, Samples, io_error, name_of, pad_classes};
use crate::reading::Reading;

/// Largest side that is decoded, in pixels: 64 MPixel in all, so that a small file that claims billions of
/// pixels costs nothing, and enough for a phone's photos.
pub(super) const MAX_DECODED_SIDE: usize = 8192;

/// Where a picture is.
#[derive(Debug, Clone)]
pub(super) enum Picture {
    /// In the program.
    Embedded {
        /// Without extension.
        name: &'static str,
        /// The PNG or JPEG file.
        bytes: &'static [u8],
    },
    /// On disk; whatever its extension, its content decides.
    File(PathBuf),
}

impl Picture {
    /// File name without extension.
    pub fn name(&self) -> String {
        match self {
            Picture::Embedded { name, .. } => (*name).into(),
            Picture::File(path) => {
                path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
            }
        }
    }

    /// Refuses what cannot be decoded by its header, or by all of it where its end is not that of its format.
    pub fn check(&self) -> Result<(), DataError> {
        let Picture::File(path) = self else { return Ok(()) };
        header(open_file(path)?, path)?;
        let mut file = File::open(path).map_err(|reason| io_error(path, reason))?;
        let mut end = Vec::new();
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        file.seek(SeekFrom::Start(length.saturating_sub(12)))
            .and_then(|_| file.read_to_end(&mut end))
            .map_err(|reason| io_error(path, reason))?;
        let is_whole = end.ends_with(b"\xff\xd9") || end.windows(4).any(|window| window == b"IEND");
        if is_whole { Ok(()) } else { self.decode().map(|_| ()) }
    }

    /// Decodes it to three 8-bit channels. A grey picture gets three equal ones; transparency is dropped.
    pub fn decode(&self) -> Result<Raster, DataError> {
        match self {
            Picture::Embedded { name, bytes } => decode(Cursor::new(*bytes), Path::new(name)),
            Picture::File(path) => decode(open_file(path)?, path),
        }
    }
}

/// A set of one picture: one sample with label 0. It has ten classes, as CIFAR-10 has: with a single class
/// the softmax is constant and the gradient zero.
pub(super) fn open(path: &Path) -> Result<Dataset, DataError> {
    let (decoder, orientation) = header(open_file(path)?, path)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    let picture = Picture::File(path.into());
    Ok(Dataset {
        name: name_of(path),
        classes: pad_classes(vec![picture.name()]),
        channels: 3,
        size: Some(if swaps_sides(orientation) { (width, height) } else { (height, width) }),
        table: None,
        reading: Reading::default(),
        // Its own statistics would tell the attacker of the private picture.
        known: Some(Normalisation::cifar10()),
        labels: vec![0],
        samples: Samples::Pictures(vec![picture]),
    })
}

fn open_file(path: &Path) -> Result<BufReader<File>, DataError> {
    crate::files::open(path).map(BufReader::new).map_err(|reason| io_error(path, reason))
}

fn decode(input: impl BufRead + Seek, path: &Path) -> Result<Raster, DataError> {
    let (decoder, orientation) = header(input, path)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| not_a_picture(path, error))?;
    picture.apply_orientation(orientation);
    let colour = picture.into_rgb8();
    let (width, height) = colour.dimensions();
    let bytes = (0..3).flat_map(|c| colour.pixels().map(move |pixel| pixel.0[c])).collect();
    Ok(Raster { channels: 3, height: height as usize, width: width as usize, bytes })
}

/// Reads the header alone, refuses what is no PNG or JPEG and what is too small or too large to decode.
/// The orientation is the camera's, as EXIF states it.
fn header<'a>(
    input: impl BufRead + Seek + 'a,
    path: &Path,
) -> Result<(impl ImageDecoder + 'a, Orientation), DataError> {
    let reader = ImageReader::new(input).with_guessed_format().map_err(|reason| io_error(path, reason))?;
    match reader.format() {
        Some(format) if is_read(format) => {}
        Some(other) => return Err(not_a_picture(path, format!("it looks like {other:?}"))),
        None => return Err(not_a_picture(path, "its content is none")),
    }
    let mut decoder = reader.into_decoder().map_err(|error| not_a_picture(path, error))?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    if width.min(height) < MIN_SIDE {
        return Err(DataError::TooSmall { path: path.into(), width, height });
    }
    if width.max(height) > MAX_DECODED_SIDE {
        return Err(DataError::TooLarge { path: path.into(), width, height });
    }
    // A damaged EXIF block is no reason to refuse the pixels.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((decoder, orientation))
}

fn swaps_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// Why a picture cannot be decoded, by what the file really is.
fn not_a_picture(path: &Path, reason: impl ToString) -> DataError {
    if let Some(kind) = foreign::kind(path) {
        return DataError::Foreign { path: path.into(), what: kind.what, remedy: kind.remedy };
    }
    let reason = reason.to_string();
    let empty = path.metadata().is_ok_and(|metadata| metadata.len() == 0);
    let is_cut = [
        "unexpected end of file",
        "UnexpectedEof",
        "failed to fill whole buffer",
        "ExhaustedData",
        "No more bytes",
    ];
    if empty || is_cut.iter().any(|word| reason.contains(word)) {
        return DataError::CutPicture { path: path.into(), empty };
    }
    DataError::NotAPicture { path: path.into(), reason }
}

/// Whether a file begins as a picture does that is read.
pub(super) fn begins(start: &[u8]) -> bool {
    image::guess_format(start).is_ok_and(is_read)
}

/// Formats that are read: those of torchvision's folders.
fn is_read(format: ImageFormat) -> bool {
    use ImageFormat::{Bmp, Jpeg, Png, Pnm, Tiff, WebP};
    matches!(format, Png | Jpeg | Bmp | WebP | Tiff | Pnm)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;
    use crate::data;

    /// A PNG file of 8 + 25 bytes: signature and header, which claims `width` x `height` RGB pixels.
    fn png_header(width: u32, height: u32) -> Vec<u8> {
        let mut chunk = b"IHDR".to_vec();
        chunk.extend(width.to_be_bytes());
        chunk.extend(height.to_be_bytes());
        chunk.extend([8, 2, 0, 0, 0]);
        let mut crc = flate2::Crc::new();
        crc.update(&chunk);
        let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
        file.extend(chunk);
        file.extend(crc.sum().to_be_bytes());
        file.extend(b"\0\0\0\0IDAT");
        file
    }

    fn error_for(name: &str, content: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let path = path.to_str().unwrap();
        let result = data::open(path).and_then(|set| set.batch(&[0], Some(32)));
        let message = result.unwrap_err().to_string();
        assert!(message.starts_with(path), "{message}");
        message[path.len()..].to_string()
    }

    #[test]
    fn text_named_png_is_refused() {
        let message = error_for("a.png", b"not a picture at all");
        assert_eq!(message, " is not a readable picture (its content is none): convert it to PNG or JPEG");
        assert!(error_for("b.png", b"").ends_with(" is empty: fetch it again, or remove it"));
        assert!(error_for("c.png", b"GIF89a\0\0\0\0\0\0\0\0\0\0").contains("is a GIF picture"));
    }

    #[test]
    fn a_single_pixel_is_too_small() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dot.png");
        GrayImage::from_pixel(1, 1, Luma([9])).save(&path).unwrap();
        let message = data::open(path.to_str().unwrap()).unwrap_err().to_string();
        assert!(
            message.ends_with("dot.png is 1x1 pixels, too small: use pictures of 8x8 or more"),
            "{message}"
        );
    }

    #[test]
    fn a_header_that_claims_400_million_pixels_is_refused_before_decoding() {
        let message = error_for("bomb.png", &png_header(20_000, 20_000));
        assert_eq!(message, " is 20000x20000 pixels, too large: scale it down to 8192x8192 or less");
    }

    #[test]
    fn a_truncated_png_is_refused() {
        assert!(
            error_for("half.png", &png_header(64, 64)).ends_with(" is cut off: fetch it again, or remove it")
        );
        let whole = include_bytes!("../../assets/medical/mr.png");
        for cut in [9, 30, 60, 1000, whole.len() - 100] {
            error_for("cut.png", &whole[..cut]);
        }
    }

    #[test]
    fn content_decides_not_the_extension() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("liar.jpg");
        let picture = RgbImage::from_fn(12, 9, |x, y| Rgb([x as u8, y as u8, 200]));
        picture.save_with_format(&path, ImageFormat::Png).unwrap();
        let set = data::open(path.to_str().unwrap()).unwrap();
        assert_eq!((set.len(), set.size, set.classes.len()), (1, Some((9, 12)), 10));
        assert_eq!(set.sample_name(0).unwrap(), "liar");
        let batch = set.batch(&[0], None).unwrap();
        assert_eq!(batch.images.shape(), [1, 3, 9, 12]);
        assert_eq!(batch.images.sample(0)[11], 11.0 / 255.0);
        assert_eq!(batch.images.sample(0)[9 * 12 + 12], 1.0 / 255.0);
        assert_eq!(set.batch(&[0], Some(32)).unwrap().images.shape(), [1, 3, 32, 32]);
    }

    #[test]
    fn a_grey_picture_has_three_equal_channels() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grey.png");
        GrayImage::from_fn(8, 8, |x, y| Luma([(x * 8 + y) as u8])).save(&path).unwrap();
        let images = data::open(path.to_str().unwrap()).unwrap().batch(&[0], None).unwrap().images;
        assert_eq!(images.pixels[..64], images.pixels[64..128]);
        assert_eq!(images.pixels[..64], images.pixels[128..]);
    }

    #[test]
    fn a_photo_is_turned_the_way_the_camera_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("phone.jpg");
        // Left half black, right half white, 32 wide and 16 high.
        let picture = RgbImage::from_fn(32, 16, |x, _| Rgb([if x < 16 { 0 } else { 255 }; 3]));
        picture.save(&path).unwrap();
        let jpeg = fs::read(&path).unwrap();
        // EXIF with the one entry orientation = 6: the camera was held upright, turn by 90 degrees clockwise.
        let mut turned = jpeg[..2].to_vec();
        turned.extend(b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01");
        turned.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
        turned.extend(&jpeg[2..]);
        fs::write(&path, turned).unwrap();
        let set = data::open(path.to_str().unwrap()).unwrap();
        assert_eq!(set.size, Some((32, 16)));
        let images = set.batch(&[0], None).unwrap().images;
        assert_eq!(images.shape(), [1, 3, 32, 16]);
        assert!(images.pixels[..16].iter().all(|&value| value < 0.1));
        assert!(images.pixels[31 * 16..32 * 16].iter().all(|&value| value > 0.9));
    }
}
