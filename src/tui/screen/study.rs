//! A study: a matrix of cells that fills in, with what the figures say so far.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::studies::verdict;
use crate::figure::Form;
use crate::format;
use crate::study::{Asked, Count, Matrix, Outcome, Shown, Snapshot, Standing};
use crate::text::about;
use crate::tui::model::{Model, StudyView};
use crate::tui::theme::{SERIES, Theme};
use crate::tui::view::{Target, View};
use crate::tui::widget::chart::{Points, intervals};

/// Marks of the runs of a cell, at most.
const MARKS: usize = 20;

/// Columns of a plot beside the matrix, and rows of one below it, at least.
const PLOT: (u16, u16) = (40, 9);

/// Columns of a plot beside the matrix, at most.
const WIDEST_PLOT: u16 = 100;

/// Columns of the names of rows, at most.
const LABELS: usize = 26;

/// Between two columns of the matrix.
const GAP: usize = 2;

/// Draws the study.
pub fn draw(model: &Model, study: &StudyView, view: &mut View, area: Rect) {
    let theme = model.theme;
    let Some(snapshot) = study.snapshot() else {
        let block = theme.frame(study.name.clone());
        let (text, style) = match &study.current {
            Some(Err(reason)) => (reason.clone(), theme.bad()),
            _ => ("reading the study".to_owned(), theme.dim()),
        };
        let paragraph = Paragraph::new(text).style(style).wrap(ratatui::widgets::Wrap { trim: true });
        view.frame.render_widget(paragraph.block(block), area);
        return;
    };
    let title = format!("{}: {}", study.name, snapshot.study.definition.title);
    let title = format::cut(&title, usize::from(area.width.saturating_sub(6)), theme.ascii);
    let block = theme.frame(title).title_bottom(legend(theme));
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let header = header(model, snapshot, inner);
    let used = header.len() as u16 + 1;
    view.frame.render_widget(Paragraph::new(header), Rect { height: used.min(inner.height), ..inner });
    let body = Rect { y: inner.y + used, height: inner.height.saturating_sub(used), ..inner };
    let Some((matrix, asked)) = study.matrix().zip(study.asked()) else { return };
    let grid = Grid::new(study, matrix, asked, body);
    let (cells, plot) = grid.areas(body);
    grid.draw(study, theme, cells, view);
    if let Some(plot) = plot {
        let (series, names) = grid.series(study);
        let block = theme.frame(grid.heading());
        let inside = block.inner(plot);
        view.frame.render_widget(block, plot);
        intervals(&series, &names, theme, inside, view.frame.buffer_mut());
    }
}

/// Conditions, expectations with what follows so far, and how far it has come.
fn header(model: &Model, snapshot: &Snapshot, area: Rect) -> Vec<Line<'static>> {
    let theme = model.theme;
    let width = usize::from(area.width.saturating_sub(2));
    let dot = theme.glyph(" · ", ", ");
    let mut lines: Vec<Line> = Vec::new();
    let conditions = format::wrapped(&snapshot.study.conditions().join(dot), width);
    // A low screen keeps its rows for the cells.
    let (most, expectations) = if area.height < 24 { (1, 2) } else { (3, 8) };
    for (at, line) in conditions.iter().take(most).enumerate() {
        let more = at + 1 == most && conditions.len() > most;
        let line =
            if more { format::cut(&format!("{line}{dot}more"), width, theme.ascii) } else { line.clone() };
        lines.push(Line::styled(format!(" {line}"), theme.dim()));
    }
    let judged = &snapshot.results.judged;
    let so_far = if snapshot.brief.whole.is_complete() { "verdict" } else { "verdict so far" };
    let outcome = snapshot.brief.outcome;
    lines.push(Line::from(vec![
        Span::styled(format!(" {so_far}: "), theme.dim()),
        Span::styled(outcome.map_or("-", Outcome::name), verdict(outcome, theme)),
        Span::styled(
            if judged.len() > expectations { "; d tells of every expectation" } else { "" },
            theme.dim(),
        ),
    ]));
    for judged in judged.iter().filter(|_| judged.len() <= expectations) {
        let outcome = Some(judged.outcome).filter(|_| judged.value.is_some());
        let name = outcome.map_or("-", Outcome::name);
        let found = judged.found();
        let says = format!("   {name:<12}  {}", judged.says);
        let room = width.saturating_sub(found.len() + 2);
        let line = match format::columns(&says) <= room {
            true => format!("{says:<room$}  {found}"),
            false => format::cut(&says, width, theme.ascii),
        };
        lines.push(Line::styled(line, verdict(outcome, theme)));
    }
    lines.push(progress(model, snapshot, width));
    lines
}

