//! One run: what the attacker knows, the loss, the pictures, the metrics, the log, the progress.

use ratatui::layout::{Constraint, Layout, Rect, Size};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Wrap};

use crate::config::{Labels, RunConfig, StatisticsKnowledge};
use crate::format::{self, Piece};
use crate::run::event::TrialOutcome;
use crate::run::{Health, labels, verdict};
use crate::tui::layout;
use crate::tui::model::{Model, Panes, Rows, RunView};
use crate::tui::theme::Theme;
use crate::tui::view::{Target, View};
use crate::tui::widget::{chart, gauge, image_pane, metric_table, record_pane};

/// Below this an equation's chart says nothing, and its words have all the room.
const LEAST_EQUATION: Size = Size::new(50, 6);

/// Draws the opened run.
pub fn draw(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    let Some(run) = model.run() else {
        let text = if model.starting {
            "starting"
        } else {
            "No run is open. Press 2 for the runs, 1 for the presets."
        };
        let block = theme.frame("run");
        view.frame.render_widget(Paragraph::new(text).style(theme.dim()).block(block), area);
        return;
    };
    let areas = areas(model, run, area, view.surface.cell());
    let title = model.runs_view.rows.iter().flatten().find(|row| row.directory == run.directory);
    let title = title.map_or("", |row| row.notebook.title.as_str());
    draw_header((run, title), theme, view, areas.header);
    if areas.chart.area() > 0 {
        draw_chart(model, run, view, areas.chart);
    }
    if areas.pictures.area() > 0 {
        match run.is_of_table() {
            true => record_pane::draw(model, run, areas.pictures, view),
            false => image_pane::draw(run, theme, areas.pictures, view),
        }
    }
    draw_table(run, theme, view, areas.table);
    if areas.log.area() > 0 {
        draw_log(run, theme, view, areas.log);
    }
    gauge::draw(run, theme, areas.gauge, view.frame.buffer_mut());
}

/// Where its parts stand on a terminal with cells of `cell` pixels.
fn areas(model: &Model, run: &RunView, body: Rect, cell: (usize, usize)) -> layout::RunAreas {
    let rows = match run.table.rows {
        Rows::Rounds => run.state().rounds.len(),
        Rows::Trials => run.round().map_or(1, |round| round.trials.len()),
        Rows::Samples => run.samples(),
    };
    let notes = run.manifest.as_ref().map_or(&[][..], |manifest| manifest.reading.notes());
    let reading = read(notes, body.width.saturating_sub(2)).len();
    let lines = reading + run.state().log.len() + run.last_words.len();
    // Enlarged, pictures take the place of the curves.
    let panes = if run.enlarged { Panes::Only } else { model.panes };
    let doubts = run.manifest.as_ref().is_some_and(|manifest| manifest.doubt().is_some());
    layout::run(body, (rows, lines, if doubts { 3 } else { 2 }), panes, picture_size(run), cell)
}

/// Where the record of a table stands.
pub fn record(model: &Model, run: &RunView) -> Rect {
    let body = layout::areas(Rect::new(0, 0, model.size.0, model.size.1)).body;
    areas(model, run, body, crate::gfx::fit::HALF_BLOCKS).pictures
}

/// Pixels of the shown pictures; before there are any, those of a small one. Rows of a table have none.
fn picture_size(run: &RunView) -> Option<(usize, usize)> {
    if run.is_of_table() {
        return None;
    }
    Some(run.tiles().map_or((32, 32), |tiles| match run.shown_sample() {
        Some(_) => (tiles.width, tiles.height),
        None => {
            let columns = tiles.columns.max(1);
            (tiles.width * columns, tiles.height * tiles.samples.div_ceil(columns))
        }
    }))
}

