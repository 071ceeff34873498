//! What `--help` says below the options, in lines that fit a page of the manual of 80 columns.
//! Each paragraph has a heading.

macro_rules! first_steps {
    () => {
        "First steps:
  gialab run dlg-lenet           recover a photo from its gradient
  gialab                         the same on a screen; ? shows all keys
  gialab export last --to html   a report of the newest run"
    };
}

/// Under `-h`.
pub const FIRST_STEPS: &str = concat!(first_steps!(), "\n\nMore: gialab --help, gialab COMMAND --help");

/// Under `--help`.
pub const GUIDE: &str = concat!(
    first_steps!(),
    "

Where runs are kept:
  Under the data directory of your user, each run a directory of plain
  files; gialab doctor names the place and its free space. --data-dir,
  then GIALAB_DATA_DIR, choose another one.

What is yours:
  In the configuration directory, ~/.config/gialab on Linux: presets/*.toml,
  config.toml (theme, images, mouse, notify), keymap.toml, themes/*.toml.

Environment:
  GIALAB_DATA_DIR   where runs are kept
  GIALAB_IMAGES     how pictures are shown, as --images
  GIALAB_LOG        how much run.log tells: error, warn, info, debug, trace
  NO_COLOR          draw without colours

Exit codes:
  0 done, 1 failed, 2 usage, 3 a --require was not met, 130 interrupted"
);

/// Under the long help of `gialab run`, and so on.
pub const RUN: &str = "\
Examples:
  gialab run dlg-lenet
  gialab run ig-lenet --image photo.png --set attack.prior.tv=1e-3 --seed 7
  gialab run mine.toml --backend cuda --detach
  gialab run dlg-digits --json --require 'psnr>=30' | tail -n 1";

pub const CAPTURE: &str = "\
Example:
  gialab capture ig-lenet --out problem
  gialab run problem/preset.toml";

pub const RESUME: &str = "\
Example:
  gialab resume last";

pub const STOP: &str = "\
Example:
  gialab stop last";

pub const QUEUE: &str = "\
Examples:
  gialab queue
  gialab queue first last
  gialab queue hold '*resnet*'
  gialab queue cancel --filter 'status:queued'";

pub const LIST: &str = "\
Examples:
  gialab list --json
  gialab list --filter 'status:done psnr>20 started>=2026-11-22'";

pub const COMPARE: &str = "\
Examples:
  gialab compare 20261128-0627 last
  gialab compare dlg-lenet idlg-lenet --json";

pub const TRASH: &str = "\
Examples:
  gialab trash
  gialab trash --empty";

pub const NOTE: &str = "\
Examples:
  gialab note last 'with the larger step the loss jumps'
  gialab note last";

pub const TAG: &str = "\
Examples:
  gialab tag last +paper -draft
  gialab tag '*resnet*' +slow
  gialab tag";

pub const RENAME: &str = "\
Example:
  gialab rename last 'baseline of table 2'";

pub const RM: &str = "\
Examples:
  gialab rm last
  gialab rm --undo
  gialab rm 20261128-0627 20261128-0631 --yes";

pub const SHOW: &str = "\
Example:
  gialab show last";

pub const EXPLAIN: &str = "\
Examples:
  gialab explain
  gialab explain ssim
  gialab explain threat model B
  gialab explain brr --json";

pub const EXPORT: &str = "\
Examples:
  gialab export last --to html
  gialab export dlg-lenet ig-lenet --to png --out both.png
  gialab export dlg-lenet ig-lenet --to pdf --width 7
  gialab export last --to svg --figure ssim
  gialab export last --to csv --out -";

pub const PRESETS: &str = "\
Examples:
  gialab presets
  gialab presets dlg-lenet > mine.toml";

pub const INSPECT: &str = "\
Examples:
  gialab inspect resnet20.th
  gialab inspect model.safetensors --json";

pub const AUDIT: &str = "\
Examples:
  gialab audit dlg-lenet --budget 2min
  gialab audit --weights global.pt --update client.pt --kind weights --batch 4
      --set 'victim.captured.local={ learning_rate = 0.1, epochs = 2 }' --truth batch.npz
  gialab audit mine.toml --limit 0.1 --protect '[{ kind = \"gaussian-noise\", sigma = 0.01 }]'
  gialab audit dlg-lenet --fail-if 'brr>0' --out audit.html
  gialab audit verify audit.html
  gialab audit list";

pub const ATTACKS: &str = "\
Examples:
  gialab attacks
  gialab attacks --threat-model B --runs
  gialab attacks gifd
  gialab attacks --modality text --json";

pub const TOUR: &str = "\
Examples:
  gialab tour
  gialab tour 3
  gialab tour --list
  gialab tour --again";
pub const DEFENCES: &str = "\
Examples:
  gialab defences
  gialab defences --threat-model E
  gialab defences sparsify
  gialab defences --json";

pub const MODELS: &str = "\
Examples:
  gialab models
  gialab models --size 224 --classes 1000
  gialab models --size 28 --channels 1 --json";

pub const PROBE: &str = "\
Examples:
  gialab probe dlg-lenet
  gialab probe ig-convnet64 --set victim.data=crops32 --samples 8
  gialab probe mine.toml --json";

pub const TRAIN: &str = "\
Examples:
  gialab train ig-lenet --set victim.data=digits28 --set victim.size= --out weights.safetensors
  gialab train mine.toml --epochs 20 --learning-rate 0.02 --out mine.safetensors";

pub const BENCH: &str = "\
Example:
  gialab bench --backend flex --workload dlg-lenet-b1";

pub const DOCTOR: &str = "\
Examples:
  gialab doctor
  gialab doctor --fix   # closes runs that other users can look into";

pub const COMPLETIONS: &str = r#"Examples:
  echo 'eval "$(gialab completions bash)"' >> ~/.bashrc
  echo 'eval "$(gialab completions zsh)"' >> ~/.zshrc
  gialab completions fish > ~/.config/fish/completions/gialab.fish"#;

pub const UTILITY: &str = "\
Examples:
  gialab utility noise
  gialab utility sparsify --rounds 200 --seeds 5 --set federation.learning_rate=0.2
  gialab utility noise --set 'post=[{kind=\"clip\",norm=1.0}]' --json";

pub const STUDY_RUN: &str = "\
Examples:
  gialab study run t1 --quick
  gialab study run t1 --budget 2h
  gialab study run mine.toml --dry-run
  gialab study run t1 --slurm -- --partition=main --time=2:00:00
  gialab study show t1

A file of your own begins as one of those that ship: gialab study list --text t1 > mine.toml";

pub const STUDY_EXPORT: &str = "\
Examples:
  gialab study export t1 --quick --to pdf
  gialab study export t1 --to svg --figure brr --width 7
  gialab study export t1 --to latex --out table.tex
  gialab study export t1 --to csv --out -";

pub const EFFECT: &str = "\
Examples:
  gialab effect sparsify
  gialab effect ig-lenet --set 'post=[{kind=\"clip\",norm=1.0},{kind=\"sparsify\",share=0.9}]'
  gialab presets clip | gialab effect - --json";

pub const PRIVACY: &str = "\
Examples:
  gialab privacy --noise-multiplier 1.1 --sampling 0.01 --steps 1000
  gialab privacy --epsilon 3 --sampling 0.01 --steps 1000 --delta 1e-6 --json";
