//! `sessionspec compare`: two subjects on the same traces, and the first difference between them.

use session_conformance::compare::{Difference, compare_trace, values_of_one};
use session_conformance::generate::Generator;
use session_conformance::minimise::minimise;
use session_conformance::report::counted;
use session_conformance::subject::Subject;
use session_conformance::suite::Config;

use crate::Finding;
use crate::output::print;
use crate::target::TargetArguments;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    targets: TargetArguments,
    /// Generated traces
    #[arg(long, value_name = "N", default_value_t = Config::default().cases)]
    cases: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let targets = arguments.targets.named()?;
    let [first, second] = targets.as_slice() else {
        return Err("name two subjects with --store and --cmd".into());
    };
    let (mut a, mut b) = (first.subject()?, second.subject()?);
    let names = (a.manifest().name.clone(), b.manifest().name.clone());
    let config = Config::default();
    let golden = session_conformance::golden::traces().map_err(|error| error.to_string())?;
    let generated = Generator::new(a.manifest(), config.seed, config.steps).take(arguments.cases);
    let mut traces = 0;
    for trace in golden.into_iter().chain(generated) {
        traces += 1;
        if differs(&mut *a, &mut *b, &trace)?.is_none() {
            continue;
        }
        // One that can no longer be driven ends the search.
        let small = minimise(&trace, 500, |candidate| {
            differs(&mut *a, &mut *b, candidate).ok().map(|found| found.is_some())
        });
        let Some(difference) = differs(&mut *a, &mut *b, &small)? else { continue };
        print(&format!("{}\n", difference.to_text(&small, &names.0, &names.1)))?;
        return Ok(Finding::Broken);
    }
    print(&format!("{} and {} do the same on {}\n", names.0, names.1, counted(traces, "trace")))?;
    let left_out = values_of_one(a.manifest(), b.manifest());
    if !left_out.is_empty() {
        let classes: Vec<String> = left_out.iter().map(ToString::to_string).collect();
        print(&format!("left out, since only one of them keeps it: {}\n", classes.join(", ")))?;
    }
    Ok(Finding::Held)
}

fn differs(
    a: &mut dyn Subject,
    b: &mut dyn Subject,
    trace: &session_conformance::trace::Trace,
) -> Result<Option<Difference>, String> {
    compare_trace(a, b, trace).map_err(|fault| fault.to_string())
}