/// One sentence about how the run stands.
pub fn status(model: &Model) -> Line<'static> {
    let theme = model.theme;
    let Some(run) = model.run() else { return Line::default() };
    let dim = |text: String| Line::styled(format!(" {text}"), theme.dim());
    if let Some(error) = &run.error {
        return Line::styled(format!(" {error}"), theme.bad());
    }
    let failed = run.manifest.as_ref().and_then(|manifest| manifest.error.clone());
    let failed = failed.or_else(|| run.state().finished.as_ref().and_then(|finished| finished.error.clone()));
    let at = match (run.state().training(), run.state().position()) {
        (Some(trained), _) => format!(" in round {}", trained.round),
        (None, Some(at)) => format!(" at it {}", at.iteration),
        (None, None) => String::new(),
    };
    match run.health {
        Health::Failed => {
            let why = failed.unwrap_or_else(|| format!("see {}", run.directory.log_path().display()));
            Line::styled(format!(" failed: {why}"), theme.bad())
        }
        Health::Crashed => {
            let since = run.manifest.as_ref().map_or(String::new(), |m| format::ago(model.now - m.heartbeat));
            Line::styled(format!(" crashed {since}{at}: r resumes from the last checkpoint"), theme.bad())
        }
        Health::Stopped => dim(format!("stopped{at}: r resumes from the last checkpoint")),
        Health::Paused => dim(format!("paused{at}: space goes on")),
        Health::Done => dim(done(run)),
        Health::Running if run.state().training().is_some() => dim(training(run)),
        Health::Queued => match model.row(&run.id) {
            Some(row) => dim(format!("queued: {}", super::runs::waits(model, row))),
            None => dim("queued: waits for its worker".into()),
        },
        Health::Running => {
            let standing = run.manifest.as_ref().and_then(|manifest| manifest.standing);
            let standing =
                standing.map_or_else(String::new, |standing| format!("device: {}; ", standing.in_words()));
            dim(format!("{standing}the attack goes on when gialab is closed"))
        }
    }
}

/// The global model on its way to the next attacked round.
fn training(run: &RunView) -> String {
    let rounds = run.manifest.as_ref().map_or(0, |manifest| manifest.config.rounds());
    run.state().training().map_or_else(String::new, |trained| {
        let accuracy = 100.0 * trained.accuracy;
        format!("the clients train: round {} of {rounds}, held-out accuracy {accuracy:.0} %", trained.round)
    })
}

fn done(run: &RunView) -> String {
    let Some(result) = run.round().and_then(|round| round.result.as_ref()) else { return "done".into() };
    let outcome = run.shown_trial().and_then(|trial| trial.end.as_ref()).map(|end| match end.outcome {
        TrialOutcome::Completed => "all iterations done",
        TrialOutcome::Converged => "converged",
        TrialOutcome::Stalled => "the optimiser could not move any more",
        TrialOutcome::NonFinite => "the loss became non-finite; the best earlier iterate stands",
        TrialOutcome::OutOfTime => "its seconds are spent",
    });
    let labels = run.manifest.as_ref().and_then(|manifest| labels::of_round(&manifest.config, result));
    let labels = labels.map_or_else(String::new, |labels| format!("{labels}; "));
    let answer = run.manifest.as_ref().and_then(|manifest| verdict::answer(result, &manifest.config.attack));
    let chosen = format!("trial {} of {} chosen by matching loss", result.trial + 1, result.trials);
    if run.solves() {
        return verdict::sentence(result).map_or_else(|| "solved".into(), |said| format!("done: {said}"));
    }
    let how = match answer {
        Some(answer) if result.trials == 1 => answer,
        Some(answer) => format!("{answer}; {chosen}"),
        None => format!("{}; {chosen}", outcome.unwrap_or("complete")),
    };
    match verdict::sentence(result) {
        Some(sentence) => format!("done: {sentence}; {labels}{how}"),
        None => format!("done: {labels}{how}"),
    }
}

/// Two lines: what is attacked, behind the title that a person gave it, and what the attacker knows; a third where the update may be
/// something else.
fn draw_header((run, title): (&RunView, &str), theme: Theme, view: &mut View, area: Rect) {
    let lines = match run.manifest.as_ref().map(|manifest| &manifest.config) {
        Some(config) => {
            let doubt = run.manifest.as_ref().and_then(|manifest| manifest.doubt()).map(|doubt| {
                let room = usize::from(area.width).saturating_sub(2);
                Line::styled(
                    format!(" {}", format::cut(&format!("update {doubt}"), room, theme.ascii)),
                    theme.bad(),
                )
            });
            [what((run, title), config, theme, area.width.into()), knowledge(run, config, theme)]
                .into_iter()
                .chain(doubt)
                .collect()
        }
        None => {
            let name = format::cut(&run.id, usize::from(area.width).saturating_sub(2), theme.ascii);
            vec![Line::styled(format!(" {name}"), theme.strong())]
        }
    };
    for (line, y) in lines.iter().zip(area.y..) {
        view.frame.buffer_mut().set_line(area.x, y, &fitting(line, area.width.into()), area.width);
    }
}

