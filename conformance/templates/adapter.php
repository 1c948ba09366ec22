<?php
// An adapter for sessionspec: a store that is an array. It needs PHP and nothing else. Put your own store in the place of
// `$records`, and say in HELLO what it can do.
//
// Requests come as lines of JSON on stdin; each gets one line of answer on stdout, with the same `id`. Session data stays
// the text that it is: what `json_decode` makes of it would not keep all of it.

const HELLO = [
    'protocol' => 1,
    'name' => 'my-store',
    'version' => '1.0',
    'language' => 'PHP',
    'level' => 'store', // a bare store: the suite brings the sessions
    'clock' => 'virtual', // time is what `now` says, in microseconds since 1970
    'capabilities' => [
        'persistent' => false, // a restart forgets everything
        'shared' => false, // there is one handle, whatever `client` says
        'server_side' => true, // the key is not the data
        'expired' => 'gone', // nobody sees an expired record again
        'clear_expired' => 'automatic', // so there is nothing to clear
        'max_record_bytes' => null,
    ],
    'values' => [
        'order' => 'kept',
        'big_integers' => 'kept',
        'non_finite' => 'kept',
        'lone_surrogates' => 'kept',
        'deep_nesting' => 'kept',
    ],
];

$records = []; // key -> ['data' => text, 'expires' => microseconds]

// The fields of an object, each as the text that it is.
function fields(string $line): array
{
    $found = [];
    $depth = 0;
    $name = null;
    $start = null;
    $length = strlen($line);
    for ($at = 0; $at < $length; $at++) {
        $c = $line[$at];
        if ($c === '"') {
            $from = $at;
            for ($at++; ($at += strcspn($line, '"\\', $at)) < $length && $line[$at] !== '"'; $at += 2) {
                // A backslash, and what it escapes: not the end of the text.
            }
            if ($depth === 1 && $start === null) {
                $name = json_decode(substr($line, $from, $at + 1 - $from));
            }
            continue;
        }
        if ($depth === 1 && $start !== null && ($c === ',' || $c === '}')) {
            $found[$name] = trim(substr($line, $start, $at - $start));
            $start = null;
        } elseif ($depth === 1 && $start === null && $c === ':') {
            $start = $at + 1;
        }
        $depth += (int) ($c === '{' || $c === '[') - (int) ($c === '}' || $c === ']');
    }
    return $found;
}

function ok(string $text): string
{
    return "\"ok\":$text";
}

function error(string $kind, string $message): string
{
    return '"error":' . json_encode(['kind' => $kind, 'message' => $message]);
}

function answer(array $request): string
{
    global $records;
    $op = json_decode($request['op']);
    // A number in front would make PHP take the key of an array for an integer.
    $key = isset($request['key']) ? 'k' . $request['key'] : null;
    if ($op === 'hello') {
        return ok(json_encode(HELLO));
    }
    if ($op === 'open' || $op === 'reopen') { // fresh storage; and for an array a restart is no different
        $records = [];
        return ok('null');
    }
    if ($op === 'clear-expired' || $op === 'bye') {
        return ok('null');
    }
    if (isset($records[$key]) && $records[$key]['expires'] <= (int) $request['now']) {
        unset($records[$key]); // at its instant a record is expired
    }
    $record = $records[$key] ?? null;
    switch ($op) {
        case 'exists':
            return ok($record ? 'true' : 'false');
        case 'load':
            return ok($record ? "{\"data\":{$record['data']},\"expires_us\":{$record['expires']}}" : 'null');
        case 'insert':
            if ($record) {
                return error('create-error', 'the key is taken');
            }
            break;
        case 'update':
            if (!$record) {
                return error('update-error', 'there is no such record');
            }
            break;
        case 'delete':
            unset($records[$key]);
            return ok('null');
        default:
            return error('protocol', "there is no operation `$op`");
    }
    $records[$key] = ['data' => $request['data'], 'expires' => (int) $request['expires_us']];
    return ok('null');
}

ini_set('memory_limit', '512M');
while (($line = fgets(STDIN)) !== false) {
    $request = fields($line);
    fwrite(STDOUT, "{\"id\":{$request['id']}," . answer($request) . "}\n");
    if ($request['op'] === '"bye"') {
        break;
    }
}
