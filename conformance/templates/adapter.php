<?php
// An adapter for sessionspec: a store that is an array. It needs PHP and nothing else. Put your own store in the place of
// `$records`, and say in HELLO what it can do.
//
// Requests come as lines of JSON on stdin; each gets one line of answer on stdout, with the same `id`.

const HELLO = [
    'protocol' => 1,
    'name' => 'my-store',
    'version' => '1.0',
    'language' => 'PHP',
    'level' => 'store', // a bare store: the suite brings the sessions
    'profile' => 'core', // the rules for the sessions of every framework; 'django' is all of them
    'clock' => 'virtual', // time is what `now` says, in microseconds since 1970
    'opaque' => true, // `data` is one text, which the store keeps as it is
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

$records = []; // key -> ['data' => text, 'expires_us' => microseconds]

function ok(mixed $answer): array
{
    return ['ok' => $answer];
}

function error(string $kind, string $message): array
{
    return ['error' => ['kind' => $kind, 'message' => $message]];
}

function answer(array $request): array
{
    global $records;
    $op = $request['op'];
    // A number in front would make PHP take the key of an array for an integer.
    $key = 'k' . ($request['key'] ?? '');
    if ($op === 'hello') {
        return ok(HELLO);
    }
    if ($op === 'open' || $op === 'reopen') { // fresh storage; and for an array a restart is no different
        $records = [];
        return ok(null);
    }
    if ($op === 'clear-expired' || $op === 'bye') {
        return ok(null);
    }
    if (isset($records[$key]) && $records[$key]['expires_us'] <= $request['now']) {
        unset($records[$key]); // at its instant a record is expired
    }
    $record = $records[$key] ?? null;
    switch ($op) {
        case 'exists':
            return ok($record !== null);
        case 'load':
            return ok($record);
        case 'insert':
            if ($record !== null) {
                return error('create-error', 'the key is taken');
            }
            break;
        case 'update':
            if ($record === null) {
                return error('update-error', 'there is no such record');
            }
            break;
        case 'delete':
            unset($records[$key]);
            return ok(null);
        default:
            return error('protocol', "there is no operation `$op`");
    }
    $records[$key] = ['data' => $request['data'], 'expires_us' => $request['expires_us']];
    return ok(null);
}

ini_set('memory_limit', '512M');
while (($line = fgets(STDIN)) !== false) {
    $request = json_decode($line, true, 512, JSON_THROW_ON_ERROR);
    fwrite(STDOUT, json_encode(['id' => $request['id']] + answer($request), JSON_THROW_ON_ERROR) . "\n");
    if ($request['op'] === 'bye') {
        break;
    }
}