fn what((run, title): (&RunView, &str), config: &RunConfig, theme: Theme, width: usize) -> Line<'static> {
    let preset = run.manifest.as_ref().map(|manifest| manifest.preset.clone()).unwrap_or_default();
    let dot = theme.glyph(" · ", ", ");
    let source = config.victim.source();
    let source = source.rsplit(std::path::MAIN_SEPARATOR).next().unwrap_or(&source);
    let which = match config.victim.positions().first() {
        Some(first) if config.victim.captured.is_none() => (first + 1).to_string(),
        _ => config.victim.which(),
    };
    let title = Some(title).filter(|title| !title.is_empty()).map(|title| Piece::Name(title.to_owned()));
    let mut parts: Vec<Piece> = title.into_iter().collect();
    parts.extend([Piece::Name(preset), Piece::Name(format!("{source} {which}"))]);
    if config.batch() > 1 {
        parts.push(Piece::Word(format!("batch {}", config.batch())));
    }
    parts.extend([Piece::Word(config.victim.model.clone()), Piece::Name(config.training())]);
    // A figure of a defended update must not be read as one of a clean update: before what gives way.
    parts.extend(config.post_processing().map(Piece::Word));
    if config.takes_steps() || config.federation.secure_aggregation > 1 {
        parts.push(Piece::Word(config.protocol()));
    }
    parts.push(Piece::Word(format!("BN {}", config.victim.batch_norm())));
    if let Some(round) = run.round() {
        parts.push(Piece::Word(format!("{} parameters", format::count(round.parameters))));
        parts.push(Piece::Word(format!("seed {}", config.run.seed)));
    }
    let shown = format::header(parts, dot, width.saturating_sub(1), theme.ascii);
    let spans = shown.into_iter().enumerate().map(|(at, part)| match at {
        0 => Span::styled(format!(" {part}"), theme.strong()),
        _ => Span::raw(format!("{dot}{part}")),
    });
    Line::from(spans.collect::<Vec<_>>())
}

fn knowledge(run: &RunView, config: &RunConfig, theme: Theme) -> Line<'static> {
    let yes = theme.glyph("✓", "yes");
    let rule = match &config.attack.labels {
        Labels::Given => yes.to_owned(),
        other => other.name(),
    };
    let labels = run.shown_trial().map_or(&[][..], |trial| trial.labels());
    let labels = match labels {
        [] => String::new(),
        some if some.len() <= 4 => {
            format!(" {}", some.iter().map(usize::to_string).collect::<Vec<_>>().join(","))
        }
        some => format!(" {} of them", some.len()),
    };
    let threat = config.threat_model();
    let threat = threat.split_once(':').map_or(threat, |(short, _)| short);
    let letter = threat.replace(['(', ')'], "");
    let mut line = Line::from(Span::styled(" attacker knows", theme.dim()));
    let local = config.local_knowledge().map(|known| match known.as_str() {
        "known" => ("local training", yes.to_owned()),
        _ => ("local training", known),
    });
    // What differs between attackers comes first: a narrow screen leaves out the rest.
    let exact = config.knowledge.statistics == StatisticsKnowledge::Exact;
    let first = [("threat model", letter), ("labels", format!("{rule}{labels}"))].into_iter().chain(local);
    let first = first.chain(exact.then(|| ("statistics", "exact".to_owned())));
    let own = config.own_normalisation().map(|own| ("normalisation", own));
    let first = first.chain(own);
    let first = first.chain(config.manipulates().then(|| ("model", "sends its own".to_owned())));
    let rest = [("update", yes.to_owned()), ("model", yes.to_owned()), ("batch size", yes.to_owned())];
    for (label, value) in first.chain(rest) {
        line.spans.push(Span::styled(format!("  {label} "), theme.dim()));
        line.spans.push(Span::raw(value));
    }
    line
}

/// The spans that fit as a whole.
fn fitting(line: &Line<'static>, width: usize) -> Line<'static> {
    let mut kept = Line::default();
    for (at, span) in line.spans.iter().enumerate() {
        // A label needs its value.
        let value = line.spans.get(at + 1).filter(|_| span.content.ends_with(' '));
        if kept.width() + span.width() + value.map_or(0, Span::width) > width {
            break;
        }
        kept.spans.push(span.clone());
    }
    kept
}

fn draw_table(run: &RunView, theme: Theme, view: &mut View, area: Rect) {
    let table = metric_table::of(run, theme);
    let mut block = theme.frame(metric_table::title(run));
    if let Some(judged) = metric_table::left_out(run, &table, usize::from(area.width.saturating_sub(2))) {
        block = block.title_bottom(Line::styled(format!(" {judged} "), theme.dim()));
    }
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let room = usize::from(inner.height.saturating_sub(1)).max(1);
    let first = metric_table::first_row(&table, room);
    let sorted = run.table.sort.map(|column| (column, run.table.reversed));
    table.draw(theme, inner, first, sorted, view);
    if table.rows.is_empty() && inner.height > 1 {
        let text = "    nothing yet";
        view.frame.buffer_mut().set_stringn(inner.x, inner.y + 1, text, inner.width.into(), theme.dim());
    }
}

/// What an attack that solves said of its steps, in place of a curve.
fn draw_steps(run: &RunView, theme: Theme, view: &mut View, area: Rect) {
    let block = theme.frame("steps");
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let result = run.round().and_then(|round| round.result.as_ref());
    let lines: Vec<Line<'_>> = match result {
        Some(result) => result.stages.iter().map(|words| Line::raw(words.as_str())).collect(),
        None if run.health.is_live() => vec![Line::styled("solving", theme.dim())],
        None => vec![Line::styled("this run was not solved", theme.dim())],
    };
    // The equation that an attack begins with has one half, above or on the left, where there is room for both.
    let equation = result.and_then(|result| result.equation.as_deref());
    let halves = [Constraint::Fill(1), Constraint::Fill(1)];
    let halves = match inner {
        inner if inner.height >= 2 * LEAST_EQUATION.height => Some(Layout::vertical(halves)),
        inner if inner.height >= LEAST_EQUATION.height && inner.width >= 2 * LEAST_EQUATION.width => {
            Some(Layout::horizontal(halves).spacing(2))
        }
        _ => None,
    };
    let inner = match equation.zip(halves) {
        Some((equation, halves)) => {
            let [first, second] = halves.areas(inner);
            chart::equation(equation, theme, first, view.frame.buffer_mut());
            second
        }
        None => inner,
    };
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    view.frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), inner);
}

