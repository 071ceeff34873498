//! The cells of a study and the runs that fill them: a cell is a preset changed by the points of all axes, and each of its
//! runs attacks another pair of seed and pictures. Pair k is the same in every cell.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::StudyError;
use super::definition::{self, Asked, Axis, Definition, Selector};
use crate::catalogue::defence::NOISE_ONLY;
use crate::config::{ConfigError, Post, RunConfig, preset};
use crate::data;
use crate::run::cost::Costs;
use crate::run::{RunDirectory, Store};

/// More cells than anybody reads.
const MOST_CELLS: usize = 10_000;

/// A study that can be run.
#[derive(Debug, Clone)]
pub struct Study {
    /// Its name: a shipped one, or the file's stem.
    pub name: String,
    /// What its file says.
    pub definition: Definition,
    /// Its cells, the last axis fastest.
    pub cells: Vec<Cell>,
    /// The preset that is varied, as it stands.
    pub own: RunConfig,
    /// Samples of every data set that pictures are moved on in.
    sizes: HashMap<String, usize>,
}

/// One combination of points.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The point on each axis.
    pub at: Vec<usize>,
    /// `B=4, labels=given`.
    pub name: String,
    /// The same as part of a directory's name; no two cells share it.
    id: String,
    /// Of the first pair.
    pub config: RunConfig,
}

/// One run of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Member {
    /// Place of its cell.
    pub cell: usize,
    /// Its pair of seed and pictures.
    pub pair: u32,
}

/// Which runs of a study are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scale {
    /// Only the part that takes minutes.
    pub quick: bool,
    /// Instead of the number of pairs that the study names.
    pub pairs: Option<u32>,
}

impl Study {
    /// A study by its name or from a file, every cell checked.
    ///
    /// # Errors
    /// What is wrong with it, or which attack is missing.
    pub fn load(name: &str, presets: &Path) -> Result<Study, StudyError> {
        let (name, origin, definition) = definition::load(name)?;
        Study::of(name, &origin, definition, presets)
    }

    /// The study of a definition that comes from `origin`.
    ///
    /// # Errors
    /// As [`Study::load`].
    pub fn of(
        name: String,
        origin: &str,
        definition: Definition,
        presets: &Path,
    ) -> Result<Study, StudyError> {
        if let Some(attack) = definition.lacks() {
            return Err(StudyError::Lacks { study: name, attack: attack.to_owned() });
        }
        let own = preset::load(&definition.preset, &[], presets)?.config;
        let cells = cells(origin, &definition, presets)?;
        // Where another axis does not go with an end, the ends stay away, which tables say.
        let with_ends = definition.with_ends();
        let with_ends = with_ends.and_then(|with| Some((self::cells(origin, &with, presets).ok()?, with)));
        let (cells, definition) = with_ends.unwrap_or((cells, definition));
        let mut sizes = HashMap::new();
        for config in cells.iter().map(|cell| &cell.config).filter(|config| moves(config)) {
            let set = &config.victim.data;
            if !sizes.contains_key(set) {
                let samples =
                    data::open(set).map_err(|e| ConfigError::new(origin, e.to_string()))?.labels().len();
                sizes.insert(set.clone(), samples);
            }
        }
        Ok(Study { name, definition, cells, own, sizes })
    }

    /// A study of these configs, each under a name of its own, all checked before, of the preset `definition.preset`.
    pub fn made(
        name: String,
        definition: Definition,
        own: RunConfig,
        configs: impl IntoIterator<Item = (String, RunConfig)>,
    ) -> Study {
        let cell = |(at, (name, config)): (usize, (String, RunConfig))| {
            let id = plain(&name);
            Cell { at: vec![at], name, id, config }
        };
        let cells = configs.into_iter().enumerate().map(cell).collect();
        Study { name, definition, cells, own, sizes: HashMap::new() }
    }

