//! The table of fields as Markdown: `proto/docs/FIELDS.md` is exactly this text, and a test holds
//! the two together.

use std::fmt::Write;

use super::{CodeTable, Field, Kind, catalogue};

const HEAD: &str = "\
# Fields of the registry

Made from `proto/catalogue/*.toml`; do not edit (`DONGBO_BLESS=1 cargo test -p dongbo-proto catalogue` writes it).

Numbers are for ever. Types: `text(n)` up to n characters, `digits(min,max)`, `pdate` a date whose day \
or month may be unknown, `code(table)` a code of the table below, `ref(kind)` the id of a record. \
Who writes: `cell` proposes and the commune records, `request` means that the commune asks with evidence and \
the province approves. Who reads includes all that stand higher: cell, commune, clerk (named for sensitive \
data), province. Marks: **R** required, **V** on the visitor card, **T** seen while the file is in \
transfer, **S** found by search, **P** not in the future. Every kind also has `1 home` (its scope, no column) \
and `2 void_reason`.
";

/// The whole document.
pub fn markdown() -> String {
    let mut out = HEAD.to_owned();
    for kind in catalogue().kinds() {
        section(&mut out, kind);
    }
    out += "\n# Code tables\n";
    for table in catalogue().code_tables() {
        codes(&mut out, table);
    }
    out
}

fn section(out: &mut String, kind: &Kind) {
    line(
        out,
        format_args!("\n## {} `{}`: {} ({})\n", kind.id.0, kind.name, kind.label_vi, kind.label_en),
    );
    if kind.reference {
        line(out, format_args!("Reference: written by the province, pulled by all.\n"));
    }
    let key: Vec<_> =
        kind.natural_key.iter().filter_map(|&id| kind.field(id)).map(|f| f.name.as_str()).collect();
    if !key.is_empty() {
        line(
            out,
            format_args!("The same row entered twice has the same `{}`.\n", key.join("`, `")),
        );
    }
    line(
        out,
        format_args!(
            "| no. | field | type | Vietnamese | English | sensitivity | writes | reads | rule | marks | since | source |"
        ),
    );
    line(
        out,
        format_args!("| --: | --- | --- | --- | --- | --- | --- | --- | --- | --- | --: | --- |"),
    );
    for field in kind.fields().iter().filter(|f| f.id >= super::field::OWN_FIELDS_MIN) {
        row(out, field);
    }
}

fn row(out: &mut String, f: &Field) {
    let marks =
        [(f.required, 'R'), (f.visitor, 'V'), (f.transfer, 'T'), (f.searched, 'S'), (f.past, 'P')];
    let marks: String = marks.iter().filter(|(on, _)| *on).map(|(_, c)| c).collect();
    line(
        out,
        format_args!(
            "| {} | `{}` | `{}` | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            f.id.0,
            f.name,
            f.ty,
            f.label_vi,
            f.label_en,
            f.sensitivity,
            f.writers,
            f.readers,
            f.rule,
            marks,
            f.since,
            f.source
        ),
    );
}

fn codes(out: &mut String, table: &CodeTable) {
    line(out, format_args!("\n## `{}`: {} ({})\n", table.name, table.label_vi, table.label_en));
    line(
        out,
        format_args!(
            "| code | Vietnamese | English | from | to |\n| --- | --- | --- | --- | --- |"
        ),
    );
    for entry in &table.entries {
        let date = |d: Option<crate::value::PDate>| d.map(|d| d.to_string()).unwrap_or_default();
        let (from, to) = (date(entry.from), date(entry.to));
        line(
            out,
            format_args!("| `{}` | {} | {} | {from} | {to} |", entry.code, entry.vi, entry.en),
        );
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}
