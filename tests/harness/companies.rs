//! The companies of a run that names no symbols.

/// Names and symbols of `shared/companies.toml`, in the order of the CSV. They are repeated here so that a test fails
/// when that file changes.
pub const DEFAULT_COMPANIES: [(&str, &str); 10] = [
    ("Beyond Meat", "BYND"),
    ("Block", "XYZ"),
    ("Datadog", "DDOG"),
    ("Meta Platforms", "META"),
    ("Netflix", "NFLX"),
    ("Okta", "OKTA"),
    ("Pinterest", "PINS"),
    ("Shopify", "SHOP"),
    ("Snap", "SNAP"),
    ("The Trade Desk", "TTD"),
];
