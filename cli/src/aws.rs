//! The deployed stack and the AWS services behind it, on AWS or on the local cloud.

pub mod athena;
pub mod execution;
pub mod export_files;
pub mod history;
pub mod lists;
pub mod location;
pub mod named_queries;
pub mod poll;
pub mod s3;
pub mod sdk_error;
pub mod target;
