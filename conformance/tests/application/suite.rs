//! The suite for applications, on one that is right and on others with a flaw each.

use rstest::rstest;
use session_conformance::application::{Application, Request, Response, Settings as Said, check};
use session_conformance::report::Outcome;
use session_conformance::rule::RuleId;
use session_conformance::rules;
use session_core::Settings;

use crate::in_process::{Flaw, InProcess};

#[rstest]
#[case(false, false)]
#[case(false, true)]
#[case(true, false)]
#[case(true, true)]
fn an_application_that_is_right_holds(#[case] every: bool, #[case] close: bool) {
    let settings = Settings::default().with(|settings| {
        settings.save_every_request = every;
        settings.expire_at_browser_close = close;
    });
    let (report, broken) =
        check(&mut InProcess::new(settings, Flaw::None), "in process", &mut |_, _| {}).unwrap();
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(report.is_success(), "{:#?}", report.rules);
    // With `save_every_request` no session is left for being unmodified; without it, none is saved for it.
    assert_eq!(report.count(Outcome::Pass), RuleId::of_applications().count() - 1);
    assert_eq!(report.count(Outcome::NotApplicable), 1);
}

#[rstest]
#[case(Flaw::SavesBroken, rules::MIDDLEWARE_SAVE_SERVER_ERROR)]
#[case(Flaw::LosesRefused, rules::MIDDLEWARE_SAVE_MODIFIED)]
#[case(Flaw::NoVary, rules::MIDDLEWARE_VARY_SENT)]
#[case(Flaw::NoVary, rules::MIDDLEWARE_VARY_ACCESSED)]
#[case(Flaw::AlwaysVary, rules::MIDDLEWARE_VARY_UNTOUCHED)]
#[case(Flaw::KeepsCookie, rules::MIDDLEWARE_COOKIE_DELETED)]
#[case(Flaw::DeletesElsewhere, rules::MIDDLEWARE_COOKIE_DELETED_ATTRIBUTES)]
#[case(Flaw::AdoptsKeys, rules::MIDDLEWARE_KEY_NOT_ADOPTED)]
#[case(Flaw::KeepsOldKey, rules::MIDDLEWARE_LOG_IN)]
#[case(Flaw::KeepsLoggedOut, rules::MIDDLEWARE_LOG_OUT)]
#[case(Flaw::Resurrects, rules::MIDDLEWARE_INTERRUPTED)]
#[case(Flaw::SetsTwice, rules::MIDDLEWARE_COOKIE_ATTRIBUTES)]
#[case(Flaw::NotHttpOnly, rules::MIDDLEWARE_COOKIE_ATTRIBUTES)]
#[case(Flaw::NeverEndsWithBrowser, rules::MIDDLEWARE_COOKIE_BROWSER_CLOSE)]
#[case(Flaw::OwnExpiryIgnored, rules::MIDDLEWARE_COOKIE_AGE)]
#[case(Flaw::AlwaysSaves, rules::MIDDLEWARE_SAVE_UNMODIFIED)]
#[case(Flaw::CountsKeys, rules::MIDDLEWARE_KEY_UNGUESSABLE)]
#[case(Flaw::FirstCookie, rules::MIDDLEWARE_KEY)]
#[case(Flaw::StaysPublic, rules::MIDDLEWARE_CACHE_PRIVATE)]
#[case(Flaw::NameBegins, rules::MIDDLEWARE_KEY_EXACT_NAME)]
#[case(Flaw::AnyCase, rules::MIDDLEWARE_KEY_EXACT_NAME)]
#[case(Flaw::KeepsQuotes, rules::MIDDLEWARE_KEY_QUOTED)]
#[case(Flaw::CutsHeader, rules::MIDDLEWARE_KEY_LONG_HEADER)]
#[case(Flaw::FailsOnLongKeys, rules::MIDDLEWARE_KEY_HOSTILE)]
#[case(Flaw::LogsKeys, rules::MIDDLEWARE_KEY_NOT_LOGGED)]
fn a_flaw_is_blamed_on_the_rule_it_breaks(#[case] flaw: Flaw, #[case] rule: RuleId) {
    let mut application = InProcess::new(Settings::default(), flaw);
    let (report, broken) = check(&mut application, "flawed", &mut |_, _| {}).unwrap();
    let blamed: Vec<RuleId> = broken.iter().map(|broken| broken.rule).collect();
    assert!(blamed.contains(&rule), "{broken:#?}");
    assert!(blamed.len() <= 5, "one flaw is blamed on {blamed:?}");
    assert!(!report.is_success());
}

#[test]
fn an_application_whose_sessions_are_in_the_cookie_is_refused() {
    struct InTheCookie(InProcess);
    impl Application for InTheCookie {
        fn settings(&mut self) -> Result<Said, String> {
            let settings = self.0.settings()?;
            Ok(Said { server_side: false, ..settings })
        }
        fn exchange(&mut self, request: &Request) -> Result<Response, String> {
            self.0.exchange(request)
        }
    }
    let mut application = InTheCookie(InProcess::new(Settings::default(), Flaw::None));
    let refused = check(&mut application, "in the cookie", &mut |_, _| {}).unwrap_err();
    assert!(refused.contains("in the cookie"), "{refused}");
}