/// `41 of 220 runs, 2 running · quick part 5 s left · all about 40 min, done about 02:40`.
fn progress(model: &Model, snapshot: &Snapshot, width: usize) -> Line<'static> {
    let theme = model.theme;
    let brief = &snapshot.brief;
    let Count { all, done, live, failed, left, .. } = brief.whole;
    let mut parts = vec![format!("{done} of {all} runs")];
    let some = |count: usize, word: &str| (count > 0).then(|| format!("{count} {word}"));
    parts.extend(some(live, "running"));
    parts.extend(some(failed, "failed"));
    parts.extend(some(left, "begun and left"));
    let to_go = |name: &str, count: &Count| {
        let seconds = count.seconds.filter(|_| !count.is_complete())?;
        let end = match brief.is_live() {
            true => {
                format!(", done about {}", format::moment(model.now + seconds, model.now, &model.zone).trim())
            }
            false => String::new(),
        };
        Some(format!("{name} {} to go{end}", about(seconds)))
    };
    parts.extend(brief.quick.as_ref().and_then(|count| to_go("quick part", count)));
    parts.extend(to_go("all", &brief.whole));
    let text = parts.join(theme.glyph(" · ", ", "));
    let style = if brief.is_live() { theme.accent() } else { Style::new() };
    Line::styled(format!(" {}", format::cut(&text, width, theme.ascii)), style)
}

/// One sentence about the chosen cell.
pub fn status(study: &StudyView, theme: Theme) -> Line<'static> {
    let Some((snapshot, filled)) = study.snapshot().zip(study.filled(study.cell)) else {
        return Line::default();
    };
    if let Some(error) = &snapshot.brief.error {
        return Line::styled(format!(" {error}"), theme.bad());
    }
    let name = &snapshot.study.cells[study.cell].name;
    let is = |of: fn(&Standing) -> bool| filled.runs.iter().filter(|(_, standing)| of(standing)).count();
    let done = is(|of| matches!(of, Standing::Done(_)));
    let failure = filled.runs.iter().find_map(|(pair, standing)| match standing {
        Standing::Failed(reason) => Some(format!("; pair {pair} failed: {reason}")),
        _ => None,
    });
    let figures = snapshot.study.figures();
    let shown = figures
        .iter()
        .zip(&filled.figures)
        .filter_map(|(asked, shown)| Some(format!("{} {}", asked.heading(), (*shown)?.text(asked.figure))));
    let shown: Vec<String> = shown.collect();
    let shown = if shown.is_empty() { String::new() } else { format!(": {}", shown.join(", ")) };
    let text = format!(" {name}, {done} of {} runs{shown}{}", filled.runs.len(), failure.unwrap_or_default());
    Line::styled(text, theme.dim())
}

/// How runs stand, for a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Open,
    Some,
    Done,
    Left,
    Live,
    Failed,
}

impl Mark {
    const ALL: [Mark; 6] = [Mark::Done, Mark::Some, Mark::Live, Mark::Left, Mark::Failed, Mark::Open];

