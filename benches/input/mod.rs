//! Events that look random and are the same everywhere: what the benchmarks of the core work on.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    types::Int32Type,
};
use watchspan::error::Result;
use watchspan::input::{ColumnMap, Videos};

/// Numbers that look random and are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32 % end
    }
}

const VIDEOS: u32 = 200;
/// How many viewers watch at a time: neighbouring rows are of different sessions.
const AT_ONCE: u32 = 500;
const NAMES: [&str; 6] =
    ["video_play", "video_pause", "video_resume", "video_seek", "heartbeat", "video_ended"];

/// So many events, with keys as text or as codes of a dictionary.
pub(crate) fn events(count: usize, coded: bool) -> Result<RecordBatch> {
    let mut numbers = Numbers(7);
    let mut playing: Vec<(u32, u32, f64)> =
        (0..AT_ONCE).map(|viewer| (viewer, viewer % VIDEOS, 0.0)).collect();
    let (mut users, mut videos, mut sessions) = (Vec::new(), Vec::new(), Vec::new());
    let (mut names, mut times, mut positions) = (Vec::new(), Vec::new(), Vec::new());
    let mut next = AT_ONCE;
    for time in (1_767_225_600_000_000i64..).step_by(40_000).take(count) {
        let (viewer, video, position) = &mut playing[numbers.below(AT_ONCE) as usize];
        let name = NAMES[numbers.below(6) as usize];
        users.push(format!("{:012x}", u64::from(*viewer / 3) * 0x9E37_79B9));
        videos.push(video_id(*video));
        sessions.push(format!("00000000-0000-4000-8000-{viewer:012x}"));
        names.push(name);
        times.push(time);
        positions.push(*position);
        *position += f64::from(numbers.below(40));
        if name == "video_ended" {
            (*viewer, *video, *position) = (next, numbers.below(VIDEOS), 0.0);
            next += 1;
        }
    }
    let keys = |values: Vec<String>| -> ArrayRef {
        if coded { Arc::new(dictionary(&values)) } else { Arc::new(StringArray::from(values)) }
    };
    let columns: [(&str, ArrayRef); 6] = [
        ("userId", keys(users)),
        ("videoId", keys(videos)),
        ("sessionId", keys(sessions)),
        ("eventName", Arc::new(StringArray::from(names))),
        ("timestamp", Arc::new(TimestampMicrosecondArray::from(times))),
        ("currentTime", Arc::new(Float64Array::from(positions))),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// A catalogue with the duration of every video.
pub(crate) fn videos() -> Result<Videos> {
    let ids = StringArray::from_iter_values((0..VIDEOS).map(video_id));
    let durations = Float64Array::from_iter_values((0..VIDEOS).map(|video| f64::from(60 + video * 7)));
    let columns: [(&str, ArrayRef); 2] = [("videoId", Arc::new(ids)), ("duration", Arc::new(durations))];
    let batch = RecordBatch::try_from_iter(columns)?;
    Videos::read(&batch.schema(), std::slice::from_ref(&batch), &ColumnMap::default())
}

fn video_id(video: u32) -> String {
    format!("video-{video:04}")
}

/// Texts as a dictionary of those that differ. Arrow's own builder hashes by a seed that is another one in each process,
/// and so takes more or fewer instructions.
fn dictionary(texts: &[String]) -> DictionaryArray<Int32Type> {
    let mut values: Vec<_> = texts.iter().collect();
    values.sort_unstable();
    values.dedup();
    let code = |text| values.binary_search(&text).ok().and_then(|code| i32::try_from(code).ok());
    let codes = texts.iter().map(code).collect();
    DictionaryArray::new(codes, Arc::new(StringArray::from_iter_values(values)))
}
