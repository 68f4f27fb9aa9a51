//! What is special about each source of events that is known: its names, where its columns are, its rules.

use std::sync::LazyLock;

use crate::error::{Error, Result};

mod preset;

pub use preset::{Preset, PresetColumn};

macro_rules! files {
    ($($name:literal)+) => { &[$(($name, include_str!(concat!("presets/", $name, ".toml"))),)+] };
}

/// Each preset's name and description, the default one first.
const FILES: &[(&str, &str)] = files! {
    "default" "html5" "videojs" "youtube" "vimeo" "jwplayer" "snowplow" "segment" "rudderstack" "ga4" "xapi"
    "openedx-xapi" "edx" "caliper" "caliper-openedx" "adobe-media" "kaltura" "mparticle" "mux" "epas" "opencast" "peertube"
    "jellyfin" "plex"
};

/// Every preset, the default one first.
pub static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    // A file of ours that cannot be read fails the tests.
    FILES.iter().filter_map(|(name, text)| Preset::read(name, text).ok()).collect()
});

impl Preset {
    /// The preset of that name.
    ///
    /// # Errors
    /// If there is no such preset; the error lists those that exist.
    pub fn named(name: &str) -> Result<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| Error::UnknownPreset {
            name: name.to_owned(),
            known: PRESETS.iter().map(|preset| preset.name.as_str()).collect::<Vec<_>>().join(", "),
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
        for (name, text) in FILES {
            Preset::read(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let distinct: HashSet<_> = PRESETS.iter().map(|preset| &preset.name).collect();
        assert_eq!(distinct.len(), FILES.len());
        assert_eq!(PRESETS[0].name, "default");
    }

    #[test]
    fn every_preset_tells_its_source_and_how_to_use_it() {
        for preset in PRESETS.iter() {
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
        for preset in PRESETS.iter() {
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
