//! A drawing as PDF 1.7: one page of its size, with the font embedded and words that can be searched and copied.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, LineJoinStyle, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

use super::drawing::{Colour, Drawing, Item, Picture, RAISED, Shape, Words};
use super::path::Step;
use super::{SIZE, font};

const CATALOGUE: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const INFO: Ref = Ref::new(5);
const FONT: Ref = Ref::new(6);
const GLYPHS: Ref = Ref::new(7);
const DESCRIPTOR: Ref = Ref::new(8);
const FILE: Ref = Ref::new(9);
const UNICODE: Ref = Ref::new(10);
/// Pictures are numbered from here on.
const PICTURES: i32 = 11;

/// The letters are a part of the font, which the six letters before its name say.
const NAME: Name<'_> = Name(b"GIALAB+DejaVuSans");
/// What the content calls it.
const LETTERS: Name<'_> = Name(b"F");
const GLYPH_NUMBERS: SystemInfo<'_> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Writes a drawing.
pub fn pdf(drawing: &Drawing) -> Vec<u8> {
    let mut pdf = Pdf::new();
    pdf.catalog(CATALOGUE).pages(PAGES);
    pdf.pages(PAGES).kids([PAGE]).count(1);
    let creator = format!("gialab {}", env!("CARGO_PKG_VERSION"));
    let mut info = pdf.document_info(INFO);
    info.title(TextStr(&drawing.title)).subject(TextStr(&drawing.about)).creator(TextStr(&creator));
    info.finish();
    let pictures = || {
        drawing.items.iter().filter_map(|item| match item {
            Item::Picture(picture) => Some(picture),
            _ => None,
        })
    };
    let mut page = pdf.page(PAGE);
    page.parent(PAGES).contents(CONTENT);
    page.media_box(Rect::new(0.0, 0.0, drawing.width as f32, drawing.height as f32));
    let mut resources = page.resources();
    resources.fonts().pair(LETTERS, FONT);
    let mut objects = resources.x_objects();
    for (at, _) in pictures().enumerate() {
        objects.pair(Name(picture_name(at).as_bytes()), picture_ref(at));
    }
    objects.finish();
    resources.finish();
    page.finish();
    let content = packed(&content(drawing));
    pdf.stream(CONTENT, &content).filter(Filter::FlateDecode);
    embed_font(&mut pdf);
    for (at, picture) in pictures().enumerate() {
        embed_picture(&mut pdf, picture_ref(at), picture);
    }
    pdf.finish()
}

fn picture_ref(at: usize) -> Ref {
    Ref::new(PICTURES + i32::try_from(at).unwrap_or(i32::MAX - PICTURES))
}

