//! The parameters of a request.

/// Every parameter in its order, decoded.
///
/// # Errors
/// Why the query cannot be read.
pub(super) fn parameters(query: Option<&str>) -> Result<Vec<(String, String)>, String> {
    let unreadable = |error: &dyn std::fmt::Display| format!("the query cannot be read: {error}");
    let uri: axum::http::Uri = format!("/?{}", query.unwrap_or_default())
        .parse()
        .map_err(|error| unreadable(&error))?;
    axum::extract::Query::try_from_uri(&uri)
        .map(|axum::extract::Query(parameters)| parameters)
        .map_err(|error| unreadable(&error))
}
