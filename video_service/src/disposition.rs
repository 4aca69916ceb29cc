//! `Content-Disposition` of what is sent as a file (RFC 6266).

use actix_web::http::header::{
    Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
};

/// For a file that is called `name`: in ASCII for clients that know no better, and as it is for all others (§4.3).
pub(crate) fn of_file(disposition: DispositionType, name: &str) -> ContentDisposition {
    let name: String =
        name.chars().map(|c| if c.is_control() || "/\\".contains(c) { '-' } else { c }).collect();
    let ascii: String = name.chars().map(|c| if c.is_ascii() && c != '"' { c } else { '_' }).collect();
    let mut parameters = vec![DispositionParam::Filename(ascii.clone())];
    if ascii != name {
        parameters.push(DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".to_owned()),
            language_tag: None,
            value: name.into_bytes(),
        }));
    }
    ContentDisposition { disposition, parameters }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> String {
        of_file(DispositionType::Attachment, name).to_string()
    }

    #[test]
    fn a_name_stays_as_it_is_where_ascii_can_say_it() {
        assert_eq!(of("Part 1.5.edl"), "attachment; filename=\"Part 1.5.edl\"");
    }

    #[test]
    fn any_other_comes_twice() {
        let expected = "attachment; filename=\"Caf_ _Paris_\"; filename*=UTF-8''Caf%C3%A9%20%22Paris%22";
        assert_eq!(of("Café \"Paris\""), expected);
    }

    #[test]
    fn no_name_leads_into_a_folder() {
        assert_eq!(of("../a\\b\n"), "attachment; filename=\"..-a-b-\"");
    }
}
