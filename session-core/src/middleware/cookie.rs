//! The session cookie: finding it in a request, and writing it into an answer.

use ::cookie::{Cookie, CookieBuilder, SameSite};
use http::{HeaderMap, HeaderValue, header};
use time::{Duration, OffsetDateTime};

use crate::{SessionKey, Settings, SettingsError};

/// How the cookie is called and where it is sent, checked.
#[derive(Debug, Clone)]
pub(super) struct SessionCookie {
    name: String,
    domain: Option<String>,
    path: String,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
    /// The header that deletes the cookie.
    deleted: HeaderValue,
}

impl SessionCookie {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let refuse = |setting, value: &str, reason| {
            Err(SettingsError::Cookie { setting, value: value.to_owned(), reason })
        };
        let (name, path) = (&settings.cookie_name, &settings.cookie_path);
        if name.is_empty() || !name.bytes().all(is_token) {
            return refuse(
                "cookie_name",
                name,
                "a cookie's name has letters, digits and !#$%&'*+-.^_`|~ only",
            );
        }
        if !path.starts_with('/') || !path.bytes().all(is_attribute) {
            return refuse("cookie_path", path, "a path begins with / and has neither semicolons nor spaces");
        }
        if let Some(domain) = settings.cookie_domain.as_deref()
            && (domain.is_empty() || !domain.bytes().all(is_attribute))
        {
            return refuse("cookie_domain", domain, "a domain is a host's name, such as example.org");
        }
        let same_site = match settings.cookie_samesite.as_deref() {
            None => None,
            Some(text) => match text.to_ascii_lowercase().as_str() {
                "lax" => Some(SameSite::Lax),
                "strict" => Some(SameSite::Strict),
                "none" => Some(SameSite::None),
                _ => return refuse("cookie_samesite", text, "it is Lax, Strict or None, or absent"),
            },
        };
        // Browsers look for these beginnings without case.
        let begins =
            |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let host = begins("__Host-");
        if !settings.cookie_secure {
            if same_site == Some(SameSite::None) {
                return refuse(
                    "cookie_samesite",
                    "None",
                    "browsers keep such a cookie only with cookie_secure",
                );
            }
            if host || begins("__Secure-") {
                return refuse("cookie_name", name, "browsers keep such a cookie only with cookie_secure");
            }
        }
        if host && (path != "/" || settings.cookie_domain.is_some()) {
            let reason = "browsers keep such a cookie only with the path / and without a domain";
            return refuse("cookie_name", name, reason);
        }
        let mut cookie = Self {
            name: name.clone(),
            domain: settings.cookie_domain.clone(),
            path: path.clone(),
            secure: settings.cookie_secure,
            http_only: settings.cookie_httponly,
            same_site,
            deleted: HeaderValue::from_static(""),
        };
        let deleted = cookie.build("").max_age(Duration::ZERO).expires(OffsetDateTime::UNIX_EPOCH);
        cookie.deleted = HeaderValue::try_from(deleted.to_string()).map_err(|_| SettingsError::Cookie {
            setting: "cookie_name",
            value: name.clone(),
            reason: "no header can be made of it",
        })?;
        Ok(cookie)
    }

    /// The value of the last cookie of that name.
    pub(super) fn read(&self, headers: &HeaderMap) -> Option<String> {
        let lines = headers.get_all(header::COOKIE).iter();
        let mut found = None;
        for line in lines {
            // What is no text cannot be a key; a mark in its place keeps it from becoming one.
            let line = String::from_utf8_lossy(line.as_bytes());
            // Each piece by itself, so that a malformed one hides no other.
            for piece in line.split(';') {
                if let Some((name, value)) = piece.split_once('=')
                    && without_blanks(name) == self.name
                {
                    found = Some(without_quotes(without_blanks(value)).to_owned());
                }
            }
        }
        found
    }

    /// The header that sets the cookie: until the browser closes, or with an age in seconds and the instant it
    /// ends. `None` if the key cannot be a cookie's value.
    pub(super) fn set(&self, key: &SessionKey, life: Option<(i64, OffsetDateTime)>) -> Option<HeaderValue> {
        // RFC 6265: visible ASCII without the characters that cookies are written with.
        let octet = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
        if !key.as_str().bytes().all(octet) {
            return None;
        }
        let mut cookie = self.build(key.as_str()).http_only(self.http_only);
        if let Some((age, expires)) = life {
            cookie = cookie.max_age(Duration::seconds(age)).expires(expires);
        }
        HeaderValue::try_from(cookie.build().to_string()).ok()
    }

    /// The header that deletes the cookie: of the same path and domain, and secure where the cookie is.
    pub(super) fn deleted(&self) -> HeaderValue {
        self.deleted.clone()
    }

    fn build<'a>(&'a self, value: &'a str) -> CookieBuilder<'a> {
        let mut cookie =
            Cookie::build((self.name.as_str(), value)).path(self.path.as_str()).secure(self.secure);
        if let Some(domain) = &self.domain {
            cookie = cookie.domain(domain.as_str());
        }
        if let Some(same_site) = self.same_site {
            cookie = cookie.same_site(same_site);
        }
        cookie
    }

    /// Puts the cookie into an answer, in the place of one of that name.
    pub(super) fn put(&self, headers: &mut HeaderMap, cookie: HeaderValue) {
        let ours = |line: &HeaderValue| {
            let name = line.as_bytes().split(|byte| *byte == b'=').next().unwrap_or_default();
            name.trim_ascii() == self.name.as_bytes()
        };
        let others: Vec<HeaderValue> =
            headers.get_all(header::SET_COOKIE).iter().filter(|line| !ours(line)).cloned().collect();
        headers.remove(header::SET_COOKIE);
        for line in others.into_iter().chain([cookie]) {
            headers.append(header::SET_COOKIE, line);
        }
    }
}

