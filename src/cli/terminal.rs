//! No command: the terminal application.

use super::Context;

pub fn run(_: &Context, _: bool) -> anyhow::Result<u8> {
    anyhow::bail!("not yet")
}
