//! What may be the name of a scenario, of a part or of a trial.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// A scenario's name is a directory's, and file systems take names of 255 bytes.
/// A character of most scripts takes 3 bytes, of a few 4.
const MOST_BYTES: usize = 200;

/// What is wrong with a name that may have `most` characters, as what was
/// expected: letters and digits of any script, `-` and `_`. So it has nothing
/// that parts a path, a line or a word, that a terminal obeys, or that turns
/// round the direction of what follows.
pub(crate) fn wrong(name: &str, most: usize) -> Option<String> {
    let expected = format!("expected 1 to {most} letters, digits, `-` and `_`");
    let count = name.chars().count();
    let is_plain = name.chars().all(is_plain) && !name.starts_with(is_mark);
    if count == 0 || count > most || !is_plain {
        Some(expected)
    } else if name.len() > MOST_BYTES {
        Some(format!("{expected}, in at most {MOST_BYTES} bytes"))
    } else {
        None
    }
}

fn is_plain(c: char) -> bool {
    let is_of_a_word = c.is_alphanumeric() || is_mark(c);
    matches!(c, '-' | '_') || is_of_a_word && !shows_nothing(c)
}

/// The vowels and tones of many scripts, and accents that are written apart.
fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

/// Letters and marks that nobody sees (`Default_Ignorable_Code_Point` of Unicode
/// 17): two names that differ in them look the same.
const fn shows_nothing(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_of_any_script_are_a_name() {
        for name in [
            "broker-kill",
            "_2",
            "订单压测-3",
            "夜間ビルド",
            "야간_시험",
            "нагрузка",
            "ночная_проверка",
            "हिन्दी",
            "ทดสอบที่๑",
            "جدولة",
            "cafe\u{301}",
            "𠀀𠀁",
        ] {
            assert_eq!(wrong(name, 40), None, "{name}");
        }
    }

    #[test]
    fn what_no_directory_or_line_should_have_is_refused() {
        for name in [
            "",
            "..",
            "a/b",
            "a\\b",
            "a b",
            "订单\u{3000}压测",
            "a\tb",
            "a\nb",
            "a\u{1b}[31m",
            "a\u{0}",
            "a\u{7f}",
            "a\u{9b}",
            // Marks of direction and their like, a joiner, a byte order mark.
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{200f}b",
            "a\u{61c}b",
            "a\u{200d}b",
            "a\u{feff}b",
            // Fillers, variation selectors, a mark without its letter.
            "\u{3164}",
            "a\u{fe0f}",
            "\u{301}a",
            "订单：压测",
            "a.b",
            "a:b",
            "a😀",
            "a\"b",
            "a<b",
        ] {
            assert!(wrong(name, 40).is_some(), "{name:?}");
        }
    }

    #[test]
    fn characters_are_counted_and_bytes_bounded() {
        assert_eq!(wrong(&"单".repeat(64), 64), None);
        let expected = "expected 1 to 64 letters, digits, `-` and `_`";
        assert_eq!(wrong(&"单".repeat(65), 64).as_deref(), Some(expected));
        let expected = format!("{expected}, in at most 200 bytes");
        assert_eq!(wrong(&"𠀀".repeat(51), 64), Some(expected));
    }
}