    fn glyph(self, theme: Theme) -> &'static str {
        match self {
            Mark::Done => theme.glyph("■", "#"),
            Mark::Some => theme.glyph("▪", "+"),
            Mark::Live => theme.glyph("●", "*"),
            Mark::Left => theme.glyph("□", "="),
            Mark::Failed => theme.glyph("✗", "x"),
            Mark::Open => theme.glyph("·", "."),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Mark::Done => "done",
            Mark::Some => "some done",
            Mark::Live => "running",
            Mark::Left => "left",
            Mark::Failed => "failed",
            Mark::Open => "to do",
        }
    }

    fn style(self, theme: Theme) -> Style {
        match self {
            Mark::Done | Mark::Some => theme.good(),
            Mark::Live => theme.accent(),
            Mark::Left => theme.warning(),
            Mark::Failed => theme.bad(),
            Mark::Open => theme.dim(),
        }
    }

    /// Of several runs what matters most: one that failed or runs; that all are done, or some.
    fn of(runs: &[(u32, Standing)]) -> Mark {
        let marks = runs.iter().map(|(_, standing)| match standing {
            Standing::Open => Mark::Open,
            Standing::Done(_) => Mark::Done,
            Standing::Left => Mark::Left,
            Standing::Live => Mark::Live,
            Standing::Failed(_) => Mark::Failed,
        });
        let marks: Vec<Mark> = marks.collect();
        match marks.iter().max() {
            Some(Mark::Done) if marks.contains(&Mark::Open) => Mark::Some,
            Some(most) => *most,
            None => Mark::Open,
        }
    }
}

fn legend(theme: Theme) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for mark in Mark::ALL {
        spans.push(Span::styled(mark.glyph(theme), mark.style(theme)));
        spans.push(Span::styled(format!(" {}  ", mark.name()), theme.dim()));
    }
    Line::from(spans)
}

/// The matrix as it is laid out.
struct Grid {
    matrix: Matrix,
    asked: Asked,
    labels: usize,
    /// Of a column, without the gap.
    width: usize,
    marks: usize,
    /// Middle and interval stand in one line, or below each other.
    in_one: bool,
    /// Rows of the screen for a row of cells.
    tall: u16,
}

impl Grid {
    fn new(study: &StudyView, matrix: Matrix, asked: Asked, area: Rect) -> Grid {
        let chars = |text: &str| text.chars().count();
        let labels = matrix.rows.iter().map(|(name, _)| chars(name)).chain([chars(&matrix.corner)]).max();
        let labels = labels.unwrap_or(0).min(LABELS) + 1 + GAP;
        let all = || (0..).map_while(|cell| study.filled(cell).map(|filled| (cell, filled)));
        let pairs = all().map(|(_, filled)| filled.runs.len()).max().unwrap_or(0);
        let widest = |of: &dyn Fn(Shown) -> usize| {
            all().filter_map(|(cell, _)| study.shown(cell).map(of)).max().unwrap_or(1)
        };
        let whole = widest(&|shown| chars(&shown.text(asked.figure)));
        let part = widest(&|shown| {
            let interval = shown.interval_text(asked.figure);
            chars(&shown.middle_text(asked.figure)).max(interval.map_or(0, |text| chars(&text)))
        });
        let heading = matrix.columns.iter().map(|name| chars(name)).max().unwrap_or(0);
        let count = matrix.columns.len();
        if count == 1 {
            let marks = pairs.clamp(4, MARKS);
            let whole = whole.max(chars(&format!("{} [95 %]", asked.heading())));
            return Grid { matrix, asked, labels, width: marks + GAP + whole, marks, in_one: true, tall: 1 };
        }
        let fits = |width: usize| labels + count * (width + GAP) <= usize::from(area.width);
        let wide = whole.max(pairs.min(MARKS)).max(heading.min(18)).max(9);
        let narrow = part.max(pairs.min(10)).max(heading.min(10)).max(6);
        let (width, in_one) = if fits(wide) { (wide, true) } else { (narrow, false) };
        let lines = if in_one { 2 } else { 3 };
        // An empty row between two where all have room with it.
        let all_fit = (matrix.rows.len() as u16) * (lines + 1) < area.height;
        let tall = if all_fit { lines + 1 } else { lines };
        Grid { matrix, asked, labels, width, marks: pairs.clamp(1, width), in_one, tall }
    }

