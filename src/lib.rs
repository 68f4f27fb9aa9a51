//! Raw video-player events in, one engagement row per user and video out.
//!
//! Data walks through the modules in one direction: bytes → events ([`input`]) → sessions ([`walk`],
//! [`session`]) → engagement ([`duration`], [`mod@engagement`], [`flags`], [`score`]) → whoever asked ([`output`], [`retention`],
//! [`mod@moments`]).
//! [`engine`] does it in parallel, out of [`files`] too; the `python` feature binds it to Python.
//!
//! From [`walk`] to [`score`] there is plain Rust over plain structs: no Arrow, no threads, no bindings.

pub mod duration;
pub mod engagement;
pub mod engine;
pub mod error;
pub mod event;
pub mod files;
pub mod flags;
pub mod input;
pub mod intervals;
pub mod moments;
pub mod options;
pub mod output;
pub mod retention;
pub mod rules;
pub mod score;
pub mod scoring;
pub mod session;
pub mod time;
pub mod walk;

#[cfg(feature = "python")]
mod python;
