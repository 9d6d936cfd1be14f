//! Searching JSON whose shape varies, such as policies and state machines.

use serde_json::Value;

/// The items of an array; a single value in its place counts as an array of one, `null` as an empty one.
pub fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// The values of every field called `key`, at any depth.
pub fn find_all<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    match value {
        Value::Object(map) => {
            map.get(key).into_iter().chain(map.values().flat_map(|inner| find_all(inner, key))).collect()
        }
        Value::Array(items) => items.iter().flat_map(|inner| find_all(inner, key)).collect(),
        _ => Vec::new(),
    }
}

/// The strings in every field called `key`, single ones and those in arrays, at any depth.
pub fn find_strings(value: &Value, key: &str) -> Vec<String> {
    find_all(value, key).into_iter().flat_map(list).filter_map(Value::as_str).map(str::to_owned).collect()
}
