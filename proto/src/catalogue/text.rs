//! The one form in which text is stored: NFC, one line, nothing invisible.
//!
//! Two texts that look alike must be alike, or search, merge and digests disagree with the eye.
//! What cannot be put right without guessing is refused; spelling is left as the papers have it.

use std::borrow::Cow;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc, is_nfc_quick};

use super::latin::{self, Table};
use super::validate::Invalid;

/// Whether a character may stand anywhere within stored text, whatever is beside it.
static INERT: Table<bool> = Table::new(|| latin::each(is_inert));

/// Puts text from outside into stored form: NBSP and its kin become spaces, ends are trimmed, the
/// Icelandic ð that old Vietnamese keyboards produce becomes đ, and all is composed (NFC).
///
/// Errors: [`Invalid::Invisible`] for control, zero-width and direction characters.
pub fn normalise(text: &str) -> Result<String, Invalid> {
    let composed: String = text.trim().chars().map(plain).nfc().collect();
    match composed.chars().any(is_invisible) {
        true => Err(Invalid::Invisible),
        false => Ok(composed.trim().to_owned()),
    }
}

/// Whether text that arrived on the wire is in stored form. (A newer build may spell differently,
/// so ð is not refused here.)
pub fn check(text: &str) -> Result<(), Invalid> {
    let inert = is_all_inert(text);
    if !inert && text.chars().any(is_invisible) {
        return Err(Invalid::Invisible);
    }
    let odd = || text.chars().any(is_odd_space) || !is_nfc(text);
    if text.is_empty() || text.trim() != text || (!inert && odd()) {
        return Err(Invalid::NotNormal);
    }
    Ok(())
}

/// Whether nothing in a text is unseen: what an act says of itself (who, on which grounds) must be so.
pub fn is_visible(text: &str) -> bool {
    is_all_inert(text) || !text.chars().any(is_invisible)
}

/// A text as it may be shown to people, line by line, whoever wrote it: what cannot be seen is written
/// out, so that it neither steers a terminal nor turns the reading round.
pub fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| is_invisible(c) && c != '\n';
    if !text.chars().any(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// The commonest texts by far are of letters that stand by themselves: one look at each.
fn is_all_inert(text: &str) -> bool {
    let table = INERT.look_up();
    text.chars().all(|c| c.is_ascii_graphic() || table(c) == Some(true))
}

/// Visible, no odd space, and composed by itself and beside others of its kind.
fn is_inert(c: char) -> bool {
    let composed = is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes;
    composed && canonical_combining_class(c) == 0 && !is_invisible(c) && !is_odd_space(c)
}

fn plain(c: char) -> char {
    match c {
        'ð' => 'đ',
        'Ð' => 'Đ',
        c if is_odd_space(c) => ' ',
        c => c,
    }
}

/// Spaces that look like a space and are not: no-break, figure, narrow, ideographic and others.
fn is_odd_space(c: char) -> bool {
    c != ' ' && c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')
}

/// Characters that cannot be seen: control, soft hyphen, zero-width, direction marks and overrides,
/// line and paragraph separators, tags, variation selectors, and the byte order mark.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{FFFD}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether the text has a letter that is not Latin: a Cyrillic О in a name looks right and never matches.
pub fn has_foreign_letter(text: &str) -> bool {
    let latin = |c: char| matches!(c, '\u{0000}'..='\u{024F}' | '\u{1E00}'..='\u{1EFF}');
    text.nfc().any(|c| c.is_alphabetic() && !latin(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, without the table.
    fn defined(text: &str) -> Result<(), Invalid> {
        if text.chars().any(is_invisible) {
            return Err(Invalid::Invisible);
        }
        let odd = text.chars().any(is_odd_space);
        if text.is_empty() || text.trim() != text || odd || !is_nfc(text) {
            return Err(Invalid::NotNormal);
        }
        Ok(())
    }

    #[test]
    fn the_table_judges_every_character_as_defined() {
        for c in (0..=0x10_FFFF).filter_map(char::from_u32) {
            for text in [format!("{c}"), format!("a{c}b"), format!("Ễ{c}\u{301}"), format!("{c} ")]
            {
                assert_eq!(check(&text), defined(&text), "U+{:04X}", c as u32);
            }
        }
    }

    /// Fault 33: what cannot be seen is written out where text is shown. [I10]
    #[test]
    fn what_cannot_be_seen_is_written_out_and_lines_stay() {
        assert_eq!(visible("Lê Hoa\nLê Hạ"), "Lê Hoa\nLê Hạ");
        assert_eq!(visible("a\u{1b}[2J\u{202e}b\r"), "a\\u{1b}[2J\\u{202e}b\\u{d}");
        assert!(is_visible("Nguyễn Văn Đức") && !is_visible("a\nb") && !is_visible("a\u{202e}b"));
    }

    /// Fault 33: one name in two spellings of its letters is one name. [I1]
    #[test]
    fn decomposed_text_is_composed() {
        let typed: String = "Nguyễn Văn Đức".nfd().collect();
        assert_ne!(typed, "Nguyễn Văn Đức");
        assert_eq!(normalise(&typed).unwrap(), "Nguyễn Văn Đức");
    }

    #[test]
    fn odd_spaces_become_spaces_and_ends_are_trimmed() {
        assert_eq!(normalise("\u{a0} Lê\u{202f}Thị\u{a0}Hoa\u{3000}").unwrap(), "Lê Thị Hoa");
    }

    #[test]
    fn eth_becomes_d_with_stroke() {
        assert_eq!(normalise("Ðỗ ðình").unwrap(), "Đỗ đình");
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for c in [
            '\u{200b}', '\u{200d}', '\u{feff}', '\u{202e}', '\u{2066}', '\u{0}', '\n', '\t',
            '\u{ad}', '\u{7f}', '\u{85}', '\u{2028}',
        ] {
            assert_eq!(normalise(&format!("Lê{c}Hoa")), Err(Invalid::Invisible), "{:x}", c as u32);
            assert_eq!(check(&format!("Lê{c}Hoa")), Err(Invalid::Invisible), "{:x}", c as u32);
        }
    }

    #[test]
    fn what_was_normalised_passes_the_check_and_stays() {
        for text in ["Nguyễn Văn Đức", "\u{a0}Ðỗ  Hùng ", "e\u{301}", "12/12"] {
            let once = normalise(text).unwrap();
            assert_eq!(check(&once), Ok(()));
            assert_eq!(normalise(&once).unwrap(), once);
        }
    }

    #[test]
    fn text_not_in_stored_form_is_refused_on_the_wire() {
        for text in ["", " a", "a ", "a\u{a0}b", "e\u{301}"] {
            assert_eq!(check(text), Err(Invalid::NotNormal), "{text:?}");
        }
    }

    #[test]
    fn a_cyrillic_letter_is_seen() {
        assert!(has_foreign_letter("L\u{43e}an"));
        assert!(!has_foreign_letter("Đặng Thị Ửng 12 – (bí danh)"));
    }
}
