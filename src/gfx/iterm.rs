//! Inline images of iTerm2 (OSC 1337), which WezTerm, mintty, VS Code and Konsole know too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::fit::Canvas;

/// Draws a picture at the cursor, over as many cells as it has.
pub fn draw(out: &mut Vec<u8>, canvas: &Canvas) {
    let Canvas { columns, rows, .. } = canvas;
    let png = png(canvas);
    let size = png.len();
    let head = format!(
        "\x1b]1337;File=inline=1;size={size};width={columns};height={rows};preserveAspectRatio=0;doNotMoveCursor=1:"
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(STANDARD.encode(png).as_bytes());
    out.push(b'\x07');
}

fn png(canvas: &Canvas) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = (canvas.width as u32, canvas.height as u32);
    // The row above is the best guess in an enlarged picture.
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Up);
    // Writing to memory does not fail, and the size fits the pixels.
    let _ = encoder.write_image(&canvas.rgba, width, height, ExtendedColorType::Rgba8);
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_picture_is_a_png_over_its_cells() {
        let rgba = [[1, 2, 3, 255], [4, 5, 6, 255]].concat();
        let canvas = Canvas { columns: 2, rows: 1, width: 2, height: 1, rgba: rgba.clone() };
        let mut bytes = Vec::new();
        draw(&mut bytes, &canvas);
        let text = String::from_utf8(bytes).unwrap();
        let (head, rest) = text.split_once(':').unwrap();
        let png = STANDARD.decode(rest.strip_suffix('\x07').unwrap()).unwrap();
        assert_eq!(
            head,
            format!(
                "\x1b]1337;File=inline=1;size={};width=2;height=1;preserveAspectRatio=0;doNotMoveCursor=1",
                png.len()
            )
        );
        assert_eq!(image::load_from_memory(&png).unwrap().to_rgba8().into_raw(), rgba);
    }
}
