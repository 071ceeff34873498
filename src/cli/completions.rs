//! `gialab completions SHELL`: what the shell needs to ask gialab at Tab.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::env::{Bash, CompleteEnv, Elvish, EnvCompleter, Fish, Powershell, Shells, Zsh};

use super::{DONE, complete};

/// The shells, bash by a script of our own.
const SHELLS: Shells = Shells(&[&WholeWords, &Zsh, &Fish, &Powershell, &Elvish]);

#[derive(clap::Args)]
pub struct Arguments {
    /// The shell that completes
    #[arg(value_parser = ["bash", "zsh", "fish", "powershell", "elvish"])]
    shell: String,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    if let Some(shell) = SHELLS.completer(&arguments.shell) {
        shell.write_registration(complete::VARIABLE, "gialab", "gialab", &program()?, &mut script)?;
    }
    io::stdout().write_all(&script)?;
    Ok(DONE)
}

/// How the script calls this program: by its name if it was found by that, else by its path.
fn program() -> io::Result<String> {
    let called = std::env::args_os().next().unwrap_or_default();
    let path = Path::new(&called);
    let path = if path.components().count() > 1 { std::path::absolute(path)? } else { path.to_path_buf() };
    Ok(path.to_string_lossy().into_owned())
}

/// Answers a shell that asks, and says whether one did.
///
/// # Errors
/// If the shell is not known, or nobody reads the answer.
pub fn answer() -> clap::error::Result<bool> {
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(super::Arguments::command)
        .var(complete::VARIABLE)
        .bin("gialab")
        .shells(SHELLS)
        .try_complete(std::env::args_os(), here.as_deref())
}

/// bash, which breaks words at `=`: `--set attack.kind=d` comes in four. They are put together again, and of what is
/// offered only the part behind the last break is given back.
struct WholeWords;

const SCRIPT: &str = r#"_clap_complete_gialab() {
    local words=() index=0 i word last
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i == COMP_CWORD)) && [[ $word != = ]]; then word=$2; fi
        last=$((${#words[@]} - 1))
        if ((last > 0)) && [[ $word == =* || ${words[last]} == *= ]] &&
            [[ $COMP_LINE == *"${words[last]}$word"* ]]; then
            words[last]+=$word
        else
            words+=("$word")
        fi
    done
    index=$((${#words[@]} - 1))
    local IFS=$'\013' current=${words[index]} prefix=
    if [[ $current == *=* ]]; then prefix=${current%%=*}=; fi
    COMPREPLY=( $( \
        _CLAP_IFS="$IFS" _CLAP_COMPLETE_INDEX="$index" VAR="bash" \
        COMPLETER -- "${words[@]}" 2>/dev/null \
    ) )
    if [[ $? != 0 ]]; then
        unset COMPREPLY
        return
    fi
    COMPREPLY=( "${COMPREPLY[@]#"$prefix"}" )
    if [[ ${#COMPREPLY[@]} == 1 && $COMPREPLY =~ [=/:]$ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -F _clap_complete_gialab BIN
"#;

impl EnvCompleter for WholeWords {
    fn name(&self) -> &'static str {
        Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        Bash.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        _name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        let quoted = format!("'{}'", completer.replace('\'', r"'\''"));
        let script = SCRIPT.replace("VAR", var).replace("COMPLETER", &quoted).replace("BIN", bin);
        buf.write_all(script.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut clap::Command,
        words: Vec<OsString>,
        here: Option<&Path>,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        Bash.write_complete(command, words, here, buf)
    }
}
