//! Paths into nested values, as people write them.

use crate::error::{Error, Result};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The value of a field of a struct or object, or of a key of a map.
    Field(String),
    /// The item of a list at an index.
    Item(usize),
    /// The first item of a list of structs or objects whose field of that name is that text.
    Where(String, String),
}

/// The steps of `path`: `a.b`, `a["any key"]`, `a[0]`, `a[key="name"]`.
///
/// # Errors
/// If it is no path.
pub fn steps(path: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (step, later) =
            next(rest, steps.is_empty()).ok_or_else(|| Error::NoPath { path: path.to_owned() })?;
        steps.push(step);
        rest = later;
    }
    if steps.is_empty() { Err(Error::NoPath { path: path.to_owned() }) } else { Ok(steps) }
}

/// The first step of `text`, and what follows it.
fn next(text: &str, is_first: bool) -> Option<(Step, &str)> {
    if let Some(inside) = text.strip_prefix('[') {
        return in_brackets(inside);
    }
    let name = if is_first { text } else { text.strip_prefix('.')? };
    let (name, later) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
    (!name.is_empty()).then(|| (Step::Field(name.to_owned()), later))
}

/// The step that `text` is after its `[`, and what follows it.
fn in_brackets(text: &str) -> Option<(Step, &str)> {
    if text.starts_with('"') {
        let (key, later) = quoted(text)?;
        return Some((Step::Field(key), later.strip_prefix(']')?));
    }
    let (inside, later) = text.split_at(text.find([']', '='])?);
    if let Some(value) = later.strip_prefix('=') {
        let (value, later) = quoted(value)?;
        return Some((Step::Where(inside.to_owned(), value), later.strip_prefix(']')?));
    }
    Some((Step::Item(inside.parse().ok()?), later.strip_prefix(']')?))
}

/// The text in quotes with which `text` begins, and what follows it. A backslash takes the next character as it is.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut characters = text.strip_prefix('"')?.char_indices();
    let mut value = String::new();
    while let Some((index, character)) = characters.next() {
        match character {
            // The first quote is not counted by the indices.
            '"' => return Some((value, &text[index + 2..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> Step {
        Step::Field(name.to_owned())
    }

    #[test]
    fn every_form_of_step() {
        let cases = [
            ("userId", vec![field("userId")]),
            ("event.currentTime", vec![field("event"), field("currentTime")]),
            ("context[\"user_id\"]", vec![field("context"), field("user_id")]),
            (
                "result.extensions[\"https://w3id.org/xapi/video/extensions/time\"]",
                vec![
                    field("result"),
                    field("extensions"),
                    field("https://w3id.org/xapi/video/extensions/time"),
                ],
            ),
            ("ids[0]", vec![field("ids"), Step::Item(0)]),
            (
                "event_params[key=\"video_current_time\"].value",
                vec![
                    field("event_params"),
                    Step::Where("key".to_owned(), "video_current_time".to_owned()),
                    field("value"),
                ],
            ),
            ("[\"a.b\"].c", vec![field("a.b"), field("c")]),
            (r#"a["\"\\"]"#, vec![field("a"), field("\"\\")]),
            ("é.ü", vec![field("é"), field("ü")]),
        ];
        for (path, expected) in cases {
            assert_eq!(steps(path).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in
            ["", ".a", "a.", "a..b", "a[", "a[]", "a[-1]", "a[b]", "a[\"b\"", "a[\"b]", "a[b=c]", "a[0]b"]
        {
            let error = steps(path).unwrap_err();
            assert!(error.to_string().contains(&format!("{path:?}")), "{path}: {error}");
        }
    }
}