fn draw_chart(model: &Model, run: &RunView, view: &mut View, area: Rect) {
    let theme = model.theme;
    if run.solves() {
        return draw_steps(run, theme, view, area);
    }
    let mut title = format!("loss ({})", chart::how(&model.chart));
    if let Some(round) = run.round() {
        if run.rounds_planned() > 1 {
            title.push_str(&format!(", round {}", round.round));
        }
        if let Some(trial) = run.shown_trial().filter(|_| round.trials.len() > 1) {
            title.push_str(&format!(", trial {}", trial.trial + 1));
        }
    }
    if run.frozen.is_some() {
        title.push_str(", frozen");
    }
    let block = theme.frame(title);
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    match (run.round(), run.shown_trial()) {
        (Some(round), Some(trial)) => {
            let looked_at = run.scrub.and_then(|_| Some(run.current_picture()?.iteration));
            let chart = chart::of_trial((round, trial), run.health.is_live(), model.chart, theme);
            chart::Chart { looked_at, ..chart }.draw(inner, view.frame.buffer_mut());
            view.hits.add(chart::plot(inner), Target::Chart);
        }
        _ => {
            let text = match run.health {
                Health::Queued => "waiting for its turn",
                health if health.is_live() => "waiting for the first iteration",
                _ => "this run has no iterations",
            };
            let y = inner.y + inner.height / 2;
            view.frame.buffer_mut().set_stringn(inner.x + 1, y, text, inner.width.into(), theme.dim());
        }
    }
}

/// How files were read, whole: what does not fit in a line goes on in the next one.
fn read(notes: &[String], width: u16) -> Vec<(&'static str, String)> {
    let room = usize::from(width).saturating_sub(9).max(20);
    let lines = notes.iter().flat_map(|note| {
        let lines = format::wrapped(note, room).into_iter().enumerate();
        lines.map(|(at, line)| (if at == 0 { "read" } else { "" }, line))
    });
    lines.collect()
}

fn draw_log(run: &RunView, theme: Theme, view: &mut View, area: Rect) {
    // Where there is little room the frame is left out.
    let block = theme.frame("log");
    let inner = if area.height < 3 { area } else { block.inner(area) };
    if inner != area {
        view.frame.render_widget(block, area);
    }
    let room = usize::from(inner.height);
    let reading = run.manifest.as_ref().map_or(&[][..], |manifest| manifest.reading.notes());
    let (events, words) = (&run.state().log, &run.last_words);
    let read: Vec<Line> = read(reading, inner.width)
        .into_iter()
        .map(|(source, words)| {
            Line::from(vec![Span::styled(format!("{source:>8} "), theme.dim()), Span::raw(words)])
        })
        .collect();
    let skip = (read.len() + events.len() + words.len()).saturating_sub(room);
    let events = events.iter().map(|line| {
        let message = line.message.lines().next().unwrap_or_default();
        Line::from(vec![
            Span::styled(format!("{:>8} ", format::clock(line.seconds)), theme.dim()),
            Span::styled(message.to_owned(), super::level_style(theme, line.level)),
        ])
    });
    let words = words.iter().map(|line| {
        let source = Span::styled(format!("{:>8} ", "run.log"), theme.dim());
        Line::from(vec![source, Span::styled(line.clone(), theme.bad())])
    });
    let lines: Vec<Line> = read.into_iter().chain(events).chain(words).skip(skip).collect();
    view.frame.render_widget(Paragraph::new(Text::from(lines)), inner);
}
