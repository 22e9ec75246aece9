//! The search key of a text: without tone marks, case and double spaces, so that
//! `nguyen van duc` finds `Nguyễn Văn Đức`.
//!
//! Nobody is identified by a folded key: it finds candidates for a person to look at. i and y stay
//! distinct, for `Lý` and `Lí` are spelled apart on papers.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Folds a text: NFD, marks stripped, đ (which does not decompose) to d, lower case, single spaces.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.nfd().filter(|&c| !is_combining_mark(c)) {
        if c.is_whitespace() {
            space = !out.is_empty();
            continue;
        }
        if space {
            out.push(' ');
            space = false;
        }
        match c {
            'đ' | 'Đ' | 'ð' | 'Ð' => out.push('d'),
            c => out.extend(c.to_lowercase().filter(|&c| !is_combining_mark(c))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

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
