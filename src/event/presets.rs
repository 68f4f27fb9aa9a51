//! Vocabularies for what real players and trackers send.

mod edx;
mod ga4;
mod html5;
mod preset;
mod segment;
mod snowplow;
mod videojs;
mod xapi;

pub use preset::Preset;
use preset::{CLOSE, END, HEARTBEAT, PAUSE, PLAY, RATE_CHANGE, RESUME, SEEK, SEEK_START};

/// The vocabulary in use when none is named.
pub static DEFAULT_PRESET: Preset = Preset {
    name: "default",
    title: "Generic player events",
    source: "This project: short names for every kind, and the same with `video_` in front.",
    notes: "\
        - `currentTime` is the position when the event fired; for a seek it is the destination.\n\
        - `seekFrom`: for a seek, the position before it. It is not needed if a `seek_start` event tells \
        that position.\n\
        - `playbackRate`: the speed in force from the event on; empty means unchanged. It may come with \
        any event.\n\
        - Heartbeats may come at any interval. If it is fixed, set `heartbeat_seconds` a little above \
        it.\n\
        - `progress` means playing on, as most trackers use it. In HTML5 it is about downloading: use \
        the preset `html5` there.\n\
        - Nothing is ignored: other names are counted as unknown events. Map those that say nothing \
        about playback to `ignore`.",
    names: &[
        ("video_play", PLAY),
        ("play", PLAY),
        ("video_resume", RESUME),
        ("resume", RESUME),
        ("video_pause", PAUSE),
        ("pause", PAUSE),
        ("video_ended", END),
        ("video_end", END),
        ("ended", END),
        ("end", END),
        ("video_seek", SEEK),
        ("video_seeked", SEEK),
        ("seek", SEEK),
        ("seeked", SEEK),
        ("video_seek_start", SEEK_START),
        ("seek_start", SEEK_START),
        ("video_heartbeat", HEARTBEAT),
        ("video_progress", HEARTBEAT),
        ("video_ping", HEARTBEAT),
        ("heartbeat", HEARTBEAT),
        ("progress", HEARTBEAT),
        ("ping", HEARTBEAT),
        ("video_close", CLOSE),
        ("video_stop", CLOSE),
        ("close", CLOSE),
        ("stop", CLOSE),
        ("video_rate_change", RATE_CHANGE),
        ("rate_change", RATE_CHANGE),
    ],
};

/// Every preset, the default one first.
pub static PRESETS: &[&Preset] = &[
    &DEFAULT_PRESET,
    &html5::PRESET,
    &videojs::PRESET,
    &snowplow::PRESET,
    &segment::PRESET,
    &ga4::PRESET,
    &xapi::PRESET,
    &edx::PRESET,
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::preset::IGNORE;
    use super::*;
    use crate::event::Meaning;

    const LISTING_ORDER: [Meaning; 10] =
        [PLAY, RESUME, PAUSE, END, SEEK, SEEK_START, HEARTBEAT, CLOSE, RATE_CHANGE, IGNORE];

    fn names_of(preset: &Preset, meaning: Meaning) -> Vec<&'static str> {
        preset.names.iter().filter(|&&(_, of)| of == meaning).map(|&(name, _)| name).collect()
    }

    fn has(preset: &Preset, meanings: &[Meaning]) -> bool {
        preset.names.iter().any(|(_, meaning)| meanings.contains(meaning))
    }

    #[test]
    fn preset_names_are_distinct_and_the_default_comes_first() {
        let distinct: HashSet<_> = PRESETS.iter().map(|preset| preset.name).collect();
        assert_eq!(distinct.len(), PRESETS.len());
        assert_eq!(PRESETS[0].name, DEFAULT_PRESET.name);
    }

    #[test]
    fn no_event_name_stands_twice_in_a_preset() {
        for preset in PRESETS {
            let mut seen = HashSet::new();
            for (name, _) in preset.names {
                assert!(seen.insert(name), "{}: {name} twice", preset.name);
                assert_eq!(name.trim(), *name, "{}", preset.name);
                assert!(!name.is_empty(), "{}", preset.name);
            }
        }
    }

    #[test]
    fn names_are_listed_by_meaning() {
        for preset in PRESETS {
            let places: Vec<_> = preset
                .names
                .iter()
                .map(|(_, meaning)| LISTING_ORDER.iter().position(|other| other == meaning))
                .collect();
            assert!(places.is_sorted(), "{}", preset.name);
        }
    }

    #[test]
    fn every_preset_tells_its_source_and_how_to_use_it() {
        for preset in PRESETS {
            assert!(!preset.title.is_empty(), "{}", preset.name);
            assert!(!preset.source.is_empty(), "{}", preset.name);
            let lines: Vec<_> = preset.notes.lines().collect();
            assert!((3..=8).contains(&lines.len()), "{}: {} lines", preset.name, lines.len());
            assert!(
                lines.iter().all(|line| line.starts_with("- ") && line.ends_with('.')),
                "{}",
                preset.name
            );
        }
    }

    #[test]
    fn every_preset_can_start_playback_and_tell_how_far_it_went() {
        for preset in PRESETS {
            assert!(has(preset, &[PLAY, RESUME]), "{}", preset.name);
            assert!(has(preset, &[HEARTBEAT, PAUSE, CLOSE, END]), "{}", preset.name);
        }
    }

    #[test]
    fn the_default_preset_has_the_documented_names() {
        let expected: [(Meaning, &[&str]); 10] = [
            (PLAY, &["video_play", "play"]),
            (RESUME, &["video_resume", "resume"]),
            (PAUSE, &["video_pause", "pause"]),
            (END, &["video_ended", "video_end", "ended", "end"]),
            (SEEK, &["video_seek", "video_seeked", "seek", "seeked"]),
            (SEEK_START, &["video_seek_start", "seek_start"]),
            (
                HEARTBEAT,
                &["video_heartbeat", "video_progress", "video_ping", "heartbeat", "progress", "ping"],
            ),
            (CLOSE, &["video_close", "video_stop", "close", "stop"]),
            (RATE_CHANGE, &["video_rate_change", "rate_change"]),
            (IGNORE, &[]),
        ];
        for (meaning, names) in expected {
            assert_eq!(names_of(&DEFAULT_PRESET, meaning), names, "{meaning:?}");
        }
    }
}
