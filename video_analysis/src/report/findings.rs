//! Everything that was found, whichever detector found it.

use serde_json::Value;

use super::{Report, Segment};

/// A range of the report.
pub(crate) struct Finding {
    /// The member of the report that it is in.
    pub(crate) list: String,
    /// From 1, within its list.
    pub(crate) number: usize,
    pub(crate) segment: Segment,
    /// Of a shot.
    pub(crate) opened_by: Option<String>,
}

/// The segments of all members of the report that are lists of them, by the members' names. Taken from its JSON form, in
/// which every list of segments looks the same: none can be forgotten here.
pub(crate) fn of(report: &Report) -> Vec<Finding> {
    let Ok(Value::Object(members)) = serde_json::to_value(report) else { return Vec::new() };
    let lists = members.into_iter().filter_map(|(name, value)| Some((name, segments(value)?)));
    let numbered = lists.flat_map(|(list, found)| {
        (1..).zip(found).map(move |(number, (segment, opened_by))| Finding {
            list: list.clone(),
            number,
            segment,
            opened_by,
        })
    });
    numbered.collect()
}

/// `None` for what is no list of segments.
fn segments(list: Value) -> Option<Vec<(Segment, Option<String>)>> {
    let Value::Array(items) = list else { return None };
    let segment = |item: Value| {
        let opened_by = item.get("opened_by").and_then(Value::as_str).map(str::to_owned);
        Some((serde_json::from_value(item).ok()?, opened_by))
    };
    items.into_iter().map(segment).collect()
}
