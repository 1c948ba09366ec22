<?php

/*
 * An adapter for sessionspec: any SessionHandlerInterface, as it is.
 *
 *   php session-handler.php pdo.php   the handler that a file opens (see pdo.php)
 *
 * Requests come as lines of JSON on stdin; each gets one line of answer on stdout, with the same `id`.
 */

ini_set('session.use_cookies', '0');
set_error_handler(function ($severity, $message) { throw new ErrorException($message); });

$module = require $argv[1];
['name' => $name, 'version' => $version, 'open' => $open, 'capabilities' => $capabilities] = $module;

$hello = [
    'protocol' => 1,
    'name' => $name,
    'version' => $version,
    'language' => 'PHP ' . PHP_VERSION,
    'level' => 'key-value', // `read`, `write`, `destroy`: the suite brings the rest
    'profile' => 'core', // what the sessions of every framework must do, and not Django's habits
    'clock' => 'moved', // the store reads the machine's clock, and the suite moves that
    'clock_resolution_us' => 1_000_000, // PHP counts the life of a session in whole seconds
    'capabilities' => $capabilities + ['server_side' => true, 'expired' => 'gone', 'clear_expired' => 'sweeps'],
    'opaque' => true, // PHP hands a store one text for a session; so `data` is one, too
    'values' => [
        'order' => 'kept',
        'big_integers' => 'kept',
        'non_finite' => 'kept',
        'lone_surrogates' => 'kept',
        'deep_nesting' => 'kept',
    ],
    'operations' => $module['operations'] ?? ['touch'], // without `updateTimestamp` none: PHP writes again
    'hooks' => $module['hooks'] ?? [], // 'second-process', if several processes may use the storage at the same time
];

/** Opens the module's handler for one of two sites, in a directory of its own. */
function opened(string $site, bool $fresh): SessionHandlerInterface
{
    global $open, $dir;
    $place = "$dir/$site";
    if (!is_dir($place)) {
        mkdir($place);
    }
    return $open($place, $fresh, $site);
}

/** Does what PHP does around every use of a session: it opens the handler, reads, and closes it. */
function visit(SessionHandlerInterface $handler, string $key, ?callable $use = null): string
{
    global $handlers, $module;
    // A request of PHP has a handler of its own; where that matters, each use of a session gets a new one.
    if (isset($module['renewed'])) {
        $handler = opened($handler === ($handlers[2] ?? null) ? 'two' : 'one', false);
    }
    $handler->open('', 'sessionid');
    try {
        $data = $handler->read($key);
        if ($use !== null && $use($handler) === false) {
            throw new RuntimeException('the handler answered false');
        }
        return $data;
    } finally {
        $handler->close();
    }
}

/** The life of a session is a setting to PHP: the seconds that are left, rounded down. */
function live(int $expires): void
{
    ini_set('session.gc_maxlifetime', (string) (intdiv($expires, 1_000_000) - time()));
}

function answer(object $request): mixed
{
    global $hello, $module, $handlers, $dir;
    $key = $request->key ?? '';
    $handler = $handlers[$request->client ?? 0] ?? null;
    switch ($request->op) {
        case 'hello':
            return $hello;
        case 'open': // fresh storage; with `keep`, what another process has opened
        case 'reopen': // the same again, after a restart
            $dir = $request->dir ?? $dir;
            $fresh = $request->op === 'open' && !($request->keep ?? false);
            $handlers = [opened('one', $fresh), opened('one', false)];
            if ($hello['capabilities']['other_storage'] ?? false) {
                $handlers[] = opened('two', $fresh); // for `client` 2
            }
            return null;
        case 'now':
            return time() * 1_000_000;
        case 'get':
            $data = visit($handler, $key);
            return $data === '' ? null : ['data' => $data]; // no text: no session
        case 'set':
        case 'touch':
            if ($request->expires_us < (time() + 1) * 1_000_000) {
                // Nothing is left of its life, and PHP has no such setting: the session is removed.
                visit($handler, $key, fn ($handler) => $handler->destroy($key));
                return null;
            }
            live($request->expires_us);
            $method = $request->op === 'touch' ? 'updateTimestamp' : 'write';
            visit($handler, $key, fn ($handler) => $handler->$method($key, $request->data));
            return null;
        case 'destroy':
            visit($handler, $key, fn ($handler) => $handler->destroy($key));
            return null;
        case 'clear-expired': // what PHP does now and then
            $handler->open('', 'sessionid');
            $count = $handler->gc($module['life'] ?? (int) ini_get('session.gc_maxlifetime'));
            $handler->close();
            return is_int($count) && $count > 0 ? $count : null;
        case 'bye':
            return null;
    }
    throw new DomainException("there is no operation `{$request->op}`");
}

while (($line = fgets(STDIN)) !== false) {
    $request = json_decode($line, false, 512, JSON_THROW_ON_ERROR);
    try {
        $outcome = ['ok' => answer($request)];
    } catch (Throwable $error) {
        $kind = $error instanceof DomainException ? 'protocol' : 'unavailable';
        $outcome = ['error' => ['kind' => $kind, 'message' => $error->getMessage()]];
    }
    fwrite(STDOUT, json_encode(['id' => $request->id] + $outcome, JSON_THROW_ON_ERROR) . "\n");
    if ($request->op === 'bye') {
        break;
    }
}
