//! `gialab capture PRESET --out DIR`: what other tools need to run on the same problem, as plain files.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use gialab::backend::{Compute, Precision};
use gialab::config::{
    Captured, CapturedKind, Federation, LocalOptimiser, Loss, Normalise, RunConfig, TrainingState, preset,
};
use gialab::data::{Batch, Normalisation};
use gialab::fl::{Server, UpdateKind, Victim};
use gialab::run::directory::write_atomically;
use gialab::run::launch::BeginError;
use gialab::run::{global_model, plan};
use safetensors::tensor::{Dtype, TensorView};

use super::{Context, DONE, complete, output, show, usage};

#[derive(clap::Args)]
pub struct Arguments {
    /// A shipped preset (see `gialab presets`), one of yours, or a preset file
    #[arg(add = complete::presets())]
    preset: String,
    /// The folder that the files go to; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Change a setting, as victim.model=lenet5; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", add = complete::settings())]
    changes: Vec<String>,
    /// Take the preset's weights by order where their names are not the model's: victim.by_order=true
    #[arg(long)]
    by_order: bool,
    /// Where to compute
    #[arg(long, value_name = "BACKEND", default_value = "auto", value_parser = gialab::backend::NAMES)]
    backend: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let mut changes = arguments.changes.clone();
    changes.extend(arguments.by_order.then(|| "victim.by_order=true".to_owned()));
    // Said before anything is computed.
    usage::writable(&arguments.out)?;
    let config = preset::load(&arguments.preset, &changes, &context.paths.presets())?.config;
    can_be_captured(&config)?;
    let plan = plan::plan(&config).map_err(BeginError::from)?;
    show::reading(&mut output::notes(), &plan.setup.reading)?;
    let compute = Compute::select(&arguments.backend, config.run.precision)?;
    let mut server = Server::new(&plan.setup, &config, compute.clone());
    let batch = plan.setup.batch.context("the preset has no batch to capture")?;
    let normalisation = plan.setup.normalisation;
    let victim = Victim::new(batch.clone(), normalisation.clone(), plan.setup.posts, &config, compute);
    let round = config.attacked_rounds().first().copied().unwrap_or_default();
    for round in 0..round {
        server.train(round, &victim)?;
    }
    let update = victim.send_after(&mut server.residues().clone(), &server.model, round).update;

