//! The suite for applications, on one that is right and on others with a flaw each.

use rstest::rstest;
use session_backends::CookieStore;
use session_conformance::application::{Application, Request, Response, Settings as Declared, check};
use session_conformance::report::Outcome;
use session_conformance::rule::{Profile, RuleId};
use session_conformance::rules;
use session_core::Settings;

use crate::in_process::{Flaw, InProcess, clock};

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
    // With `save_every_request` no session is left for being unmodified, and two rules say that; without it, none is saved
    // for it.
    let without = if every { 2 } else { 1 };
    assert_eq!(report.count(Outcome::Pass), RuleId::of_applications().count() - without);
    assert_eq!(report.count(Outcome::NotApplicable), without);
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
#[case(Flaw::Merges, rules::MIDDLEWARE_OVERLAP_WRITES)]
#[case(Flaw::SetsTwice, rules::MIDDLEWARE_COOKIE_ATTRIBUTES)]
#[case(Flaw::NotHttpOnly, rules::MIDDLEWARE_COOKIE_ATTRIBUTES)]
#[case(Flaw::NeverEndsWithBrowser, rules::MIDDLEWARE_COOKIE_BROWSER_CLOSE)]
#[case(Flaw::OwnExpiryIgnored, rules::MIDDLEWARE_COOKIE_AGE)]
#[case(Flaw::EndsLater, rules::MIDDLEWARE_COOKIE_AGE)]
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

/// What is right for every framework, and what only Django's sessions do.
#[rstest]
#[case::right(Flaw::None, None)]
#[case(Flaw::SavesBroken, None)]
#[case(Flaw::NoVary, None)]
#[case(Flaw::AlwaysVary, None)]
#[case(Flaw::KeepsCookie, None)]
#[case(Flaw::Merges, None)]
#[case(Flaw::AlwaysSaves, Some(rules::MIDDLEWARE_OVERLAP_READS))]
#[case(Flaw::FirstCookie, None)]
#[case(Flaw::StaysPublic, None)]
#[case(Flaw::Resurrects, Some(rules::MIDDLEWARE_LOG_OUT_FINAL))]
#[case(Flaw::Resurrects, Some(rules::MIDDLEWARE_LOG_IN_FINAL))]
#[case(Flaw::LosesRefused, Some(rules::MIDDLEWARE_SAVE_MODIFIED))]
#[case(Flaw::AdoptsKeys, Some(rules::MIDDLEWARE_KEY_NOT_ADOPTED))]
#[case(Flaw::KeepsOldKey, Some(rules::MIDDLEWARE_LOG_IN))]
#[case(Flaw::KeepsLoggedOut, Some(rules::MIDDLEWARE_LOG_OUT))]
#[case(Flaw::DeletesElsewhere, Some(rules::MIDDLEWARE_COOKIE_DELETED_ATTRIBUTES))]
#[case(Flaw::SetsTwice, Some(rules::MIDDLEWARE_COOKIE_ATTRIBUTES))]
#[case(Flaw::NotHttpOnly, Some(rules::MIDDLEWARE_COOKIE_ATTRIBUTES))]
#[case(Flaw::NeverEndsWithBrowser, Some(rules::MIDDLEWARE_COOKIE_BROWSER_CLOSE))]
#[case(Flaw::OwnExpiryIgnored, Some(rules::MIDDLEWARE_COOKIE_AGE))]
#[case(Flaw::CountsKeys, Some(rules::MIDDLEWARE_KEY_UNGUESSABLE))]
#[case(Flaw::NameBegins, Some(rules::MIDDLEWARE_KEY_EXACT_NAME))]
#[case(Flaw::CutsHeader, Some(rules::MIDDLEWARE_KEY_LONG_HEADER))]
#[case(Flaw::FailsOnLongKeys, Some(rules::MIDDLEWARE_KEY_HOSTILE))]
#[case(Flaw::LogsKeys, Some(rules::MIDDLEWARE_KEY_NOT_LOGGED))]
fn of_a_framework_that_is_not_django_only_the_core_is_asked(
    #[case] flaw: Flaw,
    #[case] rule: Option<RuleId>,
) {
    let mut application = Said { inner: InProcess::new(Settings::default(), flaw), says: core };
    let (report, broken) = check(&mut application, "core", &mut |_, _| {}).unwrap();
    let blamed: Vec<RuleId> = broken.iter().map(|broken| broken.rule).collect();
    match rule {
        None => {
            assert!(report.is_success(), "{broken:#?}");
            assert!(blamed.is_empty(), "{broken:#?}");
        }
        Some(rule) => assert!(blamed.contains(&rule), "{broken:#?}"),
    }
    let others = report.rules.iter().filter(|rule| !Profile::Core.includes(rule.rule));
    assert!(others.clone().count() > 5);
    assert!(others.clone().all(|rule| rule.status == Outcome::NotApplicable));
}

