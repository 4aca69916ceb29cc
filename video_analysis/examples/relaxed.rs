//! Prints what is found in films with wider limits, a line of JSON each: `relaxed LEEWAY CACHE FILM...`. For `bench/calibration.py`.

use std::error::Error;
use std::path::PathBuf;

use video_analysis::calibration::findings;
use video_analysis::{Execution, FeatureCache};

fn main() -> Result<(), Box<dyn Error>> {
    /// More than the features of all that one calibrates on.
    const CACHE_BYTES: u64 = 1 << 32;
    let mut arguments = std::env::args().skip(1);
    let (Some(leeway), Some(cache)) = (arguments.next(), arguments.next()) else {
        return Err("usage: relaxed LEEWAY CACHE FILM...".into());
    };
    let leeway = leeway.parse()?;
    let execution = Execution {
        feature_cache: Some(FeatureCache::new(PathBuf::from(cache), CACHE_BYTES)),
        ..Execution::default()
    };
    for film in arguments {
        let found = findings(film.as_ref(), leeway, &execution)?;
        println!("{}", serde_json::json!({ "film": film, "found": found }));
    }
    Ok(())
}
