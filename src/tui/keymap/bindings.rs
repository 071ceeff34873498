//! What can be done, and where: the actions, the places, and the table of both that keys are given to.

use crate::tui::model::{Model, Screen};
use crate::tui::overlay::Overlay;

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// End the program; runs go on.
    Quit,
    /// All keys; of a chosen heading what it means.
    Help,
    /// What the headings mean.
    Explain,
    /// Find anything by typing.
    Palette,
    /// To the screen on the right.
    NextScreen,
    /// To the screen on the left.
    PreviousScreen,
    /// To this screen.
    Show(Screen),
    /// Draw everything anew.
    Redraw,
    /// Back to the shell until continued.
    Suspend,
    /// Close what is on top, or go back.
    Back,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
    /// Choose what the list is ordered by.
    SortBy,
    /// Type a filter.
    Filter,
    /// Start the chosen preset.
    Start,
    /// Change the settings of the chosen preset.
    Change,
    /// Open the chosen preset's file in an editor.
    EditFile,
    /// Next picture of the data set.
    NextPicture,
    /// Previous picture of the data set.
    PreviousPicture,
    /// Next backend that is there.
    NextBackend,
    /// The whole description.
    Describe,
    /// Take the changes of the chosen preset back; bring back the runs that were deleted last.
    Undo,
    /// Write a note to the chosen run.
    WriteNote,
    /// Write the tags of the chosen run.
    WriteTags,
    /// Call the chosen run something else.
    Rename,
    /// Open the chosen run.
    Open,
    /// Select the chosen run for comparing, or take it out.
    Select,
    /// Select all runs that are shown, or take them out.
    SelectAll,
    /// Compare the selected runs.
    Compare,
    /// Make the chosen run the one that others are compared with.
    Pin,
    /// A new run with the settings of this one, to be changed first.
    Again,
    /// Write a report.
    Export,
    /// Delete a run.
    Delete,
    /// Start a worker on a run that stands.
    Resume,
    /// Why a run failed, its settings and its log, in full.
    Details,
    /// Next of the texts that are shown in one place.
    NextPart,
    /// Previous of the texts that are shown in one place.
    PreviousPart,
    /// Next order of the list or table.
    Sort,
    /// The other way round.
    Reverse,
    /// Hold or go on.
    Pause,
    /// End a run in an orderly way.
    Stop,
    /// Keep runs that wait from beginning, or let them wait for their turn again.
    Hold,
    /// Runs that wait before all others.
    QueueFirst,
    /// Runs that wait behind all others.
    QueueLast,
    /// Logarithmic or linear loss axis.
    ToggleAxis,
    /// Smoothed or raw curves.
    ToggleSmoothing,
    /// Iterations or seconds along the x axis.
    ToggleClock,
    /// Leakage against utility instead of the curves, and back.
    ToggleTradeoff,
    /// Read the curves off further left.
    CursorBack,
    /// Read the curves off further right.
    CursorForward,
    /// Hold the screen still while the run goes on.
    Freeze,
    /// Picture pane.
    TogglePictures,
    /// Half blocks or the terminal's full resolution.
    ToggleBlocks,
    /// Stored pictures earlier (negative) or later by so many.
    Scrub(isize),
    /// First stored picture.
    ScrubFirst,
    /// Let the stored pictures pass.
    Play,
    /// Follow the newest picture and trial.
    Follow,
    /// Next sample of the batch.
    NextSample,
    /// Previous sample of the batch.
    PreviousSample,
    /// Pictures as large as they go, of a batch one sample; or as before.
    Enlarge,
    /// Earlier trial.
    PreviousTrial,
    /// Later trial.
    NextTrial,
    /// Rounds, trials or samples in the table; attacks or defences.
    NextRows,
    /// Copy the table.
    Copy,
    /// Run a study, or go on with it.
    RunStudy,
    /// End a study in an orderly way.
    StopStudy,
    /// Audit the chosen preset.
    Audit,
    /// End an audit in an orderly way.
    StopAudit,
    /// Next figure of a study, or of groups.
    NextFigure,
    /// Only what is under this threat model, or all again.
    ThreatModel(char),
    /// Only the next family of attacks or defences, or all again.
    NextFamily,
    /// Only what is shown on the next kind of samples, or all again.
    NextModality,
    /// Only what gialab runs, or all again.
    OnlyRuns,
    /// One column to the left.
    Left,
    /// One column to the right.
    Right,
    /// Keep what was typed.
    Accept,
    /// Yes.
    Yes,
    /// No.
    No,
    /// Next field.
    NextField,
    /// Previous field.
    PreviousField,
    /// Next of the values a field can have.
    NextChoice,
    /// Previous of the values a field can have.
    PreviousChoice,
    /// The preset's own value.
    ResetField,
    /// Add a step of post-processing.
    AddStep,
    /// Take a step of post-processing away.
    RemoveStep,
    /// A step of post-processing earlier.
    StepEarlier,
    /// A step of post-processing later.
    StepLater,
    /// Save the settings as a preset.
    SavePreset,
    /// The rest of a path, as far as it is clear.
    Complete,
}