/// What is not asked of an application that handles one request after the other.
#[test]
fn an_application_that_does_not_overlap_is_not_asked_for_it() {
    let one_by_one = |settings| Declared { overlap: false, ..settings };
    let mut application = Said { inner: InProcess::new(Settings::default(), Flaw::Merges), says: one_by_one };
    let (report, broken) = check(&mut application, "one by one", &mut |_, _| {}).unwrap();
    assert!(broken.is_empty(), "{broken:#?}");
    let overlapping =
        [rules::MIDDLEWARE_OVERLAP_READS, rules::MIDDLEWARE_OVERLAP_WRITES, rules::MIDDLEWARE_LOG_IN_FINAL];
    for rule in overlapping {
        let found = report.rules.iter().find(|found| found.rule == rule).unwrap();
        assert_eq!(found.status, Outcome::NotApplicable, "{rule:?}");
        assert_eq!(found.reason.as_deref(), Some("the application does not say `overlap`"));
    }
}

fn core(settings: Declared) -> Declared {
    Declared { profile: Profile::Core, ..settings }
}

fn in_the_cookie(settings: Declared) -> Declared {
    Declared { server_side: false, ..settings }
}

#[rstest]
#[case::right(Flaw::None, None)]
#[case(Flaw::SavesBroken, Some(rules::MIDDLEWARE_SAVE_SERVER_ERROR))]
#[case(Flaw::LosesRefused, Some(rules::MIDDLEWARE_SAVE_MODIFIED))]
#[case(Flaw::NoVary, Some(rules::MIDDLEWARE_VARY_ACCESSED))]
#[case(Flaw::KeepsCookie, Some(rules::MIDDLEWARE_COOKIE_DELETED))]
#[case(Flaw::SetsTwice, Some(rules::MIDDLEWARE_COOKIE_ATTRIBUTES))]
#[case(Flaw::OwnExpiryIgnored, Some(rules::MIDDLEWARE_COOKIE_AGE))]
#[case(Flaw::AlwaysSaves, Some(rules::MIDDLEWARE_SAVE_UNMODIFIED))]
#[case(Flaw::NameBegins, Some(rules::MIDDLEWARE_KEY_EXACT_NAME))]
#[case(Flaw::LogsKeys, Some(rules::MIDDLEWARE_KEY_NOT_LOGGED))]
fn sessions_in_the_cookie_have_a_table_of_their_own(#[case] flaw: Flaw, #[case] rule: Option<RuleId>) {
    let settings = Settings::new("the site's");
    let store = CookieStore::with_clock(&settings, clock()).unwrap();
    let mut application = Said { inner: InProcess::on(store, settings, flaw), says: in_the_cookie };
    let (report, broken) = check(&mut application, "in the cookie", &mut |_, _| {}).unwrap();
    let blamed: Vec<RuleId> = broken.iter().map(|broken| broken.rule).collect();
    match rule {
        None => assert!(report.is_success(), "{broken:#?} {:#?}", report.rules),
        Some(rule) => assert!(blamed.contains(&rule), "{broken:#?}"),
    }
    for rule in [rules::MIDDLEWARE_LOG_OUT, rules::MIDDLEWARE_LOG_IN, rules::MIDDLEWARE_INTERRUPTED] {
        let status = report.rules.iter().find(|found| found.rule == rule).map(|found| found.status);
        assert_eq!(status, Some(Outcome::NotApplicable), "{rule:?}");
    }
}

#[test]
fn a_wrong_name_of_the_cookie_is_told_with_the_right_one() {
    let inner = InProcess::new(Settings::default(), Flaw::None);
    let says = |mut said: Declared| {
        said.cookie_name = "sid".into();
        said
    };
    let fault = check(&mut Said { inner, says }, "in process", &mut |_, _| {}).err().unwrap();
    let told = "there is no cookie named sid; the answer sets sessionid, and the settings say sid";
    assert!(fault.contains(told), "{fault}");
}

/// An application that says something else of itself.
struct Said<A> {
    inner: A,
    says: fn(Declared) -> Declared,
}

impl<A: Application> Application for Said<A> {
    fn settings(&mut self) -> Result<Declared, String> {
        self.inner.settings().map(self.says)
    }
    fn exchange(&mut self, request: &Request) -> Result<Response, String> {
        self.inner.exchange(request)
    }
    fn written(&mut self) -> Result<Option<String>, String> {
        self.inner.written()
    }
}
