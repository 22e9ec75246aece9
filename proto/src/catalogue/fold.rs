//! The search key of a text: without tone marks, case and double spaces, so that
//! `nguyen van duc` finds `Nguyễn Văn Đức`.
//!
//! Nobody is identified by a folded key: it finds candidates for a person to look at. i and y stay
//! distinct, for `Lý` and `Lí` are spelled apart on papers.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::latin::{self, Table};

/// The one ASCII letter or sign that a character folds to; 0 where it folds to anything else.
static FOLDED: Table<u8> = Table::new(|| latin::each(folded));

/// Folds a text: NFD, marks stripped, đ (which does not decompose) to d, lower case, single spaces.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let table = FOLDED.look_up();
    let mut space = false;
    for c in text.chars() {
        if c == ' ' || (!c.is_ascii_graphic() && c.is_whitespace()) {
            space = !out.is_empty();
            continue;
        }
        let folded = table(c).unwrap_or(0);
        // A mark that was typed apart begins no word.
        if folded == 0 && is_combining_mark(c) {
            continue;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
        }
        if folded == 0 { out.extend(letters(c)) } else { out.push(char::from(folded)) }
    }
    out
}

/// What one character folds to. Marks are stripped, so characters fold apart from each other.
fn letters(c: char) -> impl Iterator<Item = char> {
    let lower = |c: char| match c {
        'Đ' | 'ð' | 'Ð' => 'đ'.to_lowercase(),
        c => c.to_lowercase(),
    };
    let plain = |c: char| if c == 'đ' { 'd' } else { c };
    let unmarked = std::iter::once(c).nfd().filter(|&c| !is_combining_mark(c));
    unmarked.flat_map(lower).filter(|&c| !is_combining_mark(c)).map(plain)
}

fn folded(c: char) -> u8 {
    let mut letters = letters(c);
    match (letters.next(), letters.next()) {
        (Some(one), None) if one.is_ascii() => one as u8,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, without the table.
    fn defined(text: &str) -> String {
        let mut out = String::new();
        let mut space = false;
        for c in text.nfd().filter(|&c| !is_combining_mark(c)) {
            if c.is_whitespace() {
                space = !out.is_empty();
                continue;
            }
            if std::mem::take(&mut space) {
                out.push(' ');
            }
            match c {
                'đ' | 'Đ' | 'ð' | 'Ð' => out.push('d'),
                c => out.extend(c.to_lowercase().filter(|&c| !is_combining_mark(c))),
            }
        }
        out
    }

    #[test]
    fn the_table_folds_every_character_as_defined() {
        for c in (0..=0x10_FFFF).filter_map(char::from_u32) {
            let text = format!("a{c} {c}b");
            assert_eq!(fold(&text), defined(&text), "U+{:04X}", c as u32);
        }
    }

    #[test]
    fn what_a_clerk_types_finds_the_name() {
        assert_eq!(fold("Nguyễn Văn Đức"), "nguyen van duc");
        assert_eq!(fold("  NGUYỄN \u{a0} VĂN\tĐỨC "), fold("nguyen van duc"));
    }

    #[test]
    fn composed_and_decomposed_fold_alike() {
        let typed: String = "Thuỷ Hằng Ưởng".nfd().collect();
        assert_eq!(fold(&typed), fold("Thuỷ Hằng Ưởng"));
    }

    #[test]
    fn every_d_is_a_d() {
        assert_eq!(fold("đĐðÐdD"), "dddddd");
    }

    #[test]
    fn tone_placement_does_not_matter_and_i_and_y_do() {
        assert_eq!(fold("Hoà"), fold("Hòa"));
        assert_ne!(fold("Lý"), fold("Lí"));
    }

    #[test]
    fn folding_twice_changes_nothing() {
        for text in ["Nguyễn Văn Đức", "İstanbul", "  a  b ", "", "ǅ", "ẞ"] {
            assert_eq!(fold(&fold(text)), fold(text), "{text}");
        }
    }
}
