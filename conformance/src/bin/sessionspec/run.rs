//! `sessionspec run`: the suite on some subjects.

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use session_conformance::report::{
    Failure, KnownFailures, Outcome, Replay, Report, RuleReport, ScheduleFailure, SubjectReport, annotations,
    counted, ended_block, failure_block, schedule_block, summary, to_html, to_json, to_junit, to_markdown,
    write_artifacts, write_requests, write_schedule,
};
use session_conformance::rule::RuleId;
use session_conformance::suite::{self, Config, Effort, Work};

use crate::Finding;
use crate::output::{command, paint, print, tell};
use crate::progress::Progress;
use crate::store::EMBEDDED;
use crate::target::{Target, TargetArguments};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    targets: TargetArguments,
    /// Only these rules; `*` stands for any text
    #[arg(long, value_name = "GLOB")]
    rules: Option<String>,
    /// Generated traces per subject
    #[arg(long, value_name = "N", default_value_t = Config::default().cases)]
    cases: usize,
    /// The most steps of a generated trace
    #[arg(long, value_name = "N", default_value_t = Config::default().steps)]
    steps: usize,
    /// The seed of the generated traces, decimal or 0x…
    #[arg(long, value_name = "N", value_parser = parse_seed, default_value = "0x51f2")]
    seed: u64,
    /// Generate no further traces after this time, as in 20s or 2m
    #[arg(long, value_name = "TIME", value_parser = parse_budget)]
    budget: Option<Duration>,
    /// How hard to look at what overlaps, fails and is dropped. The profile of the rules, `core` or `django`, is another
    /// thing: the subject says it
    #[arg(long, value_enum, default_value_t = ProfileName::Quick)]
    profile: ProfileName,
    /// Subjects to run at the same time; by default one per processor
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Rules that are known to be broken: only those are excused, and only as they are known
    #[arg(long, value_name = "FILE")]
    known_failures: Option<PathBuf>,
    /// Write what fails now into the file of known failures
    #[arg(long, requires = "known_failures")]
    update: bool,
    /// Also write the report to a file: json=FILE, junit=FILE, html=FILE or md=FILE
    #[arg(long, value_name = "FORM=FILE", value_parser = parse_report)]
    report: Vec<(Form, PathBuf)>,
    /// What is printed beside: `github` adds the annotations of a workflow
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Github,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ProfileName {
    /// For every day
    Quick,
    /// Before a release: many more schedules and races, and more than a thousand sessions at a time
    Full,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    Json,
    Junit,
    Html,
    Markdown,
}

fn parse_seed(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| "a seed is a number, decimal or 0x…".into())
}

fn parse_budget(text: &str) -> Result<Duration, String> {
    let fault = || "a time is a number with its unit: 500ms, 20s or 2m".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| fault())?;
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        _ => Err(fault()),
    }
}

