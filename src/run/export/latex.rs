//! A table for a paper: a row a run and round, the conditions in its caption. It needs the package `booktabs` alone.

use std::io::{self, Write};

use super::entry::{self, Entry};
use super::record::Record;
use crate::figure::{Better, Figure, Form, figure};
use crate::run::comparison;
use crate::run::cost::Cost;
use crate::text;

/// The figures, as far as a row has them, with their names in headings.
const FIGURES: [(&str, &str); 7] = [
    ("psnr", "PSNR"),
    ("ssim", "SSIM"),
    ("st_lpips", "ST-LPIPS"),
    ("label_accuracy", "labels"),
    ("brr", "BRR"),
    ("match", "matching loss"),
    ("match_at_truth", "at the truth"),
];
/// What PSNR is worth without any update: said once where all rows share it, else a column.
const BASELINES: [(&str, &str); 2] =
    [("psnr_grey", "grey picture"), ("psnr_mean", "mean of the other samples")];
/// More settings than a page has room for are named in the caption.
const SETTINGS: usize = 4;

/// Settings that rows say themselves, or that change no figure here.
const BESIDE: [&str; 2] = ["federation.attack_rounds", "run.probe"];

/// A column with a cell a row, in LaTeX.
struct Column {
    heading: String,
    is_number: bool,
    cells: Vec<String>,
}