/// Where a key is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// On every screen, under no overlay.
    Everywhere,
    /// Presets screen.
    Presets,
    /// Runs screen.
    Runs,
    /// Run screen.
    Run,
    /// Compare screen.
    Compare,
    /// List of studies.
    Studies,
    /// One study.
    Study,
    /// Catalogue screen.
    Catalogue,
    /// Audits.
    Audits,
    /// While a filter is typed.
    Filter,
    /// Over a question.
    Question,
    /// Over help, texts and errors.
    Text,
    /// Over the details of a run.
    Details,
    /// Over the meaning of a heading.
    Explain,
    /// In the form of settings.
    Form,
    /// In a list to choose from: the palette, the export formats.
    List,
    /// While a name, or what is written to a run, is typed.
    Name,
    /// While the file of an export is typed.
    Destination,
}

/// Places by their name in `keymap.toml`.
pub(super) const PLACES: [(&str, Place); 18] = [
    ("everywhere", Place::Everywhere),
    ("presets", Place::Presets),
    ("runs", Place::Runs),
    ("run", Place::Run),
    ("compare", Place::Compare),
    ("studies", Place::Studies),
    ("study", Place::Study),
    ("catalogue", Place::Catalogue),
    ("audits", Place::Audits),
    ("filter", Place::Filter),
    ("question", Place::Question),
    ("text", Place::Text),
    ("details", Place::Details),
    ("explain", Place::Explain),
    ("form", Place::Form),
    ("list", Place::List),
    ("name", Place::Name),
    ("destination", Place::Destination),
];

impl Place {
    /// The place of the shown screen.
    pub fn of_screen(model: &Model) -> Self {
        match model.screen {
            Screen::Presets => Place::Presets,
            Screen::Runs => Place::Runs,
            Screen::Run => Place::Run,
            Screen::Compare => Place::Compare,
            Screen::Studies if model.study().is_some() => Place::Study,
            Screen::Studies => Place::Studies,
            Screen::Catalogue => Place::Catalogue,
            Screen::Audits => Place::Audits,
        }
    }

    /// Whether this is a screen, where also the keys of [`Place::Everywhere`] work.
    pub fn is_screen(self) -> bool {
        matches!(
            self,
            Place::Presets
                | Place::Runs
                | Place::Run
                | Place::Compare
                | Place::Studies
                | Place::Study
                | Place::Catalogue
                | Place::Audits
        )
    }

    /// Whether what can be done here is said by `available`.
    pub fn is_bound(self) -> bool {
        self.is_screen() || self == Place::Form
    }

    /// Where the keys go now.
    pub fn now(model: &Model) -> Self {
        match model.overlays.last() {
            Some(Overlay::Help { .. } | Overlay::Text { .. } | Overlay::Error { .. }) => Place::Text,
            Some(Overlay::Confirm { .. }) => Place::Question,
            Some(Overlay::Details(_)) => Place::Details,
            Some(Overlay::Explain(_)) => Place::Explain,
            Some(Overlay::Form(form)) if form.filtering => Place::Filter,
            Some(Overlay::Form(_)) => Place::Form,
            Some(Overlay::List(_)) => Place::List,
            Some(Overlay::Name(_) | Overlay::Jot(_)) => Place::Name,
            Some(Overlay::Destination(_)) => Place::Destination,
            None => match model.screen {
                Screen::Presets if model.presets_view.filtering => Place::Filter,
                Screen::Runs if model.runs_view.filtering => Place::Filter,
                Screen::Catalogue if model.catalogue_view.filtering => Place::Filter,
                _ => Place::of_screen(model),
            },
        }
    }
}

