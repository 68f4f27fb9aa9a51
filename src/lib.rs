//! Raw video-player events in, one engagement row per user and video out.