/// What browsers take off names and values: blanks and tabs. With other white space, such as U+00A0, it is another
/// cookie, that a neighbour of the site may set (r[middleware.key.exact-name]).
fn without_blanks(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The value between quotes, if it has them.
fn without_quotes(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

/// Whether a byte may be in a name (RFC 9110, token).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a byte may be in a path or a domain.
fn is_attribute(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b';'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn read(lines: &[&[u8]]) -> Option<String> {
        let cookie = SessionCookie::new(&Settings::default()).unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        cookie.read(&headers)
    }

    /// What Django's `parse_cookie` finds; the last two do not reach it as they are.
    #[rstest]
    #[case(b"sessionid=abc", Some("abc"))]
    #[case(b"a=b; sessionid=abc; c", Some("abc"))]
    #[case(b"sessionid=one; sessionid=two", Some("two"))]
    #[case(b"sessionid=\"abc\"", Some("abc"))]
    #[case(b"sessionid", None)]
    #[case(b"=; ;;; =x; sessionid = abc", Some("abc"))]
    #[case(b"SESSIONID=abc", None)]
    #[case(b"sessionid=", Some(""))]
    #[case(b"xsessionid=abc", None)]
    #[case(b"sessionid=a=b", Some("a=b"))]
    #[case(b"sessionid=\"abc", Some("\"abc"))]
    #[case(b"a=\"x; sessionid=abc\"", Some("abc\""))]
    #[case(b"sessionid=a%3Db", Some("a%3Db"))]
    #[case(b"sessionid=abc,sessionid=def", Some("abc,sessionid=def"))]
    #[case(b"caf\xe9=\xff\xfe; sessionid=abc", Some("abc"))]
    #[case(b"sessionid=\xff\xfe", Some("\u{fffd}\u{fffd}"))]
    #[case(b"\tsessionid\t=\tabc\t", Some("abc"))]
    #[case(b"=sessionid=abc", None)]
    #[case(b"sessionid=\"", Some("\""))]
    fn the_cookie_is_found_in(#[case] line: &[u8], #[case] value: Option<&str>) {
        assert_eq!(read(&[line]).as_deref(), value);
    }

    /// What Django takes for the session's cookie, and browsers for another one (CVE-2026-39410 of Hono).
    #[rstest]
    #[case("\u{a0}sessionid=abc")]
    #[case("sessionid\u{a0}=abc")]
    #[case("\u{2003}sessionid=abc")]
    #[case("\u{85}sessionid=abc")]
    fn other_white_space_is_a_part_of_the_name(#[case] line: &str) {
        assert_eq!(read(&[line.as_bytes()]), None);
    }

    #[test]
    fn a_cookie_of_that_name_is_replaced_and_others_stay() {
        let mut headers = HeaderMap::new();
        for line in ["sessionid=old; Path=/", "theme=dark", " sessionid =older", "sessionid2=1"] {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(line));
        }
        let cookie = SessionCookie::new(&Settings::default()).unwrap();
        cookie.put(&mut headers, HeaderValue::from_static("sessionid=new"));
        let lines: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(lines, ["theme=dark", "sessionid2=1", "sessionid=new"]);
    }

    #[test]
    fn the_last_of_several_headers_counts() {
        assert_eq!(read(&[b"sessionid=one", b"a=b; sessionid=two", b"c=d"]).as_deref(), Some("two"));
    }

    #[test]
    fn the_cookie_is_found_behind_a_megabyte_of_others() {
        let others = "theme=dark; ".repeat(100_000);
        assert_eq!(read(&[format!("{others}sessionid=abc").as_bytes()]).as_deref(), Some("abc"));
    }

    proptest! {
        #[test]
        fn whatever_stands_before_it_the_cookie_is_found(before: Vec<u8>) {
            let mut line = before;
            line.retain(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f));
            line.extend_from_slice(b"; sessionid=abc");
            let found = read(&[&line]);
            prop_assert_eq!(found.as_deref(), Some("abc"));
        }
    }

    #[rstest]
    #[case("cookie_name", Settings { cookie_name: "session id".into(), ..Settings::default() })]
    #[case("cookie_name", Settings { cookie_name: String::new(), ..Settings::default() })]
    #[case("cookie_name", Settings { cookie_name: "__hOsT-id".into(), ..Settings::default() })]
    #[case("cookie_name", Settings { cookie_name: "__secure-id".into(), ..Settings::default() })]
    #[case("cookie_path", Settings { cookie_path: "/a; Domain=evil.example".into(), ..Settings::default() })]
    #[case("cookie_path", Settings { cookie_path: "shop".into(), ..Settings::default() })]
    #[case("cookie_domain", Settings { cookie_domain: Some("a\r\nb".into()), ..Settings::default() })]
    #[case("cookie_samesite", Settings { cookie_samesite: Some("Laxative".into()), ..Settings::default() })]
    fn a_setting_that_cannot_be_sent_is_refused_by_name(#[case] name: &str, #[case] settings: Settings) {
        let error = SessionCookie::new(&settings).unwrap_err().to_string();
        assert!(error.contains(&format!("the setting {name} is")), "{error}");
    }

    #[rstest]
    #[case("0123456789 x")]
    #[case("01234567;x=y")]
    #[case("01234567\r\nSet-Cookie: x=y")]
    #[case("schlüssel-")]
    fn a_key_that_is_no_cookie_value_is_not_sent(#[case] key: &str) {
        let cookie = SessionCookie::new(&Settings::default()).unwrap();
        assert_eq!(cookie.set(&SessionKey::parse(key).unwrap(), None), None);
    }
}