/// Something that can be done at some place.
#[derive(Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where it is valid.
    pub place: Place,
    /// Its name in `keymap.toml`.
    pub name: &'static str,
    /// What it does.
    pub action: Action,
    /// For the footer; empty keeps it out.
    pub label: &'static str,
    /// For help and palette.
    pub help: &'static str,
}

const fn bind(
    place: Place,
    name: &'static str,
    action: Action,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { place, name, action, label, help }
}

use Action as A;
use Place as P;

/// All that keys can do. Order is that of help and footer: what matters most comes first.
pub static BINDINGS: &[Binding] = &[
    bind(P::Presets, "start", A::Start, "start", "start the attack and watch it"),
    bind(P::Presets, "change", A::Change, "change", "change any setting, save it as a preset of yours"),
    bind(P::Presets, "next-picture", A::NextPicture, "picture", "next picture of the set"),
    bind(P::Presets, "previous-picture", A::PreviousPicture, "", "previous picture of the set"),
    bind(P::Presets, "next-backend", A::NextBackend, "backend", "next backend"),
    bind(P::Presets, "filter", A::Filter, "filter", "show only presets with these words"),
    bind(P::Presets, "undo", A::Undo, "undo changes", "take all changes of the preset back"),
    bind(P::Presets, "describe", A::Describe, "describe", "the whole description"),
    bind(
        P::Presets,
        "audit",
        A::Audit,
        "audit",
        "what comes back of it, from little knowledge to much, and what protects",
    ),
    bind(P::Presets, "edit-file", A::EditFile, "", "open its file in $EDITOR; a shipped one is copied first"),
    bind(P::Runs, "open", A::Open, "open", "open the run, live if it runs"),
    bind(P::Runs, "select", A::Select, "select", "select, or take out: keys act on the selected runs"),
    bind(P::Runs, "compare", A::Compare, "compare", "compare the selected runs"),
    bind(P::Runs, "resume", A::Resume, "resume", "go on from the last checkpoint"),
    bind(P::Runs, "pause", A::Pause, "pause", "hold the attacks, or go on with them"),
    bind(P::Runs, "stop", A::Stop, "stop", "write a checkpoint and end, after asking"),
    bind(P::Runs, "hold", A::Hold, "hold", "keep runs that wait from beginning, or release them"),
    bind(P::Runs, "queue-first", A::QueueFirst, "first", "runs that wait: before all others in the queue"),
    bind(P::Runs, "queue-last", A::QueueLast, "", "runs that wait: behind all others in the queue"),
    bind(P::Runs, "details", A::Details, "details", "why it failed, its settings and run.log, in full"),
    bind(
        P::Runs,
        "filter",
        A::Filter,
        "filter",
        "runs with words that begin so; model=lenet is exact, psnr>20",
    ),
    bind(P::Runs, "sort", A::Sort, "order", "order by the next column"),
    bind(P::Runs, "sort-by", A::SortBy, "", "order by any figure, chosen from a list"),
    bind(P::Runs, "reverse", A::Reverse, "", "the other way round"),
    bind(P::Runs, "select-all", A::SelectAll, "", "select all that are shown, or take them out"),
    bind(P::Runs, "explain", A::Explain, "", "what the headings of the list mean"),
    bind(P::Runs, "again", A::Again, "again", "run again with other settings"),
    bind(P::Runs, "export", A::Export, "export", "write a report of the selected runs, or of this one"),
    bind(P::Runs, "tags", A::WriteTags, "tags", "write the tags of the run; the filter tag:WORD finds them"),
    bind(P::Runs, "note", A::WriteNote, "note", "write a note to the run"),
    bind(P::Runs, "rename", A::Rename, "", "call the run something else; its directory keeps its name"),
    bind(P::Runs, "delete", A::Delete, "delete", "move to the trash, after asking"),
    bind(P::Runs, "undo", A::Undo, "", "bring back the runs that were deleted last"),
    bind(P::Run, "pause", A::Pause, "pause", "hold the attack, or go on with it"),
    bind(P::Run, "stop", A::Stop, "stop", "write a checkpoint and end, after asking"),
    bind(P::Run, "resume", A::Resume, "resume", "go on from the last checkpoint"),
    bind(P::Run, "pictures", A::TogglePictures, "pictures", "pictures beside the chart, large, or none"),
    bind(P::Run, "scrub-back", A::Scrub(-1), "scrub", "earlier stored picture"),
    bind(P::Run, "scrub-forward", A::Scrub(1), "", "later stored picture"),
    bind(P::Run, "up", A::Up, "rows", "open the row above: a round, trial or sample"),
    bind(P::Run, "down", A::Down, "", "open the row below"),
    bind(P::Run, "scrub-back-ten", A::Scrub(-10), "", "ten stored pictures earlier"),
    bind(P::Run, "scrub-forward-ten", A::Scrub(10), "", "ten stored pictures later"),
    bind(P::Run, "scrub-first", A::ScrubFirst, "", "first stored picture"),
    bind(P::Run, "play", A::Play, "play", "let the stored pictures pass, or hold them"),
    bind(P::Run, "follow", A::Follow, "follow", "follow the newest picture and trial"),
    bind(
        P::Run,
        "enlarge",
        A::Enlarge,
        "enlarge",
        "pictures as large as they go, of a batch one sample; or as before",
    ),
    bind(P::Run, "next-sample", A::NextSample, "", "next sample of the batch"),
    bind(P::Run, "previous-sample", A::PreviousSample, "", "previous sample of the batch"),
    bind(P::Run, "page-up", A::PageUp, "", "fields of the record above"),
    bind(P::Run, "page-down", A::PageDown, "", "fields of the record below"),
    bind(P::Run, "axis", A::ToggleAxis, "log/lin", "logarithmic or linear loss axis"),
    bind(P::Run, "smooth", A::ToggleSmoothing, "", "smoothed curves, or every point"),
    bind(P::Run, "clock", A::ToggleClock, "", "iterations or seconds of computing along the x axis"),
    bind(P::Run, "cursor-back", A::CursorBack, "", "read the curves off further left"),
    bind(P::Run, "cursor-forward", A::CursorForward, "", "read the curves off further right"),
    bind(P::Run, "freeze", A::Freeze, "freeze", "hold the screen still; the run goes on"),
    bind(P::Run, "previous-trial", A::PreviousTrial, "", "earlier trial"),
    bind(P::Run, "next-trial", A::NextTrial, "", "later trial"),
    bind(P::Run, "rows", A::NextRows, "", "rounds, trials or samples in the table"),
    bind(P::Run, "sort", A::Sort, "", "sort the table by the next column"),
    bind(P::Run, "reverse", A::Reverse, "", "sort the other way round"),
    bind(P::Run, "copy", A::Copy, "", "copy the table as tab-separated values"),
    bind(P::Run, "export", A::Export, "export", "write a report of the run"),
    bind(P::Run, "explain", A::Explain, "explain", "what the headings of the table mean"),
    bind(P::Run, "details", A::Details, "details", "why it failed, its settings and run.log, in full"),
    bind(P::Run, "again", A::Again, "again", "run again with other settings"),
    bind(P::Run, "blocks", A::ToggleBlocks, "", "pictures in half blocks or full resolution"),
    bind(P::Run, "delete", A::Delete, "", "move the run to the trash, after asking"),
    bind(P::Compare, "open", A::Open, "open", "open the chosen run"),
    bind(P::Compare, "pin", A::Pin, "reference", "make the chosen run the reference"),
    bind(P::Compare, "deselect", A::Select, "take out", "take the chosen run out of the comparison"),
    bind(
        P::Compare,
        "figure",
        A::NextFigure,
        "figure",
        "of utility: PSNR or BRR; of groups: the next figure",
    ),
    bind(P::Compare, "scrub-back", A::Scrub(-1), "scrub", "earlier pictures"),
    bind(P::Compare, "scrub-forward", A::Scrub(1), "", "later pictures"),
    bind(P::Compare, "scrub-back-ten", A::Scrub(-10), "", "ten pictures earlier"),
    bind(P::Compare, "scrub-forward-ten", A::Scrub(10), "", "ten pictures later"),
    bind(P::Compare, "scrub-first", A::ScrubFirst, "", "first pictures"),
    bind(P::Compare, "play", A::Play, "play", "let the pictures pass, or hold them"),
    bind(P::Compare, "follow", A::Follow, "follow", "the newest pictures"),
    bind(
        P::Compare,
        "rows",
        A::NextRows,
        "table/pictures",
        "table or pictures, where there is no room for both",
    ),
    bind(P::Compare, "next-sample", A::NextSample, "", "next sample of the batch"),
    bind(P::Compare, "previous-sample", A::PreviousSample, "", "previous sample of the batch"),
    bind(P::Compare, "axis", A::ToggleAxis, "log/lin", "logarithmic or linear loss axis"),
    bind(P::Compare, "smooth", A::ToggleSmoothing, "", "smoothed curves, or every point"),
    bind(P::Compare, "clock", A::ToggleClock, "", "iterations or seconds of computing along the x axis"),
    bind(
        P::Compare,
        "utility",
        A::ToggleTradeoff,
        "utility",
        "leakage against what post-processing costs, or the curves",
    ),
    bind(P::Compare, "cursor-back", A::CursorBack, "", "read the curves off further left"),
    bind(P::Compare, "cursor-forward", A::CursorForward, "", "read the curves off further right"),
    bind(P::Compare, "copy", A::Copy, "copy", "copy the table as tab-separated values"),
    bind(P::Compare, "export", A::Export, "export", "write a report of these runs"),
    bind(P::Compare, "explain", A::Explain, "explain", "what the figures of the table mean"),
    bind(P::Compare, "blocks", A::ToggleBlocks, "", "pictures in half blocks or full resolution"),
    bind(P::Studies, "open", A::Open, "open", "look into the study: its cells, what the figures say so far"),
    bind(P::Studies, "run", A::RunStudy, "run", "run it or go on with it, after saying how long it takes"),
    bind(P::Studies, "stop", A::StopStudy, "stop", "its runs write checkpoints and end, after asking"),
    bind(P::Studies, "describe", A::Describe, "describe", "what it is about"),
    bind(P::Study, "open", A::Open, "runs", "open a run of the cell"),
    bind(P::Study, "select", A::Select, "select", "select the cell, or take it out"),
    bind(P::Study, "run", A::RunStudy, "run", "run it or go on with it, after saying how long it takes"),
    bind(P::Study, "stop", A::StopStudy, "stop", "its runs write checkpoints and end, after asking"),
    bind(P::Study, "compare", A::Compare, "compare", "compare the selected cells, or all, as groups of runs"),
    bind(P::Study, "figure", A::NextFigure, "figure", "the next figure of the study"),
    bind(
        P::Study,
        "describe",
        A::Describe,
        "describe",
        "what it is about, every expectation and what was found",
    ),
    bind(P::Catalogue, "start", A::Start, "run", "run the preset that shows it, after asking"),
    bind(P::Catalogue, "switch", A::NextRows, "attacks/defences", "attacks or defences"),
    bind(P::Catalogue, "runs", A::OnlyRuns, "only here", "only what gialab runs, or all"),
    bind(P::Catalogue, "family", A::NextFamily, "", "only the next family, or all"),
    bind(
        P::Catalogue,
        "modality",
        A::NextModality,
        "",
        "only what is shown on the next kind of samples, or all",
    ),
    bind(
        P::Catalogue,
        "filter",
        A::Filter,
        "filter",
        "show only entries with these words: latent, text, CVPR, 2021",
    ),
    bind(P::Catalogue, "describe", A::Describe, "describe", "all that is known of it"),
    bind(P::Catalogue, "model-a", A::ThreatModel('A'), "", "only threat model A, the eavesdropper, or all"),
    bind(P::Catalogue, "model-b", A::ThreatModel('B'), "", "only threat model B, the informed server"),
    bind(
        P::Catalogue,
        "model-c",
        A::ThreatModel('C'),
        "",
        "only threat model C, which knows the local training",
    ),
    bind(P::Catalogue, "model-d", A::ThreatModel('D'), "", "only threat model D, with like data"),
    bind(
        P::Catalogue,
        "model-e",
        A::ThreatModel('E'),
        "",
        "only threat model E, with the client's statistics",
    ),
    bind(P::Catalogue, "model-f", A::ThreatModel('F'), "", "only threat model F, which changes the model"),
    bind(P::Catalogue, "model-g", A::ThreatModel('G'), "", "only threat model G, F with like data"),
    bind(P::Catalogue, "model-h", A::ThreatModel('H'), "", "only threat model H, G that chooses clients"),
    bind(P::Catalogue, "explain", A::Explain, "explain", "what its threat model means"),
    bind(P::Audits, "open", A::Open, "read", "its report on the whole screen"),
    bind(P::Audits, "stop", A::StopAudit, "stop", "its runs write checkpoints and end, after asking"),
    bind(P::Audits, "up", A::Up, "", "up"),
    bind(P::Audits, "down", A::Down, "", "down"),
    bind(P::Audits, "page-up", A::PageUp, "", "a page up"),
    bind(P::Audits, "page-down", A::PageDown, "", "a page down"),
    bind(P::Audits, "first", A::First, "", "first"),
    bind(P::Audits, "last", A::Last, "", "last"),
    bind(P::Presets, "up", A::Up, "", "up"),
    bind(P::Presets, "down", A::Down, "", "down"),
    bind(P::Presets, "page-up", A::PageUp, "", "a page up"),
    bind(P::Presets, "page-down", A::PageDown, "", "a page down"),
    bind(P::Presets, "first", A::First, "", "first"),
    bind(P::Presets, "last", A::Last, "", "last"),
    bind(P::Runs, "up", A::Up, "", "up"),
    bind(P::Runs, "down", A::Down, "", "down"),
    bind(P::Runs, "page-up", A::PageUp, "", "a page up"),
    bind(P::Runs, "page-down", A::PageDown, "", "a page down"),
    bind(P::Runs, "first", A::First, "", "first"),
    bind(P::Runs, "last", A::Last, "", "last"),
    bind(P::Studies, "up", A::Up, "", "up"),
    bind(P::Studies, "down", A::Down, "", "down"),
    bind(P::Studies, "page-up", A::PageUp, "", "a page up"),
    bind(P::Studies, "page-down", A::PageDown, "", "a page down"),
    bind(P::Studies, "first", A::First, "", "first"),
    bind(P::Studies, "last", A::Last, "", "last"),
    bind(P::Study, "up", A::Up, "", "cell above"),
    bind(P::Study, "down", A::Down, "", "cell below"),
    bind(P::Study, "left", A::Left, "", "cell on the left"),
    bind(P::Study, "right", A::Right, "", "cell on the right"),
    bind(P::Study, "page-up", A::PageUp, "", "five cells up"),
    bind(P::Study, "page-down", A::PageDown, "", "five cells down"),
    bind(P::Study, "first", A::First, "", "first row"),
    bind(P::Study, "last", A::Last, "", "last row"),
    bind(P::Catalogue, "up", A::Up, "", "up"),
    bind(P::Catalogue, "down", A::Down, "", "down"),
    bind(P::Catalogue, "page-up", A::PageUp, "", "a page up"),
    bind(P::Catalogue, "page-down", A::PageDown, "", "a page down"),
    bind(P::Catalogue, "first", A::First, "", "first"),
    bind(P::Catalogue, "last", A::Last, "", "last"),
    bind(P::Compare, "pictures", A::TogglePictures, "room", "curves, table or pictures alone, or all"),
    bind(P::Compare, "page-up", A::PageUp, "", "rows of the table above"),
    bind(P::Compare, "page-down", A::PageDown, "", "rows of the table below"),
    bind(P::Compare, "up", A::Up, "", "run above"),
    bind(P::Compare, "down", A::Down, "", "run below"),
    bind(P::Everywhere, "back", A::Back, "back", "back; clears a filter"),
    bind(P::Everywhere, "next-screen", A::NextScreen, "", "next screen"),
    bind(P::Everywhere, "previous-screen", A::PreviousScreen, "", "previous screen"),
    bind(P::Everywhere, "show-presets", A::Show(Screen::Presets), "", "presets"),
    bind(P::Everywhere, "show-runs", A::Show(Screen::Runs), "", "runs"),
    bind(P::Everywhere, "show-run", A::Show(Screen::Run), "", "the opened run"),
    bind(P::Everywhere, "show-compare", A::Show(Screen::Compare), "", "the compared runs"),
    bind(P::Everywhere, "show-studies", A::Show(Screen::Studies), "", "the studies"),
    bind(
        P::Everywhere,
        "show-catalogue",
        A::Show(Screen::Catalogue),
        "",
        "attacks and defences as published",
    ),
    bind(P::Everywhere, "show-audits", A::Show(Screen::Audits), "", "the audits"),
    bind(P::Everywhere, "palette", A::Palette, "find", "find a command, a preset or a run by typing"),
    bind(P::Everywhere, "help", A::Help, "help", "these keys"),
    bind(P::Everywhere, "quit", A::Quit, "quit", "leave; running attacks go on"),
    bind(P::Everywhere, "redraw", A::Redraw, "", "draw everything anew"),
    bind(P::Everywhere, "suspend", A::Suspend, "", "to the shell; fg comes back"),
    bind(P::Filter, "accept", A::Accept, "keep", "keep the filter"),
    bind(P::Filter, "back", A::Back, "clear", "clear the filter"),
    bind(P::Question, "yes", A::Yes, "yes", "yes"),
    bind(P::Question, "no", A::No, "no", "no"),
    bind(P::Text, "back", A::Back, "close", "close"),
    bind(P::Text, "up", A::Up, "", "up"),
    bind(P::Text, "down", A::Down, "scroll", "down"),
    bind(P::Text, "page-up", A::PageUp, "", "a page up"),
    bind(P::Text, "page-down", A::PageDown, "", "a page down"),
    bind(P::Text, "first", A::First, "", "to the top"),
    bind(P::Details, "next-part", A::NextPart, "next text", "failure, settings or run.log"),
    bind(P::Details, "down", A::Down, "scroll", "down"),
    bind(P::Details, "up", A::Up, "", "up"),
    bind(P::Details, "page-up", A::PageUp, "", "a page up"),
    bind(P::Details, "page-down", A::PageDown, "", "a page down"),
    bind(P::Details, "first", A::First, "", "to the top"),
    bind(P::Details, "last", A::Last, "", "to the end"),
    bind(P::Details, "previous-part", A::PreviousPart, "", "the text before"),
    bind(P::Details, "copy", A::Copy, "copy", "copy the text"),
    bind(P::Details, "back", A::Back, "close", "close"),
    bind(P::Explain, "next-part", A::NextPart, "next heading", "next heading"),
    bind(P::Explain, "previous-part", A::PreviousPart, "", "heading before"),
    bind(P::Explain, "help", A::Help, "keys", "all keys"),
    bind(P::Explain, "back", A::Back, "close", "close"),
    bind(P::Form, "accept", A::Accept, "keep", "keep the settings"),
    bind(P::Form, "back", A::Back, "cancel", "leave all as it was"),
    bind(P::Form, "next-field", A::NextField, "next", "next field"),
    bind(P::Form, "add-step", A::AddStep, "add", "add a step of post-processing behind this one"),
    bind(P::Form, "remove-step", A::RemoveStep, "remove", "take this step of post-processing away"),
    bind(
        P::Form,
        "step-earlier",
        A::StepEarlier,
        "earlier",
        "this step of post-processing before the one above",
    ),
    bind(P::Form, "step-later", A::StepLater, "later", "this step of post-processing after the one below"),
    bind(P::Form, "previous-field", A::PreviousField, "", "previous field"),
    bind(P::Form, "page-down", A::PageDown, "", "a page down"),
    bind(P::Form, "page-up", A::PageUp, "", "a page up"),
    bind(P::Form, "next-choice", A::NextChoice, "", "next of the values it can have"),
    bind(P::Form, "previous-choice", A::PreviousChoice, "", "previous of the values it can have"),
    bind(P::Form, "filter", A::Filter, "filter", "show only settings with these words"),
    bind(P::Form, "reset-field", A::ResetField, "own value", "the preset's own value"),
    bind(P::Form, "save-preset", A::SavePreset, "save", "save as a preset of yours"),
    bind(P::List, "accept", A::Accept, "do it", "do it"),
    bind(P::List, "back", A::Back, "close", "close"),
    bind(P::List, "up", A::Up, "", "up"),
    bind(P::List, "down", A::Down, "choose", "down"),
    bind(P::List, "page-up", A::PageUp, "", "a page up"),
    bind(P::List, "page-down", A::PageDown, "", "a page down"),
    bind(P::Name, "accept", A::Accept, "keep", "keep what was typed"),
    bind(P::Name, "back", A::Back, "cancel", "leave all as it was"),
    bind(P::Destination, "accept", A::Accept, "write", "write the file"),
    bind(P::Destination, "complete", A::Complete, "complete", "the rest of a path, as far as it is clear"),
    bind(P::Destination, "back", A::Back, "cancel", "write nothing"),
];

/// What can be done at one place.
pub fn bindings(place: Place) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |binding| binding.place == place)
}