    /// Columns and rows that all of it takes.
    fn size(&self) -> (u16, u16) {
        let columns = self.labels + self.matrix.columns.len() * (self.width + GAP);
        (columns as u16, 1 + self.matrix.rows.len() as u16 * self.tall)
    }

    /// Where the matrix stands, and where the plot does, if there is room for one.
    fn areas(&self, area: Rect) -> (Rect, Option<Rect>) {
        let (width, height) = self.size();
        if width + PLOT.0 <= area.width && area.height >= PLOT.1 {
            let room = (area.width - width).min(WIDEST_PLOT);
            let plot = Rect { x: area.x + width, width: room, height: area.height.min(24), ..area };
            return (Rect { width, ..area }, Some(plot));
        }
        if height + 1 + PLOT.1 <= area.height {
            let plot = Rect { y: area.y + height + 1, height: (area.height - height - 1).min(20), ..area };
            return (Rect { height, ..area }, Some(plot));
        }
        (area, None)
    }

    /// `PSNR dB, medians with 95 % intervals`.
    fn heading(&self) -> String {
        let middle = if self.asked.is_mean() { "mean" } else { "median" };
        format!("{}, {middle} and 95 % interval", self.asked.heading())
    }

    fn draw(&self, study: &StudyView, theme: Theme, area: Rect, view: &mut View) {
        if area.height < 2 {
            return;
        }
        let (row, column) = self.matrix.place(study.cell).unwrap_or((0, 0));
        let rows = usize::from(area.height.saturating_sub(1) / self.tall).max(1);
        let columns = (usize::from(area.width).saturating_sub(self.labels) / (self.width + GAP)).max(1);
        let begin = |at: usize, room: usize, all: usize| {
            at.saturating_sub(room * 2 / 3).min(all.saturating_sub(room))
        };
        let top = begin(row, rows, self.matrix.rows.len());
        let left = begin(column, columns, self.matrix.columns.len());
        self.draw_heading(left, columns, theme, area, view);
        for (nth, (name, cells)) in self.matrix.rows.iter().skip(top).take(rows).enumerate() {
            let y = area.y + 1 + nth as u16 * self.tall;
            let style = if top + nth == row { theme.strong() } else { Style::new() };
            let name = format::cut(name, self.labels - 1 - GAP, theme.ascii);
            put(view, area, (area.x + 1, y), &name, style);
            for (nth, cell) in cells.iter().skip(left).take(columns).enumerate() {
                let x = area.x + (self.labels + nth * (self.width + GAP)) as u16;
                match cell {
                    Some(cell) => self.draw_cell(study, *cell, theme, (x, y), area, view),
                    None => put(view, area, (x, y), theme.glyph("–", "-"), theme.dim()),
                }
            }
        }
        let hidden = |from: usize, shown: usize, all: usize| all > from + shown || from > 0;
        if hidden(top, rows, self.matrix.rows.len()) {
            let last = (top + rows).min(self.matrix.rows.len());
            let more = format!("rows {} to {last} of {}", top + 1, self.matrix.rows.len());
            let x = area.right().saturating_sub(more.len() as u16 + 1);
            put(view, area, (x, area.bottom().saturating_sub(1)), &more, theme.dim());
        }
    }

    fn draw_heading(&self, left: usize, columns: usize, theme: Theme, area: Rect, view: &mut View) {
        let corner = format::cut(&self.matrix.corner, self.labels - 1 - GAP, theme.ascii);
        put(view, area, (area.x + 1, area.y), &corner, theme.dim());
        if self.matrix.columns.len() == 1 {
            let x = area.x + (self.labels + self.marks + GAP) as u16;
            put(view, area, (area.x + self.labels as u16, area.y), "runs", theme.dim());
            put(view, area, (x, area.y), &format!("{} [95 %]", self.asked.heading()), theme.dim());
            return;
        }
        let all = self.matrix.columns.len();
        for (nth, name) in self.matrix.columns.iter().skip(left).take(columns).enumerate() {
            let mut name = format::cut(name, self.width, theme.ascii);
            // What is scrolled away, on both sides.
            if nth == 0 && left > 0 {
                name = format!("{}{name}", theme.glyph("◂", "<"));
            }
            if nth + 1 == columns && left + columns < all {
                name = format!("{name}{}", theme.glyph("▸", ">"));
            }
            let x = area.x + (self.labels + nth * (self.width + GAP)) as u16;
            put(view, area, (x, area.y), &name, theme.dim());
        }
    }

