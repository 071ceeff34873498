//! A drawing as SVG: words stay words, in a font that the file brings along.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, RgbImage};
use maud::{Markup, PreEscaped, html};

use super::drawing::{Anchor, Colour, Drawing, Item, Picture, RAISED, Shape, Words};
use super::{SIZE, font};

/// Writes a drawing.
pub fn svg(drawing: &Drawing) -> String {
    let (width, height) = (drawing.width, drawing.height);
    let family = format!("'{}', Helvetica, Arial, sans-serif", font::FAMILY);
    let face = format!(
        "@font-face{{font-family:'{}';src:url(data:font/ttf;base64,{})}}",
        font::FAMILY,
        STANDARD.encode(font::FILE)
    );
    let drawn = html! {
        svg xmlns="http://www.w3.org/2000/svg" width={ (inches(width)) "in" } height={ (inches(height)) "in" }
            viewBox={ "0 0 " (number(width)) " " (number(height)) } font-family=(family) font-size=(SIZE) fill="#000000" {
            title { (drawing.title) }
            desc { (drawing.about) }
            rect width=(number(width)) height=(number(height)) fill="#ffffff" {}
            @for item in &drawing.items {
                @match item {
                    Item::Path(shape) => (path(shape)),
                    Item::Text(words) => (text(words)),
                    Item::Picture(picture) => (image(picture)),
                }
            }
            // Last, so that whoever reads the file comes to the drawing first.
            style { (PreEscaped(face)) }
        }
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", drawn.into_string())
}

fn path(shape: &Shape) -> Markup {
    let (stroke, width) = match shape.stroke {
        Some((colour, width)) => (hex(colour), Some(width)),
        None => ("none".to_owned(), None),
    };
    let fill = shape.fill.map_or_else(|| "none".to_owned(), hex);
    let dashes: Vec<String> = shape.dashes.iter().map(f64::to_string).collect();
    let dashes = if dashes.is_empty() { "none".to_owned() } else { dashes.join(" ") };
    html! {
        path class=(shape.class) d=(shape.path.d()) fill=(fill) stroke=(stroke) stroke-width=[width]
            stroke-dasharray=[width.map(|_| dashes)] stroke-linejoin="round" {
            @if let Some(name) = &shape.name { title { (name) } }
        }
    }
}

fn text(words: &Words) -> Markup {
    let anchor = match words.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let (x, y) = words.at;
    let turned = words.is_upright.then(|| format!("rotate(-90 {x:.1} {y:.1})"));
    html! {
        text class=(words.class) x=(number(x)) y=(number(y)) text-anchor=(anchor) fill=(hex(words.colour))
            transform=[turned] {
            (words.text)
            @if !words.raised.is_empty() { tspan dy=(-RAISED.1) font-size=(RAISED.0) { (words.raised) } }
        }
    }
}

fn image(picture: &Picture) -> Markup {
    let (x, y) = picture.at;
    html! {
        image x=(number(x)) y=(number(y)) width=(number(picture.size.0)) height=(number(picture.size.1))
            preserveAspectRatio="none" style="image-rendering:pixelated"
            href={ "data:image/png;base64," (STANDARD.encode(png(&picture.pixels))) } {
            title { (picture.name) }
        }
    }
}

fn png(pixels: &RgbImage) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    // Into memory, of a kind that PNG has: it cannot fail.
    let _ = pixels.write_to(&mut file, ImageFormat::Png);
    file.into_inner()
}

fn hex(Colour(red, green, blue): Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn inches(points: f64) -> String {
    let text = format!("{:.3}", points / 72.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}
