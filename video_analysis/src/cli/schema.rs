//! `video_analysis schema`: what reports, previews and options look like.

use clap::{Args, ValueEnum};
use video_analysis::preview::PREVIEW_VERSION;
use video_analysis::report::SCHEMA_VERSION;
use video_analysis::{options_schema, preview_schema, report_schema};

use super::{Failure, print};

/// Print the JSON Schema (draft 2020-12) of reports, of previews or of options.
#[derive(Args)]
pub(super) struct Schema {
    /// Of what.
    #[arg(value_enum)]
    of: Document,
}

#[derive(Clone, Copy, ValueEnum)]
enum Document {
    /// What `analyze` writes.
    Report,
    /// What `preview` writes.
    Preview,
    /// What `--options` reads.
    Options,
}

impl Schema {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let schema = match self.of {
            Document::Report => report_schema(&format!("urn:kadr:schema:report:{SCHEMA_VERSION}")),
            Document::Preview => preview_schema(&format!("urn:kadr:schema:preview:{PREVIEW_VERSION}")),
            Document::Options => options_schema("urn:kadr:schema:analysis-options"),
        };
        print(&format!("{schema:#}\n"))
    }
}
