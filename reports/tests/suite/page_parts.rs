//! Parts of a page, for tests that look at a table or a drawing of it.

/// A section by its anchor.
pub(crate) fn section<'p>(page: &'p str, anchor: &str) -> &'p str {
    let rest = page.split(&format!("<section id=\"{anchor}\">")).nth(1).expect("the section");
    rest.split("</section>").next().unwrap_or_default()
}

/// Cells of the rows that begin with that name, without markup.
pub(crate) fn rows(part: &str, name: &str) -> Vec<Vec<String>> {
    let cells = |row: &str| -> Vec<String> {
        let row = row.split("</tr>").next().unwrap_or_default();
        let ends = row.replace("</th>", "</td>");
        let mut cells: Vec<String> = ends.split("</td>").map(bare).collect();
        cells.pop();
        cells
    };
    let all = part.split("<tr").skip(1).map(|row| cells(row.split_once('>').unwrap_or_default().1));
    all.filter(|cells| cells.first().is_some_and(|first| first.contains(name))).collect()
}

/// What the script says at dots.
pub(crate) fn tips(page: &str) -> Vec<String> {
    let data = page.split("<script id=\"data\" type=\"application/json\">").nth(1).expect("data");
    let json = data.split("</script>").next().unwrap_or_default();
    let data: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let texts = data["t"].as_array().expect("texts");
    texts.iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}

/// The text of some markup; a space in a figure is a plain one.
fn bare(markup: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in markup.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            '\u{202f}' if !inside => text.push(' '),
            _ if !inside => text.push(letter),
            _ => {}
        }
    }
    text.replace("&gt;", ">").replace("&lt;", "<")
}

/// What a reader sees: no drawings, no rules, no script.
pub(crate) fn text_of(page: &str) -> String {
    let mut text = page.to_owned();
    for (from, to) in [("<style>", "</style>"), ("<svg", "</svg>"), ("<script", "</script>")] {
        while let Some(start) = text.find(from) {
            let end = text[start..].find(to).expect("closed") + start + to.len();
            text.replace_range(start..end, "");
        }
    }
    for line in ["</tr>", "</p>", "</h1>", "</h2>", "</h3>", "</figcaption>", "</li>", "</dd>"] {
        text = text.replace(line, &format!("{line}\n"));
    }
    for apart in ["<small", "<sup"] {
        text = text.replace(apart, &format!(" {apart}"));
    }
    for gap in ["</td>", "</th>"] {
        text = text.replace(gap, " | ");
    }
    let mut plain = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => plain.push(c),
            _ => {}
        }
    }
    let lines = plain.replace('\u{202f}', " ");
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