pub(crate) fn parse_report(text: &str) -> Result<(Form, PathBuf), String> {
    match text.split_once('=') {
        Some(("json", file)) if !file.is_empty() => Ok((Form::Json, file.into())),
        Some(("junit", file)) if !file.is_empty() => Ok((Form::Junit, file.into())),
        Some(("html", file)) if !file.is_empty() => Ok((Form::Html, file.into())),
        Some(("md", file)) if !file.is_empty() => Ok((Form::Markdown, file.into())),
        _ => Err("a report is json=FILE, junit=FILE, html=FILE or md=FILE".into()),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let mut targets = arguments.targets.named()?;
    if targets.is_empty() {
        targets = EMBEDDED.iter().map(|name| Target::store(name)).collect::<Result<_, _>>()?;
    }
    let mut config =
        Config::default().with_cases(arguments.cases).with_steps(arguments.steps).with_seed(arguments.seed);
    config.budget = arguments.budget;
    config = config.with_effort(match arguments.profile {
        ProfileName::Quick => Effort::Quick,
        ProfileName::Full => Effort::Full,
    });
    if let Some(pattern) = &arguments.rules {
        refuse_without_rules(pattern)?;
        config = config.with_rules(pattern);
    }
    // A file that cannot be read is told before the suite runs.
    let known = arguments.known_failures.as_ref();
    let known = known.map(|path| KnownFailures::read(path, arguments.update)).transpose()?;
    let started = Instant::now();
    let jobs = arguments.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let subjects = run_all(&targets, &config, jobs)?;
    let mut report = Report::new(subjects, started.elapsed()).with_seed(config.seed);
    if let (Some(path), Some(known)) = (&arguments.known_failures, known) {
        know(path, known, &mut report, arguments.update)?;
    }
    for (target, subject) in targets.iter().zip(&report.subjects) {
        print_failures(target, subject)?;
    }
    print(&paint(&summary(&report)))?;
    if arguments.format == Format::Github {
        print(&annotations(&report, &|number| targets.get(number)?.file()))?;
    }
    for (form, path) in &arguments.report {
        write_report(*form, path, &report)?;
    }
    print(&format!("next: {}\n", next(arguments, &targets, &report)))?;
    if report.subjects.iter().any(|subject| !subject.is_whole()) {
        return Err("a subject could not be driven to the end; see above".into());
    }
    let held = report.subjects.iter().all(SubjectReport::is_success);
    Ok(if held { Finding::Held } else { Finding::Broken })
}

/// What to do next.
fn next(arguments: &Arguments, targets: &[Target], report: &Report) -> String {
    let command = command();
    let subjects = || targets.iter().zip(&report.subjects);
    if let Some((target, _)) = subjects().find(|(_, subject)| !subject.is_whole()) {
        return match target {
            Target::Adapter { .. } => format!("ask what is wrong: {command} doctor {}", target.options()),
            Target::Store(_) => "see to it that the store can be opened, and run it again".into(),
        };
    }
    let rules = || report.subjects.iter().flat_map(|subject| &subject.rules);
    let gone = rules().filter(|rule| rule.status == Outcome::UnexpectedPass).count();
    let is_broken = |rule: &RuleReport| rule.status.is_broken(rule.rule.rule().level);
    if gone > 0 && arguments.known_failures.is_some() && !rules().any(is_broken) {
        return format!("{} gone: run again with --update", counted(gone, "known failure"));
    }
    let page = arguments.report.iter().find(|(form, _)| matches!(form, Form::Html));
    match (report.subjects.iter().find(|subject| !subject.is_success()), page) {
        (Some(_), Some((_, page))) => format!("open {} in a browser", page.display()),
        (Some(_), None) => "look at the failures in a browser: add --report html=report.html".into(),
        (None, _) if !arguments.targets.is_named() => {
            format!("test a store of your own: {command} new python (or rust, node, php, go)")
        }
        (None, _) => "keep it so, in CI: docs/guides/ci.md".into(),
    }
}

/// Excuses the failures that a file knows; writes those that there are now into it first, if asked to.
fn know(path: &Path, mut known: KnownFailures, report: &mut Report, update: bool) -> Result<(), String> {
    if update {
        known = known.updated(&report.subjects);
        known.write(path)?;
    }
    let today = time::OffsetDateTime::now_utc().date();
    for subject in &mut report.subjects {
        known.apply(subject, today);
    }
    Ok(())
}

/// A pattern must fit a rule that this command checks.
fn refuse_without_rules(pattern: &str) -> Result<(), String> {
    let fits = |rule: RuleId| suite::matches(pattern, rule.rule().id);
    if RuleId::of_stores().chain(RuleId::of_schedules()).any(fits) {
        Ok(())
    } else if RuleId::of_applications().any(fits) {
        Err(format!(
            "`{pattern}` fits only rules about web applications, and `run` checks stores; \
             `sessionspec http` checks an application"
        ))
    } else {
        Err(format!("no rule fits `{pattern}`; `sessionspec rules` lists them"))
    }
}

/// Runs the targets, some at a time; the reports come in the order of the targets.
fn run_all(targets: &[Target], config: &Config, jobs: usize) -> Result<Vec<SubjectReport>, String> {
    let progress = Progress::of("traces");
    let next = Mutex::new(targets.iter().enumerate());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.min(targets.len()) {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().ok().and_then(|mut next| next.next());
                    let Some((index, target)) = taken else { return };
                    let result = run_one(target, config, &progress);
                    if let Ok(mut done) = done.lock() {
                        done.push((index, result));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().map_err(|_| "a run of the suite panicked".to_owned())?;
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn run_one(target: &Target, config: &Config, progress: &Progress) -> Result<SubjectReport, String> {
    let mut subject = target.subject()?;
    let mut progress = progress.subject(&subject.manifest().name);
    Ok(suite::run(&mut *subject, config, &mut |told| match told {
        suite::Progress::Done { done, total } => progress.reach(done, total),
        suite::Progress::Working(on) => progress.work(work(on)),
        suite::Progress::Failed { failure, .. } => progress.say(&found(failure)),
        _ => {}
    }))
}

/// What is being looked at.
fn work(on: Work) -> String {
    match on {
        Work::Rule(rule) => rule.rule().id.into(),
        Work::Corpus => "values, names and keys".into(),
        Work::Generated => "generated traces".into(),
        Work::Overlapping => "what overlaps, fails and dies".into(),
        other => format!("{other:?}"),
    }
}

/// A failure in a line; the whole of it comes at the end.
fn found(failure: &Failure) -> String {
    let rule = failure.rule.rule();
    let steps = counted(failure.trace.steps.len(), "step");
    format!("FAIL r[{}]  {}  {} (in {steps})", rule.id, rule.level, rule.title)
}

fn print_failures(target: &Target, subject: &SubjectReport) -> Result<(), String> {
    let replay = |trace: &Path| format!("{} replay {} {}", command(), trace.display(), target.options());
    for failure in &subject.failures {
        let directory = Path::new(session_conformance::ARTIFACTS);
        let artifacts = write_artifacts(directory, failure.rule, &failure.trace);
        let artifacts = match &failure.sent {
            Some(sent) => artifacts.and_then(|artifacts| write_requests(artifacts, sent)),
            None => artifacts,
        };
        if let Err(error) = &artifacts {
            tell(&format!("the trace could not be kept in {}: {error}", session_conformance::ARTIFACTS));
        }
        let artifacts = artifacts.as_ref().ok().map(|artifacts| (artifacts, &replay as &Replay));
        let block = failure_block(failure, &subject.manifest, artifacts);
        let others: Vec<String> = subject
            .broken_with(failure.rule)
            .into_iter()
            .filter(|with| failure.also.iter().all(|also| also.rule().id != *with))
            .map(|with| format!("r[{with}]"))
            .collect();
        let others =
            if others.is_empty() { String::new() } else { format!("  with it: {}\n", others.join(", ")) };
        print(&paint(&format!("{block}{others}\n")))?;
    }
    let ended = [Outcome::Crash, Outcome::Timeout, Outcome::Flaky];
    for found in subject.rules.iter().filter(|found| ended.contains(&found.status)) {
        let directory = Path::new(session_conformance::ARTIFACTS);
        let artifacts = found.trace.as_ref().and_then(|one| write_artifacts(directory, found.rule, one).ok());
        let artifacts = artifacts.as_ref().map(|artifacts| (artifacts, &replay as &Replay));
        if let Some(block) = ended_block(found, &subject.manifest, artifacts) {
            print(&paint(&format!("{block}\n")))?;
        }
    }
    let is_told = |failure: &&ScheduleFailure| subject.explained_by(failure.violation.rule).is_some();
    for failure in subject.schedule_failures.iter().filter(|failure| !is_told(failure)) {
        let directory = Path::new(session_conformance::ARTIFACTS);
        let kept =
            failure.schedule.as_ref().map(|one| write_schedule(directory, failure.violation.rule, one));
        if let Some(Err(error)) = &kept {
            tell(&format!("the schedule could not be kept in {}: {error}", session_conformance::ARTIFACTS));
        }
        let artifacts = kept.as_ref().and_then(|kept| kept.as_ref().ok());
        let artifacts = artifacts.map(|artifacts| (artifacts, &replay as &Replay));
        print(&paint(&format!("{}\n", schedule_block(failure, &subject.manifest, artifacts))))?;
    }
    Ok(())
}

pub(crate) fn write_report(form: Form, path: &Path, report: &Report) -> Result<(), String> {
    let text = match form {
        Form::Json => to_json(report),
        Form::Junit => to_junit(report)?,
        Form::Html => to_html(report)?,
        Form::Markdown => to_markdown(report),
    };
    fs::write(path, text).map_err(|error| format!("cannot write the report to {}: {error}", path.display()))
}