    let directory = std::path::absolute(&arguments.out)?;
    gialab::files::create_directories(&directory)
        .with_context(|| format!("{} cannot be made", directory.display()))?;
    let named = |groups| global_model::serialise(groups, HashMap::new()).map_err(anyhow::Error::msg);
    let path = |name: &str| -> anyhow::Result<String> {
        let path = directory.join(name);
        path.to_str().map(str::to_owned).context("the path is not valid UTF-8; choose another --out")
    };
    let captured = Captured {
        weights: path("weights.safetensors")?,
        update: path("update.safetensors")?,
        kind: match update.kind {
            UpdateKind::Gradient => CapturedKind::Gradient,
            UpdateKind::Delta => CapturedKind::Delta,
        },
        batch: update.samples,
        scale: gialab::config::Scale::default(),
        local: config.local(),
        input: None,
        labels: None,
        truth: Some(path("batch.safetensors")?),
        table: plan.setup.fields.is_some().then(|| plan::anchored(&config.victim.data)),
    };
    let attack = attacking(&config, captured, server.model.net.classes(), &plan.setup.taken);
    let files = [
        ("weights.safetensors", named(&[&server.model.parameters, &server.model.buffers])?),
        ("update.safetensors", named(&[&update.values])?),
        ("batch.safetensors", samples(&batch, &normalisation, config.run.precision)?),
        ("preset.toml", toml::to_string_pretty(&attack)?.into_bytes()),
        ("README.md", readme(&config, &attack, &directory, round).into_bytes()),
    ];
    let mut out = output::lines();
    for (name, content) in files {
        let path = directory.join(name);
        write_atomically(&path, &content)?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(DONE)
}

/// What files cannot say.
fn can_be_captured(config: &RunConfig) -> anyhow::Result<()> {
    let victim = &config.victim;
    anyhow::ensure!(
        victim.captured.is_none(),
        "this preset attacks a captured update already: its files are there"
    );
    anyhow::ensure!(
        config.federation.secure_aggregation == 1,
        "federation.secure_aggregation hides who sent what: an update of several clients is not captured; set it to 1"
    );
    anyhow::ensure!(
        !config.knowledge.order,
        "knowledge.order grants what no file of an update holds; set it to false"
    );
    anyhow::ensure!(
        !config.manipulates(),
        "{} sends a model of its own making, which a captured update cannot be asked for again; capture what an honest \
         server sees with another attack (--set attack.kind=inverting-gradients)",
        config.attack.kind.name()
    );
    anyhow::ensure!(
        !victim.share_buffers,
        "victim.share_buffers sends BatchNorm statistics, which are not captured; set it to false"
    );
    Ok(())
}

/// The preset that attacks the files as the given one attacks its victim.
fn attacking(
    config: &RunConfig,
    captured: Captured,
    classes: usize,
    normalisation: &Normalisation,
) -> RunConfig {
    let mut attack = config.clone();
    let victim = &mut attack.victim;
    victim.data = String::new();
    victim.indices = Vec::new();
    (victim.sample, victim.size, victim.weights) = (None, None, None);
    (victim.weights_key, victim.by_order) = (None, false);
    victim.state = TrainingState::Untrained;
    victim.classes = Some(classes);
    let Normalisation { mean, std } = normalisation.clone();
    victim.normalise = if *normalisation == Normalisation::identity(mean.len()) {
        Normalise::Own(false)
    } else {
        Normalise::By { mean, std }
    };
    victim.captured = Some(captured);
    attack.federation = Federation::default();
    attack.knowledge.normalisation = false;
    (attack.knowledge.manipulate, attack.knowledge.choose) = (false, false);
    attack.title = format!("{} (captured)", config.title);
    attack
}

/// The batch as the model sees it, as pictures in [0, 1], and its labels; numbers as wide as the client computes.
fn samples(batch: &Batch, normalisation: &Normalisation, precision: Precision) -> anyhow::Result<Vec<u8>> {
    let width = match precision {
        Precision::F32 => Dtype::F32,
        Precision::F64 => Dtype::F64,
    };
    let floats = |values: &[f64]| -> Vec<u8> {
        match precision {
            Precision::F32 => values.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect(),
            Precision::F64 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    };
    let shape = batch.images.shape().to_vec();
    let (images, inputs) = (floats(&batch.images.pixels), floats(&normalisation.apply(&batch.images)));
    let labels: Vec<u8> = batch.labels.iter().flat_map(|&label| (label as i64).to_le_bytes()).collect();
    let views = [
        ("inputs", TensorView::new(width, shape.clone(), &inputs)?),
        ("images", TensorView::new(width, shape, &images)?),
        ("labels", TensorView::new(Dtype::I64, vec![batch.labels.len()], &labels)?),
    ];
    Ok(safetensors::serialize(views, None)?)
}

/// The task loss in PyTorch's words.
fn in_pytorch(loss: Loss, classes: usize) -> String {
    let target = match classes {
        1 => "batch[\"labels\"][:, None].float()".to_owned(),
        _ => format!("torch.nn.functional.one_hot(batch[\"labels\"], {classes}).float()"),
    };
    let scores = "model(batch[\"inputs\"])";
    let (function, arguments) = match loss {
        Loss::Ce => ("cross_entropy", format!("{scores}, batch[\"labels\"]")),
        Loss::CeSum => ("cross_entropy", format!("{scores}, batch[\"labels\"], reduction=\"sum\"")),
        Loss::LabelSmoothing(e) => {
            ("cross_entropy", format!("{scores}, batch[\"labels\"], label_smoothing={e}"))
        }
        Loss::Bce => ("binary_cross_entropy_with_logits", format!("{scores}, {target}")),
        Loss::Mse => ("mse_loss", format!("{scores}, {target}")),
        Loss::MseSoftmax => ("mse_loss", format!("{scores}.softmax(1), {target}")),
    };
    format!("torch.nn.functional.{function}({arguments})")
}

/// What the files are, and how PyTorch reads them.
fn readme(config: &RunConfig, attack: &RunConfig, directory: &Path, round: u32) -> String {
    let victim = &config.victim;
    let what = match attack.local() {
        None => format!("the gradient of the loss over the batch ({})", victim.loss.name()),
        Some(local) => format!(
            "the weights after the local steps less the weights before: {}{}, all else as PyTorch has it",
            if local.optimiser == LocalOptimiser::Sgd { "SGD, " } else { "" },
            local.name()
        ),
    };
    let steps = config.post_steps();
    let what = match steps.as_slice() {
        [] => what,
        steps => format!("{what}, after {}", steps.join(", then ")),
    };
    let check = match attack.local() {
        None if !steps.is_empty() => {
            "# update[name] is what post-processing left of the gradient; its draws are not in these files."
                .to_owned()
        }
        None => {
            let classes = attack.victim.classes.unwrap_or_default();
            format!(
                "loss = {}\n\
                 gradient = torch.autograd.grad(loss, list(model.parameters()))\n\
                 for (name, _), own in zip(model.named_parameters(), gradient):\n    \
                     print(name, (own - update[name]).abs().max().item())",
                in_pytorch(victim.loss, classes)
            )
        }
        Some(_) => "# update[name] is what the local steps add to weights[name].".to_owned(),
    };
    format!(
        "# {title}

An update that gialab captured: {data} {which}, model {model} ({training}), round {round}, BatchNorm {batch_norm}.

- `weights.safetensors`: parameters and buffers that the client was sent, by PyTorch's names.
- `update.safetensors`: {what}.
- `batch.safetensors`: `inputs` as the model sees them, `images` in [0, 1], `labels`. The ground truth, to measure by. The
  attacker never sees the pictures, and the labels only where they are granted (`knowledge.labels = true`).
- `preset.toml`: attacks these files: `gialab run {preset}`. It names them by their full paths.

In PyTorch, with a `model` that has the same layers under the same names:

```python
import torch
from safetensors.torch import load_file
weights, update, batch = (load_file(name + \".safetensors\") for name in [\"weights\", \"update\", \"batch\"])
model.load_state_dict(weights, strict=False)  # PyTorch counts batches as well
model.{mode}(){width}
{check}
```
",
        title = attack.title,
        data = victim.source(),
        which = victim.which(),
        model = victim.model,
        training = config.training(),
        batch_norm = victim.batch_norm(),
        preset = directory.join("preset.toml").display(),
        width = if config.run.precision == Precision::F64 { ".double()" } else { "" },
        mode = if victim.mode == gialab::config::BatchNormMode::Train { "train" } else { "eval" },
    )
}
