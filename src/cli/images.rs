//! `--images` and its kin, and pictures in the plain shell.

use std::io::{IsTerminal, Write};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use gialab::gfx::mux::Multiplexer;
use gialab::gfx::probe::RawMode;
use gialab::gfx::{self, Capabilities, ImageMode, Protocol, Raster, Wishes, fit, inline};
use image::{DynamicImage, RgbImage};

#[derive(clap::Args)]
pub struct Arguments {
    /// How to show pictures [default: the best that this terminal is known to show, or GIALAB_IMAGES]
    #[arg(long, global = true, value_name = "HOW", value_parser = parser())]
    images: Option<ImageMode>,
    /// Let this pane of tmux pass pictures on (sets allow-passthrough for the pane)
    #[arg(long, global = true)]
    tmux_passthrough: bool,
    /// Draw with ASCII alone [automatic where the locale is not UTF-8]
    #[arg(long)]
    ascii: bool,
}

impl Arguments {
    /// The option, then GIALAB_IMAGES, then what the config says.
    ///
    /// # Errors
    /// If GIALAB_IMAGES is no way to show pictures.
    pub fn wishes(&self, config: Option<ImageMode>) -> anyhow::Result<Wishes> {
        let environment = std::env::var("GIALAB_IMAGES").ok().filter(|text| !text.is_empty());
        let environment = environment.map(|text| text.parse::<ImageMode>()).transpose();
        let images = match (self.images, environment) {
            (Some(images), _) => images,
            (None, Ok(images)) => images.or(config).unwrap_or_default(),
            (None, Err(sentence)) => anyhow::bail!("GIALAB_IMAGES: {sentence}"),
        };
        Ok(Wishes { images, tmux_passthrough: self.tmux_passthrough, ascii: self.ascii })
    }
}

fn parser() -> impl TypedValueParser<Value = ImageMode> {
    PossibleValuesParser::new(ImageMode::ALL.map(ImageMode::name)).try_map(|name| name.parse::<ImageMode>())
}

/// The terminal of the plain shell, asked once.
pub struct Shell {
    capabilities: Capabilities,
    columns: u16,
}

impl Shell {
    /// None if stdout is no terminal or no pictures are wanted.
    pub fn look(wishes: Wishes) -> Option<Shell> {
        if !std::io::stdout().is_terminal() || wishes.images == ImageMode::Off {
            return None;
        }
        let _raw_mode = gfx::is_terminal().then(RawMode::enter);
        let (capabilities, _) = gfx::look(wishes);
        // Some say that they have none.
        let columns =
            crossterm::terminal::size().ok().map(|(columns, _)| columns).filter(|columns| *columns > 0);
        let columns = columns.unwrap_or(80);
        Some(Shell { capabilities, columns })
    }

    /// Prints a picture where the cursor is. Half blocks are drawn by viuer; its protocols with pixels are not
    /// used, since it puts its questions before it is ready to read, so that fast answers are echoed.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn print(&self, picture: &RgbImage) -> anyhow::Result<()> {
        let Shell { capabilities, columns } = self;
        let raster = Raster {
            width: picture.width() as usize,
            height: picture.height() as usize,
            pixels: picture.pixels().map(|pixel| pixel.0).collect(),
        };
        let mut out = std::io::stdout();
        if capabilities.protocol == Protocol::Ascii {
            return Ok(out.write_all(inline::ascii(&raster, *columns).as_bytes())?);
        }
        // Pixels would not survive what a multiplexer draws.
        let direct = capabilities.multiplexer == Multiplexer::None;
        if direct && inline::print(&mut out, capabilities, &raster, *columns)? {
            return Ok(());
        }
        blocks(&raster, *columns)
    }
}

/// Prints with half blocks, one pixel a column and two a row, so that viuer has nothing to resample.
fn blocks(raster: &Raster, columns: u16) -> anyhow::Result<()> {
    let (width, height) = inline::cells(raster, columns, fit::HALF_BLOCKS);
    let canvas = fit::fit(raster, width.into(), height.into(), fit::HALF_BLOCKS);
    let even = picture_of(&canvas).resize_exact(
        u32::from(width),
        2 * u32::from(height),
        image::imageops::FilterType::Nearest,
    );
    // Without protocols viuer asks the terminal nothing: no reply can be waited for.
    let config = viuer::Config {
        absolute_offset: false,
        width: Some(width.into()),
        height: Some(height.into()),
        use_kitty: false,
        use_iterm: false,
        ..viuer::Config::default()
    };
    viuer::print(&even, &config)?;
    Ok(())
}

fn picture_of(raster: &Raster) -> DynamicImage {
    let bytes = raster.pixels.iter().flatten().copied().collect();
    let (width, height) = (raster.width as u32, raster.height as u32);
    RgbImage::from_raw(width, height, bytes).unwrap_or_default().into()
}
