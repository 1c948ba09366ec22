//! The JSON schema of the protocol: of each request, made from the tables of operations, of answers, and of the
//! manifest; and what a manifest lacks by it.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::{Manifest, PROTOCOL_ERROR, STORE_OPS, Settings, State};
use crate::json::{Json, Name};
use crate::observation::ErrorKind;
use crate::op::{Field, SessionOp, StorageOp, joined, object_schema};

/// The JSON schema of requests, answers and the manifest.
pub fn schema() -> serde_json::Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let requests = request_schemas(&mut generator);
    let answer = answer_schema(&mut generator);
    let manifest = generator.subschema_for::<Manifest>();
    let mut definitions = generator.take_definitions(true);
    definitions.insert("Request".into(), serde_json::json!({ "title": "A request", "anyOf": requests }));
    definitions.insert("Answer".into(), answer.to_value());
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The sessionspec protocol, version 1: a line on standard input or output",
        "anyOf": [{ "$ref": "#/$defs/Request" }, { "$ref": "#/$defs/Answer" }],
        "$defs": definitions,
        "manifest": manifest,
    })
}

fn request_schemas(generator: &mut SchemaGenerator) -> Vec<Schema> {
    let described = |kind: &str, text: &str| json_schema!({ "type": kind, "description": text });
    let id = || {
        vec![Field::new(
            "id",
            json_schema!({ "type": "integer", "minimum": 0, "description": "Echoed in the answer." }),
        )]
    };
    let now = || {
        Field::new("now", described("integer", "The present instant, in microseconds since the Unix epoch."))
    };
    let client = || {
        let description =
            "The handle on the storage; 2 is one on another storage, and comes only if that is announced.";
        Field::new("client", json_schema!({ "enum": [0, 1, 2], "description": description })).optional()
    };
    let number = || {
        let schema = json_schema!({ "type": "integer", "minimum": 1, "description": "The session object." });
        Field::new("session", schema)
    };
    let key = || Field::new("key", described("string", "The key."));
    let record = || {
        vec![
            Field::new(
                "data",
                json_schema!({
                    "type": ["object", "string"],
                    "description": "The entries of the record; with `opaque` in the manifest their JSON as one text.",
                }),
            ),
            Field::new(
                "expires_us",
                described("integer", "Its expiry, in microseconds since the Unix epoch."),
            ),
        ]
    };
    let mut requests = vec![
        ("hello", vec![Field::new("protocol", described("integer", "The version that the suite speaks."))]),
        ("bye", Vec::new()),
        ("now", vec![now()]),
        (
            "open",
            vec![
                now(),
                Field::new("dir", described("string", "A directory that is the subject's own.")).optional(),
                Field::new("settings", generator.subschema_for::<Settings>()).optional(),
                Field::new(
                    "keep",
                    described(
                        "boolean",
                        "Whether to open what a killed process has left, instead of emptying it.",
                    ),
                )
                .optional(),
            ],
        ),
        (
            "session",
            vec![
                now(),
                number(),
                client(),
                Field::new(
                    "key",
                    json_schema!({ "type": ["string", "null"], "description": "The key; null for none." }),
                ),
            ],
        ),
        (
            "force-keys",
            vec![
                now(),
                client(),
                Field::new(
                    "keys",
                    json_schema!({ "type": "array", "items": { "type": "string" }, "description": "The next candidates." }),
                ),
            ],
        ),
    ];
    let known = |op: &str| StorageOp::wire_named(op, || Ok(())).ok().flatten();
    for name in StorageOp::<()>::NAMES {
        // What is not on the wire is left out; `force-key` has another name there, and stands above.
        let Some(op) = known(name) else { continue };
        let keys = op.key().map(|()| key());
        let own = if op == StorageOp::Rotate { secret_fields() } else { Vec::new() };
        requests.push((name, [now(), client()].into_iter().chain(keys).chain(own).collect()));
    }
    for name in SessionOp::NAMES {
        requests.push((name, joined([vec![now(), number()], SessionOp::fields(name, generator)])));
    }
    for (name, has_key, has_record) in STORE_OPS {
        let keys = has_key.then(key).into_iter().collect();
        let records = if has_record { record() } else { Vec::new() };
        // Those that a subject with session objects has in the same form stand above.
        if known(name).is_none() {
            requests.push((name, joined([vec![now(), client()], keys, records])));
        }
    }
    requests.into_iter().map(|(op, fields)| object_schema(op, joined([id(), fields]))).collect()
}

/// The fields of the request that replaces the secret.
fn secret_fields() -> Vec<Field> {
    let text = json_schema!({ "type": "string", "description": "The secret that signs from now on." });
    let fallbacks = "Secrets under which signatures are still accepted.";
    vec![
        Field::new("secret", text),
        Field::new(
            "fallbacks",
            json_schema!({ "type": "array", "items": { "type": "string" }, "description": fallbacks }),
        ),
    ]
}

fn answer_schema(generator: &mut SchemaGenerator) -> Schema {
    let kinds: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.name()).chain([PROTOCOL_ERROR]).collect();
    let state = generator.subschema_for::<State>();
    json_schema!({
        "title": "An answer",
        "type": "object",
        "properties": {
            "id": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "As in the request; null where the request had none that could be read.",
            },
            "ok": { "description": "What the operation answers; see the guide for each." },
            "error": {
                "type": "object",
                "properties": {
                    "kind": { "enum": kinds, "description": "The kind, of a closed list." },
                    "message": { "type": "string", "description": "For the reader." },
                },
                "required": ["kind"],
                "additionalProperties": false,
            },
            "session": state,
        },
        "required": ["id"],
        "oneOf": [{ "required": ["ok"] }, { "required": ["error"] }],
        "additionalProperties": false,
    })
}

/// The fields that a manifest must have and this one has not, each by its path.
pub(super) fn missing(manifest: &Json) -> Vec<String> {
    let schema = schemars::schema_for!(Manifest).to_value();
    let mut missing = Vec::new();
    note_missing("", &schema, &schema["$defs"], manifest, &mut missing);
    missing
}

fn note_missing(
    path: &str,
    schema: &serde_json::Value,
    definitions: &serde_json::Value,
    json: &Json,
    missing: &mut Vec<String>,
) {
    let Some(entries) = json.entries() else { return };
    let fields = schema["properties"].as_object();
    for (name, field) in fields.into_iter().flatten() {
        let given = entries.iter().find(|(other, _)| *other == Name::from(name.as_str()));
        let is_required =
            schema["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name));
        match given {
            None if is_required => missing.push(format!("{path}{name}")),
            None => {}
            Some((_, value)) => {
                let reference = field["$ref"].as_str().and_then(|it| it.strip_prefix("#/$defs/"));
                let field = reference.map_or(field, |name| &definitions[name]);
                note_missing(&format!("{path}{name}."), field, definitions, value, missing);
            }
        }
    }
}
