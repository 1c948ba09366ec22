//! The operations on a session object. Each is a row of the table below, and nothing else has to be told of it but
//! the model and the subjects that perform it.

use schemars::SchemaGenerator;

use super::argument::{Argument, Entries, Expiry, ExpiryQuery, Field, Form, Source};
use crate::json::{Json, Name, Object};
use crate::observation::AnswerForm;
use crate::trace::START;
use crate::value::TraceValue;

/// Makes the operations from their table. A row is
///
/// ```text
/// /// What it does.
/// Variant(argument: Kind, …) = "name" -> form of the answer,
///     sample [operations that the doctor asks an adapter],
///     simpler [operations that the minimiser puts in its place, the simplest first];
/// ```
///
/// How arguments are written, read and shown is theirs to know ([`Argument`]).
macro_rules! session_operations {
    ($(
        $(#[$doc:meta])*
        $variant:ident $( ( $($argument:ident : $kind:ty),+ ) )? = $name:literal -> $form:ident,
            sample [ $($sample:expr),* ],
            simpler $simpler:expr;
    )+) => {
        /// An operation on a session object.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum SessionOp {
            $( $(#[$doc])* $variant $( ( $($kind),+ ) )?, )+
        }

        impl SessionOp {
            /// The names of all of them.
            pub const NAMES: &[&str] = &[$($name),+];

            /// The name, in traces and on the wire.
            pub fn name(&self) -> &'static str {
                match self { $( Self::$variant { .. } => $name, )+ }
            }

            /// The form of the answer.
            pub fn form(&self) -> AnswerForm {
                match self { $( Self::$variant { .. } => AnswerForm::$form, )+ }
            }

            fn arguments(&self) -> Vec<&dyn Argument> {
                match self { $( Self::$variant $( ( $($argument),+ ) )? => vec![$( $($argument as &dyn Argument),+ )?], )+ }
            }

            pub(crate) fn read(op: &str, line: &Object, source: &mut Source) -> Result<Self, String> {
                match op {
                    $( $name => Ok(Self::$variant $( ( $(<$kind as Argument>::read(op, line, source)?),+ ) )?), )+
                    _ => Err(format!("there is no operation `{op}`")),
                }
            }

            /// The fields of the operation of this name.
            pub(crate) fn fields(op: &str, generator: &mut SchemaGenerator) -> Vec<Field> {
                let mut fields = Vec::new();
                match op {
                    $( $name => { $( $( fields.extend(<$kind as Argument>::fields(generator)); )+ )? } )+
                    _ => {}
                }
                fields
            }

            /// Each operation with arguments to try it with, in an order that makes sense.
            pub(crate) fn samples() -> Vec<Self> {
                use SessionOp::*;
                let mut samples = Vec::new();
                $( samples.extend(Vec::from([$($sample),*])); )+
                samples
            }

            /// Operations that are simpler than this one, the simplest first.
            pub(crate) fn simpler(&self) -> Vec<Self> {
                use SessionOp::*;
                match self {
                    $( Self::$variant $( ( $($argument),+ ) )? => {
                        $( $( let _ = $argument; )+ )?
                        Vec::from($simpler)
                    } )+
                }
            }
        }
    };
}

session_operations! {
    /// Tells whether the session has neither a key nor data; reads nothing.
    IsEmpty = "is-empty" -> Bool,
        sample [IsEmpty],
        simpler [];
    /// Sets an entry.
    Set(name: Name, value: TraceValue) = "set" -> Unit,
        sample [Set(a(), one())],
        simpler [Set(a(), one()), Set(a(), value.clone()), Set(name.clone(), one())];
    /// Gives the value of an entry.
    Get(name: Name) = "get" -> Value,
        sample [Get(a()), Get("absent".into())],
        simpler [Get(a())];
    /// Tells whether there is an entry.
    Contains(name: Name) = "contains" -> Bool,
        sample [Contains(a())],
        simpler [Get(a())];
    /// Sets an entry that is not there; gives what then is.
    SetDefault(name: Name, value: TraceValue) = "set-default" -> Value,
        sample [SetDefault(a(), one())],
        simpler [Set(a(), one())];
    /// Sets several entries.
    Update(entries: Entries) = "update" -> Unit,
        sample [Update(Entries(vec![("b".into(), one())]))],
        simpler {
            let each = entries.0.iter().map(|(name, value)| Set(name.clone(), value.clone()));
            std::iter::once(Set(a(), one())).chain(each).collect::<Vec<_>>()
        };
    /// Appends to the list in an entry, in its place; tells whether there is a list.
    Push(name: Name, value: TraceValue) = "push" -> Bool,
        sample [Push(a(), one())],
        simpler [];
    /// The names of all entries.
    Keys = "keys" -> Names,
        sample [Keys],
        simpler [Get(a())];
    /// The values of all entries.
    Values = "values" -> Values,
        sample [Values],
        simpler [Get(a())];
    /// All entries.
    Items = "items" -> Items,
        sample [Items],
        simpler [Get(a())];
    /// Removes an entry and gives its value.
    Pop(name: Name) = "pop" -> Value,
        sample [Pop(a())],
        simpler [Remove(name.clone())];
    /// Removes an entry and gives its value, or the default.
    PopDefault(name: Name, default: TraceValue) = "pop-default" -> Value,
        sample [PopDefault(a(), one())],
        simpler [];
    /// Removes an entry.
    Remove(name: Name) = "remove" -> Unit,
        sample [Remove("b".into())],
        simpler [];
    /// Sets the test cookie's entry.
    SetTestCookie = "set-test-cookie" -> Unit,
        sample [SetTestCookie],
        simpler [Set(a(), one())];
    /// Tells whether the test cookie came back.
    TestCookieWorked = "test-cookie-worked" -> Bool,
        sample [TestCookieWorked],
        simpler [Get(a())];
    /// Removes the test cookie's entry.
    DeleteTestCookie = "delete-test-cookie" -> Unit,
        sample [DeleteTestCookie],
        simpler [];
    /// Sets the session's own expiry.
    SetExpiry(expiry: Expiry) = "set-expiry" -> Unit,
        sample [
            SetExpiry(Expiry::Seconds(60)),
            SetExpiry(Expiry::Duration(60_000_000)),
            SetExpiry(Expiry::At(START + 60_000_000, 0)),
            SetExpiry(Expiry::Default)
        ],
        simpler {
            let short = [1, 10, -5].map(|seconds| SetExpiry(Expiry::Seconds(seconds)));
            if *expiry == Expiry::Seconds(10) { Vec::new() } else { Vec::from(short) }
        };
    /// The seconds left.
    GetExpiryAge(query: ExpiryQuery) = "get-expiry-age" -> Integer,
        sample [GetExpiryAge(ExpiryQuery::default()), GetExpiryAge(query())],
        simpler [];
    /// The instant of expiry.
    GetExpiryDate(query: ExpiryQuery) = "get-expiry-date" -> Integer,
        sample [GetExpiryDate(query())],
        simpler [];
    /// Whether the session ends with the browser.
    GetExpireAtBrowserClose = "get-expire-at-browser-close" -> Bool,
        sample [GetExpireAtBrowserClose],
        simpler [];
    /// The setting of that name.
    GetSessionCookieAge = "get-session-cookie-age" -> Integer,
        sample [GetSessionCookieAge],
        simpler [];
    /// Stores the session.
    Save = "save" -> Unit,
        sample [Save, Save],
        simpler [];
    /// Stores the session under the key it has, which must be free.
    SaveMustCreate = "save-must-create" -> Unit,
        sample [SaveMustCreate],
        simpler [];
    /// Gives the session another key; its record under the old one goes.
    CycleKey = "cycle-key" -> Unit,
        sample [CycleKey],
        simpler [];
    /// Removes all entries, in memory.
    Clear = "clear" -> Unit,
        sample [Clear],
        simpler [];
    /// Deletes the record.
    Delete = "delete" -> Unit,
        sample [Delete],
        simpler [];
    /// Stores what is in memory under a new key.
    Create = "create" -> Unit,
        sample [Create],
        simpler [Save];
    /// Ends the session: its record, its key and its data go.
    Flush = "flush" -> Unit,
        sample [Flush],
        simpler [];
}

fn a() -> Name {
    "a".into()
}

fn one() -> TraceValue {
    Json::from(1_i64).into()
}

fn query() -> ExpiryQuery {
    ExpiryQuery { modification: Some(START), expiry: Some(Expiry::Seconds(5)) }
}

impl SessionOp {
    /// The fields of its arguments.
    pub(crate) fn write(&self, form: Form, line: &mut Object) {
        for argument in self.arguments() {
            argument.write(form, line);
        }
    }

    /// The operation for a reader.
    pub(crate) fn text(&self) -> String {
        let texts = self.arguments().into_iter().map(Argument::text).filter(|text| !text.is_empty());
        std::iter::once(self.name().to_owned()).chain(texts).collect::<Vec<_>>().join(" ")
    }

    /// The values it takes.
    pub fn values(&self) -> impl Iterator<Item = &TraceValue> {
        self.arguments().into_iter().flat_map(Argument::values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_tried_and_read_as_it_was_written() {
        let samples = SessionOp::samples();
        for name in SessionOp::NAMES {
            assert!(samples.iter().any(|op| op.name() == *name), "`{name}` is never tried");
        }
        for op in samples {
            let mut line = Object::default();
            op.write(Form::Wire, &mut line);
            assert_eq!(SessionOp::read(op.name(), &line, &mut Source::Wire), Ok(op));
        }
    }

    #[test]
    fn what_is_simpler_is_another_operation_and_ends_somewhere() {
        for op in SessionOp::samples() {
            let mut seen = vec![op];
            while let Some(simpler) = seen.last().and_then(|op| op.simpler().into_iter().next()) {
                if seen.contains(&simpler) {
                    break;
                }
                seen.push(simpler);
            }
            assert!(seen.len() < 5, "{seen:?}");
        }
    }
}