    /// Its runs at this scale: all cells of the first pair, then all of the second, so that what there is of a study that
    /// has not come to its end can be compared.
    pub fn members(&self, scale: Scale) -> Vec<Member> {
        let quick = self.definition.quick.as_ref().filter(|_| scale.quick);
        let pairs = scale.pairs.unwrap_or(quick.map_or(self.definition.pairs, |quick| quick.pairs));
        let is_kept = |cell: &Cell| {
            let axes = self.definition.axes.iter().zip(&cell.at);
            axes.into_iter().all(|(axis, at)| match quick.and_then(|quick| quick.keep.get(&axis.name)) {
                Some(kept) => kept.iter().any(|value| axis.position(value) == Some(*at)),
                None => true,
            })
        };
        let kept: Vec<usize> = (0..self.cells.len()).filter(|at| is_kept(&self.cells[*at])).collect();
        (0..pairs).flat_map(|pair| kept.iter().map(move |&cell| Member { cell, pair })).collect()
    }

    /// What is to be said of so many pairs where a data set has fewer pictures: `photos has 17 samples and comes round
    /// after so many pairs, with other seeds`.
    pub fn comes_round(&self, pairs: u32) -> Option<String> {
        let pairs = pairs as usize;
        let mut short: Vec<(&String, &usize)> =
            self.sizes.iter().filter(|(_, size)| **size < pairs).collect();
        short.sort();
        let sets = short.iter().map(|(set, size)| {
            format!("{set} has {size} samples and comes round after as many pairs, with other seeds")
        });
        (!short.is_empty()).then(|| sets.collect::<Vec<_>>().join("; "))
    }

    /// The number of a run among all of the study, whatever its scale.
    pub fn number(&self, member: Member) -> usize {
        member.pair as usize * self.cells.len() + member.cell
    }

    /// What a run does.
    pub fn config(&self, member: Member) -> RunConfig {
        let mut config = self.cells[member.cell].config.clone();
        config.run.seed = config.run.seed.saturating_add(u64::from(member.pair));
        if let Some(&size) = self.sizes.get(&config.victim.data).filter(|_| moves(&config)) {
            let by = member.pair as usize;
            config.victim.indices =
                config.victim.positions().iter().map(|at| (at + by) % size.max(1)).collect();
        }
        config
    }

    /// The name of its directory.
    pub fn id(&self, member: Member) -> String {
        format!("{}_pair-{:02}", self.cells[member.cell].id, member.pair)
    }

    /// The cells that a selector names; all of an axis that it does not.
    pub fn selected(&self, selector: &Selector) -> Vec<usize> {
        let fits = |cell: &&usize| {
            let axes = self.definition.axes.iter().zip(&self.cells[**cell].at);
            axes.into_iter().all(|(axis, at)| match selector.get(&axis.name) {
                Some(value) => axis.position(value) == Some(*at),
                None => true,
            })
        };
        let all: Vec<usize> = (0..self.cells.len()).collect();
        all.iter().filter(fits).copied().collect()
    }

    /// The figures of its table.
    pub fn figures(&self) -> Vec<Asked> {
        self.definition.figures.iter().filter_map(|name| Asked::named(name)).collect()
    }

    /// Which ends of the scale its file leaves out and it has nonetheless, in a sentence.
    pub fn added_controls(&self) -> Option<String> {
        let ends = self.definition.axes.iter().flat_map(|axis| &axis.ends);
        let names: Vec<&str> = ends.map(|end| end.name.as_str()).collect();
        (!names.is_empty()).then(|| format!("Added as an end of the scale: {}.", names.join(", and ")))
    }

    /// Which ends of the scale are missing where post-processing is varied, in a sentence: the whole update, and noise of its
    /// norm alone.
    pub fn missing_controls(&self) -> Option<String> {
        let posts = || self.cells.iter().map(|cell| &cell.config.post);
        let is_noise =
            |post: &Vec<Post>| !post.is_empty() && post.iter().all(|step| step.kind == NOISE_ONLY.name);
        let is_varied = posts().any(|post| Some(post) != posts().next());
        let ends = [
            ("the whole update (post=)", posts().any(Vec::is_empty)),
            ("noise of its norm alone (post=[{kind=\"noise-only\"}])", posts().any(is_noise)),
        ];
        let missing: Vec<&str> = ends.into_iter().filter(|(_, has)| !has).map(|(end, _)| end).collect();
        let told = format!("Missing as an end of the scale: {}.", missing.join(", and "));
        Some(told).filter(|_| is_varied && !missing.is_empty())
    }

