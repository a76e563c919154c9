//! How packages look: language, zone, templates, the controller's own texts. Checked once, before
//! the first package is made.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{self, Error, ErrorKind, Result};

use super::language::Language;

const TEMPLATES: [(&str, &str); 4] = [
    ("base.html", include_str!("templates/base.html")),
    ("events.html", include_str!("templates/events.html")),
    ("index.html", include_str!("templates/index.html")),
    ("page.html", include_str!("templates/page.html")),
];
const STYLE: &str = include_str!("templates/style.css");
/// A file of the company's folder; a page holds it whole.
const FILE: u64 = 1 << 20;
/// Steps that one page may take: ten times what the longest of ours needs.
const FUEL: u64 = 40_000_000;

/// The texts of Art. 15(1), which only the controller knows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Slots {
    /// Shown at the head of each page.
    controller: String,
    /// By slot: `purposes = "..."`.
    #[serde(flatten)]
    texts: BTreeMap<String, String>,
}

/// A text of the controller, or its absence.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Slot {
    pub(super) label: String,
    pub(super) paragraphs: Vec<String>,
}

/// Everything that all packages of a run have in common.
pub(super) struct Look {
    env: Environment<'static>,
    pub(super) words: Language,
    pub(super) style: String,
    pub(super) policy: String,
    pub(super) controller: String,
    pub(super) slots: Vec<Slot>,
    /// Names of the slots without a text.
    pub(super) missing: Vec<String>,
}

impl Look {
    pub(super) fn new(language: &str, folder: Option<&Path>) -> Result<Self> {
        let words = Language::find(language, folder)?;
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(|_| AutoEscape::Html);
        env.set_fuel(Some(FUEL));
        let mut syntax = SyntaxConfig::builder();
        let syntax = syntax.trim_blocks(true).lstrip_blocks(true).build();
        env.set_syntax(syntax.map_err(|e| failed("a template cannot be read", &e))?);
        for (name, text) in TEMPLATES {
            env.add_template(name, text)
                .map_err(|e| failed("a template cannot be read", &e))?;
        }
        let mut style = STYLE.to_owned();
        let mut slots = Slots::default();
        if let Some(folder) = folder {
            style = read(&folder.join("style.css"))?.unwrap_or(style);
            for path in own_templates(folder)? {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let text = read(&path)?.unwrap_or_default();
                env.add_template_owned(name.into_owned(), text)
                    .map_err(|e| failed("a template cannot be read", &e))?;
            }
            let own = format!("slots.{}.toml", words.code);
            let text = match read(&folder.join(own))? {
                Some(text) => Some(text),
                None => read(&folder.join("slots.toml"))?,
            };
            slots = toml::from_str(&text.unwrap_or_default()).map_err(|e| {
                let reason = format!("the texts of the slots cannot be used: {}", e.message());
                Error::new(ErrorKind::InvalidInput, reason)
            })?;
        }
        if style.contains("</") {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "style.css holds a closing tag; a page could not hold it",
            ));
        }
        if let Some(unknown) = slots
            .texts
            .keys()
            .find(|name| !words.slots.contains_key(*name))
        {
            let known: Vec<&str> = words.slots.keys().map(String::as_str).collect();
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("there is no slot named {unknown:?}"),
            )
            .with("slots", known.join(" ")));
        }
        let mut filled: Vec<(String, Slot)> = words
            .slots
            .iter()
            .map(|(name, label)| {
                let text = slots.texts.get(name).map_or("", String::as_str);
                let paragraphs = text.split("\n\n").map(str::trim).filter(|p| !p.is_empty());
                let slot = Slot {
                    label: label.clone(),
                    paragraphs: paragraphs.map(str::to_owned).collect(),
                };
                (name.clone(), slot)
            })
            .collect();
        // The labels begin with the letter of the law.
        filled.sort_by(|a, b| a.1.label.cmp(&b.1.label));
        let missing = filled.iter().filter(|(_, slot)| slot.paragraphs.is_empty());
        Ok(Self {
            policy: policy(&style, folder.is_some()),
            missing: missing.map(|(name, _)| name.clone()).collect(),
            slots: filled.into_iter().map(|(_, slot)| slot).collect(),
            controller: slots.controller,
            env,
            words,
            style,
        })
    }

    pub(super) fn render(&self, template: &str, context: impl Serialize) -> Result<String> {
        let page = self.env.get_template(template);
        page.and_then(|page| page.render(Value::from(Serde(context))))
            .map_err(|e| failed("a template cannot be filled", &e))
    }
}

/// Nothing may be loaded, run or sent. Only the one style is allowed; a company's own templates may
/// also carry pictures inside the page.
fn policy(style: &str, own: bool) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
    let pictures = if own { "; img-src data:" } else { "" };
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'{pictures}; base-uri 'none'; form-action 'none'"
    )
}

fn own_templates(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let list = || -> std::io::Result<Vec<std::path::PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "html") {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    };
    list().map_err(|e| error::io("read the templates in", folder, e))
}

fn read(path: &Path) -> Result<Option<String>> {
    let reading = |e| error::io("read", path, e);
    match fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(reading(e)),
        Ok(facts) if facts.len() > FILE => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("{} is larger than a page can hold", path.display()),
        )
        .with("allowed", FILE)),
        Ok(_) => fs::read_to_string(path).map(Some).map_err(reading),
    }
}

/// The engine's details may quote values; kind, template and line are enough to find the place.
fn failed(what: &str, e: &minijinja::Error) -> Error {
    let mut error = Error::new(ErrorKind::InvalidInput, format!("{what}: {}", e.kind()));
    if let Some(name) = e.name() {
        error = error.with("template", name);
    }
    if let Some(line) = e.line() {
        error = error.with("line", line);
    }
    error.with_hint("Correct the template, or collect without templates of your own.")
}
