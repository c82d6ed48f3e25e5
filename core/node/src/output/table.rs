//! Rows in columns, and fields below each other.

use crate::output::text::one_line;

/// Sets rows in columns under a heading. No rows give no lines.
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heading = heading.map(str::to_uppercase);
    let rows: Vec<[String; N]> = std::iter::once(&heading)
        .chain(rows)
        .map(|row| row.each_ref().map(|cell| one_line(cell)))
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Sets names and values below each other; those without a value are left out. What a value has
/// after its first line stands below the names.
pub fn fields(pairs: &[(&str, String)]) -> String {
    let pairs = || pairs.iter().filter(|(_, value)| !value.trim().is_empty());
    let width = pairs()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let lines = pairs().map(|(name, value)| {
        let indent = format!("\n{:width$}  ", "");
        format!("{name:width$}  {}", value.trim_end().replace('\n', &indent))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            ["#1".into(), "pending".into(), "straße".into()],
            ["#100".into(), "done".into(), "a\nb".into()],
        ];

        assert_eq!(
            table(["no", "status", "title"], &rows),
            "NO    STATUS   TITLE\n\
             #1    pending  straße\n\
             #100  done     a b"
        );
    }

    #[test]
    fn no_rows_give_no_heading() {
        assert_eq!(table(["no"], &[]), "");
    }

    #[test]
    fn fields_without_a_value_are_left_out() {
        let pairs = [
            ("status", "blocked".to_owned()),
            ("due", String::new()),
            ("description", "one\ntwo".to_owned()),
        ];

        assert_eq!(
            fields(&pairs),
            "status       blocked\ndescription  one\n             two"
        );
    }
}
