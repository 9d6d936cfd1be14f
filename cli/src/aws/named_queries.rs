//! The queries that are saved in the stack's Athena workgroup.

use aws_sdk_athena::types::NamedQuery;
use shared::ServiceError;

use super::{sdk_error, target::Target};
use crate::saved_queries::SavedQuery;

/// The most queries of one call.
/// <https://docs.aws.amazon.com/athena/latest/APIReference/API_BatchGetNamedQuery.html>
const MAX_BATCH: usize = 50;

/// All of them, in any order; `None` where the user may not list or read them.
///
/// # Errors
/// When Athena does not answer.
pub async fn all(target: &Target) -> anyhow::Result<Option<Vec<SavedQuery>>> {
    let list = target.athena.list_named_queries().work_group(target.output("WorkGroup")?);
    let mut pages = list.into_paginator().send();
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => ids.extend(page.named_query_ids.unwrap_or_default()),
            Err(error) => return unless_denied("athena:ListNamedQueries", &error),
        }
    }
    let mut queries = Vec::new();
    for ids in ids.chunks(MAX_BATCH) {
        match target.athena.batch_get_named_query().set_named_query_ids(Some(ids.to_vec())).send().await {
            // One that is deleted meanwhile is left out.
            Ok(found) => queries.extend(found.named_queries.unwrap_or_default().into_iter().map(SavedQuery::from)),
            Err(error) => return unless_denied("athena:BatchGetNamedQuery", &error),
        }
    }
    Ok(Some(queries))
}

/// `None` for a call that the user may not make, otherwise its error.
fn unless_denied<T, E>(call: &'static str, error: &aws_sdk_athena::error::SdkError<E>) -> anyhow::Result<Option<T>>
where
    E: aws_sdk_athena::error::ProvideErrorMetadata + std::error::Error + 'static,
{
    match ServiceError::from_sdk(call, error) {
        ServiceError::AccessDenied { .. } => Ok(None),
        _ => Err(sdk_error::describe(call, error)),
    }
}

impl From<NamedQuery> for SavedQuery {
    fn from(query: NamedQuery) -> Self {
        Self { name: query.name, description: query.description.unwrap_or_default(), sql: query.query_string }
    }
}
