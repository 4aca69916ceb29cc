//! Every range of every detector, one a row, for spreadsheets and data frames.
//!
//! The columns are the members of [`Segment`](crate::report::Segment), with `list` and `number` before them and `opened_by`
//! of shots; values that are not there are empty. RFC 4180, with line feeds alone; no value needs quotes.

use crate::report::Report;
use crate::report::findings::{self, Finding};

const COLUMNS: &str = "list,number,type,start_frame,end_frame,start_pts,end_pts,time_base,start_seconds,end_seconds,\
confidence,opened_by,metric,value,threshold";

pub(super) fn write(report: &Report) -> String {
    let rows = findings::of(report).into_iter().map(|finding| row(&finding));
    [COLUMNS.to_owned()].into_iter().chain(rows).map(|row| row + "\n").collect()
}

fn row(finding: &Finding) -> String {
    let Finding { list, number, segment, opened_by } = finding;
    let frame = |frame: Option<u64>| frame.map(|frame| frame.to_string()).unwrap_or_default();
    let evidence = segment.evidence.as_ref();
    let kind = serde_json::to_value(segment.kind).ok();
    [
        list.clone(),
        number.to_string(),
        kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default().to_owned(),
        frame(segment.start_frame),
        frame(segment.end_frame),
        segment.start_pts.to_string(),
        segment.end_pts.to_string(),
        segment.time_base.to_string(),
        format!("{:.6}", segment.start_seconds),
        format!("{:.6}", segment.end_seconds),
        segment.confidence.to_string(),
        opened_by.clone().unwrap_or_default(),
        evidence.map(|evidence| evidence.metric.clone()).unwrap_or_default(),
        evidence.map(|evidence| evidence.value.to_string()).unwrap_or_default(),
        evidence.map(|evidence| evidence.threshold.to_string()).unwrap_or_default(),
    ]
    .join(",")
}