    /// The conditions that all cells share, which decide what its figures say.
    pub fn conditions(&self) -> Vec<String> {
        type Condition = fn(&RunConfig) -> String;
        let conditions: [Condition; 8] = [
            |config| config.attack.kind.facts().title.to_owned(),
            |config| format!("model {}", config.victim.model),
            |config| format!("data {}", config.victim.source()),
            RunConfig::training,
            |config| format!("BatchNorm {}", config.victim.batch_norm()),
            |config| format!("labels {}", config.attack.labels.name()),
            RunConfig::protocol_and_knowledge,
            |config| format!("threat model {}", config.threat_model()),
        ];
        let shared = conditions.into_iter().filter_map(|of| {
            let mut all = self.cells.iter().map(|cell| of(&cell.config));
            let first = all.next()?;
            all.all(|other| other == first).then_some(first)
        });
        shared.collect()
    }
}

impl Definition {
    /// An attack that it needs and that does not run here.
    pub fn lacks(&self) -> Option<&str> {
        let runs = |name: &str| crate::catalogue::ATTACKS.iter().any(|attack| attack.name == name);
        self.needs.iter().map(String::as_str).find(|name| !runs(name))
    }
}

/// Whether the pictures of a config are named, and moved on from pair to pair. What is drawn, the seed draws anew.
fn moves(config: &RunConfig) -> bool {
    config.victim.sample.is_none() && config.victim.captured.is_none()
}

/// The cells of a definition, each checked.
fn cells(origin: &str, definition: &Definition, presets: &Path) -> Result<Vec<Cell>, StudyError> {
    let mut cells: Vec<Cell> = Vec::new();
    for at in combinations(definition)? {
        let points = || definition.axes.iter().zip(&at);
        let settings = points().flat_map(|(axis, at)| axis.settings(*at));
        let changes: Vec<String> = definition.set.iter().cloned().chain(settings).collect();
        let named = |join: &str, names: fn(&Axis) -> Vec<String>| {
            let parts = points().map(|(axis, at)| format!("{}{join}{}", axis.name, names(axis)[*at]));
            parts.collect::<Vec<_>>()
        };
        let cell = named("=", Axis::names).join(", ");
        let config = preset::load(&definition.preset, &changes, presets)
            .map_err(|error| {
                let said = format!("{}: {}", error.origin, error.message);
                ConfigError::new(format!("{origin}, cell {cell}"), said)
            })?
            .config;
        let id = plain(&named("-", Axis::written).join("_"));
        // Signs that a directory should not have may have been all that told two apart.
        let twins =
            cells.iter().filter(|other| other.id == id || other.id.starts_with(&format!("{id}~"))).count();
        let id = if twins == 0 { id } else { format!("{id}~{}", twins + 1) };
        cells.push(Cell { at, name: cell, id, config });
    }
    Ok(cells)
}

/// Points on all axes but for those that are left out, the last axis fastest.
fn combinations(definition: &Definition) -> Result<Vec<Vec<usize>>, StudyError> {
    let lengths: Vec<usize> = definition.axes.iter().map(|axis| axis.names().len()).collect();
    let count = lengths.iter().try_fold(1_usize, |product, length| product.checked_mul(*length));
    if count.is_none_or(|count| count > MOST_CELLS) {
        return Err(StudyError::TooManyCells { most: MOST_CELLS });
    }
    let mut all = vec![Vec::new()];
    for length in lengths {
        all = all
            .into_iter()
            .flat_map(|at: Vec<usize>| (0..length).map(move |next| [at.as_slice(), &[next]].concat()))
            .collect();
    }
    let is_skipped = |at: &Vec<usize>| {
        definition.skip.iter().any(|skip| {
            let fits = |(axis, at): (&Axis, &usize)| {
                skip.get(&axis.name).is_none_or(|value| axis.position(value) == Some(*at))
            };
            !skip.is_empty() && definition.axes.iter().zip(at).all(fits)
        })
    };
    all.retain(|at| !is_skipped(at));
    match all.is_empty() {
        true => Err(StudyError::Nothing),
        false => Ok(all),
    }
}

