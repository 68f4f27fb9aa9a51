//! Values by paths out of JSON text, each as text: the rest is passed over without being read.

use std::borrow::Cow;

use sonic_rs::{JsonType, JsonValueTrait, LazyValue};

use super::path::Step;

/// How deep values may be nested: no source has deeper ones, and the parser needs stack for each level.
const DEEPEST: usize = 256;
/// The same of steps, among which may be texts that hold JSON of their own.
const TEXTS: usize = 64;

/// Takes the number of a path, and the value at its end as text.
pub(crate) type Take<'t> = &'t mut dyn FnMut(usize, Option<Cow<'_, str>>);

/// Tells the values of one item of a list to whoever takes them.
pub(crate) type Item<'i> = &'i mut dyn FnMut(Take<'_>);

/// Which values are wanted, of all paths together: one pass finds them all.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// The numbers of the paths that end here.
    ends: Vec<usize>,
    steps: Vec<(Step, Tree)>,
}

impl Tree {
    /// The values at the ends of `paths`, by their numbers.
    pub(crate) fn new<'p>(paths: impl IntoIterator<Item = &'p [Step]>) -> Self {
        Self::numbered(paths.into_iter().map(Some))
    }

    /// The same, where some numbers have no path.
    pub(crate) fn numbered<'p>(paths: impl IntoIterator<Item = Option<&'p [Step]>>) -> Self {
        let mut tree = Self::default();
        for (number, path) in paths.into_iter().enumerate() {
            let Some(path) = path else { continue };
            let end = path.iter().fold(&mut tree, |tree, step| tree.child(step));
            end.ends.push(number);
        }
        tree
    }

    /// Calls `row` for each item of `json`, an array or text that holds one, with what tells the values of the item.
    pub(crate) fn read_items(&self, json: &str, row: &mut dyn FnMut(Item<'_>)) {
        for item in sonic_rs::to_array_iter(json) {
            let Ok(item) = item else { return };
            row(&mut |take| {
                let _ = self.visit(&item, TEXTS, &mut |number, text| take(number, text));
            });
        }
    }

    fn child(&mut self, step: &Step) -> &mut Self {
        let known = self.steps.iter().position(|(known, _)| known == step);
        let index = known.unwrap_or_else(|| {
            self.steps.push((step.clone(), Self::default()));
            self.steps.len() - 1
        });
        &mut self.steps[index].1
    }

    /// Tells `take` the number of each path whose value is in `json`, an object, and that value as text: of a text
    /// what it says, of a number as it is written. `null` is no value. Whether `json` is an object at all; if it is none,
    /// `take` may have been told of parts of it.
    pub(crate) fn read(&self, json: &str, take: &mut impl FnMut(usize, Option<Cow<'_, str>>)) -> bool {
        !is_too_deep(json) && self.visit_object(json, TEXTS, take).is_some()
    }

    /// The same of `text`, which may be an object, an array or no JSON at all: of that nothing is told in the end.
    pub(crate) fn read_text(&self, text: &str, take: &mut impl FnMut(usize, Option<Cow<'_, str>>)) {
        self.visit_text(text, TEXTS, take);
    }

    /// `None` if `value` is no JSON.
    fn visit(
        &self,
        value: &LazyValue<'_>,
        levels: usize,
        take: &mut impl FnMut(usize, Option<Cow<'_, str>>),
    ) -> Option<()> {
        if !self.ends.is_empty()
            && let Some(text) = text(value)
        {
            self.ends.iter().for_each(|&number| take(number, Some(text.clone())));
        }
        if self.steps.is_empty() || levels == 0 {
            return Some(());
        }
        match value.get_type() {
            JsonType::Object => self.visit_object(value.as_raw_str(), levels - 1, take),
            JsonType::Array => self.visit_array(value.as_raw_str(), levels - 1, take),
            JsonType::String => {
                self.visit_text(value.as_str()?, levels - 1, take);
                Some(())
            }
            _ => Some(()),
        }
    }

    /// The same of `text`, which may be JSON. Of text that is none nothing is told: the line is none the worse for it.
    fn visit_text(&self, text: &str, levels: usize, take: &mut impl FnMut(usize, Option<Cow<'_, str>>)) {
        let visited = match text.trim_start().as_bytes().first() {
            Some(b'{' | b'[') if is_too_deep(text) => return,
            Some(b'{') => self.visit_object(text, levels, take),
            Some(b'[') => self.visit_array(text, levels, take),
            _ => return,
        };
        if visited.is_none() {
            self.forget(take);
        }
    }

    /// Tells `take` that there is no value at the end of any path that leads on from here.
    fn forget(&self, take: &mut impl FnMut(usize, Option<Cow<'_, str>>)) {
        for (_, tree) in &self.steps {
            tree.ends.iter().for_each(|&number| take(number, None));
            tree.forget(take);
        }
    }

    fn visit_object(
        &self,
        json: &str,
        levels: usize,
        take: &mut impl FnMut(usize, Option<Cow<'_, str>>),
    ) -> Option<()> {
        let mut rest = None;
        for entry in sonic_rs::to_object_iter(json) {
            let (key, value) = entry.ok()?;
            let wanted =
                self.steps.iter().find(|(step, _)| matches!(step, Step::Field(name) if *name == key));
            if let Some((_, tree)) = wanted {
                tree.visit(&value, levels, take)?;
            }
            rest = Some(behind(json, value.as_raw_str())?);
        }
        // The iterator is content with its closing bracket, whatever follows.
        let rest = rest.or_else(|| json.trim_start_matches(SPACE).strip_prefix('{'))?;
        (rest.trim_matches(SPACE) == "}").then_some(())
    }

    fn visit_array(
        &self,
        json: &str,
        levels: usize,
        take: &mut impl FnMut(usize, Option<Cow<'_, str>>),
    ) -> Option<()> {
        let (mut found, mut rest) = (vec![false; self.steps.len()], None);
        for (index, item) in sonic_rs::to_array_iter(json).enumerate() {
            let item = item.ok()?;
            rest = Some(behind(json, item.as_raw_str())?);
            for ((step, tree), found) in self.steps.iter().zip(&mut found) {
                let is_it = match step {
                    Step::Field(_) => false,
                    Step::Item(wanted) => *wanted == index,
                    Step::Where(field, wanted) => !*found && is_where(&item, field, wanted),
                };
                if is_it {
                    *found = true;
                    tree.visit(&item, levels, take)?;
                }
            }
        }
        let rest = rest.or_else(|| json.trim_start_matches(SPACE).strip_prefix('['))?;
        (rest.trim_matches(SPACE) == "]").then_some(())
    }
}

/// What JSON allows between its parts.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// What of `json` stands behind its `part`.
fn behind<'j>(json: &'j str, part: &str) -> Option<&'j str> {
    let end = (part.as_ptr().addr() + part.len()).checked_sub(json.as_ptr().addr())?;
    json.get(end..)
}

/// Whether values in `json` may not be read, as they are nested too deep.
fn is_too_deep(json: &str) -> bool {
    let is_open = |byte: &u8| matches!(byte, b'{' | b'[');
    json.bytes().filter(is_open).count() > DEEPEST && is_deep(json)
}

/// Whether values in `json` are nested too deep.
fn is_deep(json: &str) -> bool {
    let (mut depth, mut in_text, mut bytes) = (0_usize, false, json.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_text = !in_text,
            b'\\' if in_text => drop(bytes.next()),
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

/// Whether the field `field` of `item` is the text `wanted`.
fn is_where(item: &LazyValue<'_>, field: &str, wanted: &str) -> bool {
    item.get(field).is_some_and(|value| text(&value).is_some_and(|text| text == wanted))
}

/// `value` as text. An object stands for the first of its values that is one: so say key/value arrays of which type a
/// value is.
fn text<'v>(value: &'v LazyValue<'_>) -> Option<Cow<'v, str>> {
    match value.get_type() {
        JsonType::Null => None,
        JsonType::String => value.as_str().map(Cow::Borrowed),
        JsonType::Object => {
            let mut values =
                sonic_rs::to_object_iter(value.as_raw_str()).filter_map(|entry| entry.ok().map(|(_, v)| v));
            values.find_map(|value| match value.get_type() {
                JsonType::Object | JsonType::Array => None,
                _ => text(&value).map(|text| Cow::Owned(text.into_owned())),
            })
        }
        _ => Some(Cow::Owned(value.as_raw_str().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::path::steps;
    use super::*;

    /// What each of `paths` is in `json`; nothing if that is no object.
    fn read(json: &str, paths: &[&str]) -> Option<Vec<Option<String>>> {
        let paths: Vec<_> = paths.iter().map(|path| steps(path).unwrap()).collect();
        let mut values = vec![None; paths.len()];
        let tree = Tree::new(paths.iter().map(Vec::as_slice));
        tree.read(json, &mut |number, text| values[number] = text.map(Cow::into_owned)).then_some(values)
    }

    fn one(json: &str, path: &str) -> Option<String> {
        read(json, &[path]).and_then(|mut values| values.remove(0))
    }

    #[test]
    fn values_are_text_as_they_are_written() {
        let json =
            r#"{"a": "x\ny", "b": 1.50, "c": true, "d": null, "e": {"f": [10, {"g": "h"}]}, "i": [1, 2]}"#;
        let found = read(json, &["a", "b", "c", "d", "e.f[0]", "e.f[1].g", "e.f[2]", "z", "i"]).unwrap();
        let expected = [
            Some("x\ny"),
            Some("1.50"),
            Some("true"),
            None,
            Some("10"),
            Some("h"),
            None,
            None,
            Some("[1, 2]"),
        ];
        assert_eq!(found, expected.map(|text| text.map(str::to_owned)));
    }

    #[test]
    fn a_path_goes_through_text_that_holds_json() {
        let json = r#"{"event": "{\"currentTime\": 12.5, \"deep\": \"{\\\"id\\\": 7}\"}", "plain": "{x"}"#;
        assert_eq!(read(r#"{"event": "{\"a\": 1, \"b\": 2} x"}"#, &["event.a"]), Some(vec![None]));
        assert_eq!(read(r#"{"event": "[1, 2"}"#, &["event[0]"]), Some(vec![None]));
        assert_eq!(read(r#"{"event": " [1, 2] "}"#, &["event[0]"]), Some(vec![Some("1".to_owned())]));
        let found = read(json, &["event.currentTime", "event.deep.id", "plain.x", "event.none"]).unwrap();
        assert_eq!(found, [Some("12.5".to_owned()), Some("7".to_owned()), None, None]);
    }

    #[test]
    fn key_value_arrays() {
        let json = r#"{"event_params": [
            {"key": "video_title", "value": {"string_value": "A", "int_value": null}},
            {"key": "video_current_time", "value": {"string_value": null, "int_value": 12, "double_value": null}},
            {"key": "video_current_time", "value": {"int_value": 13}}
        ]}"#;
        assert_eq!(one(json, r#"event_params[key="video_current_time"].value"#), Some("12".to_owned()));
        assert_eq!(one(json, r#"event_params[key="video_title"].value"#), Some("A".to_owned()));
        assert_eq!(one(json, r#"event_params[key="none"].value"#), None);
    }

    #[test]
    fn what_is_no_object_is_no_row() {
        for json in ["", "1", "[]", "\"a\"", "{", "{\"a\": }", "{\"a\": 1", "{\"a\": 1}}", "null", "{'a': 1}"]
        {
            assert_eq!(read(json, &["a"]), None, "{json}");
        }
        assert_eq!(read("{}", &["a"]), Some(vec![None]));
    }

    #[test]
    fn hostile_text_is_refused_or_read() {
        let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        assert_eq!(read(&deep, &["a.a.a"]), None);
        assert_eq!(read(&"[".repeat(1_000_000), &["a"]), None);
        let wide =
            format!("{{\"a\": 1, \"b\": [{}0], \"c\": \"{}\"}}", "[], ".repeat(1000), "[".repeat(1000));
        assert_eq!(one(&wide, "a"), Some("1".to_owned()));
        assert_eq!(one("{\"a\": 1e999}", "a"), Some("1e999".to_owned()));
        assert_eq!(one("{\"a\": 1, \"a\": 2}", "a"), Some("2".to_owned()));
        let _ = read("{\"a\": \"\\ud800\"}", &["a"]);
        let _ = read("{\"a\": \"\u{0}\"}", &["a"]);
    }
}
