//! Tables for papers go through LaTeX as they come.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::lab::{Lab, QUICK, finished, text};

/// What LaTeX, shells and spreadsheets take for something else, and what its first fonts do not have.
const HOSTILE: &str = r##"50% & #1 $x_y^{z}~\ <a>|"`[b]* --- ?` é ε × 中 \input{x}"##;

/// Every sign in an axis, its points, an expectation and the title.
fn study(hostile: &str) -> String {
    let text = toml::Value::String(hostile.to_owned()).to_string();
    format!(
        r#"
schema = 1
title = {text}
about = "For tests."
preset = "ig-lenet"
set = ["attack.trials=1", "attack.iterations=3"]
pairs = 3
figures = ["psnr", "ssim", "match"]

[[axis]]
name = {text}
points = [
  {{ name = {text}, set = ["victim.size=16"] }},
  {{ name = "[whole]", set = [] }},
]

[[axis]]
name = "labels"
points = [{{ name = "*", set = [] }}, {{ name = "iDLG & co", set = ["attack.labels={{ rule = \"ilrg\" }}"] }}]

[[hypothesis]]
says = {text}
figure = "psnr"
along = "labels"
is = "rising"
"#
    )
}

/// Compiles a table; what its page says.
fn compiled(table: &Path) -> String {
    let folder = table.parent().unwrap();
    let name = table.file_stem().unwrap().to_str().unwrap();
    let document = format!(
        "\\documentclass{{article}}\n\\usepackage{{booktabs,graphicx}}\n\\begin{{document}}\n\\input{{{name}.tex}}\nTable~\\ref{{tab:x}}\n\\end{{document}}\n"
    );
    fs::write(folder.join("page.tex"), document).unwrap();
    let mut pdflatex = Command::new("pdflatex");
    let output =
        pdflatex.args(["-halt-on-error", "-interaction=nonstopmode", "page.tex"]).current_dir(folder);
    let output = output.output().expect("pdflatex is there");
    let log = text(&output.stdout);
    assert!(output.status.success(), "{log}\n{}", fs::read_to_string(table).unwrap());
    assert!(!log.contains("Missing character") && !log.contains("Missing $"), "{log}");
    assert!(!log.contains("Overfull"), "wider than an article's page: {log}");
    let page = Command::new("pdftotext").args(["-layout", "page.pdf", "-"]).current_dir(folder).output();
    // Only to read the page; without it that it compiles is what is held.
    page.map(|page| text(&page.stdout)).unwrap_or_default()
}

#[test]
#[ignore = "needs pdflatex: texlive-latex-base and texlive-latex-recommended of Debian"]
fn tables_go_through_pdflatex() {
    let lab = Lab::new();
    let run = |more: &[&str]| {
        let arguments = [&["run"], &QUICK[..], more, &["--json"]].concat();
        finished(&lab.succeed(&arguments))["run"].as_str().unwrap().to_owned()
    };
    let one = run(&[]);
    let clip = "post=[{kind=\"clip\",norm=1.0}]";
    let several = [one.clone(), run(&["--seed", "9"]), run(&["--set", clip])];
    let out = |name: &str| lab.path(name).display().to_string();
    lab.succeed(&["export", &one, "--to", "latex", "--out", &out("one.tex")]);
    assert!(compiled(&lab.path("one.tex")).contains("Threat model"));
    let mut arguments = vec!["export"];
    arguments.extend(several.iter().map(String::as_str));
    let table = out("several.tex");
    arguments.extend(["--to", "latex", "--out", &table]);
    lab.succeed(&arguments);
    compiled(&lab.path("several.tex"));
    fs::write(lab.path("odd.toml"), study(HOSTILE)).unwrap();
    let file = out("odd.toml");
    lab.succeed(&["study", "run", &file]);
    lab.succeed(&["study", "export", &file, "--to", "latex", "--out", &out("study.tex")]);
    let page = compiled(&lab.path("study.tex"));
    for part in ["50% & #1", "[whole]", "iDLG & co", "U+4E2D"] {
        assert!(page.is_empty() || page.contains(part), "{part}: {page}");
    }
}