/// Letters, digits and what no shell minds.
fn plain(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '+' }).collect();
    // A name that a file system refuses is of no use; what tells long ones apart is added by the caller.
    plain.chars().take(120).collect()
}

/// Where the runs of studies are kept.
#[derive(Debug, Clone)]
pub struct Place {
    path: PathBuf,
}

impl Place {
    /// Of a study by its name, in a data directory.
    pub fn of(data: &Path, name: &str) -> Place {
        Place { path: Place::all(data).join(name) }
    }

    /// One with the runs of a study in this directory.
    pub fn at(path: PathBuf) -> Place {
        Place { path }
    }

    /// The directory of all studies.
    pub fn all(data: &Path) -> PathBuf {
        data.join("studies")
    }

    /// The directory of this study.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its runs.
    pub fn store(&self) -> Store {
        Store::in_data_dir(&self.path)
    }

    /// A run of it.
    pub fn run(&self, id: &str) -> RunDirectory {
        RunDirectory::at(self.store().path().join(id))
    }

    /// Held by whoever runs it.
    pub fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// What a process without a terminal that ran it had to say.
    pub fn log(&self) -> PathBuf {
        self.path.join("study.log")
    }

    /// What post-processing costs, as it was measured in this data directory.
    pub fn costs(&self) -> Costs {
        let data = self.path.parent().and_then(Path::parent);
        Costs::in_data_dir(data.unwrap_or(&self.path))
    }

    /// How many of its runs have a result.
    pub fn results(&self) -> usize {
        let runs = std::fs::read_dir(self.store().path()).into_iter().flatten().flatten();
        runs.filter(|run| RunDirectory::at(run.path()).result_path().exists()).count()
    }

    /// Its definition as it was when it was begun.
    pub fn definition(&self) -> PathBuf {
        self.path.join("study.toml")
    }
}

