//! `--images` and its kin, and pictures in the plain shell.

use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use gialab::gfx::mux::Multiplexer;
use gialab::gfx::probe::RawMode;
use gialab::gfx::{self, Capabilities, Images, Protocol, Raster, Wishes, fit, inline};
use image::{DynamicImage, RgbImage};

#[derive(clap::Args)]
pub struct Arguments {
    /// How to show pictures [default: the best that this terminal is known to show, or GIALAB_IMAGES]
    #[arg(long, global = true, value_name = "HOW", value_parser = parser())]
    images: Option<Images>,
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
    pub fn wishes(&self, config: Option<Images>) -> anyhow::Result<Wishes> {
        let environment = std::env::var("GIALAB_IMAGES").ok().filter(|text| !text.is_empty());
        let environment = environment.map(|text| text.parse::<Images>()).transpose();
        let images = match (self.images, environment) {
            (Some(images), _) => images,
            (None, Ok(images)) => images.or(config).unwrap_or_default(),
            (None, Err(sentence)) => anyhow::bail!("GIALAB_IMAGES: {sentence}"),
        };
        Ok(Wishes { images, tmux_passthrough: self.tmux_passthrough, ascii: self.ascii })
    }
}

fn parser() -> impl TypedValueParser<Value = Images> {
    PossibleValuesParser::new(Images::ALL.map(Images::name)).try_map(|name| name.parse::<Images>())
}

/// How long viuer may take: it waits for the terminal's answers without a limit of its own.
const PATIENCE: Duration = Duration::from_secs(2);

/// Prints a picture where the cursor is: by viuer where its own look at the terminal agrees with ours, else by
/// our own writers.
///
/// # Errors
/// If the terminal cannot be written to.
pub fn print(wishes: Wishes, picture: &RgbImage) -> anyhow::Result<()> {
    let (capabilities, answers) = {
        let _raw_mode = gfx::is_terminal().then(RawMode::enter);
        gfx::look(wishes)
    };
    let raster = Raster {
        width: picture.width() as usize,
        height: picture.height() as usize,
        pixels: picture.pixels().map(|pixel| pixel.0).collect(),
    };
    let columns = crossterm::terminal::size().map_or(80, |(columns, _)| columns);
    let mut out = std::io::stdout();
    let direct = capabilities.multiplexer == Multiplexer::None;
    let answered = answers.attributes().is_some();
    match capabilities.protocol {
        Protocol::Ascii => Ok(out.write_all(inline::ascii(&raster, columns).as_bytes())?),
        Protocol::KittyPlaceholders | Protocol::KittyClassic if direct && answered => {
            if by_viuer(&raster, columns, &capabilities) {
                return Ok(());
            }
            blocks(&raster, columns)
        }
        Protocol::Iterm if direct && viuer::is_iterm_supported() => {
            by_viuer(&raster, columns, &capabilities);
            Ok(())
        }
        Protocol::Iterm | Protocol::Sixel if direct => {
            inline::print(&mut out, &capabilities, &raster, columns)?;
            Ok(())
        }
        _ => blocks(&raster, columns),
    }
}

/// Lets viuer print with one protocol. False if it did not come to an end: then the terminal's mode is put
/// back, and the thread ends with the program.
fn by_viuer(raster: &Raster, columns: u16, capabilities: &Capabilities) -> bool {
    let cell = capabilities.drawing_cell();
    let (width, height) = inline::cells(raster, columns, cell);
    let fitted = fit::fit(raster, width.into(), height.into(), cell);
    let config = viuer::Config {
        absolute_offset: false,
        width: Some(width.into()),
        height: Some(height.into()),
        use_iterm: capabilities.protocol == Protocol::Iterm,
        use_kitty: capabilities.protocol != Protocol::Iterm,
        ..viuer::Config::default()
    };
    let mode = gialab::sys::terminal_mode();
    let (done, end) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = done.send(viuer::print(&picture_of(&fitted), &config).is_ok());
    });
    let printed = end.recv_timeout(PATIENCE).unwrap_or(false);
    if let (false, Some(mode)) = (printed, mode) {
        gialab::sys::set_terminal_mode(&mode);
    }
    printed
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
