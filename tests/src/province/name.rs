//! Names as the north gives them, and the ways that two offices spell one name differently.
//!
//! Structure and weights follow the domain specification. Collisions are wanted: several hundred people share a
//! name. All names are NFC. No name is taken from a person.

use super::draw::Draw;

#[rustfmt::skip] // A table is read in columns.
const KINH_SURNAMES: [(&str, f64); 60] = [
    ("Nguyễn", 36.0), ("Trần", 6.0), ("Hoàng", 5.0), ("Lê", 4.5), ("Phạm", 4.0), ("Vũ", 3.5),
    ("Ngô", 3.5), ("Dương", 3.5), ("Đỗ", 3.0), ("Thân", 3.0), ("Bùi", 2.0), ("Đặng", 2.0),
    ("Lương", 2.0), ("Hà", 1.6), ("Giáp", 1.6), ("Trương", 1.2), ("Đào", 1.2), ("Trịnh", 1.1),
    ("Chu", 1.0), ("Phan", 1.0), ("Lưu", 0.9), ("Tạ", 0.8), ("Phùng", 0.8), ("Đoàn", 0.7),
    ("Đinh", 0.7), ("Lý", 0.7), ("Cao", 0.6), ("Mai", 0.5), ("Diêm", 0.4), ("Ong", 0.3),
    ("Khổng", 0.3), ("Quách", 0.3), ("Hồ", 0.3), ("Nghiêm", 0.3), ("Thái", 0.3), ("Vương", 0.3),
    ("Tăng", 0.25), ("Đồng", 0.25), ("Tống", 0.25), ("Kiều", 0.25), ("Lại", 0.25), ("Bạch", 0.25),
    ("Đàm", 0.25), ("Nhữ", 0.2), ("Thạch", 0.2), ("Triệu", 0.2), ("Từ", 0.2), ("Tô", 0.2),
    ("Lâm", 0.2), ("Phí", 0.2), ("Doãn", 0.2), ("Hứa", 0.2), ("Ninh", 0.2), ("Vi", 0.2),
    ("Đậu", 0.2), ("Văn", 0.2), ("Mạc", 0.2), ("Cù", 0.2), ("Âu", 0.2), ("Trình", 0.2),
];

/// Surnames of a minority, the commonest first.
fn minority_surnames(ethnicity: &str) -> &'static [&'static str] {
    match ethnicity {
        "nung" | "tay" => {
            &["Hoàng", "Nông", "Vi", "Lương", "Lý", "Hứa", "Triệu", "La", "Ma", "Lục", "Lăng", "Bế"]
        }
        "san_diu" => &["Ninh", "Trương", "Tô", "Diệp", "Lê", "Từ", "Ôn"],
        "san_chay" => &["Lâm", "Tống", "Trần", "Hoàng", "Nịnh", "Vi"],
        "hoa" => &["Lâm", "Vòng", "Trần", "Lý", "Hà"],
        "dao" => &["Triệu", "Bàn", "Đặng", "Lý", "Phùng", "Dương"],
        "muong" => &["Bùi", "Quách", "Đinh", "Hà", "Phạm"],
        _ => &["Lò", "Lường", "Cầm", "Quàng", "Hà"],
    }
}

const MEN_MIDDLE: [&str; 14] = [
    "Đức", "Xuân", "Quang", "Hữu", "Minh", "Ngọc", "Đình", "Thế", "Mạnh", "Tiến", "Công", "Trọng",
    "Quốc", "Duy",
];
const WOMEN_MIDDLE: [&str; 7] = ["Thu", "Thanh", "Ngọc", "Hồng", "Minh", "Kim", "Bích"];
const MEN_GIVEN: [&str; 25] = [
    "Hùng", "Dũng", "Tuấn", "Hải", "Sơn", "Thắng", "Cường", "Minh", "Nam", "Thành", "Long", "Quân",
    "Hiếu", "Đức", "Huy", "Tùng", "Toàn", "Trung", "Chiến", "Bình", "Hòa", "Lâm", "Tiến", "Quang",
    "Tài",
];
const WOMEN_GIVEN: [&str; 25] = [
    "Lan", "Hoa", "Hương", "Hà", "Hằng", "Thủy", "Nga", "Nhung", "Thảo", "Trang", "Linh", "Huyền",
    "Hiền", "Yến", "Mai", "Loan", "Oanh", "Dung", "Phương", "Vân", "Ngọc", "Thu", "Tâm", "Xuân",
    "Bình",
];

/// A full name for someone born in `birth_year`.
pub(crate) fn full_name(
    is_woman: bool,
    birth_year: i32,
    ethnicity: &str,
    draw: &mut Draw,
) -> String {
    let surname = match ethnicity {
        "kinh" => draw.weighted(&KINH_SURNAMES),
        _ => draw.front_loaded(minority_surnames(ethnicity), 4.0),
    };
    // The older the cohort, the fewer names it shares.
    let steep = if birth_year < 1970 { 2.4 } else { 1.8 };
    let given = draw.front_loaded(if is_woman { &WOMEN_GIVEN } else { &MEN_GIVEN }, steep);
    let middle = middle_name(is_woman, birth_year < 1985, given, draw);
    format!("{surname} {middle} {given}")
}

/// One word, or two for a name of four; never the given name itself.
fn middle_name(is_woman: bool, is_old: bool, given: &str, draw: &mut Draw) -> String {
    let (common, common_share, others, three_words) = match (is_woman, is_old) {
        (true, true) => ("Thị", 0.82, &WOMEN_MIDDLE[..], 0.80),
        (true, false) => ("Thị", 0.60, &WOMEN_MIDDLE[..], 0.80),
        (false, true) => ("Văn", 0.55, &MEN_MIDDLE[..], 0.88),
        (false, false) => ("Văn", 0.30, &MEN_MIDDLE[..], 0.88),
    };
    let other = loop {
        let other = *draw.pick(others);
        if other != given {
            break other;
        }
    };
    match (draw.chance(three_words), draw.chance(common_share)) {
        (true, true) => common.to_owned(),
        (true, false) => other.to_owned(),
        (false, _) => format!("{common} {other}"),
    }
}

/// The same name as another office spells it: another tone placement, `i` for `y`, or plain `d` for `đ`. Falls back
/// to capitals, as the paper card has it, so that the result always differs from `name`. Still NFC.
pub(crate) fn respelled(name: &str, draw: &mut Draw) -> String {
    const VARIANTS: [(&str, &str); 8] = [
        ("Hòa", "Hoà"),
        ("Thủy", "Thuỷ"),
        ("Thúy", "Thuý"),
        ("Lý", "Lí"),
        ("Đ", "D"),
        ("đ", "d"),
        ("Quý", "Quí"),
        ("Toàn", "Tòan"),
    ];
    let usable: Vec<&(&str, &str)> =
        VARIANTS.iter().filter(|(from, _)| name.contains(from)).collect();
    if usable.is_empty() {
        return name.to_uppercase();
    }
    let (from, to) = draw.pick(&usable);
    name.replacen(from, to, 1)
}