/// The studies that were begun in a data directory, by name, with what they say.
pub fn begun(data: &Path) -> Vec<(String, Result<Definition, ConfigError>)> {
    let items = std::fs::read_dir(Place::all(data)).into_iter().flatten().flatten();
    let mut names: Vec<String> = items.filter_map(|item| item.file_name().into_string().ok()).collect();
    names.sort();
    let place = |name: &String| Place::of(data, name).definition();
    let begun = names.into_iter().filter(|name| place(name).exists());
    begun.map(|name| (name.clone(), definition::read(&place(&name)))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::expectation::Experience;
    use crate::study::Pace;

    #[test]
    fn every_study_that_ships_can_be_run() {
        for name in definition::shipped_names() {
            let study = Study::load(name, Path::new("/nonexistent")).unwrap();
            Pace::new(&study, &Experience::default(), "flex", 1).unwrap();
            let (all, quick) =
                (study.members(Scale::default()), study.members(Scale { quick: true, pairs: None }));
            assert!(quick.len() < all.len() && quick.iter().all(|member| all.contains(member)), "{name}");
            let names: HashSet<String> = all.iter().map(|member| study.id(*member)).collect();
            assert_eq!(names.len(), all.len(), "{name}");
            assert!(!study.definition.hypotheses.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_sweep_of_post_processing_says_which_end_of_the_scale_it_lacks() {
        let load = |name: &str| Study::load(name, Path::new("/nonexistent")).unwrap();
        let mut study = load("p3");
        assert_eq!(study.missing_controls(), None);
        study.cells.retain(|cell| cell.config.post.iter().all(|step| step.kind != NOISE_ONLY.name));
        assert_eq!(
            study.missing_controls().unwrap(),
            "Missing as an end of the scale: noise of its norm alone (post=[{kind=\"noise-only\"}])."
        );
        assert_eq!(load("t4").missing_controls(), None, "nothing of the kind is varied");
    }

    /// A study of `preset` with this in its file.
    fn written(text: &str) -> Study {
        let head =
            "schema = 1\ntitle = \"\"\nabout = \"\"\npreset = \"noise\"\npairs = 2\nfigures = [\"psnr\"]\n";
        let definition: Definition = toml::from_str(&format!("{head}{text}")).unwrap();
        Study::of("mine".into(), "mine.toml", definition, Path::new("/nonexistent")).unwrap()
    }

    #[test]
    fn a_sweep_of_post_processing_is_given_the_ends_of_the_scale() {
        let study = written("[[axis]]\nname = \"sigma\"\nkey = \"post.0.sigma\"\nvalues = [0.01, 0.1]\n");
        let posts: Vec<String> = study
            .cells
            .iter()
            .map(|cell| {
                format!("{}: {:?}", cell.name, cell.config.post.first().map(|step| step.kind.as_str()))
            })
            .collect();
        assert_eq!(
            posts,
            [
                "sigma=0.01: Some(\"gaussian-noise\")",
                "sigma=0.1: Some(\"gaussian-noise\")",
                "sigma=whole update: None",
                "sigma=noise only: Some(\"noise-only\")",
            ]
        );
        assert_eq!(study.cells[1].config.post[0].read(0).unwrap().1.number("sigma"), 0.1);
        assert_eq!(study.missing_controls(), None);
        assert_eq!(
            study.added_controls().unwrap(),
            "Added as an end of the scale: whole update, and noise only."
        );
        // What the file says is what it says.
        assert!(!toml::to_string(&study.definition).unwrap().contains("whole update"));
        // An attacker that ignores what is not there is a contradiction; then the table says what is missing.
        let post = "[[axis]]\nname = \"post\"\npoints = [{ name = \"a\", set = [\"post[0].sigma=0.1\"] }, { name = \"b\", set = [\"post[0].sigma=0.2\"] }]\n";
        let study = written(&format!(
            "{post}[[axis]]\nname = \"k\"\nkey = \"knowledge.post\"\nvalues = [\"known\", \"none\"]\n"
        ));
        assert_eq!((study.cells.len(), study.added_controls()), (4, None));
        assert!(study.missing_controls().is_some());
        // Nothing is added where it is there, nor in the part that leaves it out.
        let quick = "[quick]\npairs = 1\nkeep = { post = [\"a\"] }\n";
        assert_eq!(written(&format!("{post}{quick}")).members(Scale { quick: true, pairs: None }).len(), 3);
    }

    #[test]
    fn points_are_named_for_people_and_directories_as_their_values_are_written() {
        let study = written(
            "[[axis]]\nname = \"of\"\nkey = \"victim.indices\"\nvalues = [[0], [0, 2]]\n[[axis]]\nname = \"post\"\n\
             key = \"post\"\nvalues = [[{ kind = \"clip\", norm = 0.1 }, { kind = \"gaussian-noise\", sigma = 0.1 }]]\n",
        );
        assert_eq!(study.cells[0].name, "of=0, post=clip norm 0.1 + gaussian-noise sigma 0.1");
        assert_eq!(study.cells[3].name, "of=0, 2, post=clip norm 0.1 + gaussian-noise sigma 0.1");
        assert!(study.cells[0].id.starts_with("of-+0+_post-"), "{}", study.cells[0].id);
        let by = |value: toml::Value| study.selected(&[("of".to_owned(), value)].into()).len();
        assert_eq!(by(toml::Value::Array(vec![0.into()])), 3);
        assert_eq!(by("0, 2".into()), 3);
        // Two values that read alike keep their brackets.
        let twins = Axis {
            values: vec![toml::Value::Array(vec![0.into()]), 0.into()],
            ..study.definition.axes[0].clone()
        };
        assert_eq!(twins.names(), ["[0]", "0"]);
    }

    #[test]
    fn a_pair_is_the_same_in_every_cell_and_shares_no_picture_with_the_next() {
        let study = Study::load("t4", Path::new("/nonexistent")).unwrap();
        let mut seen = HashSet::new();
        for pair in 0..study.definition.pairs {
            let configs: Vec<RunConfig> =
                (0..study.cells.len()).map(|cell| study.config(Member { cell, pair })).collect();
            assert!(configs.iter().all(|config| config.run.seed == u64::from(pair)));
            for picture in configs[0].victim.positions() {
                assert!(seen.insert(*picture), "picture {picture} in two pairs");
            }
        }
    }
}
