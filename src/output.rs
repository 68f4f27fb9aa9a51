//! The tables that come out: each column defined once, with its type, its meaning and where its value comes from.

mod cells;
mod column;
mod engagement;
mod explanation;
mod furthest;
mod moments;
mod retention;
mod scopes;
mod sessions;
mod spark_layout;
mod types;
mod value;

pub use column::{Building, Column, ColumnSpec, Scratch, Table};
pub use engagement::{EngagementRow, engagement_table};
pub use explanation::{ExplanationRow, Sums, explanation_table};
pub use furthest::{FurthestRow, furthest_table};
pub use moments::{MomentRow, moment_table};
pub use retention::{RetentionRow, retention_table};
pub use scopes::{ScopeRow, scope_table};
pub use sessions::{SessionRow, session_table};
pub use spark_layout::{from_spark_layout, to_spark_layout};
