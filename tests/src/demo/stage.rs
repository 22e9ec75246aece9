//! Where the story is told: chapters, sentences, bars and tables on a terminal.
//!
//! With `--json` the story goes to standard error, so that standard output is only the result. Colours are left out
//! where the terminal has none, or `NO_COLOR` says so.

use std::fmt::Display;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use comfy_table::{Cell, ContentArrangement, Table, presets};
use console::{Style, Term};
use dongbo_proto::words::{Lang, Words};
use indicatif::{ProgressBar, ProgressStyle};

use super::{EN, VI};
use crate::harness::Trouble;
use crate::province::Size;

/// Wide enough for the table, narrow enough to read.
const WIDTH_MAX: usize = 110;
/// Below it lines break in any case.
const WIDTH_MIN: usize = 60;

/// The stage.
pub(super) struct Stage {
    /// The words in the chosen language.
    pub(super) words: Words,
    term: Term,
    began: Instant,
    chapter: AtomicU32,
}

/// Arguments of a sentence.
pub(super) type Args<'a> = &'a [(&'a str, &'a dyn Display)];

impl Stage {
    pub(super) fn new(lang: Lang, to_stderr: bool) -> Self {
        let term = if to_stderr { Term::stderr() } else { Term::stdout() };
        let words = Words::new(lang, VI, EN);
        Self { words, term, began: Instant::now(), chapter: AtomicU32::new(0) }
    }

    fn style(&self) -> Style {
        let style = Style::new();
        if self.term.is_term() { style } else { style.force_styling(false) }
    }

    fn width(&self) -> usize {
        let columns = self.term.size_checked().map_or(WIDTH_MAX, |size| usize::from(size.1));
        columns.clamp(WIDTH_MIN, WIDTH_MAX)
    }

    /// A line as it is.
    pub(super) fn plain(&self, line: &str) {
        // A reader that went away takes nothing from the checks.
        let _ = self.term.write_line(line);
    }

    /// The first lines.
    pub(super) fn title(&self, seed: u64, size: Size) {
        let title = self.words.get("title");
        let size = self.words.get(&format!("size-{size}"));
        self.plain("");
        self.plain(&format!("  {}", self.style().bold().cyan().apply_to(title)));
        let below = self.words.with("subtitle", &[("seed", &seed), ("size", &size)]);
        self.plain(&format!("  {}", self.style().dim().apply_to(below)));
    }

    /// Begins a chapter.
    pub(super) fn chapter(&self, key: &str) {
        let number = self.chapter.fetch_add(1, Ordering::Relaxed) + 1;
        let head = format!("━━ {number} ━ {} ", self.words.get(key));
        let at = format!(" {:>3.0} s", self.began.elapsed().as_secs_f32());
        let used = console::measure_text_width(&head) + at.len();
        let rule = "━".repeat(self.width().saturating_sub(used));
        self.plain("");
        self.plain(&format!("{}", self.style().bold().apply_to(format!("{head}{rule}{at}"))));
    }

    /// One sentence of the story.
    pub(super) fn say(&self, key: &str, args: Args<'_>) {
        self.fold("•", &self.words.with(key, args), &self.style());
    }

    /// Something good that was seen.
    pub(super) fn good(&self, key: &str, args: Args<'_>) {
        self.fold("✓", &self.words.with(key, args), &self.style().green());
    }

    /// A remark beside the story.
    pub(super) fn aside(&self, key: &str, args: Args<'_>) {
        self.fold(" ", &self.words.with(key, args), &self.style().dim());
    }

    /// What stopped the story, in full.
    pub(super) fn trouble(&self, trouble: &Trouble) {
        self.fold("✗", &self.words.get("trouble"), &self.style().red().bold());
        self.plain(&trouble.0);
    }

    /// Breaks a text into lines under a mark.
    fn fold(&self, mark: &str, text: &str, style: &Style) {
        let room = self.width().saturating_sub(5);
        let mut lines = vec![String::new()];
        for word in text.split_whitespace() {
            let last = lines.last().map_or(0, |l| console::measure_text_width(l));
            if last > 0 && last + 1 + console::measure_text_width(word) > room {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                *line += if line.is_empty() { "" } else { " " };
                *line += word;
            }
        }
        for (at, line) in lines.iter().enumerate() {
            let mark = if at == 0 { mark } else { " " };
            self.plain(&format!("  {} {}", style.apply_to(mark), style.apply_to(line)));
        }
    }

    /// The last line.
    pub(super) fn curtain(&self, kept: bool) {
        let took = format!("{:.0}", self.began.elapsed().as_secs_f32());
        let (key, style) = match kept {
            true => ("curtain-kept", self.style().green().bold()),
            false => ("curtain-broken", self.style().red().bold()),
        };
        self.plain("");
        self.fold(" ", &self.words.with(key, &[("s", &took)]), &style);
        self.plain("");
    }

    /// A table with these columns.
    pub(super) fn new_table(&self, columns: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(self.width()).unwrap_or(u16::MAX));
        if !self.term.is_term() {
            table.force_no_tty();
        }
        table.set_header(columns.iter().map(|key| Cell::new(self.words.get(key))));
        table
    }

    /// Shows a table.
    pub(super) fn table(&self, table: &Table) {
        self.plain("");
        self.plain(&table.to_string());
    }

    /// A bar for work of a known length.
    pub(super) fn bar(&self, key: &str, length: usize) -> ProgressBar {
        let bar = ProgressBar::new(length as u64).with_message(self.words.get(key));
        bar.set_style(style("  {msg} {bar:28.cyan/black} {pos}/{len} {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Does something long under a spinner.
    pub(super) fn wait<T>(&self, key: &str, work: impl FnOnce() -> T) -> T {
        let bar = ProgressBar::new_spinner().with_message(self.words.get(key));
        bar.set_style(style("  {spinner:.cyan} {msg} {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        let done = work();
        bar.finish_and_clear();
        done
    }
}

/// A bar's look; a template that cannot be read gives a plain bar.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
