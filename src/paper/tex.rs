//! Tables for LaTeX: `booktabs`, and `graphicx` so that none is wider than its column; words from outside escaped.

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;

use crate::figure::{Better, Figure, Form};
use crate::text;

/// Letters of a cell that stands in one line.
const LONGEST: usize = 36;

/// A column with a cell a row, in LaTeX.
pub struct Column {
    /// Above it.
    pub heading: String,
    /// Whether it stands to the right.
    pub is_number: bool,
    /// One a row.
    pub cells: Vec<String>,
}

/// A table with its caption.
pub struct Table<'a> {
    /// Comments above it.
    pub about: Vec<String>,
    /// In LaTeX.
    pub caption: String,
    /// What the label is made of.
    pub label: &'a str,
    /// From the left.
    pub columns: Vec<Column>,
    /// Rows that belong together, with their name in LaTeX where they have one.
    pub bodies: Vec<(Option<String>, Range<usize>)>,
}

impl Table<'_> {
    /// Writes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "% gialab {}; needs \\usepackage{{booktabs,graphicx}}", env!("CARGO_PKG_VERSION"))?;
        for line in &self.about {
            writeln!(out, "% {}", text::one_line(line))?;
        }
        writeln!(
            out,
            "\\begin{{table}}\n  \\centering\n  \\small\n  \\setlength{{\\tabcolsep}}{{4pt}}\n  \\caption{{{}}}",
            self.caption
        )?;
        writeln!(out, "  \\label{{{}}}", label(self.label))?;
        let form: String =
            self.columns.iter().map(|column| if column.is_number { 'r' } else { 'l' }).collect();
        // One that is wider than its column is made smaller; all others keep their size.
        writeln!(out, "  \\resizebox{{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}}{{!}}{{%")?;
        writeln!(out, "  \\begin{{tabular}}{{@{{}}{form}@{{}}}}\n    \\toprule")?;
        let headings: Vec<String> = self.columns.iter().map(Column::stacked).collect();
        writeln!(out, "    {} \\\\", headings.join(" & "))?;
        for (name, rows) in &self.bodies {
            writeln!(out, "    \\midrule")?;
            if let Some(name) = name {
                let all = self.columns.len();
                writeln!(out, "    \\multicolumn{{{all}}}{{@{{}}l}}{{\\emph{{{name}}}}} \\\\")?;
            }
            for row in rows.clone() {
                let cells: Vec<_> = self.columns.iter().map(|column| wrapped(&column.cells[row])).collect();
                writeln!(out, "    {} \\\\", cells.join(" & "))?;
            }
        }
        writeln!(out, "    \\bottomrule\n  \\end{{tabular}}}}\n\\end{{table}}")
    }
}

impl Column {
    /// Its heading, in two lines where it is wider than what stands below it.
    fn stacked(&self) -> String {
        let chars =
            |text: &str| text.replace("$\\uparrow$", "^").replace("$\\downarrow$", "v").chars().count();
        let below = self.cells.iter().map(|cell| chars(cell)).max().unwrap_or(0);
        let breaks =
            self.heading.match_indices(' ').map(|(at, _)| (&self.heading[..at], &self.heading[at + 1..]));
        let narrowest = breaks.min_by_key(|(first, second)| chars(first).max(chars(second)));
        match narrowest.filter(|_| chars(&self.heading) > below) {
            Some((first, second)) => {
                format!("\\shortstack[{}]{{{first}\\\\{second}}}", if self.is_number { 'r' } else { 'l' })
            }
            None => self.heading.clone(),
        }
    }
}

/// A cell; a long one in several lines, so that one name does not make a whole table small.
fn wrapped(cell: &str) -> Cow<'_, str> {
    if cell.chars().count() <= LONGEST || cell.contains('$') {
        return Cow::Borrowed(cell);
    }
    // A hyphen is a place to break at by itself.
    let lines = cell.replace("\\_", "\\_\\allowbreak{}");
    Cow::Owned(format!("\\parbox[t]{{12em}}{{\\raggedright\\strut {lines}\\strut}}"))
}

/// Nothing in it that a label cannot have.
fn label(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("tab:{}", name.chars().map(plain).collect::<String>())
}

/// A name with unit and an arrow to the better side, for the head of a column.
pub fn heading(figure: &Figure, name: &str) -> String {
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
pub fn number(figure: &Figure, value: f64) -> String {
    written(figure.form, value)
}

/// A value in a form.
pub fn written(form: Form, value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "$\\infty$" } else { "$-\\infty$" }.into();
    }
    match form {
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

/// A minus is one in mathematics alone, and none in front of nothing.
fn signed(number: &str) -> String {
    let number = match number.strip_prefix('-') {
        Some(rest) if rest.trim_matches(['0', '.']).is_empty() => rest,
        _ => number,
    };
    if number.starts_with('-') { format!("${number}$") } else { number.to_owned() }
}

/// Words from outside, so that LaTeX prints them and does nothing else. Letters that its first fonts lack are named by their
/// number in Unicode.
pub fn escaped(words: &str) -> String {
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
    use crate::figure::figure;

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
        assert_eq!((of("brr", 0.75), of("ssim", -0.0001)), ("75".into(), "0.000".into()));
        assert_eq!(heading(figure("brr"), "BRR"), "BRR (\\%) $\\uparrow$");
        assert_eq!(heading(figure("psnr"), "PSNR"), "PSNR (dB) $\\uparrow$");
    }

    #[test]
    fn a_heading_wider_than_its_cells_stands_in_two_lines() {
        let of = |heading: &str, cell: &str| {
            Column { heading: heading.into(), is_number: true, cells: vec![cell.into()] }.stacked()
        };
        assert_eq!(of("PSNR (dB) $\\uparrow$", "43.25"), "\\shortstack[r]{PSNR\\\\(dB) $\\uparrow$}");
        assert_eq!(of("PSNR (dB)", "43.25 [40.00, 45.00]"), "PSNR (dB)");
        assert_eq!(of("statistics", "x"), "statistics");
    }

    #[test]
    fn a_long_name_stands_in_several_lines() {
        assert_eq!(wrapped("20261130-ig-lenet"), "20261130-ig-lenet");
        assert_eq!(
            wrapped("$1.0\\times 10^{-3}$, which is not a name but mathematics"),
            "$1.0\\times 10^{-3}$, which is not a name but mathematics"
        );
        let name = "ig\\_lenet-with-a-name-that-nobody-shortened";
        assert_eq!(
            wrapped(name),
            "\\parbox[t]{12em}{\\raggedright\\strut ig\\_\\allowbreak{}lenet-with-a-name-that-nobody-shortened\\strut}"
        );
    }

    #[test]
    fn labels_are_plain() {
        assert_eq!(label("a_b}c"), "tab:a-b-c");
    }
}
