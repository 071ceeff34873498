//! `--images` and its kin: how pictures are shown in the terminal.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use gialab::gfx::{Images, Wishes};

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