/// Writes the table.
pub fn table(records: &[Record], out: &mut dyn Write) -> io::Result<()> {
    let records: &[Record] = &records.iter().map(Record::for_report).collect::<Vec<_>>();
    let entries = entry::entries(records);
    let ids: Vec<String> = records.iter().map(Record::id).collect();
    let names = comparison::names(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let run = |entry: &Entry<'_>| records.iter().position(|record| std::ptr::eq(record, entry.record));
    let groups = entry::groups(&entries);
    // In the order of the table, where the members of a group stand together.
    let rows: Vec<&Entry<'_>> = groups.iter().flat_map(|(_, members)| members.iter().copied()).collect();
    let of_run = |entry: &&Entry<'_>| run(entry).unwrap_or(0);
    let name = |entry: &&Entry<'_>| row_name(entry, &names[of_run(entry)]);

    let mut columns =
        vec![Column { heading: "run".into(), is_number: false, cells: rows.iter().map(name).collect() }];
    let sides: Vec<_> = records.iter().zip(&ids).map(|(record, id)| record.side(id)).collect();
    let mut differing = if sides.len() > 1 { comparison::settings(&sides) } else { Vec::new() };
    differing.retain(|setting| !BESIDE.contains(&setting.key));
    let (shown, further) = differing.split_at(differing.len().min(SETTINGS));
    for setting in shown {
        let cell = |entry: &&Entry<'_>| match setting.cells.get(of_run(entry)).map(|cell| cell.text.as_str())
        {
            None | Some("-") => "--".to_owned(),
            Some(value) => escaped(value),
        };
        columns.push(Column {
            heading: escaped(setting.key),
            is_number: false,
            cells: rows.iter().map(cell).collect(),
        });
    }
    columns.extend(FIGURES.iter().filter_map(|&(key, name)| measured(figure(key), name, &rows)));
    columns.extend(lost(&rows));
    let mut baselines = Vec::new();
    for (key, name) in BASELINES {
        let Some(column) = measured(figure(key), name, &rows) else { continue };
        match column.cells.split_first() {
            Some((first, others)) if others.iter().all(|other| other == first) => {
                baselines.push(format!("{first}~dB for {}", article(name)));
            }
            _ => columns.push(column),
        }
    }

    let further: Vec<String> = further.iter().map(|setting| escaped(setting.key)).collect();
    let caption = caption(&rows, &groups, &baselines, &further);
    writeln!(out, "% gialab {}; needs \\usepackage{{booktabs}}", env!("CARGO_PKG_VERSION"))?;
    for id in &ids {
        writeln!(out, "% run {}", text::one_line(id))?;
    }
    writeln!(out, "\\begin{{table}}\n  \\centering\n  \\small\n  \\caption{{{caption}}}")?;
    writeln!(out, "  \\label{{{}}}", label(&ids))?;
    let form: String = columns.iter().map(|column| if column.is_number { 'r' } else { 'l' }).collect();
    writeln!(out, "  \\begin{{tabular}}{{@{{}}{form}@{{}}}}\n    \\toprule")?;
    let headings: Vec<&str> = columns.iter().map(|column| column.heading.as_str()).collect();
    writeln!(out, "    {} \\\\", headings.join(" & "))?;
    let mut at = 0;
    for (group, (_, members)) in groups.iter().enumerate() {
        writeln!(out, "    \\midrule")?;
        if groups.len() > 1 {
            let name = letter(group);
            writeln!(out, "    \\multicolumn{{{}}}{{@{{}}l}}{{\\emph{{{name}}}}} \\\\", columns.len())?;
        }
        for _ in members {
            let cells: Vec<&str> = columns.iter().map(|column| column.cells[at].as_str()).collect();
            writeln!(out, "    {} \\\\", cells.join(" & "))?;
            at += 1;
        }
    }
    writeln!(out, "    \\bottomrule\n  \\end{{tabular}}\n\\end{{table}}")
}

/// With how it stands, where its figures are not final.
fn row_name(entry: &Entry<'_>, run: &str) -> String {
    let name = entry.called(run);
    match entry.measured().complete {
        true => escaped(&name),
        false => escaped(&format!("{name} ({}, so far)", entry.record.health.name())),
    }
}

/// A figure of every row; nothing where no row has it.
fn measured(figure: &Figure, name: &str, rows: &[&Entry<'_>]) -> Option<Column> {
    let values: Vec<Option<f64>> = rows.iter().map(|row| figure.value(&row.measured())).collect();
    values.iter().any(Option::is_some).then(|| Column {
        heading: heading(figure, name),
        is_number: true,
        cells: values
            .into_iter()
            .map(|value| value.map_or_else(|| "--".into(), |value| number(figure, value)))
            .collect(),
    })
}

/// Points of accuracy that post-processing costs, where that is known of any row.
fn lost(rows: &[&Entry<'_>]) -> Option<Column> {
    let costs = rows.iter().map(|row| row.record.cost.as_ref());
    let cell = |cost: Option<&Cost>| {
        cost.map_or_else(|| "--".into(), |cost| escaped(&cost.drop.times(100.0).to_string()))
    };
    rows.iter().any(|row| row.record.cost.is_some()).then(|| Column {
        heading: "points of accuracy lost".into(),
        is_number: true,
        cells: costs.map(cell).collect(),
    })
}

fn heading(figure: &Figure, name: &str) -> String {
    let unit = match figure.form {
        Form::Share => " (\\%)".to_owned(),
        _ if figure.unit.is_empty() => String::new(),
        _ => format!(" ({})", escaped(figure.unit)),
    };
    let arrow = match figure.better {
        Better::Higher => " $\\uparrow$",
        Better::Lower => " $\\downarrow$",
        Better::Neither => "",
    };
    format!("{name}{unit}{arrow}")
}

/// A value without its unit, which the heading has.
fn number(figure: &Figure, value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "$\\infty$" } else { "$-\\infty$" }.into();
    }
    match figure.form {
        Form::Fixed(decimals) => signed(&format!("{value:.decimals$}")),
        Form::Share => signed(&format!("{:.0}", 100.0 * value)),
        Form::Count | Form::Clock => signed(&format!("{value:.0}")),
        Form::Power if value == 0.0 => "0".into(),
        Form::Power => {
            let text = format!("{value:.1e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            format!("${mantissa}\\times 10^{{{exponent}}}$")
        }
    }
}

/// A minus is one in mathematics alone.
fn signed(number: &str) -> String {
    if number.starts_with('-') { format!("${number}$") } else { number.to_owned() }
}

fn article(baseline: &str) -> String {
    let article = if baseline.starts_with("mean") { "the" } else { "a" };
    format!("{article} {baseline}")
}

/// What a reader must know of every figure.
fn caption(
    rows: &[&Entry<'_>],
    groups: &[(String, Vec<&Entry<'_>>)],
    baselines: &[String],
    further: &[String],
) -> String {
    let mut sentences = vec!["Gradient inversion.".to_owned()];
    sentences.push(match rows {
        [_] => "The figures are those of a single run, no statistic over several.".to_owned(),
        _ if rows.iter().any(|row| row.record.state.rounds.len() > 1) => {
            "Every row is one round of a single run, no statistic over several.".to_owned()
        }
        _ => "Every row is a single run, no statistic over several.".to_owned(),
    });
    match groups {
        [(conditions, _)] => sentences.push(escaped(conditions)),
        several => sentences.extend(
            several
                .iter()
                .enumerate()
                .map(|(at, (conditions, _))| format!("{}~{}", letter(at), escaped(conditions))),
        ),
    }
    if rows.iter().any(|row| row.record.config().batch() > 1) {
        sentences.push("Figures of a batch are means over its samples.".to_owned());
    }
    if !baselines.is_empty() {
        sentences.push(format!("Without any update, PSNR is {}.", baselines.join(" and ")));
    }
    let seeds = rows.iter().filter_map(|row| Some(row.record.cost.as_ref()?.seeds));
    if let Some(least) = seeds.min() {
        let of = if least > 1 {
            "the median over the seeds named, with least and most"
        } else {
            "those of single pairs of trainings"
        };
        sentences.push(format!("Points of accuracy lost are {of}."));
    }
    if !further.is_empty() {
        sentences.push(format!("The runs also differ in {}.", further.join(", ")));
    }
    sentences.join(" ")
}

/// `(a)`, `(b)` to `(z)`, `(27)`.
fn letter(group: usize) -> String {
    match u8::try_from(group) {
        Ok(group @ 0..26) => format!("({})", char::from(b'a' + group)),
        _ => format!("({})", group + 1),
    }
}

/// Of the first run, with nothing in it that a label cannot have.
fn label(ids: &[String]) -> String {
    let first = ids.first().map(String::as_str).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("tab:{}", first.chars().map(plain).collect::<String>())
}

/// Words from outside, so that LaTeX prints them and does nothing else. Letters that its first fonts lack are named by their
/// number in Unicode.
fn escaped(words: &str) -> String {
    let mut escaped = String::new();
    for c in text::one_line(words).chars() {
        match c {
            '_' | '%' | '&' | '#' | '$' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("$<$"),
            '>' => escaped.push_str("$>$"),
            '|' => escaped.push_str("$|$"),
            // Quotes that would join to others, or to ? and !.
            '`' => escaped.push_str("{}\\char96{}"),
            '"' => escaped.push_str("\\char34{}"),
            // At the start of a row they would be an argument of the row before.
            '[' | ']' | '*' => escaped.push_str(&format!("{{{c}}}")),
            // Two would be a dash.
            '-' if escaped.ends_with('-') => escaped.push_str("{}-"),
            '–' => escaped.push_str("--"),
            '’' => escaped.push('\''),
            '×' => escaped.push_str("$\\times$"),
            '·' => escaped.push_str("$\\cdot$"),
            'ε' => escaped.push_str("$\\varepsilon$"),
            'δ' => escaped.push_str("$\\delta$"),
            'σ' => escaped.push_str("$\\sigma$"),
            '∞' => escaped.push_str("$\\infty$"),
            ' '..='~' => escaped.push(c),
            // Ð ð Þ þ ÷ are in other fonts.
            'À'..='ÿ' if !matches!(c, 'Ð' | 'ð' | 'Þ' | 'þ' | '÷') => escaped.push(c),
            other => escaped.push_str(&format!("U+{:04X}", u32::from(other))),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_do_nothing() {
        assert_eq!(
            escaped(r"a_b 50% &#${}~^\"),
            r"a\_b 50\% \&\#\$\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}"
        );
        assert_eq!(escaped("[x] *--to<\"`"), "{[}x{]} {*}-{}-to$<$\\char34{}{}\\char96{}");
        assert_eq!(escaped("é ε 中\n\\input"), "é $\\varepsilon$ U+4E2D?\\textbackslash{}input");
    }

    #[test]
    fn numbers_are_mathematics() {
        let of = |key: &str, value: f64| number(figure(key), value);
        assert_eq!(of("match", 3.12e-7), "$3.1\\times 10^{-7}$");
        assert_eq!(of("match", 0.0), "0");
        assert_eq!((of("psnr", f64::INFINITY), of("ssim", -0.5)), ("$\\infty$".into(), "$-0.500$".into()));
        assert_eq!(of("brr", 0.75), "75");
        assert_eq!(heading(figure("brr"), "BRR"), "BRR (\\%) $\\uparrow$");
        assert_eq!(heading(figure("psnr"), "PSNR"), "PSNR (dB) $\\uparrow$");
    }

    #[test]
    fn groups_have_letters() {
        assert_eq!([0, 25, 26].map(letter), ["(a)", "(z)", "(27)"]);
        assert_eq!(label(&["a_b}c".into()]), "tab:a-b-c");
    }
}
