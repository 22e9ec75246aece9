//! What is wrong with a file: row and column, and which rule; never the value.

use dongbo_proto::catalogue::Invalid;
use serde_json::{Value as Json, json};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line of the file, from 1.
    pub row: usize,
    /// The key of the object, where it is one.
    pub column: Option<String>,
    /// What is wrong.
    pub why: Why,
}

/// What may be wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The line is not a JSON object.
    NotAnObject,
    /// The line is not UTF-8.
    NotUtf8,
    /// The line is longer than any record.
    TooLong,
    /// `kind` is missing or unknown.
    UnknownKind,
    /// The kind is the province's to write.
    Reference,
    /// The kind has no such field.
    UnknownField(Option<String>),
    /// The field is never written by hand.
    NeverWritten,
    /// The value breaks a rule.
    Invalid(Invalid),
    /// No unit or village in force has this code.
    UnknownCode,
    /// Several units or villages have this code.
    AmbiguousCode,
    /// The field is given twice, once by code and once by id.
    GivenTwice,
    /// The row's id was in a row before.
    RepeatedId,
    /// `_version` is not what an export writes.
    BadVersion,
    /// The unit belongs to a scope that this node does not hold.
    ForeignScope,
    /// Nothing says which of the node's scopes is meant.
    WhichScope,
    /// A new record needs this field.
    Missing,
}

impl Why {
    /// The key of the sentence.
    pub fn key(&self) -> &'static str {
        match self {
            Why::NotAnObject => "row-not-an-object",
            Why::NotUtf8 => "row-not-utf8",
            Why::TooLong => "row-too-long",
            Why::UnknownKind => "row-unknown-kind",
            Why::Reference => "row-reference",
            Why::UnknownField(None) => "row-unknown-field",
            Why::UnknownField(Some(_)) => "row-unknown-field-near",
            Why::NeverWritten => "row-never-written",
            Why::Invalid(why) => why.key(),
            Why::UnknownCode => "row-unknown-code",
            Why::AmbiguousCode => "row-ambiguous-code",
            Why::GivenTwice => "row-given-twice",
            Why::RepeatedId => "row-repeated-id",
            Why::BadVersion => "row-bad-version",
            Why::ForeignScope => "row-foreign-scope",
            Why::WhichScope => "row-which-scope",
            Why::Missing => "row-missing",
        }
    }

    /// What the sentence names.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Why::Invalid(why) => {
                why.args().into_iter().map(|(name, n)| (name, n.to_string())).collect()
            }
            Why::UnknownField(Some(near)) => vec![("near", near.clone())],
            _ => Vec::new(),
        }
    }
}

impl Fault {
    /// A fault of a whole row.
    pub fn of_row(row: usize, why: Why) -> Self {
        Fault { row, column: None, why }
    }

    /// A fault in one column.
    pub fn in_column(row: usize, column: &str, why: Why) -> Self {
        Fault { row, column: Some(column.to_owned()), why }
    }

    /// A line of the report.
    pub fn to_json(&self, sentence: &str) -> Json {
        json!({ "row": self.row, "column": self.column, "rule": self.why.key(), "message": sentence })
    }
}