fn picture_name(at: usize) -> String {
    format!("P{at}")
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Into memory: it cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

fn content(drawing: &Drawing) -> Vec<u8> {
    let mut content = Content::new();
    // From the top down, as drawings are.
    content.transform([1.0, 0.0, 0.0, -1.0, 0.0, drawing.height as f32]);
    content.set_line_join(LineJoinStyle::RoundJoin);
    let mut pictures = 0;
    for item in &drawing.items {
        match item {
            Item::Path(shape) => path(&mut content, shape),
            Item::Text(words) => text(&mut content, words),
            Item::Picture(Picture { at, size, .. }) => {
                let (x, y, width, height) = (at.0 as f32, at.1 as f32, size.0 as f32, size.1 as f32);
                content.save_state().transform([width, 0.0, 0.0, -height, x, y + height]);
                content.x_object(Name(picture_name(pictures).as_bytes())).restore_state();
                pictures += 1;
            }
        }
    }
    content.finish().into_vec()
}

fn path(content: &mut Content, shape: &Shape) {
    if let Some(fill) = shape.fill {
        let [red, green, blue] = shares(fill);
        content.set_fill_rgb(red, green, blue);
    }
    if let Some((colour, width)) = shape.stroke {
        let [red, green, blue] = shares(colour);
        content.set_stroke_rgb(red, green, blue).set_line_width(width as f32);
        content.set_dash_pattern(shape.dashes.iter().map(|length| *length as f32), 0.0);
    }
    for step in &shape.path.0 {
        match *step {
            Step::Move(x, y) => content.move_to(x as f32, y as f32),
            Step::Line(x, y) => content.line_to(x as f32, y as f32),
            Step::Curve(points) => {
                let [a, b, c, d, x, y] = points.map(|value| value as f32);
                content.cubic_to(a, b, c, d, x, y)
            }
            Step::Close => content.close_path(),
        };
    }
    match (shape.fill, shape.stroke) {
        (Some(_), Some(_)) => content.fill_nonzero_and_stroke(),
        (Some(_), None) => content.fill_nonzero(),
        (None, Some(_)) => content.stroke(),
        (None, None) => content.end_path(),
    };
}

fn text(content: &mut Content, words: &Words) {
    let [red, green, blue] = shares(words.colour);
    let ((x, y), begins) = (words.at, words.begins());
    // Letters stand upright in a page that is turned upside down; or are turned to the left.
    let matrix = match words.is_upright {
        false => [1.0, 0.0, 0.0, -1.0, (x + begins) as f32, y as f32],
        true => [0.0, -1.0, -1.0, 0.0, x as f32, (y - begins) as f32],
    };
    content.begin_text().set_fill_rgb(red, green, blue).set_text_matrix(matrix);
    content.set_font(LETTERS, SIZE as f32).show(Str(&glyphs(&words.text)));
    if !words.raised.is_empty() {
        content.set_font(LETTERS, RAISED.0 as f32).set_rise(RAISED.1 as f32);
        content.show(Str(&glyphs(&words.raised))).set_rise(0.0);
    }
    content.end_text();
}

/// Two bytes a letter; what the font does not have is a question mark.
fn glyphs(text: &str) -> Vec<u8> {
    let glyph = |letter| font::glyph(letter).or_else(|| font::glyph('?'));
    text.chars().filter_map(glyph).flat_map(|glyph| glyph.0.to_be_bytes()).collect()
}

fn shares(Colour(red, green, blue): Colour) -> [f32; 3] {
    [red, green, blue].map(|value| f32::from(value) / 255.0)
}

fn embed_font(pdf: &mut Pdf) {
    let Some(face) = font::face() else { return };
    let thousandths = |value: i16| 1000.0 * f32::from(value) / f32::from(face.units_per_em());
    let mut font = pdf.type0_font(FONT);
    font.base_font(NAME).encoding_predefined(Name(b"Identity-H"));
    font.descendant_font(GLYPHS).to_unicode(UNICODE);
    font.finish();
    let mut glyphs = pdf.cid_font(GLYPHS);
    glyphs.subtype(CidFontType::Type2).base_font(NAME).system_info(GLYPH_NUMBERS);
    glyphs.font_descriptor(DESCRIPTOR).default_width(600.0).cid_to_gid_map_predefined(Name(b"Identity"));
    let width = |glyph| {
        let advance = face.glyph_hor_advance(ttf_parser::GlyphId(glyph)).unwrap_or(0);
        1000.0 * f32::from(advance) / f32::from(face.units_per_em())
    };
    glyphs.widths().consecutive(0, (0..face.number_of_glyphs()).map(width));
    glyphs.finish();
    let bounds = face.global_bounding_box();
    let mut descriptor = pdf.font_descriptor(DESCRIPTOR);
    descriptor.name(NAME).flags(FontFlags::NON_SYMBOLIC).italic_angle(0.0).stem_v(80.0);
    descriptor.bbox(Rect::new(
        thousandths(bounds.x_min),
        thousandths(bounds.y_min),
        thousandths(bounds.x_max),
        thousandths(bounds.y_max),
    ));
    descriptor.ascent(thousandths(face.ascender())).descent(thousandths(face.descender()));
    descriptor.cap_height(thousandths(face.capital_height().unwrap_or(face.ascender()))).font_file2(FILE);
    descriptor.finish();
    let file = packed(font::FILE);
    pdf.stream(FILE, &file)
        .filter(Filter::FlateDecode)
        .pair(Name(b"Length1"), i32::try_from(font::FILE.len()).unwrap_or(i32::MAX));
    let mut unicode = UnicodeCmap::new(Name(b"Letters"), GLYPH_NUMBERS);
    let mut letters = std::collections::BTreeMap::new();
    for table in face.tables().cmap.iter().flat_map(|cmap| cmap.subtables).filter(|table| table.is_unicode())
    {
        table.codepoints(|code| {
            if let Some((letter, glyph)) = char::from_u32(code).and_then(|c| Some((c, font::glyph(c)?))) {
                letters.entry(glyph.0).or_insert(letter);
            }
        });
    }
    letters.into_iter().for_each(|(glyph, letter)| unicode.pair(glyph, letter));
    let unicode = packed(&unicode.finish());
    pdf.cmap(UNICODE, &unicode).filter(Filter::FlateDecode);
}

fn embed_picture(pdf: &mut Pdf, at: Ref, picture: &Picture) {
    let samples = packed(picture.pixels.as_raw());
    let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
    let mut image = pdf.image_xobject(at, &samples);
    image.filter(Filter::FlateDecode);
    image.width(side(picture.pixels.width())).height(side(picture.pixels.height()));
    image.color_space().device_rgb();
    image.bits_per_component(8).interpolate(false);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::paper::drawing::{Anchor, INK};
    use crate::paper::svg;

    fn drawing() -> Drawing {
        let mut drawing = Drawing::new(237.6, "Größe <1> & 中", "about");
        drawing.height = 100.0;
        drawing.words("note", "PSNR (dB) ≤ 中", (9.0, 20.0), Anchor::Start, INK);
        let pixels = RgbImage::from_fn(2, 3, |x, y| Rgb([x as u8, y as u8, 7]));
        drawing.items.push(Item::Picture(Picture {
            at: (10.0, 30.0),
            size: (20.0, 30.0),
            name: "p".into(),
            pixels,
        }));
        drawing
    }

    /// Contents of all streams, unpacked.
    fn streams(pdf: &[u8]) -> Vec<Vec<u8>> {
        let text = pdf.iter().map(|byte| char::from(*byte)).collect::<String>();
        let begins = text.match_indices("stream\n").filter(|(at, _)| !text[..*at].ends_with("end"));
        let unpacked = begins.filter_map(|(at, word)| {
            let place = text[..at].chars().count() + word.len();
            let mut all = Vec::new();
            ZlibDecoder::new(&pdf[place..]).read_to_end(&mut all).ok().map(|_| all)
        });
        unpacked.collect()
    }

    #[test]
    fn a_page_has_its_size_its_font_and_its_pixels() {
        let drawing = drawing();
        let pdf = pdf(&drawing);
        let text = String::from_utf8_lossy(&pdf);
        assert!(text.starts_with("%PDF-1.7") && text.trim_end().ends_with("%%EOF"));
        assert!(text.contains("/MediaBox [0 0 237.6 100]"), "{text}");
        assert!(text.contains("/FontFile2") && text.contains("GIALAB+DejaVuSans"));
        assert!(text.contains("/Interpolate false"));
        let streams = streams(&pdf);
        assert!(streams.iter().any(|stream| stream == font::FILE));
        let Some(Item::Picture(picture)) = drawing.items.last() else { unreachable!() };
        assert!(streams.iter().any(|stream| stream == picture.pixels.as_raw()));
        // Words can be searched: the glyph of P is said to be a P.
        let glyph = font::glyph('P').unwrap().0;
        let pair = format!("<{glyph:04X}> <0050>");
        assert!(streams.iter().any(|stream| String::from_utf8_lossy(stream).contains(&pair)), "{pair}");
        assert_eq!(pdf, super::pdf(&drawing));
    }

    #[test]
    fn svg_is_the_same_drawing() {
        let text = svg(&drawing());
        let document = roxmltree::Document::parse(&text).unwrap();
        let find = |name: &str| document.descendants().find(|node| node.has_tag_name(name)).unwrap();
        assert_eq!(find("title").text(), Some("Größe <1> & 中"));
        assert_eq!(document.root_element().attribute("width"), Some("3.3in"));
        assert!(find("style").text().unwrap().contains("@font-face"));
        let image = find("image");
        assert_eq!((image.attribute("width"), image.attribute("height")), (Some("20.0"), Some("30.0")));
        let words = document.descendants().find(|node| node.attribute("class") == Some("note")).unwrap();
        assert_eq!(words.text(), Some("PSNR (dB) ≤ 中"));
    }
}
