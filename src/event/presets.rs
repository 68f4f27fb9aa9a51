//! What is special about each source of events that is known: its names, where its columns are, its rules.

use std::sync::OnceLock;

use crate::error::{Error, Result};

mod preset;

pub use preset::{Preset, PresetColumn};

/// A preset's name and description, and what was read of it: a run needs one of them at most.
struct File {
    name: &'static str,
    text: &'static str,
    read: OnceLock<Option<Preset>>,
}

impl File {
    /// The preset, if its description is one: a file of ours that is none fails the tests.
    fn preset(&self) -> Option<&Preset> {
        self.read.get_or_init(|| Preset::read(self.name, self.text).ok()).as_ref()
    }
}

macro_rules! files {
    ($($name:literal)+) => {
        /// Each preset, the default one first.
        static FILES: [File; [$($name),+].len()] = [$(File {
            name: $name,
            text: include_str!(concat!("presets/", $name, ".toml")),
            read: OnceLock::new(),
        },)+];
    };
}

files! {
    "default" "html5" "videojs" "youtube" "vimeo" "jwplayer" "snowplow" "segment" "rudderstack" "ga4" "xapi"
    "openedx-xapi" "edx" "caliper" "caliper-openedx" "adobe-media" "kaltura" "mparticle" "mux" "epas"
    "opencast" "peertube" "jellyfin" "plex"
}

/// Every preset, the default one first.
pub fn presets() -> impl Iterator<Item = &'static Preset> {
    FILES.iter().filter_map(File::preset)
}

impl Preset {
    /// The preset of that name.
    ///
    /// # Errors
    /// If there is no such preset; the error lists those that exist.
    pub fn named(name: &str) -> Result<&'static Self> {
        let file = FILES.iter().find(|file| file.name == name);
        file.and_then(File::preset).ok_or_else(|| Error::UnknownPreset {
            name: name.to_owned(),
            known: FILES.iter().map(|file| file.name).collect::<Vec<_>>().join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::kind::EventKind;
    use super::super::meaning::Meaning;
    use super::*;

    fn has(preset: &Preset, kinds: &[EventKind]) -> bool {
        let is_one = |meaning: &Meaning| kinds.iter().any(|&kind| *meaning == Meaning::Kind(kind));
        preset.names.iter().any(|(_, meaning)| is_one(meaning))
    }

    #[test]
    fn every_file_is_a_preset_and_the_default_comes_first() {
        for File { name, text, .. } in &FILES {
            Preset::read(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let distinct: HashSet<_> = presets().map(|preset| &preset.name).collect();
        assert_eq!(distinct.len(), FILES.len());
        assert_eq!(presets().next().map(|preset| preset.name.as_str()), Some("default"));
    }

    #[test]
    fn every_preset_tells_its_source_and_how_to_use_it() {
        for preset in presets() {
            let Preset { name, title, source, notes, .. } = preset;
            assert!(!title.is_empty() && !source.is_empty(), "{name}");
            let lines: Vec<_> = notes.lines().collect();
            assert!((3..=12).contains(&lines.len()), "{name}: {} lines", lines.len());
            assert!(lines.iter().all(|line| line.starts_with("- ") && line.ends_with('.')), "{name}");
        }
    }

    #[test]
    fn every_preset_can_start_playback_and_tell_how_far_it_went() {
        use EventKind::{Close, End, Heartbeat, Pause, Play, Resume};
        for preset in presets() {
            assert!(has(preset, &[Play, Resume, Heartbeat]), "{}", preset.name);
            assert!(has(preset, &[Heartbeat, Pause, Close, End]), "{}", preset.name);
            let mut seen = HashSet::new();
            assert!(
                preset.names.iter().all(|(name, _)| !name.is_empty() && seen.insert(name)),
                "{}",
                preset.name
            );
        }
    }
}
