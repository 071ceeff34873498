use super::super::mux::Tmux;
use super::super::probe::{Questions, parse};
use super::*;
use std::time::Duration;

fn answers(heard: &[u8]) -> Answers {
    let replies = parse(heard).into_iter().map(|reply| (reply, Duration::from_millis(3))).collect();
    Answers { asked: Some(Questions::All), replies, waited: Duration::from_millis(3) }
}

fn of(known: &Known, pairs: &[(&str, &str)]) -> Capabilities {
    Capabilities::of(known, |name| {
        let set = [("LANG", "en_GB.UTF-8"), ("TERM", "xterm-256color")];
        pairs.iter().chain(&set).find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

fn direct(heard: &[u8], pairs: &[(&str, &str)]) -> Capabilities {
    of(&Known { answers: answers(heard), ..Known::default() }, pairs)
}

#[test]
fn each_terminal_gets_its_protocol() {
    let kitty_ok = b"\x1b_Gi=31;OK\x1b\\".as_slice();
    let sixel = b"\x1b[?62;4c".as_slice();
    let plain = b"\x1b[?62;22c".as_slice();
    for (version, rest, protocol) in [
        ("kitty(0.43.1)", [kitty_ok, plain], Protocol::KittyPlaceholders),
        ("kitty(0.26.5)", [kitty_ok, plain], Protocol::KittyClassic),
        ("ghostty 1.2.0", [kitty_ok, plain], Protocol::KittyPlaceholders),
        ("WezTerm 20240203", [kitty_ok, sixel], Protocol::Iterm),
        ("iTerm2 3.5.10", [b"", sixel], Protocol::Iterm),
        ("xterm.js(5.6.0)", [b"", sixel], Protocol::Iterm),
        ("xterm.js(5.6.0)", [b"", b"\x1b[?1;2c"], Protocol::Blocks),
        ("foot(1.16.2)", [b"", sixel], Protocol::Sixel),
        ("XTerm(379)", [b"", sixel], Protocol::Sixel),
        ("XTerm(379)", [b"", plain], Protocol::Blocks),
        ("Konsole 23.08", [kitty_ok, sixel], Protocol::KittyClassic),
        ("Konsole 21.12", [b"", sixel], Protocol::Iterm),
        ("contour 0.4", [kitty_ok, sixel], Protocol::Blocks),
        ("something new 1", [kitty_ok, plain], Protocol::KittyClassic),
    ] {
        let version = format!("\x1bP>|{version}\x1b\\");
        let heard = [version.as_bytes(), rest[0], rest[1]].concat();
        let found = direct(&heard, &[]);
        assert_eq!(found.protocol, protocol, "{version}: {}", found.why);
    }
    let windows = direct(b"\x1b[6;20;10t\x1b[?61;4;6;7;14;21;22;23;24;28;32;42c", &[("WT_SESSION", "x")]);
    assert_eq!((windows.protocol, windows.brand), (Protocol::Sixel, Brand::WindowsTerminal));
    assert_eq!(windows.drawing_cell(), (10, 20));
    assert_eq!(direct(b"\x1b[?6c", &[("TERM", "linux")]).protocol, Protocol::Ascii);
}

#[test]
fn silence_means_blocks_whatever_the_environment_says() {
    let found = direct(b"\x1bP>|kitty(0.43.1)\x1b\\\x1b_Gi=31;OK\x1b\\", &[("TERM", "xterm-kitty")]);
    assert_eq!(found.protocol, Protocol::Blocks);
    assert_eq!(found.why, "the terminal did not answer within 3 ms");
}

#[test]
fn the_user_wins() {
    for (images, protocol) in [
        (ImageMode::Kitty, Protocol::KittyPlaceholders),
        (ImageMode::Iterm, Protocol::Iterm),
        (ImageMode::Sixel, Protocol::Sixel),
        (ImageMode::Blocks, Protocol::Blocks),
        (ImageMode::Ascii, Protocol::Ascii),
        (ImageMode::Off, Protocol::Off),
    ] {
        let found = of(&Known { images, ..Known::default() }, &[]);
        assert_eq!(found.protocol, protocol);
        assert_eq!(images.name().parse(), Ok(images));
    }
    assert!("png".parse::<ImageMode>().is_err());
}

#[test]
fn tmux_decides_by_passthrough_and_by_the_terminal_behind_it() {
    let tmux = |passthrough: &str, terminal: &str| {
        let tmux = Tmux {
            passthrough: passthrough.into(),
            terminal: terminal.into(),
            features: "256,RGB,title".into(),
            ..Tmux::default()
        };
        let known = Known {
            multiplexer: Multiplexer::Tmux(tmux),
            answers: answers(b"\x1bP>|tmux 3.3a\x1b\\\x1b[?1;2c"),
            cell: Some((16, 32)),
            ..Known::default()
        };
        of(&known, &[("TERM", "tmux-256color"), ("TERM_PROGRAM", "tmux")])
    };
    let on = tmux("on", "kitty(0.43.1)");
    assert_eq!((on.protocol, on.brand), (Protocol::KittyPlaceholders, Brand::Kitty));
    assert_eq!((on.depth, on.cell), (Depth::True, None));
    let off = tmux("off", "kitty(0.43.1)");
    assert_eq!(off.protocol, Protocol::Blocks);
    assert!(off.remedy.is_some_and(|remedy| remedy.contains("allow-passthrough on")));
    assert_eq!(tmux("on", "XTerm(379)").protocol, Protocol::Blocks);
    assert_eq!(tmux("on", "").protocol, Protocol::Blocks);
}

#[test]
fn a_terminal_that_names_itself_promises_its_colours() {
    let foot = b"\x1bP>|foot(1.16.2)\x1b\\\x1b[?62;4c";
    assert_eq!(direct(foot, &[]).depth, Depth::True);
    assert_eq!(direct(foot, &[("NO_COLOR", "1")]).depth, Depth::Mono);
    assert_eq!(direct(b"\x1b[?62;4c", &[("TERM_PROGRAM", "iTerm.app")]).depth, Depth::Indexed);
}

#[test]
fn gnu_screen_shows_blocks_if_it_has_the_colours() {
    let known =
        Known { multiplexer: Multiplexer::Screen, answers: answers(b"\x1b[?1;2c"), ..Known::default() };
    assert_eq!(of(&known, &[("TERM", "screen-256color")]).protocol, Protocol::Blocks);
    let few = of(&known, &[("TERM", "screen")]);
    assert_eq!(few.protocol, Protocol::Ascii);
    assert!(few.remedy.is_some_and(|remedy| remedy.contains("screenrc")));
}

#[test]
fn light_and_dark_are_told_by_luma() {
    let on = |colour: &str| direct(format!("\x1b]11;{colour}\x07\x1b[?1c").as_bytes(), &[]).is_light();
    assert_eq!(on("rgb:ffff/ffff/ffff"), Some(true));
    assert_eq!(on("rgb:1e1e/1e1e/2e2e"), Some(false));
    assert_eq!(on("nonsense"), None);
}
