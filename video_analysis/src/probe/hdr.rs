//! Metadata of high dynamic range, from the side data that ffprobe lists for a stream.

use serde_json::Value;

use crate::numeric::round;
use crate::rational::Rational;
use crate::report::{Chromaticity, ContentLight, Hdr, MasteringDisplay};

/// What the side data of a stream says of high dynamic range; `None` where it says nothing.
pub(super) fn describe(side_data: &[Value]) -> Option<Hdr> {
    let of_type = |name: &str| {
        side_data.iter().find(|data| data.get("side_data_type").and_then(Value::as_str) == Some(name))
    };
    let hdr = Hdr {
        mastering_display: of_type("Mastering display metadata").map(mastering_display),
        content_light: of_type("Content light level metadata").and_then(content_light),
        dolby_vision_profile: of_type("DOVI configuration record")
            .and_then(|data| u32::try_from(data.get("dv_profile")?.as_u64()?).ok()),
    };
    (hdr != Hdr::default()).then_some(hdr)
}

fn mastering_display(data: &Value) -> MasteringDisplay {
    // ffprobe writes fractions.
    let number = |name: &str| Some(round(data.get(name)?.as_str()?.parse::<Rational>().ok()?.to_f64(), 6));
    let point = |x: &str, y: &str| Some(Chromaticity { x: number(x)?, y: number(y)? });
    MasteringDisplay {
        red: point("red_x", "red_y"),
        green: point("green_x", "green_y"),
        blue: point("blue_x", "blue_y"),
        white_point: point("white_point_x", "white_point_y"),
        min_luminance: number("min_luminance"),
        max_luminance: number("max_luminance"),
    }
}

fn content_light(data: &Value) -> Option<ContentLight> {
    let number = |name: &str| u32::try_from(data.get(name)?.as_u64()?).ok();
    Some(ContentLight { max_content: number("max_content")?, max_average: number("max_average")? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fractions_become_numbers_and_other_side_data_is_nothing() {
        let data = [
            json!({"side_data_type": "Display Matrix", "rotation": -90}),
            json!({"side_data_type": "Mastering display metadata", "red_x": "34000/50000", "red_y": "16000/50000",
                   "min_luminance": "50/10000", "max_luminance": "10000000/10000"}),
            json!({"side_data_type": "Content light level metadata", "max_content": 1000, "max_average": 400}),
        ];
        assert_eq!(describe(&data[..1]), None);
        let hdr = describe(&data).unwrap();
        let display = hdr.mastering_display.unwrap();
        assert_eq!((display.red, display.green), (Some(Chromaticity { x: 0.68, y: 0.32 }), None));
        assert_eq!((display.min_luminance, display.max_luminance), (Some(0.005), Some(1000.0)));
        assert_eq!(hdr.content_light, Some(ContentLight { max_content: 1000, max_average: 400 }));
    }
}
