//! The report as a page, as a comment and as annotations: whole, safe whatever a subject says, and with evidence behind
//! every cell. How it looks is seen in a browser (`cargo xtask browser`).

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

const HOSTILE: &str = "<img onerror=alert(1)>|`@all`::error::";

/// As it stands in a script of `sed`, for which `\\n` would be the end of a line.
const MESSAGE: &str = r"</script><script>x(1)</script>\\n::error::y";

struct Reports {
    html: String,
    markdown: String,
    junit: String,
    printed: String,
    /// The files that the run left.
    kept: Vec<String>,
}

/// What comes out for the model, and for one that is broken, has a hostile name and tells hostile messages.
fn reports() -> Reports {
    let directory = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_sessionspec");
    let script = format!(
        "s~\"name\":\"model\"~\"name\":\"{HOSTILE}\"~;\
         s~\"error\":{{\"kind\":\"update-error\",\"message\":\"[^\"]*~\"error\":{{\"kind\":\"corrupt\",\"message\":\"{MESSAGE}~"
    );
    fs::write(directory.path().join("script.sed"), script).unwrap();
    fs::write(directory.path().join("adapter.sh"), format!("{program} serve --model | sed -uf script.sed\n"))
        .unwrap();
    let output = Command::new(program)
        .current_dir(directory.path())
        .args([
            "run",
            "--store",
            "model",
            "--cmd",
            "sh adapter.sh",
            "--cases",
            "0",
            "--rules",
            "lifecycle.*",
            "--format",
            "github",
        ])
        .args(["--report", "html=r.html", "--report", "md=r.md", "--report", "junit=r.xml"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    Reports {
        html: read("r.html"),
        markdown: read("r.md"),
        junit: read("r.xml"),
        kept: fs::read_dir(directory.path().join(session_conformance::ARTIFACTS))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect(),
        printed: String::from_utf8(output.stdout).unwrap(),
    }
}

/// What stands between each `before` and the quote that follows.
fn quoted<'a>(page: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    page.split(before).skip(1).filter_map(|rest| rest.split('"').next())
}

#[test]
fn a_page_needs_no_network_and_leads_from_each_cell_to_its_evidence() {
    let page = reports().html;
    for elsewhere in ["http://", "https://", " src=", "@import", "url("] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    let places: Vec<&str> = quoted(&page, " id=\"").collect();
    let distinct: BTreeSet<&str> = places.iter().copied().collect();
    assert_eq!(places.len(), distinct.len(), "a place has two meanings");
    let links: Vec<&str> = quoted(&page, "href=\"#").collect();
    let lost: Vec<&&str> = links.iter().filter(|link| !distinct.contains(**link)).collect();
    assert!(lost.is_empty() && links.len() > 60, "{} links, of which lost: {lost:?}", links.len());
    let failures = page.matches("<details class=\"failure fail\"").count();
    assert!(failures > 0);
    // What another rule explains is told by the answers that were seen, too.
    assert_eq!(page.matches("<dl class=\"differs\">").count(), failures);
    assert_eq!(page.matches("differs here").count(), failures);
    assert!(page.contains("expected update-error") && page.contains(">got corrupt"), "no picture shows both");
}

#[test]
fn what_another_rule_explains_stands_below_it() {
    let Reports { html, markdown, junit, kept, .. } = reports();
    let (told, rest) = html.split_once("broken with it</summary>").unwrap();
    let told: usize = told.rsplit_once('>').unwrap().1.split(' ').next().unwrap().parse().unwrap();
    let below = rest.split("</section>").next().unwrap();
    assert!(told > 1 && below.matches("<details class=\"failure fail\"").count() >= told);
    assert!(markdown.contains(" rules broken with it: `lifecycle."), "{markdown}");
    // A file that is said to be there is there.
    let mut named = 0;
    for said in html.replace("&#x2f;", "/").split("<code>sessionspec replay ").skip(1) {
        let (file, said) = said.split_once("</code>").unwrap();
        let is_kept = said.split("</p>").next().unwrap().contains("leaves this file there");
        assert_eq!(
            file.strip_prefix(session_conformance::ARTIFACTS)
                .is_some_and(|file| kept.iter().any(|one| *one == file[1..])),
            is_kept
        );
        named += usize::from(is_kept);
    }
    assert!(named > 0);
    let broken: Vec<&str> = junit.split("<testcase").filter(|case| case.contains("<failure")).collect();
    assert!(broken.len() > 1);
    for case in broken {
        assert!(case.contains("   got ") && case.contains("- here"), "{case}");
    }
}

#[test]
fn what_a_subject_says_is_text_on_every_report() {
    let Reports { html, markdown, printed, .. } = reports();
    assert_eq!(html.matches("<script").count(), 1);
    assert!(!html.contains("<img") && html.contains("&lt;img onerror=alert(1)&gt;"));
    let unfenced: String = markdown.split("```").step_by(2).collect();
    assert!(!unfenced.contains("<img") && !unfenced.contains("@all"), "{unfenced}");
    let columns = |line: &&str| line.starts_with('|');
    assert!(unfenced.lines().filter(columns).all(|line| line.matches('|').count() == 8), "{unfenced}");
    // A command of the workflow begins a line; only those that are meant to are there.
    let commands: Vec<&str> = printed.lines().filter(|line| line.trim_start().starts_with("::")).collect();
    assert!(!commands.is_empty());
    let ours =
        |line: &&str| line.starts_with("::error file=adapter.sh,title=") || line.starts_with("::notice ");
    assert!(commands.iter().all(ours), "{commands:#?}");
    // They tell what the comment tells, in its order: the rules that follow from another one stand in its line.
    let annotated = commands.iter().filter(|line| line.starts_with("::error"));
    let annotated: Vec<&str> = annotated
        .filter_map(|line| line.split("title=").nth(1)?.split("::").next()?.rsplit(' ').next())
        .collect();
    let told = unfenced.split("</b> <code>").skip(1).filter_map(|rest| rest.split('<').next());
    assert_eq!(annotated, told.take(annotated.len()).collect::<Vec<_>>());
    assert!(commands[0].contains(" broken with it: "), "{}", commands[0]);
}