    fn draw_cell(
        &self,
        study: &StudyView,
        cell: usize,
        theme: Theme,
        (x, y): (u16, u16),
        area: Rect,
        view: &mut View,
    ) {
        let Some(filled) = study.filled(cell) else { return };
        let chosen = if cell == study.cell { theme.selected() } else { Style::new() };
        let per = filled.runs.len().div_ceil(self.marks.max(1)).max(1);
        for (at, runs) in (x..).zip(filled.runs.chunks(per)) {
            let mark = Mark::of(runs);
            put(view, area, (at, y), mark.glyph(theme), mark.style(theme).patch(chosen));
        }
        if let Some(place) = study.marked.iter().position(|marked| *marked == cell) {
            put(view, area, (x - 1, y), theme.marker(place % SERIES), theme.series(place));
        }
        let shown = study.shown(cell);
        let figure = self.asked.figure;
        let middle =
            shown.map_or_else(|| theme.glyph("–", "-").to_owned(), |shown| shown.middle_text(figure));
        let interval = shown.and_then(|shown| shown.interval_text(figure)).unwrap_or_default();
        let lines = match self.in_one {
            true => vec![format!("{middle} {interval}").trim_end().to_owned()],
            false => vec![middle, interval],
        };
        let width = self.width as u16;
        if self.matrix.columns.len() == 1 {
            put(view, area, (x + (self.marks + GAP) as u16, y), &lines[0], chosen);
            view.hits.add(Rect { x, y, width, height: 1 }.intersection(area), Target::Entry(cell as u32));
            return;
        }
        for (line, below) in lines.iter().zip(1..) {
            put(view, area, (x, y + below), line, chosen);
        }
        view.hits.add(Rect { x, y, width, height: self.tall }.intersection(area), Target::Entry(cell as u32));
    }

    /// The chosen figure of every row over the columns; of a single axis over its points. Of more rows than have a mark of
    /// their own, the chosen one.
    fn series(&self, study: &StudyView) -> (Vec<Points>, Vec<String>) {
        let scale = if self.asked.figure.form == Form::Share { 100.0 } else { 1.0 };
        let point = |cell: &Option<usize>| {
            let shown = study.shown((*cell)?)?;
            let ends = shown.interval.map(|interval| (scale * interval.low, scale * interval.high));
            Some((scale * shown.middle, ends))
        };
        if self.matrix.columns.len() == 1 {
            let at = self.matrix.rows.iter().map(|(_, cells)| cells.first().and_then(point)).collect();
            let names = self.matrix.rows.iter().map(|(name, _)| name.clone()).collect();
            return (vec![Points { name: String::new(), place: 0, at }], names);
        }
        let row = self.matrix.place(study.cell).map_or(0, |(row, _)| row);
        let rows = self.matrix.rows.iter().enumerate();
        let rows = rows.filter(|(at, _)| self.matrix.rows.len() <= SERIES || *at == row);
        let series = rows.map(|(place, (name, cells))| Points {
            name: name.clone(),
            place,
            at: cells.iter().map(point).collect(),
        });
        (series.collect(), self.matrix.columns.clone())
    }
}

fn put(view: &mut View, area: Rect, (x, y): (u16, u16), text: &str, style: Style) {
    if x < area.right() && y < area.bottom() {
        view.frame.buffer_mut().set_stringn(x, y, text, (area.right() - x).into(), style);
    }
}
