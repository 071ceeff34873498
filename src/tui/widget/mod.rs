//! Parts of screens, named for what they show. They read what they are given and keep nothing.

pub mod chart;
pub mod footer;
pub mod gauge;
pub mod image_pane;
pub mod metric_table;
pub mod record_pane;
pub mod record_table;
pub mod sheet;
pub mod table;
pub mod tabs;
